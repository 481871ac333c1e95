"""The empty-belt test of one treadmill, from its first connection to what is kept of it."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

from blefit.units import Speed, kmh
from retrowalk.app import untested
from retrowalk.belt import Belt
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.connector import Connector
from retrowalk.ble.reading import Reading
from retrowalk.certificate import Certificate
from retrowalk.clock import Wall, utc_now
from retrowalk.core.attending import Verdict
from retrowalk.core.commissioner import Commissioner
from retrowalk.core.commissioning import Measured
from retrowalk.core.model import Machine
from retrowalk.hub import Hub
from retrowalk.journal.recorder import Recorder, Unrecorded
from retrowalk.keepsakes import Keepsakes
from retrowalk.offload import Offload, in_thread
from retrowalk.settings import Treadmill
from retrowalk.station import Speaker, Station
from retrowalk.supervise import keep_running

CONNECT_WITHIN_S = 60.0
LOOKS_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    verdict: Verdict
    measured: Measured
    at_rest: bool
    reached: bool
    kept: str = ""
    """Why the result is not on disk, or ''."""


class Examination:
    """One test of one treadmill: `run` it; `station.submit` what the person says."""

    def __init__(
        self,
        treadmill: Treadmill,
        keepsakes: Keepsakes,
        speaker: Speaker,
        *,
        backend: Backend = PLATFORM,
        offload: Offload = in_thread,
        wall: Wall = utc_now,
        journal: Recorder | Unrecorded | None = None,
    ) -> None:
        self._keepsakes = keepsakes
        self._offload = offload
        self._wall = wall
        self._reading: Reading | None = None
        self._treadmill = treadmill
        left_running = keepsakes.left_running

        def mind(belt: Belt) -> Commissioner:
            return Commissioner(belt, f"commission-{os.getpid():x}", left_running=left_running)

        self.station = Station(
            treadmill.id, mind, hub=Hub(wall), speaker=speaker, marker=keepsakes, left_running=left_running,
            offload=offload, journal=journal,
        )  # fmt: skip
        assert isinstance(self.station.controller, Commissioner)
        self.commissioner: Commissioner = self.station.controller
        self._connector = Connector(
            treadmill.address or treadmill.match or "",
            self.station.post,
            describe=self._describe,
            state=self.station.tell_link,
            urgent=lambda: self.commissioner.marked,
            left_at=keepsakes.left.get("address", ""),
            met=keepsakes.is_at,
            backend=backend if treadmill.adapter is None else backend.on(treadmill.adapter),
        )
        self.station.attach(self._connector)

    def _describe(self, reading: Reading) -> Machine:
        self._reading = reading
        return untested(self._treadmill, reading)

    async def run(self, given_up: Callable[[], bool] = lambda: False) -> Outcome:
        """To its end, or until nobody waits for it any more: then the belt is stopped as at every end.

        Raises what ended the control task: a bug, its belt parked first.
        """
        loop, commissioner = asyncio.get_running_loop(), self.commissioner
        control = asyncio.create_task(self.station.run(), name=f"control-{self.station.id}")
        name = f"link-{self.station.id}"
        link = asyncio.create_task(keep_running(name, self._connector.run), name=name)
        name = f"journal-{self.station.id}"
        journal = asyncio.create_task(keep_running(name, self.station.journal.run), name=name)
        until = loop.time() + CONNECT_WITHIN_S
        try:
            while not (commissioner.over or given_up() or control.done()):
                if commissioner.machine is None and loop.time() > until:
                    break
                await asyncio.sleep(LOOKS_EVERY_S)
            at_rest = await self.station.shut_down()
        finally:
            link.cancel()
            control.cancel()
            bug, _ = await asyncio.gather(control, link, return_exceptions=True)
            await self.station.close_journal()
            journal.cancel()
            await asyncio.gather(journal, return_exceptions=True)
        if isinstance(bug, Exception):
            raise bug
        verdict = commissioner.verdict or Verdict("the treadmill was not found")
        kept = await self._keep(verdict)
        return Outcome(verdict, commissioner.measured, at_rest, commissioner.machine is not None, kept)

    async def _keep(self, verdict: Verdict) -> str:
        keepsakes, reading = self._keepsakes, self._reading
        try:
            if verdict.passed and reading is not None:
                certificate = Certificate.of(self.commissioner.measured, reading, self._wall())
                await self._offload(partial(keepsakes.commission, certificate.model_dump_json(indent=1)))
            elif verdict.unsafe:
                await self._offload(keepsakes.withdraw)
        except OSError as error:
            return f"the state folder does not take it: {error.strerror}"
        return ""


_UNITS = {
    "starts_at": "_kmh",
    "slowest": "_kmh",
    "acceleration": "_kmh_per_s",
    "deceleration": "_kmh_per_s",
}


def as_document(measured: Measured) -> dict[str, object]:
    """The keys of `commission --json` and `inspect --json`; null is: not measured."""
    return {
        key + _UNITS.get(key, ""): value / 100 if key in _UNITS and value is not None else _rounded(value)
        for key, value in asdict(measured).items()
    }


def _rounded(value: object) -> object:
    return round(value, 2) if isinstance(value, float) else value


def findings(measured: Measured) -> list[tuple[str, str, str]]:
    """What was measured, for a person: what, the value, and what it is good for. Only what is known."""
    m = measured
    rows: list[tuple[str, str | None, str]] = [
        ("unit", _said(m.unit_kept, "km/h, as told", "not told apart"), "targets are taken at their word"),
        ("start delay", _seconds(m.start_delay_s), "a Start is given 4 s more, 10 s at least"),
        ("starts at", _speed(m.starts_at), ""),
        ("slowest", _speed(m.slowest), "every session begins and ends there"),
        ("ramp up", _rate(m.acceleration), "for information"),
        ("ramp down", _rate(m.deceleration), "a Stop that takes 5 s longer is the alarm"),
        (
            "starts above its slowest",
            _said(m.starts_above_minimum, "yes"),
            "no backward start after a faster speed",
        ),
        ("silent at rest", _said(m.silent_at_rest, "yes"), "you are asked whether the belt is still"),
        ("needs a target to move", _said(m.needs_target_to_move, "yes"), "it gets its slowest after Start"),
        ("control", _said(m.control_unanswered, "granted without an answer"), "that is taken as granted"),
        ("speed", _said(m.echoes_target, "may be its target"), "held to 1.5 km/h: it cannot be checked"),
        (
            "Start while running",
            _said(m.start_toggles, "stops it", "is ignored"),
            "never sent to a running belt",
        ),
        (
            "target",
            None if m.reverts_after_s is None else f"left after {m.reverts_after_s:.0f} s",
            "held to its slowest speed",
        ),
        ("without Bluetooth", *_link(m.keeps_running_without_link)),
    ]
    return [(what, value, meaning) for what, value, meaning in rows if value is not None]


def _link(runs_on: bool | None) -> tuple[str | None, str]:
    if runs_on is False:
        return "it stops", "no second stop is needed"
    value = None if runs_on is None else "it runs on"
    return value, "2 km/h backward at most without second_stop"


def _said(known: bool | None, yes: str, no: str | None = None) -> str | None:
    return None if known is None else yes if known else no


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f} s"


def _speed(value: Speed | None) -> str | None:
    return None if value is None else f"{kmh(value):g} km/h"


def _rate(value: int | None) -> str | None:
    return None if value is None else f"{value / 100:g} km/h/s"
