"""Looking for treadmills: what is found, what is said of it, and what is left alone."""

import asyncio
from dataclasses import replace
from typing import Self

import pytest
from bleak import BleakClient
from bleak.args.bluez import BlueZAdapterArgs
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.device import BLEDevice
from bleak_retry_connector import establish_connection
from bumble.core import AdvertisingData

from blefit import uuids
from blefit.ftms.advertisement import MachineType
from retrowalk.app import App
from retrowalk.ble.errors import LinkError, NotFound, Unreachable
from retrowalk.ble.kinds import STRAP
from retrowalk.ble.scanner import find, scan
from retrowalk.settings import Settings, Treadmill

ADDRESS = "C0:00:00:00:00:01"
OTHER = "C0:00:00:00:00:02"


async def test_a_scan_merges_the_advertisement_with_the_scan_response(tread, radio) -> None:
    await find(ADDRESS, 60, radio.backend)  # it is on the air, which takes BlueZ a while
    (found,) = await scan(2, radio.backend)
    assert (found.name, found.address, found.rssi) == ("Bare Tread", "C0:00:00:00:00:01", -50)
    assert found.machine_types == MachineType.TREADMILL
    assert found.available is True


@pytest.mark.parametrize(
    ("service_data", "available", "types"),
    [
        ("261801 0100", True, MachineType.TREADMILL),
        ("261800 0100", False, MachineType.TREADMILL),
        ("261801 2000", True, MachineType.INDOOR_BIKE),
        ("261801", None, MachineType(0)),
        (None, None, MachineType(0)),
    ],
)
async def test_what_the_service_data_says_and_does_not_say(
    tread, radio, service_data, available, types
) -> None:
    await tread.advertise(None if service_data is None else bytes.fromhex(service_data))
    (found,) = await scan(2, radio.backend)
    assert (found.available, found.machine_types) == (available, types)
    assert found.service_data == (service_data and bytes.fromhex(service_data)[2:]), "as it was heard"


async def test_a_treadmill_may_tell_its_service_by_the_data_of_it_alone(radio) -> None:
    device = await radio.peripheral_device("Odd", ADDRESS)
    told = [
        (AdvertisingData.COMPLETE_LOCAL_NAME, b"Odd"),
        (AdvertisingData.SERVICE_DATA_16_BIT_UUID, bytes.fromhex("261801 0100")),
    ]
    await device.start_advertising(advertising_data=bytes(AdvertisingData(told)))
    assert (await find("*", 10, radio.backend)).name == "Odd"
    with pytest.raises(NotFound):
        await find(ADDRESS, 2, radio.backend, STRAP)


async def test_other_devices_are_not_listed(tread, radio) -> None:
    lamp = await radio.peripheral_device("Lamp", OTHER)
    name = (AdvertisingData.COMPLETE_LOCAL_NAME, b"Lamp")
    await lamp.start_advertising(advertising_data=bytes(AdvertisingData([name])))
    assert [found.name for found in await scan(5, radio.backend)] == ["Bare Tread"]


async def test_a_machine_that_is_connected_already_is_found_though_it_is_silent(tread, radio) -> None:
    seen = await find(ADDRESS, 60, radio.backend)
    await establish_connection(BleakClient, seen.device, seen.name, backend=radio.backend.client)
    await tread.device.stop_advertising()
    (found,) = await scan(2, radio.backend)
    assert (found.name, found.address, found.rssi) == (seen.name, seen.address, None)
    async with asyncio.timeout(1):  # before anything is searched for: its belt may run
        assert (await find(seen.address, 10, radio.backend)).address == seen.address
    for other in (OTHER, "Another*"):
        with pytest.raises(NotFound):
            await find(other, 2, radio.backend)


