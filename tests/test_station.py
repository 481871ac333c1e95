"""The control task in virtual time, joined to a simulated treadmill by a radio that never fails."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.core.bench import machine_for, program

from blefit import uuids
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.faults import BY_ID
from retrowalk.core.model import (
    Act,
    Characteristic,
    Confirm,
    Connected,
    Lost,
    Mark,
    Marked,
    Notified,
    Offer,
    Phase,
    Replied,
    Request,
    Said,
    StopSession,
    Unmark,
    Written,
)
from retrowalk.core.offering import Setup
from retrowalk.hub import Hub
from retrowalk.machines import load_machine
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.emissions import Answer, Client, Notification, Record
from retrowalk.sim.model.quirks import BeltQuirks, Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.station import FAILED, STOP_WITHIN_S, TICK_S, Station
from retrowalk.supervise import ENDED

CLIENT = Client(1)
WALK = program(
    'name = "Walk"\nlevel = 0\nsteps = [ { walk = "forward", for = "5min", speed = 1.2 }, '
    '{ walk = "forward", for = "60s", speed = 1.0 } ]'
)


class Air:
    """A radio between a station and a treadmill."""

    def __init__(self, treadmill: Treadmill, post: Callable[[object], None]) -> None:
        self.treadmill = treadmill
        self.written: list[bytes] = []
        self.dropped: list[str] = []
        self.connection = 1
        self._post = post

    def write(self, connection: int, ticket: int, frame: bytes) -> None:
        self.written.append(frame)
        error = self.treadmill.write(CLIENT, frame, asyncio.get_running_loop().time())
        self._post(Written(connection, ticket, "" if error is None else "refused", error))

    def drop(self, why: str, away_s: float = 0.0) -> None:
        assert away_s == 0, "a session never stays away"
        self.dropped.append(why)
        self._post(Lost(self.connection, why))

    async def carry(self) -> None:
        """What the treadmill sends, as it sends it."""
        loop = asyncio.get_running_loop()
        while True:
            for emission in self.treadmill.advance(loop.time()):
                match emission:
                    case Record(_, data):
                        for frame in self.treadmill.frames(data, 180):
                            self._notify(uuids.TREADMILL_DATA, frame)
                    case Notification(_, number, payload):
                        self._notify(number, payload)
                    case Answer(client, payload):
                        self.treadmill.confirmed(client)
                        self._notify(uuids.FITNESS_MACHINE_CONTROL_POINT, payload)
            await asyncio.sleep(0.05)

    def _notify(self, number: int, payload: bytes) -> None:
        self._post(Notified(self.connection, Characteristic(number), payload))


@dataclass
class Disk:
    """The state folder; `full` refuses every file."""

    marks: list[str] = field(default_factory=list)
    full: bool = False
    unsynced: bool = False
    """What is written is there, and the word of it is an error: it may not be there after a power cut."""
    keeps: bool = False
    """What is there cannot be removed."""
    slow_s: float = 0.0
    distrusts: str = ""
    """Why, before a file says it."""

    def write(self, session_id: str) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.marks.append(session_id)
        if self.unsynced:
            raise OSError(5, "Input/output error")

    def remove(self) -> None:
        if self.keeps:
            raise OSError(30, "Read-only file system")
        self.marks.clear()

    def distrust(self, reason: str) -> None:
        self.distrusts = reason

    def quarantine(self, reason: str) -> None:
        self.marks.append(reason)

    async def do(self, block: Callable[[], None]) -> None:
        await asyncio.sleep(self.slow_s)
        block()


@dataclass
class Ears:
    heard: list[Said] = field(default_factory=list)
    silenced: int = 0

    def say(self, said: Said) -> None:
        self.heard.append(said)

    def silence(self) -> None:
        self.silenced += 1


class Hall:
    """One station with its treadmill."""

    def __init__(self, quirks: Quirks | None = None, disk: Disk | None = None) -> None:
        quirks = quirks or Quirks()
        self.disk, self.ears, self.hub = disk or Disk(), Ears(), Hub()
        self.beats: list[float] = []
        setup = Setup(site=SiteLimits(level=6), find_program=lambda _: WALK, new_id=lambda: "s1")
        self.station = Station(
            "sim",
            setup,
            hub=self.hub,
            speaker=self.ears,
            marker=self.disk,
            beat=lambda _id, now: self.beats.append(now),
            offload=self.disk.do,
        )
        self.treadmill = Treadmill(quirks, now=asyncio.get_running_loop().time())
        self.air = Air(self.treadmill, self.station.post)  # type: ignore[arg-type]  # it posts happenings only
        self.station.attach(self.air)
        self.reader = self.hub.subscribe()
        self.control: asyncio.Task[None] | None = None
        self._machine = machine_for(quirks)

    def switch_on(self) -> None:
        self.treadmill.connect(CLIENT)
        for number in (uuids.TREADMILL_DATA, 0x2AD3, 0x2AD9, 0x2ADA):
            self.treadmill.subscribe(CLIENT, number, True)
        self.station.post(Connected(1, self._machine))
        self._carrying = asyncio.create_task(self.air.carry())
        self.control = asyncio.create_task(self.station.run())

    def come_back(self) -> None:
        """A new link, after one that was lost."""
        self.air.connection += 1
        self.station.post(Connected(self.air.connection, self._machine))

    def fall_silent(self) -> None:
        """Nothing that the treadmill sends arrives any more."""
        self._carrying.cancel()

    async def walk(self) -> None:
        """The offered session is started, and walked for half a minute."""
        self.switch_on()
        await asyncio.sleep(2)
        await self.walk_on()

    async def walk_on(self) -> None:
        """So is the next one."""
        self.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        self.ask("go", Confirm(Act.START))
        await asyncio.sleep(45)
        assert self.phase is Phase.WALKING
        assert self.treadmill.belt.speed > 0

    def ask(self, name: str, ask: Any) -> None:
        self.station.submit(Request(name, "test", ask))

    @property
    def phase(self) -> Phase:
        assert self.hub.latest is not None
        return self.hub.latest.snapshot.phase

    def replies(self) -> list[tuple[str, str]]:
        whats = [note.what for note in self.reader.take()]
        return [(what.id, what.outcome) for what in whats if isinstance(what, Replied)]


def in_no_time(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(story())


def test_what_was_submitted_before_the_control_task_ran_is_not_lost() -> None:
    async def story() -> None:
        hall = Hall()
        for name in ("early", "too"):
            thread = Thread(target=hall.ask, args=(name, StopSession()))
            thread.start()
            thread.join()
        hall.switch_on()
        await asyncio.sleep(1)
        assert [name for name, outcome in hall.replies() if outcome == "accepted"] == ["early", "too"]

    in_no_time(story)


def test_what_is_asked_at_once_is_heard_in_its_order() -> None:
    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        hall.ask("stop", StopSession())
        await asyncio.sleep(1)
        assert hall.phase is not Phase.OFFERED
        assert [name for name, outcome in hall.replies() if outcome == "accepted"] == ["start", "stop"]

    in_no_time(story)


def test_whatever_happens_is_taken_in_its_order_and_none_is_left_out() -> None:
    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        hall.fall_silent()
        taken: list[object] = []
        journal = hall.station.journal
        journal.came = lambda what, _: taken.append(what)  # type: ignore[method-assign]  # it only listens
        happened = [
            Notified(1, Characteristic.TRAINING_STATUS, b"\x00\x0d"),
            Lost(1, "the radio failed"),
            Request("stop", "test", StopSession()),
            Notified(1, Characteristic.TRAINING_STATUS, b"\x00\x01"),
            Request("start", "test", Offer("walk")),
        ]
        for happening in happened:
            hall.station.post(happening)
        await asyncio.sleep(TICK_S / 2)
        assert [happening for happening in taken if happening is not None] == happened

    in_no_time(story)


def test_whatever_happens_is_taken_with_the_time_it_is_taken_at_and_whether_a_session_is_on() -> None:
    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        loop, journal = asyncio.get_running_loop(), hall.station.journal
        late: set[float] = set()
        sessions: list[bool] = []
        journal.came = lambda _, now: late.add(loop.time() - now)  # type: ignore[method-assign]  # it only listens
        journal.did = lambda *_, session: sessions.append(session)  # type: ignore[method-assign]  # it only listens
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        assert late == {0}
        assert (sessions[0], sessions[-1]) == (False, True)

    in_no_time(story)


def test_no_reply_goes_past_the_journal() -> None:
    async def story() -> None:
        hall = Hall()
        held: list[Callable[[], None]] = []

        def hold(act: Callable[[], None], now: float) -> None:
            held.append(act)

        hall.station.journal.once_kept = hold  # type: ignore[method-assign]  # it only waits
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(1)
        assert hall.replies() == []
        for act in held:
            act()
        assert hall.replies() == [("start", "accepted")]

    in_no_time(story)


def test_a_stop_is_not_lost_among_what_the_treadmill_sends() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        hall.station.post(Request("stop", "test", StopSession()))
        for _ in range(5000):
            hall.station.post(Notified(1, Characteristic.TRAINING_STATUS, b"\x00\x0d"))
        await asyncio.sleep(20)
        assert ("stop", "done") in hall.replies()
        assert hall.treadmill.belt.speed == 0

    in_no_time(story)


def test_a_stop_does_not_wait_for_what_another_treadmill_has_to_say() -> None:
    async def story() -> None:
        talker, walked = Hall(), Hall()
        talker.switch_on()
        await walked.walk()
        taken: list[object] = []
        for hall in (talker, walked):
            journal = hall.station.journal
            journal.came = lambda what, _: taken.append(what)  # type: ignore[method-assign]  # it only listens
        said = Notified(1, Characteristic.TRAINING_STATUS, b"\x00\x0d")
        for _ in range(100):
            talker.station.post(said)
        stop = Request("stop", "test", StopSession())
        walked.station.post(stop)
        while stop not in taken:  # noqa: ASYNC110 - in no time
            await asyncio.sleep(0)
        assert taken.count(said) <= 2
        assert walked.air.written[-1] == b"\x08\x01"

    in_no_time(story)


def test_time_passes_however_much_else_the_treadmill_has_to_say() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        hall.fall_silent()
        for _ in range(50):
            hall.station.post(Notified(1, Characteristic.TRAINING_STATUS, b"\x00\x0d"))
            await asyncio.sleep(TICK_S / 2)
        assert hall.air.written[-1] == b"\x08\x01", "no telemetry for 4 s"

    in_no_time(story)


def test_who_asks_when_the_loop_is_over_asks_nobody() -> None:
    halls: list[Hall] = []

    async def story() -> None:
        halls.append(Hall())
        halls[0].switch_on()
        await asyncio.sleep(1)

    in_no_time(story)
    halls[0].ask("late", StopSession())


def test_shutting_down_stops_the_belt_and_takes_the_marker_away() -> None:
    async def story() -> None:
        hall = Hall(disk=Disk(slow_s=1.0))
        await hall.walk()
        assert hall.disk.marks == ["s1"]
        assert await hall.station.shut_down()
        assert hall.treadmill.belt.speed == 0
        assert hall.disk.marks == []
        assert ("shutdown", "done") in hall.replies()

    in_no_time(story)


def test_the_journal_can_tell_an_alarm_from_a_trouble_and_from_what_is_usual() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        hall.ask("again", Offer("walk"))
        hall.treadmill.console.set_speed(0.8)
        await asyncio.sleep(8)
        hall.station.post(Lost(1, "the radio failed"))
        await asyncio.sleep(1)
        await hall.station.shut_down()

    with capture_logs() as logged:
        in_no_time(story)
    levels = {(line["event"], line.get("id")): line["log_level"] for line in logged}
    assert levels["started", None] == "info"
    assert levels["refused", None] == "warning"
    assert levels["fault", "hand"] == "warning"
    assert levels["link_lost", None] == "warning"
    assert levels["fault", "link_lost"] == "error"


def test_shutting_down_waits_for_a_belt_that_ignores_stop_no_longer_than_it_says() -> None:
    async def story() -> None:
        hall = Hall(Quirks(belt=BeltQuirks(ignores_stop=True)))
        await hall.walk()
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert not await hall.station.shut_down()
        assert STOP_WITHIN_S <= loop.time() - began <= STOP_WITHIN_S + 1
        assert hall.disk.marks == ["s1"], "the next daemon has to know"

    in_no_time(story)


def test_shutting_down_waits_for_a_link_that_was_lost() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        hall.station.post(Lost(1, "the radio failed"))
        ending = asyncio.create_task(hall.station.shut_down())
        await asyncio.sleep(5)
        assert not ending.done()
        hall.come_back()
        assert await ending
        assert hall.treadmill.belt.speed == 0

    in_no_time(story)


def test_shutting_down_does_not_wait_for_a_disk_that_hangs() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        hall.disk.slow_s = 3600.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await hall.station.shut_down()
        assert loop.time() - began <= STOP_WITHIN_S + 2
        assert hall.disk.marks == ["s1"], "the next daemon has to know"

    in_no_time(story)


def test_the_end_of_the_journal_does_not_wait_for_a_disk_that_hangs() -> None:
    async def story() -> None:
        hall = Hall()
        hall.station.journal.close = asyncio.Event().wait  # type: ignore[assignment,method-assign]  # it hangs
        async with asyncio.timeout(3):
            await hall.station.close_journal()

    in_no_time(story)


def test_a_shutdown_at_rest_takes_no_time() -> None:
    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        began = asyncio.get_running_loop().time()
        assert await hall.station.shut_down()
        assert asyncio.get_running_loop().time() - began < 0.5
        assert not hall.treadmill.belt.is_started

    in_no_time(story)


def test_an_offer_is_over_before_a_shutdown_is() -> None:
    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        assert hall.phase is Phase.OFFERED
        assert await hall.station.shut_down()
        assert {("start", "failed"), ("shutdown", "done")} <= set(hall.replies())

    in_no_time(story)


def test_once_the_daemon_ends_nothing_is_offered_any_more() -> None:
    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        assert await hall.station.shut_down()
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(1)
        assert ("start", "refused") in hall.replies()

    in_no_time(story)


def test_a_shutdown_waits_for_a_start_that_may_still_move_the_belt() -> None:
    """The marker stays for it: without us only `park` would know whose motion it is."""

    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        hall.ask("go", Confirm(Act.START))
        while b"\x07" not in hall.air.written:  # noqa: ASYNC110 - in no time
            await asyncio.sleep(TICK_S)
        began = asyncio.get_running_loop().time()
        assert await hall.station.shut_down()
        assert asyncio.get_running_loop().time() - began >= 10
        assert hall.disk.marks == []

    in_no_time(story)


def _break(hall: Hall, broken: str) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    setattr(hall.station.controller, broken, fail)


@pytest.mark.parametrize("broken", ["act", "snapshot", "feed"])
def test_a_bug_in_the_control_task_stops_the_belt_before_it_ends_it(broken: str) -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        _break(hall, broken)
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control
        assert hall.treadmill.belt.target == 0
        assert (Said(FAILED, alarm=True) in hall.ears.heard) is (broken == "feed"), "nothing is known then"
        await asyncio.sleep(5)
        assert hall.treadmill.belt.speed == 0
        assert not hall.station.alive

    in_no_time(story)


def test_a_last_stand_goes_on_after_a_happening_that_it_cannot_take() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        feed = hall.station.controller.feed

        def picky(happening: Any, now: float) -> None:
            assert not isinstance(happening, Request), "a bug"
            feed(happening, now)

        hall.station.controller.feed = picky  # type: ignore[method-assign]  # the bug
        for name in ("one", "another"):
            hall.ask(name, StopSession())
        assert hall.control is not None
        with pytest.raises(AssertionError, match="a bug"):
            await hall.control
        assert hall.treadmill.belt.speed == 0
        assert Said(FAILED, alarm=True) not in hall.ears.heard, "it was seen to rest"

    in_no_time(story)


@pytest.mark.parametrize("record_s", [0.1, 0.25, 1.0])
def test_a_bug_while_the_belt_ignores_stop_is_an_alarm(record_s: float) -> None:
    async def story() -> None:
        telemetry = TelemetryQuirks(notify_every_s=record_s)
        hall = Hall(Quirks(belt=BeltQuirks(ignores_stop=True), telemetry=telemetry))
        await hall.walk()
        _break(hall, "act")
        assert hall.control is not None
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(5)
        assert Said(FAILED, alarm=True) in hall.ears.heard, "as soon as the belt is seen not to fall"
        stops = hall.air.written.count(b"\x08\x01")
        assert stops > 3
        await asyncio.sleep(5)
        assert hall.air.written.count(b"\x08\x01") > stops, "again and again"
        with pytest.raises(ZeroDivisionError):
            await hall.control
        assert asyncio.get_running_loop().time() - began <= STOP_WITHIN_S + 1

    in_no_time(story)


def test_the_last_stand_is_a_sign_of_life_and_sounds_its_alarm_and_then_it_is_not_waited_for() -> None:
    """The service manager would kill it in the middle, and with it those who guard other belts."""

    async def story() -> None:
        hall = Hall(Quirks(belt=BeltQuirks(ignores_stop=True)))
        await hall.walk()
        _break(hall, "act")
        before, began = len(hall.beats), asyncio.get_running_loop().time()
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control
        stand, end = hall.beats[before:-1], hall.beats[-1]
        assert stand[-1] - began > STOP_WITHIN_S - 1
        assert all(later - earlier <= TICK_S for earlier, later in pairwise([began, *stand]))
        assert end == ENDED
        assert hall.ears.heard[-1] == Said(FAILED, alarm=True)
        assert hall.ears.silenced == 0, "a voice repeats it until it is"

    in_no_time(story)


@pytest.mark.parametrize("broken", ["came", "wrote", "did"])
def test_a_bug_in_the_journal_keeps_no_stop_from_its_belt(broken: str) -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()

        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError("a bug")

        for name in (broken, "failed"):
            setattr(hall.station.journal, name, fail)
        hall.ask("halt", StopSession())
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control
        assert hall.treadmill.belt.target == 0
        assert not hall.station.controller.guard.stopping

    in_no_time(story)


class Stuck(Air):
    """Its writes are never through."""

    def write(self, connection: int, ticket: int, frame: bytes) -> None:
        pass


async def _stuck(hall: Hall) -> Stuck:
    """Somebody walks, and the radio takes no write any more."""
    await hall.walk()
    stuck = Stuck(hall.treadmill, hall.station.post)  # type: ignore[arg-type]  # it posts happenings only
    hall.station.attach(stuck)
    return stuck


def test_a_link_on_which_a_stop_is_not_through_is_taken_down() -> None:
    async def story() -> None:
        hall = Hall()
        stuck = await _stuck(hall)
        hall.ask("halt", StopSession())
        await asyncio.sleep(3)
        assert stuck.dropped == [BY_ID["stop_unsent"].cause]
        alarms = [said.text for said in hall.ears.heard if said.alarm]
        assert alarms == [BY_ID[alarm].sentence for alarm in ("stop_unsent", "link_lost")], "each is heard"

    in_no_time(story)


def test_so_it_is_in_the_last_stand() -> None:
    async def story() -> None:
        hall = Hall()
        stuck = await _stuck(hall)
        _break(hall, "act")
        await asyncio.sleep(3)
        assert stuck.dropped == [BY_ID["stop_unsent"].cause]
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control

    in_no_time(story)


def test_whose_link_comes_back_and_then_stops_the_belt() -> None:
    async def story() -> None:
        hall = Hall()
        stuck = await _stuck(hall)
        _break(hall, "act")
        await asyncio.sleep(3)
        assert stuck.dropped
        assert Said(FAILED, alarm=True) in hall.ears.heard, "before that"
        hall.station.attach(hall.air)
        hall.come_back()
        began = asyncio.get_running_loop().time()
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control
        assert hall.treadmill.belt.speed == 0
        assert asyncio.get_running_loop().time() - began < 10

    in_no_time(story)


def test_a_bug_while_the_link_is_lost_is_an_alarm() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        _break(hall, "act")
        hall.station.post(Lost(1, "the radio failed"))
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control
        assert Said(FAILED, alarm=True) in hall.ears.heard

    in_no_time(story)


def test_a_bug_and_a_treadmill_that_falls_silent_is_an_alarm_before_the_end() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        _break(hall, "feed")
        await asyncio.sleep(12)
        assert Said(FAILED, alarm=True) in hall.ears.heard
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control

    in_no_time(story)


def test_time_passes_in_a_last_stand_however_much_else_the_treadmill_has_to_say() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        hall.fall_silent()
        _break(hall, "act")
        for _ in range(100):
            hall.station.post(Notified(1, Characteristic.TRAINING_STATUS, b"\x00\x0d"))
            await asyncio.sleep(TICK_S / 2)
        assert Said(FAILED, alarm=True) in hall.ears.heard
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control

    in_no_time(story)


def test_a_bug_while_somebody_walks_by_hand_leaves_the_belt_alone() -> None:
    async def story() -> None:
        hall = Hall()
        hall.switch_on()
        await asyncio.sleep(2)
        hall.treadmill.console.press("start")
        await asyncio.sleep(10)
        assert hall.phase is Phase.MANUAL
        _break(hall, "act")
        assert hall.control is not None
        with pytest.raises(ZeroDivisionError):
            await hall.control
        await asyncio.sleep(10)
        assert hall.treadmill.belt.speed > 0
        assert hall.ears.heard == []

    in_no_time(story)


def test_without_a_marker_on_disk_the_belt_does_not_start_and_the_reply_says_why() -> None:
    async def story() -> None:
        hall = Hall(disk=Disk(full=True))
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        hall.ask("go", Confirm(Act.START))
        await asyncio.sleep(60)
        assert hall.treadmill.belt.distance_m == 0
        told = [note.what for note in hall.reader.take()]
        failed = [what for what in told if isinstance(what, Replied) and what.outcome == "failed"]
        assert [what.id for what in failed] == ["start"]
        assert "marker" in failed[0].reason
        assert "No space left" in failed[0].reason

    in_no_time(story)


def test_what_the_disk_is_asked_for_is_done_in_its_order() -> None:
    async def story() -> None:
        hall = Hall(disk=Disk(slow_s=1.0))
        hall.switch_on()
        await asyncio.sleep(2)
        for effect in (Mark("s1"), Unmark(), Mark("s2")):
            hall.station._carry_out(effect, 2.0)
        await asyncio.sleep(10)
        assert hall.disk.marks == ["s2"]

    in_no_time(story)


def test_word_of_a_marker_is_that_of_its_own_session() -> None:
    async def story() -> None:
        hall = Hall()
        await hall.walk()
        taken: list[object] = []
        hall.station.journal.came = lambda what, _: taken.append(what)  # type: ignore[method-assign]  # it only listens
        hall.station._carry_out(Mark("an older one"), 2.0)
        await asyncio.sleep(1)
        assert Marked("an older one") in taken
        assert Marked("s1") not in taken

    in_no_time(story)


def test_a_marker_that_is_there_although_its_writing_failed_is_removed_at_rest_like_any_other() -> None:
    """Left behind, the next daemon would take a stranger's motion for its own."""

    async def story() -> None:
        hall = Hall(disk=Disk(unsynced=True))
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        hall.ask("go", Confirm(Act.START))
        await asyncio.sleep(20)
        assert hall.treadmill.belt.distance_m == 0
        assert hall.disk.marks == []
        hall.disk.unsynced = False
        await hall.walk_on()
        assert hall.disk.marks == ["s1"]

    in_no_time(story)


