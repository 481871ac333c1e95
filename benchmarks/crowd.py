"""What the simulated treadmill costs with twenty clients, each told of the belt ten times a second.

The clients run in the same process, on the same virtual radio, over the whole GATT stack.

python benchmarks/crowd.py
"""

import asyncio
import logging
import time

from bumble.core import UUID
from bumble.device import Device, Peer

from blefit import uuids
from retrowalk.sim.air import Air
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.model.quirks import LinkQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral

CLIENTS = 20
EVERY_S = 0.1
SECONDS = 60
_ADDRESS = "C0:00:00:00:18:26"


def main() -> None:
    logging.disable()
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        took, heard = runner.run(crowd())
    wanted = CLIENTS * SECONDS / EVERY_S
    print(
        f"{CLIENTS} clients, {1 / EVERY_S:.0f} records a second each: {min(heard)} to {max(heard)} of "
        f"{SECONDS / EVERY_S:.0f} notifications heard by each in {SECONDS} s; "
        f"{100 * took / SECONDS:.0f} % of a processor, {1e6 * took / wanted:.0f} µs a notification, both ends"
    )


async def crowd() -> tuple[float, list[int]]:
    """Processor seconds for all of them, and how many notifications each client heard."""
    air = Air()  # type: ignore[no-untyped-call]  # Bumble's constructor has no types
    device, _ = await air.device("crowd", _ADDRESS)
    quirks = Quirks(link=LinkQuirks(connections=CLIENTS), telemetry=TelemetryQuirks(notify_every_s=EVERY_S))
    treadmill = Treadmill(quirks)
    async with Peripheral(treadmill, device):
        heard = [await listen(air, number) for number in range(CLIENTS)]
        treadmill.console.press("start")
        before = [len(one) for one in heard]
        began = time.process_time()
        await asyncio.sleep(SECONDS)
        took = time.process_time() - began
        return took, [len(one) - count for one, count in zip(heard, before, strict=True)]


async def listen(air: Air, number: int) -> list[bytes]:
    """One more client; what it hears of Treadmill Data."""
    client: Device
    client, _ = await air.device(f"client {number}", f"F0:00:00:00:00:{number:02X}")
    peer = Peer(await client.connect(_ADDRESS))
    await peer.request_mtu(100)
    await peer.discover_services()
    await peer.discover_characteristics()
    heard: list[bytes] = []
    (data,) = peer.get_characteristics_by_uuid(UUID.from_16_bits(uuids.TREADMILL_DATA))
    await peer.subscribe(data, heard.append)
    return heard


if __name__ == "__main__":
    main()
