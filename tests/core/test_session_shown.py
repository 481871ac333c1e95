"""What a session says of itself, stage by stage: how the person stands, who may start the belt, what is
asked, how much is left."""

from collections.abc import Callable

import pytest
from tests.core.desk import Desk
from tests.core.seat import BACKWARD, FORWARD, Seat, walk

from blefit.units import Speed
from retrowalk.core.model import Act, Direction, Phase
from retrowalk.core.stages import Halt, Stage

STANDING = Direction.STANDING
IN_MOTION = {Stage.WALKING, Stage.EASING, Stage.HALTING}


# --- how the person stands ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "facing", "heading"),
    [
        (("forward",), FORWARD, FORWARD),
        (("backward",), FORWARD, BACKWARD),
        (("forward",), BACKWARD, FORWARD),
        (("turn backward", "rest"), FORWARD, BACKWARD),
        (("turn forward", "rest"), BACKWARD, FORWARD),
        (("rest", "backward"), FORWARD, BACKWARD),
        (("push", "forward"), BACKWARD, FORWARD),
        (("rest", "turn backward"), FORWARD, FORWARD),
        (("rest", "turn forward"), BACKWARD, BACKWARD),
        (("rest",), BACKWARD, BACKWARD),
    ],
)
def test_the_heading_is_that_of_the_walk_or_turn_to_come(
    steps: tuple[str, ...], facing: Direction, heading: Direction
) -> None:
    assert Seat(*steps).put(Stage.WAITING, facing=facing).session.heading is heading


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("facing", [FORWARD, BACKWARD])
@pytest.mark.parametrize("started", [False, True])
def test_the_direction_is_the_facing_while_a_belt_of_ours_moves(
    stage: Stage, facing: Direction, started: bool
) -> None:
    seat = Seat("forward").put(stage, facing=facing, started=started)
    moves = stage in IN_MOTION and started
    assert seat.session.direction(seat.desk.guard) is (facing if moves else STANDING)


@pytest.mark.parametrize(("started", "direction"), [(False, STANDING), (True, BACKWARD)])
def test_and_until_a_stop_is_over(started: bool, direction: Direction) -> None:
    seat = Seat("backward", desk=Desk().walking()).put(Stage.ENDED, facing=BACKWARD, started=started)
    seat.desk.stop()
    assert seat.session.direction(seat.desk.guard) is direction


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("facing", [FORWARD, BACKWARD])
def test_only_who_walks_and_faces_backward_walks_backward(stage: Stage, facing: Direction) -> None:
    session = Seat("backward").put(stage, facing=facing).session
    assert session.walks_backward is (stage is Stage.WALKING and facing is BACKWARD)


# --- whose motion it would be (G13, G14) ----------------------------------------------------------------

OURS, NOBODYS, THEIRS = "the console's start begins it", "an alarm", "none of the session's"
PUSHED = "the walker's push, but an alarm after the console's start"