def test_a_marker_that_cannot_be_removed_goes_as_soon_as_it_can_but_not_the_one_of_the_next_session() -> None:
    async def story() -> None:
        hall = Hall(disk=Disk(keeps=True))
        await hall.walk()
        hall.ask("stop", StopSession())
        await asyncio.sleep(20)
        assert hall.disk.marks == ["s1"]
        hall.disk.keeps = False
        await asyncio.sleep(2)
        assert hall.disk.marks == []
        hall.disk.keeps = True
        await hall.walk_on()
        hall.ask("stop", StopSession())
        await asyncio.sleep(20)
        await hall.walk_on()
        hall.disk.keeps = False
        await asyncio.sleep(5)
        assert hall.disk.marks == ["s1", "s1"]

    with capture_logs() as logged:
        in_no_time(story)
    stuck = [line for line in logged if "the moving-marker" in line["event"]]
    assert len(stuck) == 2, "each is said once"


class Untold(Disk):
    """It takes no quarantine."""

    def quarantine(self, reason: str) -> None:
        raise OSError(28, f"No space left on device for {reason!r}")


def test_a_quarantine_that_cannot_be_written_does_not_keep_the_marker_there() -> None:
    async def story() -> None:
        hall = Hall(quirks_of(load_machine("mph")), Untold())
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        hall.ask("go", Confirm(Act.START))
        await asyncio.sleep(60)
        assert Said(BY_ID["wrong_speed"].sentence, alarm=True) in hall.ears.heard
        assert hall.disk.marks == []

    in_no_time(story)


