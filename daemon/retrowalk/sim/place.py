"""Where a simulated treadmill stands: alone, in reach of another program's adapter, or on a real radio."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from bumble.core import BaseBumbleError
from bumble.device import Device
from bumble.hci import Address
from bumble.transport.common import PacketParser, StreamPacketSink

from retrowalk.ble.errors import Unreachable
from retrowalk.sim.air import Air, Antenna
from retrowalk.sim.transports import cannot_be_opened, is_for_a_host, opened

LOCAL = "local"
_ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """What a treadmill needs there."""

    device: Device
    """Powered on, ready for services."""
    transports: Sequence[str]
    """Where others come in, by each to an adapter of its own; a port that was 0 is the one that was free."""
    cut: Callable[[], None] | None = None
    """Loses all links without a word; None: a real radio cannot."""
    away: Callable[[], None] | None = None
    """Takes the treadmill out of reach; None: nothing here can."""
    back: Callable[[], None] | None = None
    lost: asyncio.Future[None] | None = None
    """Done when the radio is gone; None where it cannot go."""

    @property
    def is_lost(self) -> bool:
        """The radio is gone."""
        return self.lost is not None and self.lost.done()


@contextlib.asynccontextmanager
async def place(name: str, address: str, *transports: str) -> AsyncIterator[Place]:
    """A place for the treadmill of that name and random static address, while the block runs.

    A transport is `local`, or one of Bumble's: where another program comes for a controller (tcp-server, vhci
    and the like) it gets one with the treadmill in its reach, by each of several such transports; elsewhere
    the treadmill takes the controller that is there. Raises Unreachable.
    """
    first = transports[0]
    if first != LOCAL and not is_for_a_host(first):
        async with _on_a_controller(name, address, first) as found:
            yield found
        return
    air = Air()  # type: ignore[no-untyped-call]  # Bumble's constructor has no types
    device, antenna = await air.device(name, address)

    def away() -> None:
        air.cut(antenna)
        air.controllers.discard(antenna)

    async with contextlib.AsyncExitStack() as adapters:
        come_in = [await adapters.enter_async_context(_adapter(air, one)) for one in transports]
        yield Place(
            device,
            come_in,
            cut=lambda: air.cut(antenna),
            away=away,
            back=lambda: air.controllers.add(antenna),
        )


@contextlib.asynccontextmanager
async def _on_a_controller(name: str, address: str, transport: str) -> AsyncIterator[Place]:
    async with opened(transport) as (source, sink):
        device = Device.with_hci(name, Address(address), source, sink)
        await power_on(device, transport)
        yield Place(device, [transport], lost=source.terminated)


async def power_on(device: Device, transport: str) -> None:
    """Switches on the controller at that transport. Raises Unreachable where there is none."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            await device.power_on()
    except (TimeoutError, BaseBumbleError) as error:
        raise Unreachable(
            f"{transport} does not answer as a Bluetooth controller does: is one there, and free?"
        ) from error


@contextlib.asynccontextmanager
async def _adapter(air: Air, transport: str) -> AsyncIterator[str]:
    """An adapter in that air for whoever comes in by the transport; nobody does where it is local."""
    scheme, _, where = transport.partition(":")
    if scheme == LOCAL:
        yield transport
    elif scheme == "tcp-server":
        antenna = Antenna("adapter", link=air)
        host, _, port = where.rpartition(":")
        try:
            server = await asyncio.get_running_loop().create_server(
                lambda: _Host(antenna), None if host == "_" else host, int(port)
            )
        except OSError as error:
            raise Unreachable(cannot_be_opened(transport, error)) from error
        try:
            yield f"{scheme}:{host}:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            if isinstance(antenna.host, StreamPacketSink):
                antenna.host.close()
    else:
        async with opened(transport) as (source, sink):
            Antenna("adapter", host_source=source, host_sink=sink, link=air)
            yield transport


class _Host(asyncio.Protocol):
    """One host of the antenna after the other, the newest has it.

    Between them it keeps its links, as a dongle does until it is reset. Bumble's own server gives the last
    octets of a killed host to the next one, and may notice the end of the one after it has met the other.
    """

    def __init__(self, antenna: Antenna) -> None:
        self._antenna = antenna
        self._packets = PacketParser(antenna)
        self._sink: StreamPacketSink | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._antenna.host = self._sink = StreamPacketSink(transport)

    def data_received(self, data: bytes) -> None:
        if self._antenna.host is self._sink:
            self._packets.feed_data(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._antenna.host is self._sink:
            self._antenna.host = None
