"""What can go wrong on the radio: one class for each different reaction, and the one translation to them.

bleak and BlueZ fail in many ways: exceptions of their own, D-Bus errors by name, ATT errors by number, a bare
EOFError where a request meets our own disconnect, a TimeoutError without a word.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bleak.exc import (
    PROTOCOL_ERROR_CODES,
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)


class LinkError(Exception):
    """A treadmill could not be reached, understood or kept; its text is a sentence for a person."""


class LinkLost(LinkError):  # noqa: N818  it is an event of the day's work, named like the core's Lost
    """The link is gone or of no use any more: take it down, build a new one."""


class AttError(LinkError):
    """The treadmill refused one request with an ATT error code; the link stands."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class NotFound(LinkError):  # noqa: N818  see LinkLost
    """The treadmill is not in the air: look for it again."""


class Unreachable(LinkError):  # noqa: N818  see LinkLost
    """Bluetooth itself is missing, off or forbidden: a person has to act."""


class NotATreadmill(LinkError):  # noqa: N818  see LinkLost
    """The device lacks what a treadmill must have: no use in trying again soon."""


_WANTS_PAIRING: Final = (0x05, 0x0C, 0x0F)
"""Insufficient authentication, encryption key size, encryption (Core, Vol 3, Part F, table 3.4)."""

_NOT_AVAILABLE: Final = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: (
        "this machine has no Bluetooth adapter: plug one in, or look whether `bluetoothctl list` shows it"
    ),
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        "this machine's Bluetooth adapter cannot do Bluetooth Low Energy: plug in one of version 4.0 or newer"
    ),
    BleakBluetoothNotAvailableReason.POWERED_OFF: (
        "Bluetooth is switched off: run `bluetoothctl power on`, and `rfkill unblock bluetooth` if that fails"
    ),
}
_FORBIDDEN: Final = (
    "the system does not let this user use Bluetooth: see the D-Bus policy of BlueZ, "
    "or add the user to the group bluetooth"
)
_NO_BLUETOOTHD: Final = "the Bluetooth service does not run: start it with `sudo systemctl start bluetooth`"
NO_ANSWER: Final = "the Bluetooth service does not answer: restart it with `sudo systemctl restart bluetooth`"
_NO_DBUS: Final = "the D-Bus system bus cannot be reached: start it with `sudo systemctl start dbus`"

_DBUS: Final = {
    "org.freedesktop.DBus.Error.ServiceUnknown": _NO_BLUETOOTHD,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NO_BLUETOOTHD,
    "org.freedesktop.DBus.Error.Spawn.ExecFailed": _NO_BLUETOOTHD,
    "org.freedesktop.DBus.Error.NoReply": NO_ANSWER,
    "org.freedesktop.DBus.Error.AccessDenied": _FORBIDDEN,
    "org.bluez.Error.NotReady": _NOT_AVAILABLE[BleakBluetoothNotAvailableReason.POWERED_OFF],
}


_FORGOTTEN: Final = re.compile(r"device '.*' not found")
"""What bleak says of one that BlueZ knew when it was found, and knows no more."""

_NOT_OFFERED: Final = {
    "org.bluez.Error.NotPermitted": 0x03,
    "org.bluez.Error.NotSupported": 0x06,
}
"""Refusals of one request that bleak passes on by name, and the ATT errors they mean."""


@contextmanager
def translated(doing: str, address: str = "ADDRESS", noun: str = "the treadmill") -> Iterator[None]:
    """Turns what bleak, BlueZ and D-Bus raise into a LinkError: a sentence that begins with `doing`.

    `noun` is what is talked to, `address` is its own, for the command that would help. For use in a task:
    one that is cancelled stays so, whatever fails while bleak tidies up, and also where the answer comes at
    that very moment: `wait_for` of Python 3.11 forgets the cancellation then.
    """
    try:
        yield
    except (BleakError, EOFError, OSError) as error:  # a TimeoutError is an OSError
        _stay_cancelled(error)
        raise _translation(error, doing, address, noun) from error
    _stay_cancelled()


def _stay_cancelled(error: Exception | None = None) -> None:
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError from error


def pairing_advice(address: str) -> str:
    """What to do about a device that talks only to those it is paired with."""
    return f"pair it once with `bluetoothctl pair {address}`"


def _translation(error: Exception, doing: str, address: str, noun: str) -> LinkError:
    while type(error).__module__.startswith("bleak_retry_connector") and isinstance(
        error.__cause__, Exception
    ):
        error = error.__cause__
    match error:
        case BleakBluetoothNotAvailableError():
            return Unreachable(_NOT_AVAILABLE.get(error.reason, _FORBIDDEN))
        case BleakDeviceNotFoundError():
            return NotFound(f"{doing}: {noun} is not in the air any more")
        case BleakGATTProtocolError() if error.code in _WANTS_PAIRING:
            return LinkLost(f"{doing}: {noun} wants to be paired; {pairing_advice(address)}")
        case BleakGATTProtocolError():
            reason = PROTOCOL_ERROR_CODES.get(error.code, "unknown")
            return AttError(f"{doing}: ATT error 0x{error.code:02X} ({reason})", int(error.code))
        case BleakDBusError() if fix := _DBUS.get(error.dbus_error):
            return Unreachable(fix)
        case BleakDBusError() if code := _NOT_OFFERED.get(error.dbus_error):
            return AttError(f"{doing}: {error}", code)
        case EOFError():
            return LinkLost(f"{doing}: the connection ended")
        case TimeoutError():
            return LinkLost(f"{doing}: no answer in time")
        case BleakError() if _FORGOTTEN.match(str(error)):
            return NotFound(f"{doing}: {noun} is not in the air any more")
        case OSError():
            return Unreachable(f"{_NO_DBUS} ({error.strerror or error})")
        case _:
            return LinkLost(f"{doing}: {str(error) or type(error).__name__}")