def test_a_quarantine_holds_before_the_disk_comes_to_it() -> None:
    """It may hang, and the link come back meanwhile."""

    async def story() -> None:
        hall = Hall(quirks_of(load_machine("mph")))
        hall.switch_on()
        await asyncio.sleep(2)
        hall.ask("start", Offer("walk"))
        await asyncio.sleep(2)
        hall.ask("go", Confirm(Act.START))
        await asyncio.sleep(8)
        hall.disk.slow_s = 3600.0
        await asyncio.sleep(30)
        assert "it ran faster than told" in hall.disk.distrusts
        assert hall.disk.marks == ["s1"], "the disk hangs: nothing more is written"

    in_no_time(story)


def test_the_same_alarm_is_heard_again_after_it_was_over() -> None:
    async def story() -> None:
        hall = Hall()
        for lost in (1, 2):
            await (hall.walk() if lost == 1 else hall.walk_on())
            hall.station.post(Lost(lost, "the radio failed"))
            await asyncio.sleep(1)
            hall.come_back()
            await asyncio.sleep(20)
            hall.ask(f"clear {lost}", Confirm(Act.CLEAR))
            await asyncio.sleep(1)
            alarms = [said.text for said in hall.ears.heard if said.alarm]
            assert alarms == [BY_ID["link_lost"].sentence] * lost
            assert hall.ears.silenced == lost

    in_no_time(story)


def test_an_alarm_goes_to_the_speaker_once_and_ends_by_silence() -> None:
    async def story() -> None:
        hall = Hall(Quirks(belt=BeltQuirks(ignores_stop=True)))
        await hall.walk()
        hall.ask("stop", StopSession())
        await asyncio.sleep(15)
        assert len([said for said in hall.ears.heard if said.alarm]) == 1
        assert hall.ears.silenced == 0
        assert not await hall.station.shut_down()
        assert hall.ears.silenced == 0, "nor by the end of the daemon"
        hall.treadmill.safety_key.pull()
        await asyncio.sleep(5)
        hall.ask("clear", Confirm(Act.CLEAR))
        await asyncio.sleep(1)
        assert hall.ears.silenced == 1
        assert Said("Cleared.") in hall.ears.heard, "an alarm does not drown what is said meanwhile"
        assert ("stop", "failed") in hall.replies()

    in_no_time(story)
