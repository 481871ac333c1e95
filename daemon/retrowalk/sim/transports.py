"""Bumble's transports: the ways to a Bluetooth controller, or from one to its host, by their names."""

import contextlib
import difflib
import re
from collections.abc import AsyncIterator

from bumble.transport import open_transport
from bumble.transport.common import Transport

from retrowalk.ble.errors import Unreachable

_EXAMPLES = {
    "tcp-client": "tcp-client:127.0.0.1:7780",
    "tcp-server": "tcp-server:127.0.0.1:7780",
    "ws-client": "ws-client:ws://127.0.0.1:7780",
    "ws-server": "ws-server:127.0.0.1:7780",
    "unix-client": "unix-client:/tmp/hci",
    "unix-server": "unix-server:/tmp/hci",
    "udp": "udp:127.0.0.1:7780,127.0.0.1:7781",
    "serial": "serial:/dev/ttyUSB0,1000000",
    "pty": "pty",
    "file": "file:/dev/ttyS0",
    "vhci": "vhci",
    "hci-socket": "hci-socket:0",
    "usb": "usb:0",
    "pyusb": "pyusb:0",
    "android-emulator": "android-emulator",
    "android-netsim": "android-netsim",
}
_FOR_A_HOST = ("tcp-server", "ws-server", "unix-server", "pty", "vhci")
_NEEDS_NOTHING = ("pty", "vhci", "hci-socket", "android-emulator", "android-netsim")
_ADDRESSED = re.compile(r".+:(\d+)")


def mistake(transport: str) -> str:
    """What is wrong with that name of a transport, as a sentence; empty where nothing is."""
    scheme, _, where = transport.partition(":")
    if scheme not in _EXAMPLES:
        near = difflib.get_close_matches(scheme, _EXAMPLES, n=1)
        return f"there is no transport {scheme!r}: " + (
            f"did you mean {near[0]}?" if near else f"known are local, {', '.join(_EXAMPLES)}"
        )
    if not where and scheme not in _NEEDS_NOTHING:
        return f"{scheme} must say where to: for example {_EXAMPLES[scheme]}"
    if scheme.startswith(("tcp-", "ws-")):
        port = _ADDRESSED.fullmatch(where.rstrip("/"))
        if port is None or int(port[1]) > 65535:
            return f"{transport!r} has no host and port: for example {_EXAMPLES[scheme]}"
    return ""


def is_for_a_host(transport: str) -> bool:
    """There another program will look for a controller; elsewhere there is a controller to use."""
    return transport.partition(":")[0] in _FOR_A_HOST


@contextlib.asynccontextmanager
async def opened(transport: str) -> AsyncIterator[Transport]:
    """That transport, open while the block runs. Raises Unreachable, in a sentence with what to do."""
    if problem := mistake(transport):
        raise Unreachable(problem)
    try:
        way = await open_transport(transport)
    except Exception as error:  # each transport raises what its library does, and Exception itself
        raise Unreachable(cannot_be_opened(transport, error)) from error
    try:
        yield way
    finally:
        with contextlib.suppress(Exception):  # it may be gone, in as many ways as there are transports
            await way.close()


def cannot_be_opened(transport: str, error: Exception) -> str:
    """The sentence about it."""
    return f"{transport} cannot be opened: {_why(transport, error)}"


def _why(transport: str, error: Exception) -> str:
    scheme, _, where = transport.partition(":")
    match error:
        case ConnectionRefusedError():
            return "nobody listens there: start the program that has the controller first"
        case FileNotFoundError() if scheme == "vhci":
            return f"there is no {where or '/dev/vhci'}: load the kernel module (sudo modprobe hci_vhci)"
        case PermissionError():
            return "this user may not: run it as root, or let a udev rule open the device"
        case ImportError():
            return f"{error.name} is not installed, which Bumble needs for it"
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error) or type(error).__name__
