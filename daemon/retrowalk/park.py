"""Stop every belt that a dead daemon's session may have left moving: the service manager's last resort."""

import asyncio
from dataclasses import dataclass

from retrowalk.app import App
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.keepsakes import Keepsakes
from retrowalk.settings import Settings

WITHIN_S = 60.0
"""The service manager waits so long; a treadmill that cannot be found by then has to be stopped by hand."""


@dataclass(frozen=True, slots=True)
class Parked:
    """How it ended for one treadmill."""

    treadmill: str
    at_rest: bool
    reached: bool


async def park(settings: Settings, backend: Backend = PLATFORM, within_s: float = WITHIN_S) -> list[Parked]:
    """Connect to each treadmill with a moving-marker and stop it, unless it is known to rest."""
    left = [t for t in settings.treadmills if Keepsakes(settings.paths.state, t.id, "").left_running]
    if not left:
        return []
    app = App(settings.model_copy(update={"treadmills": tuple(left), "schedule": ()}), backend=backend)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    stations = list(app.stations.values())
    reached: set[str] = set()
    async with app.running():
        while loop.time() < deadline and any(station.controller.marked for station in stations):
            reached |= {station.id for station in stations if station.controller.guard.connected}
            await asyncio.sleep(0.1)
        return [Parked(s.id, not s.controller.marked, s.id in reached) for s in stations]
