"""Stop every belt that a dead daemon's session may have left moving: the service manager's last resort.

It must work where little else does: with a configuration that was changed meanwhile, or is broken.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retrowalk.app import App
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.keepsakes import Keepsakes, treadmill_of
from retrowalk.settings import Settings, Treadmill
from retrowalk.station import STOP_WITHIN_S
from retrowalk.supervise import StateFolderError

WITHIN_S = 40.0
"""Less than the service manager grants (TimeoutStopSec): a treadmill that is not found by then has to be
stopped by hand, and somebody has to be told."""


@dataclass(frozen=True, slots=True)
class Parked:
    """How it ended for one treadmill."""

    treadmill: str
    at_rest: bool
    reached: bool


def left_moving(folder: Path) -> list[str]:
    """The ids of the treadmills with a moving-marker. Raises StateFolderError where nobody can tell."""
    try:
        found = [treadmill_of(name) for name in os.listdir(folder)]  # noqa: PTH208 - glob() hides what fails
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StateFolderError(
            f"the state folder {folder} cannot be read: {error.strerror}: pull the cord of a belt that moves"
        ) from error
    return sorted(filter(None, found))


async def park(
    settings: Settings,
    backend: Backend = PLATFORM,
    within_s: float = WITHIN_S,
    *,
    build: Callable[..., App] = App,
) -> list[Parked]:
    """Connect to each treadmill with a moving-marker and stop it, unless it is known to rest.

    `build` makes the App, of the settings and `backend=`. Raises StateFolderError if no marker can be read.
    """
    folder = settings.paths.state
    left = {name: _treadmill(settings, folder, name) for name in left_moving(folder)}
    unknown = [Parked(name, at_rest=False, reached=False) for name, known in left.items() if known is None]
    known = tuple(treadmill for treadmill in left.values() if treadmill is not None)
    if not known:
        return unknown
    app = build(settings.model_copy(update={"treadmills": known, "schedule": ()}), backend=backend)
    loop = asyncio.get_running_loop()
    look_until = loop.time() + within_s - STOP_WITHIN_S
    stations = list(app.stations.values())
    async with app.running():
        while loop.time() < look_until and any(  # noqa: ASYNC110 - they tell nobody
            station.controller.marked for station in stations
        ):
            await asyncio.sleep(0.1)
    # Ending it took up to STOP_WITHIN_S more, in which the belt may have come to rest.
    parked = [Parked(s.id, not s.controller.marked, s.controller.machine is not None) for s in stations]
    return parked + unknown


def _treadmill(settings: Settings, folder: Path, name: str) -> Treadmill | None:
    """As the settings say, or where they do not know it any more, as its marker does; None: nobody knows."""
    configured = next((one for one in settings.treadmills if one.id == name), None)
    if configured is None:
        return _remembered(Keepsakes(folder, name, "").left)
    return configured.model_copy(update={"heart_rate_strap": None})


def _remembered(told: Mapping[str, str]) -> Treadmill | None:
    for key in ("address", "match"):  # of a machine that was never connected nothing else was known
        try:
            return Treadmill.model_validate(
                {"id": told["treadmill"], key: told["address"], "adapter": told.get("adapter")}
            )
        except (KeyError, ValueError):
            continue
    return None
