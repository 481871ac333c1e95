"""The translation of what bleak and BlueZ raise: which reaction, and what a person reads."""

import asyncio
import contextlib

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak_retry_connector import BleakConnectionError, BleakNotFoundError

from retrowalk.ble.errors import AttError, LinkError, LinkLost, NotFound, Unreachable, translated

Reason = BleakBluetoothNotAvailableReason


def unavailable(reason: Reason) -> BleakBluetoothNotAvailableError:
    return BleakBluetoothNotAvailableError("no", reason)


def dbus(name: str, *body: str) -> BleakDBusError:
    return BleakDBusError(name, list(body))


def caused_by(wrapper: BleakError, cause: Exception) -> BleakError:
    wrapper.__cause__ = cause
    return wrapper


TABLE = [
    (unavailable(Reason.NO_BLUETOOTH), Unreachable, "has no Bluetooth adapter: plug one in"),
    (unavailable(Reason.POWERED_OFF), Unreachable, "switched off: run `bluetoothctl power on`"),
    (unavailable(Reason.NO_BLE_CENTRAL_ROLE), Unreachable, "cannot do Bluetooth Low Energy"),
    (unavailable(Reason.DENIED_BY_SYSTEM), Unreachable, "does not let this user use Bluetooth"),
    (unavailable(Reason.UNKNOWN), Unreachable, "does not let this user use Bluetooth"),
    (dbus("org.freedesktop.DBus.Error.ServiceUnknown"), Unreachable, "systemctl start bluetooth"),
    (dbus("org.freedesktop.DBus.Error.NameHasNoOwner"), Unreachable, "systemctl start bluetooth"),
    (dbus("org.freedesktop.DBus.Error.Spawn.ExecFailed"), Unreachable, "systemctl start bluetooth"),
    (dbus("org.freedesktop.DBus.Error.NoReply"), Unreachable, "systemctl restart bluetooth"),
    (dbus("org.freedesktop.DBus.Error.AccessDenied"), Unreachable, "D-Bus policy"),
    (dbus("org.bluez.Error.NotReady"), Unreachable, "bluetoothctl power on"),
    (FileNotFoundError(2, "No such file or directory"), Unreachable, "D-Bus system bus cannot be reached"),
    (ConnectionRefusedError(111, "Connection refused"), Unreachable, "Connection refused"),
    (BrokenPipeError(32, "Broken pipe"), Unreachable, "Broken pipe"),
    (BleakDeviceNotFoundError("C0"), NotFound, "not in the air any more"),
    (
        caused_by(BleakNotFoundError("x"), BleakError("device 'dev_C0_01' not found")),
        NotFound,
        "not in the air any more",
    ),
    (dbus("org.freedesktop.DBus.Error.UnknownObject", "gone"), LinkLost, "UnknownObject] gone"),
    (dbus("org.bluez.Error.Failed", "Not connected"), LinkLost, "Not connected"),
    (BleakError("Not connected"), LinkLost, "doing it: Not connected"),
    (BleakError(), LinkLost, "doing it: BleakError"),
    (EOFError(), LinkLost, "doing it: the connection ended"),
    (TimeoutError(), LinkLost, "doing it: no answer in time"),
    (
        BleakGATTProtocolError(0x05),
        LinkLost,
        "wants to be paired; pair it once with `bluetoothctl pair C0:01`",
    ),
    (BleakGATTProtocolError(0x0C), LinkLost, "wants to be paired"),
    (BleakGATTProtocolError(0x0F), LinkLost, "wants to be paired"),
    (BleakGATTProtocolError(0x0E), AttError, "ATT error 0x0E (Unlikely Error)"),
    (BleakGATTProtocolError(0xFE), AttError, "ATT error 0xFE (Procedure Already in Progress)"),
    (BleakGATTProtocolError(0xA7), AttError, "ATT error 0xA7 (unknown)"),
    (dbus("org.bluez.Error.NotSupported", "no"), AttError, "NotSupported"),
    (caused_by(BleakNotFoundError("x"), TimeoutError()), LinkLost, "no answer in time"),
    (caused_by(BleakConnectionError("x"), unavailable(Reason.POWERED_OFF)), Unreachable, "power on"),
    (BleakConnectionError("never said why"), LinkLost, "never said why"),
]


@pytest.mark.parametrize(("raised", "reaction", "words"), TABLE, ids=lambda value: str(value)[:40])
async def test_every_foreign_error_becomes_one_reaction_and_one_sentence(raised, reaction, words) -> None:
    with pytest.raises(LinkError) as caught, translated("doing it", "C0:01"):
        raise raised
    assert type(caught.value) is reaction
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (BleakGATTProtocolError(0xFD), 0xFD),
        (dbus("org.bluez.Error.NotPermitted", "no"), 0x03),
        (dbus("org.bluez.Error.NotSupported", "no"), 0x06),
    ],
    ids=str,
)
async def test_an_att_error_keeps_its_code_and_one_told_by_name_gets_it(raised: Exception, code: int) -> None:
    with pytest.raises(AttError) as caught, translated("doing it"):
        raise raised
    assert caught.value.code == code


@pytest.mark.parametrize("bug", [KeyError("x"), ZeroDivisionError(), AssertionError()])
def test_a_bug_is_not_dressed_up_as_a_bad_link(bug) -> None:
    with pytest.raises(type(bug)), translated("doing it"):
        raise bug


def test_what_is_translated_already_passes() -> None:
    with pytest.raises(NotFound, match="as it is"), translated("doing it"):
        raise NotFound("as it is")


async def test_a_cancellation_that_a_library_forgot_is_one_all_the_same() -> None:
    async def ask() -> None:
        with translated("asking"):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(10)
            went_on.append(True)

    went_on: list[bool] = []
    asking = asyncio.create_task(ask())
    await asyncio.sleep(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert went_on
