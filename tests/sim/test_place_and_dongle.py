"""A treadmill in reach of other programs: over a transport, by Bumble's host, as bleak sees it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from retrowalk.ble.errors import Unreachable
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find, scan
from retrowalk.cli.bluetooth import bluetooth
from retrowalk.core.model import Characteristic, Connected, Happening, Lost, Notified
from retrowalk.machines import load_machine
from retrowalk.sim.dongle import Dongle
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.place import Place, place

ADDRESS = "F2:00:00:00:18:26"
REQUEST_CONTROL, START = b"\x00", b"\x07"


@contextlib.asynccontextmanager
async def treadmill(*transports: str) -> AsyncIterator[tuple[Treadmill, Place]]:
    """One, switched on."""
    machine = Treadmill(quirks_of(load_machine("spec")))
    async with (
        place(machine.quirks.link.name, ADDRESS, *(transports or ("tcp-server:127.0.0.1:0",))) as there,
        Peripheral(machine, there.device, there.cut),
    ):
        yield machine, there


async def until(holds: Callable[[], object], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)


def way_in(there: Place) -> str:
    return there.transports[0].replace("server", "client")


async def connected(host: Dongle, posted: list[Happening]) -> Link:
    found = await find(ADDRESS, 5, host.backend)
    return await Link.open(found, 1, posted.append, backend=host.backend)


async def test_each_of_several_transports_has_an_adapter_of_its_own() -> None:
    async with treadmill("tcp-server:127.0.0.1:0", "tcp-server:127.0.0.1:0") as (_, there):
        hosts = [Dongle(transport.replace("server", "client")) for transport in there.transports]
        for host in hosts:
            (found,) = await scan(0.4, host.backend)
            assert found.address == ADDRESS
        link = await connected(hosts[1], [])
        assert await scan(0.4, hosts[0].backend) == [], "it takes one client, and has one"
        await link.close()


async def test_found_connected_driven_and_hung_up() -> None:
    async with treadmill() as (machine, there):
        host = Dongle(way_in(there))
        (found,) = await scan(0.4, host.backend)
        assert (found.name, found.address, found.available) == ("retrowalk spec", ADDRESS, True)
        posted: list[Happening] = []
        link = await connected(host, posted)
        for ticket, frame in enumerate((REQUEST_CONTROL, START)):
            link.write(ticket, frame)
            answer = Notified(1, Characteristic.CONTROL_POINT, b"\x80" + frame + b"\x01")
            await until(lambda answer=answer: answer in posted)
        assert isinstance(posted[0], Connected)
        assert machine.is_started
        assert [one.address for one in await scan(0.3, host.backend)] == [ADDRESS]  # connected, not heard
        await link.close()
        await until(lambda: not there.device.connections)


async def test_a_link_that_is_cut_is_lost_on_both_sides() -> None:
    async with treadmill() as (_, there):
        posted: list[Happening] = []
        link = await connected(Dongle(way_in(there)), posted)
        there.cut()
        await until(lambda: isinstance(posted[-1], Lost))
        assert not there.device.connections
        await link.close()


async def test_out_of_reach_it_is_not_heard_until_it_is_back() -> None:
    async with treadmill() as (_, there):
        host = Dongle(way_in(there))
        there.away()
        assert await scan(0.3, host.backend) == []
        there.back()
        assert (await find(ADDRESS, 5, host.backend)).address == ADDRESS


async def test_a_host_that_is_gone_leaves_the_link_up_until_the_next_one_resets_the_controller() -> None:
    async with treadmill() as (_, there):
        _reader, gone = await asyncio.open_connection(*there.transports[0].split(":")[1:])
        gone.write(b"\x01\x03")  # half a packet
        dead = Dongle(way_in(there))
        await connected(dead, [])
        await dead._open.aclose()  # its socket closes, as that of a killed process does
        gone.close()
        await asyncio.sleep(0.05)
        assert there.device.connections
        host = Dongle(way_in(there))
        link = await connected(host, [])
        assert len(there.device.connections) == 1
        await link.close()


async def test_a_controller_that_is_lost_ends_its_links_and_is_opened_again() -> None:
    posted: list[Happening] = []
    async with treadmill() as (_, there):
        host = Dongle(way_in(there))
        link = await connected(host, posted)
    await until(lambda: isinstance(posted[-1], Lost))
    await link.close()
    with pytest.raises(Unreachable, match="nobody listens there"):
        await find(ADDRESS, 1, host.backend)
    async with treadmill(there.transports[0]):
        assert (await find(ADDRESS, 5, host.backend)).address == ADDRESS


async def test_a_treadmill_takes_the_controller_that_is_there() -> None:
    async with treadmill() as (_, other):  # its adapter is our controller
        async with treadmill(way_in(other)) as (_, there):
            assert there.cut is None
            assert there.device.is_advertising
        with pytest.raises(Unreachable, match="nobody listens there: start the program that has"):
            async with treadmill("tcp-client:127.0.0.1:1"):
                pass


@pytest.mark.parametrize(
    ("transport", "told"),
    [
        ("tcp-cleint:1", "there is no transport 'tcp-cleint': did you mean tcp-client?"),
        ("tcp-client", "tcp-client must say where to: for example tcp-client:127.0.0.1:7780"),
        ("tcp-client:7780", "'tcp-client:7780' has no host and port: for example tcp-client:127.0.0.1:7780"),
        ("tcp-client:127.0.0.1:77800", "'tcp-client:127.0.0.1:77800' has no host and port"),
        ("vhci:/nowhere/vhci", "there is no /nowhere/vhci: load the kernel module (sudo modprobe hci_vhci)"),
        ("tcp-client:no.such.host.invalid:1", "cannot be opened: "),
        ("tcp-server:192.0.2.1:1", "cannot be opened: "),
    ],
)
async def test_a_transport_that_cannot_be_opened_is_told_in_a_sentence(transport: str, told: str) -> None:
    with pytest.raises(Unreachable) as refused:
        async with place("x", ADDRESS, transport):
            pass
    assert told in str(refused.value)


async def test_who_does_not_answer_is_no_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrowalk.sim.place._ANSWERS_WITHIN_S", 0.2)

    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(20)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable, match="does not answer as a Bluetooth controller does"):
        await find(ADDRESS, 1, Dongle(f"tcp-client:127.0.0.1:{port}").backend)
    server.close()


def test_the_adapters_name_says_which_bluetooth() -> None:
    ours = bluetooth()
    assert ours.on("hci1").hci == "hci1"
    dongle = ours.on("bumble:usb:0")
    assert dongle.scanner is not None
    assert ours.on("bumble:usb:0") is dongle  # one controller, however many treadmills it serves
    assert ours.on("bumble:usb:1") is not dongle