class TwoAdapters(BaseBleakAdapter):
    """BlueZ with two adapters; a machine is connected on the second, of which it says so."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    async def get(cls, *, bluez: BlueZAdapterArgs, **_: object) -> Self:
        return cls(bluez.get("adapter", "hci0"))

    async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
        services = {uuids.full(uuids.FITNESS_MACHINE_SERVICE), uuids.full(uuids.HEART_RATE_SERVICE)}
        mine = self.name == "hci1" and services.intersection(service_uuids)
        path = f"/org/bluez/hci1/dev_{ADDRESS.replace(':', '_')}"
        return [BLEDevice(ADDRESS, "Bare Tread", {"path": path})] if mine else []


@pytest.mark.parametrize(
    ("adapter", "wanted", "found"),
    [
        ("hci1", ADDRESS, True),
        ("hci1", "Bare*", True),
        (None, ADDRESS, True),
        (None, "Bare*", True),
        ("hci0", ADDRESS, True),
        ("hci0", "Bare*", False),
    ],
)
async def test_a_machine_that_is_connected_already_is_found_on_whatever_adapter_that_may_be_ours(
    radio, adapter: str | None, wanted: str, found: bool
) -> None:
    looking = find(wanted, 0.1, replace(radio.backend, adapter=TwoAdapters, hci=adapter))
    if not found:
        with pytest.raises(NotFound):
            await looking
        return
    machine = await looking
    assert (machine.address, machine.adapter) == (ADDRESS, "hci1")


@pytest.mark.parametrize("wanted", [ADDRESS, "*"])
async def test_one_that_is_connected_on_another_adapter_is_no_strap(radio, wanted: str) -> None:
    with pytest.raises(NotFound, match="no heart rate strap"):
        await find(wanted, 0.1, replace(radio.backend, adapter=TwoAdapters), STRAP)


async def test_those_in_the_air_are_listed_before_those_that_are_connected(put_up, radio) -> None:
    await put_up()
    seen = await find(ADDRESS, 60, radio.backend)
    await establish_connection(BleakClient, seen.device, seen.name, backend=radio.backend.client)
    await put_up(address=OTHER)
    assert [found.address for found in await scan(2, radio.backend)] == [OTHER, ADDRESS]


@pytest.mark.parametrize("wanted", ["C0:00:00:00:00:01", "c0:00:00:00:00:01", "Bare Tread", "bare*", "*"])
async def test_a_machine_is_found_by_address_name_or_pattern_as_soon_as_it_is_heard(
    tread, radio, wanted
) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert (await find(wanted, 10, radio.backend)).address == "C0:00:00:00:00:01"
    assert loop.time() - started < 1


@pytest.mark.parametrize("wanted", ["C0:00:00:00:00:09", "Other*"])
async def test_a_machine_that_is_not_there_is_not_found_after_the_time_given(tread, radio, wanted) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(NotFound, match="in the air: switch it on"):
        await find(wanted, 10, radio.backend)
    assert loop.time() - started == pytest.approx(10, abs=0.1)


async def test_a_name_is_a_whole_name(put_up, radio) -> None:
    await put_up(name="Bare Tread 2", address=OTHER)
    looking = asyncio.create_task(find("Bare Tread", 10, radio.backend))
    await asyncio.sleep(5)
    await put_up()
    assert (await looking).address == ADDRESS


async def test_a_free_machine_goes_before_one_in_use(put_up, radio) -> None:
    busy = await put_up(address=OTHER)
    await busy.advertise(bytes.fromhex("261800 0100"))
    await asyncio.sleep(1)
    await put_up()
    assert (await find("bare*", 10, radio.backend)).address == "C0:00:00:00:00:01"


async def test_a_free_machine_is_waited_for_to_the_end(put_up, radio) -> None:
    busy = await put_up(address=OTHER)
    await busy.advertise(bytes.fromhex("261800 0100"))
    looking = asyncio.create_task(find("bare*", 10, radio.backend))
    await asyncio.sleep(8)
    await put_up()
    assert (await looking).address == ADDRESS


async def test_a_machine_that_says_it_is_in_use_is_taken_when_no_other_comes(tread, radio) -> None:
    await tread.advertise(bytes.fromhex("261800 0100"))
    assert (await find("bare*", 10, radio.backend)).available is False


async def test_by_its_address_a_machine_in_use_is_taken_at_once(tread, radio) -> None:
    """It may be us whom it takes for a user: the link was lost a moment ago, and the belt may run."""
    await tread.advertise(bytes.fromhex("261800 0100"))
    async with asyncio.timeout(1):
        assert (await find(ADDRESS, 10, radio.backend)).available is False


async def test_a_machine_found_by_its_address_need_not_advertise_the_service(radio) -> None:
    device = await radio.peripheral_device("Odd", OTHER)
    await device.start_advertising(advertising_data=b"\x02\x01\x06")
    assert (await find(OTHER, 10, radio.backend)).name == ""


async def test_a_machine_is_taken_with_its_name_though_that_comes_later(tread, radio) -> None:
    await tread.advertise(name="")
    looking = asyncio.create_task(find("C0:00:00:00:00:01", 10, radio.backend))
    await asyncio.sleep(1)
    await tread.advertise(name="Bare Tread")
    assert (await looking).name == "Bare Tread"


@pytest.mark.parametrize("wanted", ["C0:00:00:00:00:01", "*"])
async def test_a_machine_without_a_name_is_waited_for_2_s_and_taken(tread, radio, wanted) -> None:
    await tread.advertise(name="")
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert (await find(wanted, 10, radio.backend)).name == ""
    assert loop.time() - started == pytest.approx(2, abs=0.2)


async def test_what_a_machine_without_a_name_said_last_is_kept(tread, radio) -> None:
    await tread.advertise(None, name="")
    looking = asyncio.create_task(find(ADDRESS, 10, radio.backend))
    await asyncio.sleep(1)
    await tread.advertise(name="")
    assert (await looking).available is True


async def test_a_name_that_bluez_made_of_the_address_is_none(tread, radio) -> None:
    class Bluez(radio.backend.scanner):
        def create_or_update_device(self, key, address, name, details, adv):
            return super().create_or_update_device(
                key, address, name or address.replace(":", "-"), details, adv
            )

    await tread.advertise(name="")
    (found,) = await scan(2, replace(radio.backend, scanner=Bluez))
    assert found.name == ""


async def test_the_name_in_the_air_goes_before_the_one_the_system_remembers(tread, radio) -> None:
    class Bluez(radio.backend.scanner):
        def create_or_update_device(self, key, address, _name, details, adv):
            return super().create_or_update_device(key, address, "Of last year", details, adv)

    (found,) = await scan(2, replace(radio.backend, scanner=Bluez))
    assert found.name == "Bare Tread"


async def test_without_an_adapter_there_is_a_sentence_with_what_to_do(tread, radio) -> None:
    radio.unplug()
    for look in (scan(2, radio.backend), find("*", 2, radio.backend)):
        with pytest.raises(Unreachable, match="no Bluetooth adapter: plug one in"):
            await look
    radio.plug_in()
    assert await scan(2, radio.backend)


@pytest.mark.parametrize(
    "look", [lambda backend: scan(20, backend), lambda backend: find("nobody", 20, backend)]
)
async def test_a_search_that_is_cancelled_while_the_adapter_is_gone_is_cancelled(tread, radio, look) -> None:
    searching = asyncio.create_task(look(radio.backend))
    await asyncio.sleep(5)
    radio.unplug()
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching


async def test_the_adapter_that_is_named_searches(tread, radio) -> None:
    assert await find(ADDRESS, 2, replace(radio.backend, hci="hci0"))
    absent = replace(radio.backend, hci="hci7")
    for searching in (find(ADDRESS, 2, absent), scan(1, absent)):
        with pytest.raises(LinkError, match="adapter 'hci7' not found"):
            await searching


async def test_the_config_names_the_adapter(tread, radio) -> None:
    treadmill = Treadmill(id="home", address=ADDRESS, adapter="hci7")
    app = App(Settings(treadmills=(treadmill,)), backend=radio.backend, speak=lambda _: ())
    async with app.running():
        await asyncio.sleep(1)
        state = app.hubs["home"].latest
        assert state is not None
        assert "adapter 'hci7' not found" in state.snapshot.link
