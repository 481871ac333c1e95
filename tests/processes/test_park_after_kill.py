"""The daemon is killed (-9) at every stage of a session, and `retrowalk park` brings the belt to rest.

Real processes: the treadmill is one that lives on, the daemon and park are what the command line runs.
"""

import re
from collections.abc import Callable

import pytest
from tests.processes.world import World, world

LONG = pytest.mark.long
REST = "tm: the belt is at rest.\n"
NOTHING = "Nothing to park: no session left a belt moving.\n"
STOP, START, SET_SPEED = "0801", "07", "02"
AT_REST_WITHIN_S = 20.0
"""From the kill: looking for the treadmill, connecting, Stop, permission for it, coasting down."""


def offered(room: World) -> None:
    room.ask("start", program="short")
    room.phase("offered")


def counting_down(room: World) -> None:
    offered(room)
    room.phase("countdown", enter=True)


def start_is_written(room: World) -> None:
    counting_down(room)
    room.until(lambda: START in room.written())


def starting(room: World) -> None:
    counting_down(room)
    room.until(lambda: room.belt["motion"] == "running")


def walking_forward(room: World) -> None:
    counting_down(room)
    room.until(lambda: room.belt["speed_kmh"] >= 0.8)


def ramping_down_to_turn(room: World) -> None:
    walking_forward(room)
    room.until(lambda: STOP in room.written())


def turning(room: World) -> None:
    ramping_down_to_turn(room)
    room.until(lambda: room.at_rest)
    room.phase("turning")


def walking_backward(room: World) -> None:
    turning(room)
    room.phase("walking", enter=True)
    room.until(lambda: room.belt["speed_kmh"] >= 0.8)
    assert room.state()["direction"] == "backward"


def pausing(room: World) -> None:
    walking_forward(room)
    room.ask("pause")
    room.phase("paused")


def paused(room: World) -> None:
    pausing(room)
    room.until(lambda: room.at_rest)


def stopping(room: World) -> None:
    walking_forward(room)
    room.ask("stop")
    room.until(lambda: STOP in room.written())


def link_lost(room: World) -> None:
    walking_forward(room)
    room.act("away")
    room.until(lambda: room.state().get("link") == "scanning")


def reconnecting(room: World) -> None:
    walking_forward(room)
    room.act("cut")
    room.until(lambda: len(room.events("connected")) == 2)


@pytest.mark.parametrize(
    ("stage", "marked", "stopped"),
    [
        pytest.param(offered, False, False, marks=LONG),
        pytest.param(counting_down, True, False, marks=LONG),
        (start_is_written, True, True),
        pytest.param(starting, True, True, marks=LONG),
        pytest.param(walking_forward, True, True, marks=LONG),
        pytest.param(ramping_down_to_turn, True, None, marks=LONG),
        pytest.param(turning, True, False, marks=LONG),
        (walking_backward, True, True),
        pytest.param(pausing, True, None, marks=LONG),
        pytest.param(paused, True, False, marks=LONG),
        pytest.param(stopping, True, None, marks=LONG),
        pytest.param(link_lost, True, True, marks=LONG),
        (reconnecting, True, True),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_killed_at_that_stage(stage: Callable[[World], None], marked: bool, stopped: bool | None) -> None:
    """`stopped`: whether park has to write Stop; None: unless the belt rests before park is there."""
    with world() as room:
        daemon = room.daemon()
        stage(room)
        daemon.kill()
        killed_at, before = room.last_told, len(room.written())
        assert room.marker.exists() is marked
        if stage is link_lost:
            room.act("back")
        park = room.park()
        assert park.ended(60) == 0, park.err
        assert park.out == (REST if marked else NOTHING)
        assert not room.marker.exists()
        written = room.written()[before:]
        if stopped is not None:
            assert bool(written) is stopped
        assert written[:1] in ([], [STOP])
        assert not any(frame.startswith((START, SET_SPEED)) for frame in written)
        assert room.at_rest
        assert room.belt["t"] - killed_at < AT_REST_WITHIN_S


def test_park_is_killed_in_its_stop_and_the_next_one_ends_it() -> None:
    with world() as room:
        room.walking().kill()
        before = len(room.written())
        first = room.park()
        room.until(lambda: len(room.written()) > before)
        first.kill()
        assert room.marker.exists()
        second = room.park()
        assert (second.ended(60), second.out) == (0, REST)
        assert set(room.written()[before:]) <= {STOP, "00"}
        assert room.at_rest
        assert not room.marker.exists()


def test_of_two_parks_one_works_and_the_other_says_so() -> None:
    with world() as room:
        room.walking().kill()
        first = room.park()
        room.until(lambda: len(room.events("connected")) == 2)
        first.hold()
        second = room.park()
        assert second.ended(10) == 4
        assert re.search(r"nothing was parked: `retrowalk park` is at work \(process \d+, ", second.err)
        first.go_on()
        assert (first.ended(60), first.out) == (0, REST)
        assert room.at_rest


def test_while_the_daemon_lives_park_leaves_the_belt_to_it() -> None:
    with world() as room:
        room.walking()
        before = len(room.written())
        park = room.park()
        assert park.ended(10) == 4
        assert re.search(r"nothing was parked: a daemon runs already \(process \d+, ", park.err)
        assert room.marker.exists()
        assert STOP not in room.written()[before:]
        assert room.state()["phase"] == "walking"


@LONG
def test_a_treadmill_that_is_not_reached_is_the_person_s_to_stop() -> None:
    with world() as room:
        room.walking().kill()
        room.act("away")
        park = room.park()
        assert park.ended(60) == 3
        assert park.err.endswith("retrowalk: tm could not be reached: pull its safety cord\n")
        assert room.marker.exists()


@LONG
def test_a_treadmill_that_does_not_obey_is_the_person_s_to_stop() -> None:
    with world("ignores-stop") as room:
        room.walking().kill()
        park = room.park()
        assert park.ended(60) == 1
        assert park.err.endswith("retrowalk: tm is not known to rest: pull its safety cord\n")
        assert room.written()[-1] == STOP
        assert room.marker.exists()