@pytest.mark.parametrize(
    ("whose", "steps", "stage", "halt", "facing"),
    [
        # an offer: nobody was asked for anything yet
        (OURS, "forward", Stage.OFFERED, None, FORWARD),
        (THEIRS, "backward", Stage.OFFERED, None, FORWARD),
        (THEIRS, "turn backward, backward", Stage.OFFERED, None, FORWARD),
        (THEIRS, "rest, forward", Stage.OFFERED, None, FORWARD),
        (THEIRS, "push, forward", Stage.OFFERED, None, FORWARD),
        # a pause
        (OURS, "forward", Stage.WAITING, Halt.PAUSE, FORWARD),
        (OURS, "forward, rest", Stage.WAITING, Halt.PAUSE, FORWARD),
        (NOBODYS, "backward", Stage.WAITING, Halt.PAUSE, BACKWARD),
        (NOBODYS, "backward, forward", Stage.WAITING, Halt.PAUSE, BACKWARD),
        # a rest
        (OURS, "rest, forward", Stage.WAITING, Halt.REST, FORWARD),
        (NOBODYS, "rest, forward", Stage.WAITING, Halt.REST, BACKWARD),
        (NOBODYS, "rest, backward", Stage.WAITING, Halt.REST, FORWARD),
        (NOBODYS, "rest, backward", Stage.WAITING, Halt.REST, BACKWARD),
        (NOBODYS, "rest, turn backward", Stage.WAITING, Halt.REST, FORWARD),
        (NOBODYS, "rest, push", Stage.WAITING, Halt.REST, FORWARD),
        (NOBODYS, "rest", Stage.WAITING, Halt.REST, FORWARD),
        # a turn, its facing not confirmed; nor is it where a confirmed one came to nothing
        (NOBODYS, "turn backward, backward", Stage.WAITING, Halt.TURN, FORWARD),
        (NOBODYS, "turn backward, backward", Stage.WAITING, Halt.TURN, BACKWARD),
        (NOBODYS, "turn forward, forward", Stage.WAITING, Halt.TURN, BACKWARD),
        (NOBODYS, "turn forward, forward", Stage.WAITING, Halt.TURN, FORWARD),
        (NOBODYS, "backward", Stage.WAITING, Halt.TURN, FORWARD),
        # a beltoff step: the walker's own push
        (THEIRS, "push, forward", Stage.WAITING, Halt.BELTOFF, FORWARD),
        (PUSHED, "push, backward", Stage.WAITING, Halt.BELTOFF, BACKWARD),
        # a countdown, or a Start that is not written yet: the act was given, and with it the facing confirmed
        *(
            (whose, steps, stage, halt, facing)
            for stage in (Stage.COUNTDOWN, Stage.STARTING)
            for whose, steps, halt, facing in (
                (OURS, "forward", None, FORWARD),
                (OURS, "forward", Halt.PAUSE, FORWARD),
                (OURS, "rest, forward", Halt.REST, FORWARD),
                (OURS, "turn forward, forward", Halt.TURN, FORWARD),
                (OURS, "push, forward", Halt.BELTOFF, FORWARD),
                (NOBODYS, "turn backward, backward", Halt.TURN, BACKWARD),
                (NOBODYS, "backward", Halt.PAUSE, BACKWARD),
                (PUSHED, "push, backward", Halt.BELTOFF, BACKWARD),
            )
        ),
        # a start that came to nothing, of a belt that is not known to rest yet
        (OURS, "forward", Stage.HALTING, Halt.PAUSE, FORWARD),
        (OURS, "rest, forward", Stage.HALTING, Halt.REST, FORWARD),
        (NOBODYS, "turn backward, backward", Stage.HALTING, Halt.TURN, BACKWARD),
        (NOBODYS, "turn forward, forward", Stage.HALTING, Halt.TURN, FORWARD),
        (NOBODYS, "backward", Stage.HALTING, Halt.PAUSE, BACKWARD),
        (NOBODYS, "forward", Stage.HALTING, Halt.END, BACKWARD),
        (PUSHED, "push, backward", Stage.HALTING, Halt.BELTOFF, BACKWARD),
        # motion is ours already, or no more
        (THEIRS, "forward", Stage.WALKING, None, FORWARD),
        (THEIRS, "forward", Stage.EASING, Halt.PAUSE, FORWARD),
        (THEIRS, "forward", Stage.ENDED, None, FORWARD),
    ],
)
def test_whose_motion_it_is_when_the_belt_moves_now(
    whose: str, steps: str, stage: Stage, halt: Halt | None, facing: Direction
) -> None:
    session = Seat(*steps.split(", ")).put(stage, halt, facing=facing).session
    assert session.console_may_start is (whose == OURS)
    assert session.nobody_may_start(keyed=False) is (whose == NOBODYS)
    assert session.nobody_may_start(keyed=True) is (whose in {NOBODYS, PUSHED})


# --- what set_cap may lower -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forward", "backward", "live", "highest"),
    [
        (200, 120, None, 200),
        (100, 120, None, 120),
        (100, 300, None, 150),  # the cap of the level
        (200, 120, 180, 180),
        (200, 120, 210, 200),
    ],
)
def test_the_highest_cap_is_that_of_the_faster_direction(
    forward: int, backward: int, live: int | None, highest: int
) -> None:
    rising = walk(FORWARD, forward, knots=((0.0, Speed(80)),))
    session = Seat(rising, "turn backward", walk(BACKWARD, backward), "rest").session
    session.live_cap = None if live is None else Speed(live)
    assert session.highest_cap == highest


def test_where_nothing_is_walked_there_is_no_cap_to_lower() -> None:
    assert Seat("rest").session.highest_cap == 0


# --- the phase ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "halt", "phase"),
    [
        (Stage.OFFERED, None, Phase.OFFERED),
        (Stage.WALKING, None, Phase.WALKING),
        (Stage.ENDED, None, Phase.ENDED),
        *(
            (stage, halt, phase)
            for stage in (Stage.EASING, Stage.HALTING, Stage.WAITING)
            for halt, phase in {
                Halt.TURN: Phase.TURNING,
                Halt.REST: Phase.RESTING,
                Halt.BELTOFF: Phase.RESTING,
                Halt.PAUSE: Phase.PAUSED,
                Halt.END: Phase.STOPPING,
            }.items()
        ),
    ],
)
def test_the_phase_of_a_stage_and_what_its_halt_is_for(stage: Stage, halt: Halt | None, phase: Phase) -> None:
    seat = Seat("forward").put(stage, halt)
    assert seat.session.phase(seat.desk.guard) is phase


