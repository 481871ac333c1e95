"""Stop every belt that a dead daemon's session may have left moving: the service manager's last resort."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from retrowalk.app import App
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.keepsakes import Keepsakes
from retrowalk.settings import Settings
from retrowalk.station import STOP_WITHIN_S

WITHIN_S = 40.0
"""Less than the service manager grants (TimeoutStopSec): a treadmill that is not found by then has to be
stopped by hand, and somebody has to be told."""


@dataclass(frozen=True, slots=True)
class Parked:
    """How it ended for one treadmill."""

    treadmill: str
    at_rest: bool
    reached: bool


async def park(
    settings: Settings,
    backend: Backend = PLATFORM,
    within_s: float = WITHIN_S,
    *,
    build: Callable[..., App] = App,
) -> list[Parked]:
    """Connect to each treadmill with a moving-marker and stop it, unless it is known to rest.

    `build` makes the App, of the settings and `backend=`.
    """
    left = [t for t in settings.treadmills if Keepsakes(settings.paths.state, t.id, "").left_running]
    if not left:
        return []
    alone = tuple(t.model_copy(update={"heart_rate_strap": None}) for t in left)
    app = build(settings.model_copy(update={"treadmills": alone, "schedule": ()}), backend=backend)
    loop = asyncio.get_running_loop()
    look_until = loop.time() + within_s - STOP_WITHIN_S
    stations = list(app.stations.values())
    async with app.running():
        while loop.time() < look_until and any(  # noqa: ASYNC110 - they tell nobody
            station.controller.marked for station in stations
        ):
            await asyncio.sleep(0.1)
    # Ending it took up to STOP_WITHIN_S more, in which the belt may have come to rest.
    return [Parked(s.id, not s.controller.marked, s.controller.machine is not None) for s in stations]
