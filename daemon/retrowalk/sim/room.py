"""A room with one simulated treadmill on the virtual radio, and a person who walks on it and answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from itertools import count

from retrowalk.ble.backend import Backend
from retrowalk.core.faults import CORD
from retrowalk.core.model import Act, Confirm, Request, Snapshot
from retrowalk.machines import MachineFile
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio

ADDRESS = "F2:00:00:00:18:26"
THINKS_S = 2.0
"""From a question to the answer."""
REACTS_S = 3.0
"""From the alarm to the safety cord."""
_LOOKS_EVERY_S = 0.25
_WILLING = {Act.START, Act.STILL, Act.FACING, Act.OK}


class Room:
    """The treadmill that a machine's file describes, in reach of `backend`."""

    def __init__(self, machine: MachineFile, radio: Radio | None = None, address: str = ADDRESS) -> None:
        """With a `radio` that others share, several of these are one room."""
        self.treadmill = Treadmill(quirks_of(machine))
        self._radio = radio or Radio()
        self._address = address

    @property
    def backend(self) -> Backend:
        """The Bluetooth of this room."""
        return self._radio.backend

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Peripheral]:
        """The treadmill is switched on while the block runs."""
        device = await self._radio.peripheral_device(self.treadmill.quirks.link.name, self._address)
        async with Peripheral(self.treadmill, device, lambda: self._radio.cut(device)) as peripheral:
            yield peripheral


class Person:
    """Stands at the treadmill, answers what is asked, pulls the cord when told to. Never clears a fault."""

    def __init__(self, treadmill: Treadmill, submit: Callable[[Request], None]) -> None:
        self.pulled_cord = False
        self._treadmill = treadmill
        self._submit = submit
        self._ids = count(1)

    async def live(self, look: Callable[[], Snapshot | None]) -> None:
        """Look at the state and act on it, until cancelled."""
        loop = asyncio.get_running_loop()
        asked: tuple[Act | None, float] = (None, 0.0)
        alarmed_at: float | None = None
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            state = look()
            if state is None:
                continue
            now = loop.time()
            alarmed = CORD in state.fault_text
            alarmed_at = (alarmed_at or now) if alarmed else None
            if alarmed_at is not None and now - alarmed_at >= REACTS_S and not self.pulled_cord:
                self.pulled_cord = True
                self._treadmill.safety_key.pull()
            if state.awaiting is not asked[0]:
                asked = (state.awaiting, now)
            elif state.awaiting in _WILLING and now - asked[1] >= THINKS_S and self._means_it(state.awaiting):
                asked = (None, now)
                self._submit(Request(f"person-{next(self._ids)}", "person", Confirm(state.awaiting)))

    def _means_it(self, act: Act | None) -> bool:
        return act is not Act.STILL or self._treadmill.belt.speed == 0