def test_a_countdown_is_armed_until_its_first_call() -> None:
    seat = Seat("forward", countdown_s=11, desk=Desk().counted())
    seat.session.ready(seat.desk.now)
    assert seat.session.phase(seat.desk.guard) is Phase.ARMED
    seat.advance(0.75)
    assert seat.session.phase(seat.desk.guard) is Phase.ARMED
    seat.advance(0.25)
    assert seat.session.phase(seat.desk.guard) is Phase.COUNTDOWN
    seat.put(Stage.STARTING)
    assert seat.session.phase(seat.desk.guard) is Phase.COUNTDOWN


def held() -> Desk:
    """A hand set the belt to 1.0 km/h, from 1.4."""
    desk = Desk().at(140)
    desk.runs(100, 4.0)
    assert desk.guard.hand == 100
    return desk


@pytest.mark.parametrize("cooling_down", [False, True])
def test_a_walk_is_held_or_cools_down(cooling_down: bool) -> None:
    step = walk(FORWARD, cooling_down=cooling_down)
    seat = Seat(step, desk=Desk().at(140)).put(Stage.WALKING)
    plain = Phase.COOLING_DOWN if cooling_down else Phase.WALKING
    assert seat.session.phase(seat.desk.guard) is plain
    seat = Seat(step, desk=held()).put(Stage.WALKING)
    assert seat.session.phase(seat.desk.guard) is Phase.HELD


def test_an_ended_session_is_stopping_until_the_stop_is_over() -> None:
    seat = Seat("forward", desk=Desk().walking()).put(Stage.ENDED)
    seat.desk.stop()
    assert seat.session.phase(seat.desk.guard) is Phase.STOPPING


# --- the act that is asked for --------------------------------------------------------------------------


def asked(seat: Seat) -> Act | None:
    return seat.session.awaiting(seat.desk.guard, seat.desk.now)


def resting() -> Desk:
    return Desk().rest()


def manual() -> Desk:
    desk = Desk().rest()
    desk.runs(80, 0.5)
    assert desk.guard.manual(desk.now)
    return desk


def distrusted() -> Desk:
    desk = Desk().rest()
    desk.guard.distrusted = True
    return desk


@pytest.mark.parametrize(
    ("desk", "act"),
    [(resting, Act.START), (Desk, Act.STILL), (distrusted, Act.STILL), (manual, None)],
)
def test_an_offer_asks_for_its_start_of_a_belt_that_rests(desk: Callable[[], Desk], act: Act | None) -> None:
    assert asked(Seat("forward", desk=desk())) is act


@pytest.mark.parametrize(
    ("stage", "act"),
    [
        (Stage.COUNTDOWN, None),
        (Stage.STARTING, None),
        (Stage.WALKING, Act.OK),
        (Stage.EASING, None),
        (Stage.HALTING, None),
        (Stage.WAITING, Act.STILL),
        (Stage.ENDED, None),
    ],
)
def test_a_hand_or_a_start_at_the_console_asks_for_an_ok_while_walking(stage: Stage, act: Act | None) -> None:
    assert asked(Seat("forward", desk=held()).put(stage, Halt.PAUSE)) is act
    by_console = Seat("forward", desk=Desk().walking()).put(stage, Halt.PAUSE)
    by_console.session.console_started = True
    assert asked(by_console) is act


def test_a_walk_asks_for_nothing() -> None:
    assert asked(Seat("forward", desk=Desk().walking()).put(Stage.WALKING)) is None


@pytest.mark.parametrize(
    ("steps", "halt", "facing", "act"),
    [
        ("forward", Halt.PAUSE, FORWARD, Act.START),
        ("forward, rest", Halt.PAUSE, FORWARD, Act.START),
        ("backward", Halt.PAUSE, BACKWARD, Act.START),
        ("backward", Halt.PAUSE, FORWARD, Act.FACING),
        ("turn backward, backward", Halt.TURN, FORWARD, Act.FACING),
        ("turn backward, backward", Halt.TURN, BACKWARD, Act.FACING),
        ("turn backward, rest", Halt.TURN, FORWARD, Act.FACING),
    ],
)
def test_a_pause_asks_for_a_start_and_a_turn_for_the_facing(
    steps: str, halt: Halt, facing: Direction, act: Act
) -> None:
    seat = Seat(*steps.split(", ")).halted(halt, facing=facing)
    assert asked(seat) is act
    seat.desk.silence(4.0)
    assert asked(seat) is Act.STILL, "rest is not known any more"


