"""One treadmill's station: the queue, the control task (the only writer of belt state), its effects."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

import structlog

from retrowalk.belt import Belt
from retrowalk.core.controller import Controller
from retrowalk.core.faults import BY_ID, CORD
from retrowalk.core.guard import Guard
from retrowalk.core.mind import Mind
from retrowalk.core.model import (
    DropLink,
    Effect,
    Emitted,
    Happening,
    Mark,
    Marked,
    Quarantine,
    Replied,
    Request,
    Said,
    StopSession,
    Unmark,
)
from retrowalk.core.offering import Setup
from retrowalk.hub import Hub
from retrowalk.journal.recorder import Recorder, Unrecorded
from retrowalk.offload import Offload, in_thread
from retrowalk.supervise import ENDED

log = structlog.get_logger()

TICK_S = 0.25
STOP_WITHIN_S = 20.0
"""Shutting down waits so long for measured rest; then `retrowalk park` has to do it."""
REMOVE_AGAIN_S = 1.0
DISK_WITHIN_S = 2.0
"""And then so long for the disk."""
FAILED = f"{CORD}. retrowalk has failed and the belt may be running."


class Radio(Protocol):
    """What keeps a link to the treadmill: `ble.connector.Connector`."""

    def write(self, connection: int, ticket: int, frame: bytes) -> None: ...
    def drop(self, why: str, away_s: float = 0.0) -> None: ...


class Speaker(Protocol):
    """Where sentences go: `voice.Voice`."""

    def say(self, said: Said) -> None: ...
    def silence(self) -> None: ...


class MarkerStore(Protocol):
    """Where the moving-marker and a quarantine are kept; what takes to the disk may raise OSError."""

    def write(self, session_id: str) -> None: ...
    def remove(self) -> None: ...
    def distrust(self, reason: str) -> None: ...
    def quarantine(self, reason: str) -> None: ...


def severity(event: Emitted) -> int:
    """How an event is logged: an alarm is an error; other faults, a lost link and refusals are warnings."""
    if event.type == "fault":
        return logging.ERROR if BY_ID[str(event.fields["id"])].alarm else logging.WARNING
    return logging.WARNING if event.type in {"link_lost", "refused"} else logging.INFO


class Station:
    """Connects one controller to its radio, hub, voice and disk. `run` is the control task."""

    def __init__(
        self,
        treadmill_id: str,
        setup: Setup | Callable[[Belt], Mind],
        *,
        hub: Hub,
        speaker: Speaker,
        marker: MarkerStore,
        left_running: bool = False,
        beat: Callable[[str, float], None] = lambda _id, _now: None,
        offload: Offload = in_thread,
        journal: Recorder | Unrecorded | None = None,
    ) -> None:
        """`setup`: of the sessions here; or what makes the mind that decides in a controller's place."""
        self.id = treadmill_id
        self.hub = hub
        self._speaker = speaker
        self._marker = marker
        self._beat = beat
        self._offload = offload
        self.journal = journal or Unrecorded()
        self._radio: Radio | None = None
        self._happened: deque[Happening] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._ticked = False
        self._submitted: deque[Request] = deque()
        """What other threads ask, until the loop takes it; also before there is one."""
        self._disk: asyncio.Queue[Mark | Unmark | Quarantine] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alarm = ""
        self._link_state = "disconnected"
        self.alive = True
        """False when the control task has ended."""
        belt = Belt(Guard(), self._write)
        self.controller: Mind
        if isinstance(setup, Setup):
            self.controller = controller = Controller(setup, belt, left_running=left_running)
            self.journal.hear(controller, self._write)
        else:
            self.controller = setup(belt)

    def attach(self, radio: Radio) -> None:
        """The radio to write to; it posts what happens to `post`."""
        self._radio = radio

    def tell_link(self, state: str) -> None:
        """What the connector does at this moment, in words."""
        self._link_state = state

    def post(self, happening: Happening) -> None:
        """Something happened, in the control task's loop."""
        self._happened.append(happening)
        self._wake()

    def submit(self, request: Request) -> None:
        """Somebody asks, from any thread; before `run` begins it waits for that."""
        self._submitted.append(request)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody left to ask
                self._loop.call_soon_threadsafe(self._take_submitted)

    def _take_submitted(self) -> None:
        while self._submitted:
            self.post(self._submitted.popleft())

    async def run(self) -> None:
        """The control task. A bug in it parks the belt and then ends it with the exception."""
        self._loop = asyncio.get_running_loop()
        self._take_submitted()
        disk = asyncio.create_task(self._keep_marker(), name=f"marker-{self.id}")
        try:
            while True:
                self._step(await self._next(), self._loop.time())
        except Exception as bug:  # any: the belt is stopped before it ends the daemon
            log.exception("the control task failed: stopping the belt", treadmill=self.id)
            with contextlib.suppress(Exception):  # it may be this that is broken
                self.journal.failed(bug)
            with contextlib.suppress(Exception):  # whatever is broken: the service manager's park comes next
                await self._last_stand()
            raise
        finally:
            self.alive = False
            self._beat(self.id, ENDED)
            disk.cancel()

    async def shut_down(self) -> bool:
        """Stop what we started and wait, bounded; True if the belt is known to rest, or was never ours."""
        loop, controller = asyncio.get_running_loop(), self.controller
        self.post(Request("shutdown", "signal", StopSession(last=True)))
        deadline = loop.time() + STOP_WITHIN_S
        while self.alive and loop.time() < deadline and not self._parked:  # noqa: ASYNC110 - rest is measured
            await asyncio.sleep(TICK_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISK_WITHIN_S):
                await self._disk.join()
        return controller.nothing_to_stop

    async def close_journal(self) -> None:
        """What is recorded is on disk, or the disk has had its time. Nothing more will come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISK_WITHIN_S):
                await self.journal.close()

    @property
    def _parked(self) -> bool:
        return not self._happened and self.controller.nothing_to_stop and not self.controller.marked

    async def _next(self) -> Happening | None:
        """What happened next; None after a tick, also where something came at that very moment."""
        if self._happened:
            await asyncio.sleep(0)  # no other belt's turn waits until all that happened here is taken
        else:
            assert self._loop is not None
            self._ticked = False
            self._waiting = self._loop.create_future()
            tick = self._loop.call_later(TICK_S, self._tick)
            try:
                await self._waiting
            finally:
                tick.cancel()
            if self._ticked:
                return None
        return self._happened.popleft()

    def _tick(self) -> None:
        self._ticked = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _step(self, happening: Happening | None, now: float) -> None:
        controller, journal = self.controller, self.journal
        journal.came(happening, now)
        if happening is not None:
            controller.feed(happening, now)
        controller.act(now)
        effects = tuple(controller.effects())
        journal.did(effects, now, session=controller.session is not None)
        for effect in effects:
            self._carry_out(effect, now)
        self._keep_alarm(controller.alarm)
        self.hub.publish(controller.snapshot(now, self._link_state))
        self._beat(self.id, now)

    def _carry_out(self, effect: Effect, now: float) -> None:
        match effect:
            case Emitted(kind, fields):
                self.hub.emit(effect)
                log.log(severity(effect), kind, treadmill=self.id, **dict(fields))
            case Replied():
                self.journal.once_kept(partial(self.hub.reply, effect), now)
            case Said(text, alarm):
                if text and not alarm:
                    self._speaker.say(effect)
            case DropLink(why, away_s):
                if self._radio is not None:
                    self._radio.drop(why, away_s)
            case Mark() | Unmark() | Quarantine():
                if isinstance(effect, Quarantine):
                    self._marker.distrust(effect.reason)  # a link that comes up before the disk answers asks
                self._disk.put_nowait(effect)

    def _keep_alarm(self, alarm: str) -> None:
        if alarm == self._alarm:
            return
        self._alarm = alarm
        if alarm:
            self._speaker.say(Said(alarm, alarm=True))
        else:
            self._speaker.silence()

    def _write(self, connection: int, ticket: int, frame: bytes) -> None:
        if self._radio is not None:
            self._radio.write(connection, ticket, frame)
        self.journal.wrote(connection, ticket, frame)

    async def _keep_marker(self) -> None:
        while True:
            effect = await self._disk.get()
            try:
                match effect:
                    case Mark(session_id):
                        await self._offload(partial(self._marker.write, session_id))
                        self.post(Marked(session_id))
                    case Unmark():
                        await self._remove_marker()
                    case Quarantine(reason):
                        await self._offload(partial(self._marker.quarantine, reason))
            except OSError as error:
                log.exception("the state folder does not take a file", treadmill=self.id)
                if isinstance(effect, Mark):
                    self.post(Marked(effect.session_id, f"the moving-marker cannot be written ({error})"))
            finally:
                self._disk.task_done()

    async def _remove_marker(self) -> None:
        """Until the disk lets it go, or something newer is to be written."""
        stuck = False
        while not stuck or self._disk.empty():
            try:
                await self._offload(self._marker.remove)
                break
            except OSError:
                if not stuck:
                    log.exception("the state folder does not let the moving-marker go", treadmill=self.id)
                stuck = True
                await asyncio.sleep(REMOVE_AGAIN_S)

    async def _last_stand(self) -> None:
        """Something is broken, nobody knows what: stop a belt of ours with the guard and the door alone."""
        assert self._loop is not None
        guard, belt = self.controller.guard, self.controller.belt
        deadline = self._loop.time() + STOP_WITHIN_S
        dropped = alarmed = False
        guard.disarm(self._loop.time())
        while (guard.stopping or guard.left_running) and self._loop.time() < deadline:
            self._beat(self.id, self._loop.time())  # killed now, it would leave other belts, too
            with contextlib.suppress(Exception):
                belt.want(None, self._loop.time())
            if belt.stop_stuck(self._loop.time()) and self._radio is not None and not dropped:
                dropped = True
                self._radio.drop(BY_ID["stop_unsent"].cause)
            happening = await self._next()
            with contextlib.suppress(Exception):  # it may be this that is broken; the guard sees it first
                if happening is not None:
                    self.controller.feed(happening, self._loop.time())
            belt.tick(self._loop.time())
            found = any(finding.id in BY_ID and BY_ID[finding.id].alarm for finding in guard.findings())
            if (found or guard.left_running or self.controller.alarm) and not alarmed:
                alarmed = True
                self._speaker.say(Said(FAILED, alarm=True))
        if (guard.stopping or guard.left_running) and not alarmed:
            self._speaker.say(Said(FAILED, alarm=True))