@pytest.mark.parametrize(("step", "halt"), [("rest", Halt.REST), ("push", Halt.BELTOFF)])
@pytest.mark.parametrize(
    ("following", "act"),
    [("forward", Act.START), ("backward", Act.FACING), ("turn backward", None), ("rest", None), (None, None)],
)
def test_a_rest_asks_as_late_as_a_countdown_before_its_end_if_a_walk_follows(
    step: str, halt: Halt, following: str | None, act: Act | None
) -> None:
    seat = Seat(step, *([following] if following else []), countdown_s=8).halted(halt)
    seat.desk.runs(0, 21.75)
    assert asked(seat) is None
    seat.desk.runs(0, 0.25)
    assert asked(seat) is act
    seat.desk.runs(0, 60.0)
    assert asked(seat) is act


# --- how much is left -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("walked_s", "left_s"), [(0.0, 60.0), (59.5, 0.5), (60.0, 0.0), (62.0, 0.0)])
def test_what_is_left_of_a_walk_of_some_seconds(walked_s: float, left_s: float) -> None:
    session = Seat("forward", "rest", "backward").put(Stage.WALKING).session
    session.in_step_s = walked_s
    assert session.step_remaining(100.0) == left_s
    assert session.remaining(100.0) == left_s + 30.0 + 60.0


@pytest.mark.parametrize(("walked_m", "left_s"), [(0.0, 80.0), (10.0, 40.0), (20.0, 0.0), (21.0, 0.0)])
def test_what_is_left_of_a_walk_of_some_metres(walked_m: float, left_s: float) -> None:
    step = walk(FORWARD, seconds=200.0, expected_s=80.0, distance_m=20)
    session = Seat(step, "forward").put(Stage.WALKING).session
    session.in_step_m = walked_m
    assert session.step_remaining(100.0) == left_s
    assert session.remaining(100.0) == left_s + 60.0
    assert Seat("forward", step).session.remaining(100.0) == 60.0 + 80.0


@pytest.mark.parametrize(("step", "halt"), [("rest", Halt.REST), ("push", Halt.BELTOFF)])
@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.COUNTDOWN, Stage.STARTING])
def test_what_is_left_of_a_rest(step: str, halt: Halt, stage: Stage) -> None:
    seat = Seat(step, "forward").halted(halt)
    seat.session.stage = stage
    rested = seat.desk.now
    for passed, left in [(0.0, 30.0), (29.5, 0.5), (30.0, 0.0), (300.0, 0.0)]:
        assert seat.session.step_remaining(rested + passed) == left
        assert seat.session.remaining(rested + passed) == left + 60.0


@pytest.mark.parametrize(("step", "halt"), [("rest", Halt.REST), ("push", Halt.BELTOFF)])
def test_of_a_rest_that_the_belt_is_on_its_way_to_all_is_left(step: str, halt: Halt) -> None:
    seat = Seat(step, "forward", step, "backward").put(Stage.EASING, halt)

    def left() -> tuple[float | None, float]:
        return seat.session.step_remaining(seat.desk.now), seat.session.remaining(seat.desk.now)

    assert left() == (30.0, 30.0 + 60.0 + 30.0 + 60.0)
    seat.halted(halt)
    seat.desk.now += 20.0
    assert left() == (10.0, 10.0 + 60.0 + 30.0 + 60.0)
    seat.walking(step=2).session.skip(seat.desk.guard, seat.desk.now)
    assert (seat.session.stage, left()) == (Stage.EASING, (30.0, 30.0 + 60.0))
    seat.session.console_stopped(seat.desk.now)
    assert (seat.session.stage, left()) == (Stage.HALTING, (30.0, 30.0 + 60.0))
    seat.session.end(seat.desk.now, "enough")
    assert left() == (30.0, 30.0 + 60.0)


@pytest.mark.parametrize(("step", "halt"), [("turn backward", Halt.TURN), ("forward", Halt.PAUSE)])
def test_nobody_knows_how_long_a_person_takes(step: str, halt: Halt) -> None:
    seat = Seat(step, "backward").halted(halt)
    assert seat.session.step_remaining(seat.desk.now) is None
    assert seat.session.remaining(seat.desk.now) == 60.0


@pytest.mark.parametrize(
    ("step", "label"), [(1, "turn to face backward"), (2, "1 min backward at 1 km/h"), (3, None)]
)
def test_the_step_after_the_present_one_is_known(step: int, label: str | None) -> None:
    session = Seat("forward", "turn backward", "backward").put(Stage.WALKING, step=step).session
    assert session.next_label == label
    assert (session.next_segment.label if session.next_segment else None) == label
