"""How a session goes from stage to stage, and what it tells of it: each word, each moment."""

from collections.abc import Callable

import pytest
from tests.core.by_hand import ByHand
from tests.core.desk import Desk
from tests.core.seat import BACKWARD, FORWARD, Seat, limits, timeline, walk

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Speed
from retrowalk.core.model import Direction
from retrowalk.core.session import Session
from retrowalk.core.stages import Halt, Stage

TURN_BACK = "The belt is still. Turn to face backward, hold the rails, then confirm."
TURN_FORTH = "The belt is still. Turn to face forward, hold the rails, then confirm."
DO_NOT_PUSH, PUSH = "The belt is still. Do not push it yet.", "Push the belt yourself now."
PAUSED = [("paused", {}), "Paused. Press start at the machine to go on."]
DONE = ["Done. The belt is still.", ("completed", {"reason": "completed"})]
LABELS = {
    "forward": "1 min forward at 1 km/h",
    "backward": "1 min backward at 1 km/h",
    "turn forward": "turn to face forward",
    "turn backward": "turn to face backward",
    "rest": "30 s rest, belt stopped",
    "push": "30 s push, belt off",
}


def begun(step: int, what: str) -> object:
    return ("step_started", {"step": step, "label": LABELS[what]})


def turned(direction: Direction) -> object:
    return ("turn", {"direction": direction.value})


def test_every_note_is_told_once() -> None:
    seat = Seat("forward")
    seat.session.end(seat.desk.now, "enough")
    assert seat.notes() == [("stopped", {"reason": "enough"})]
    assert seat.notes() == []


def test_an_offer_has_nothing_behind_it() -> None:
    seat = Seat("forward")
    session = Session("s1", timeline("forward"), limits(), seat.desk.machine, seat.desk.now, walker="anna")
    assert (session.stage, session.halt, session.facing) == (Stage.OFFERED, None, FORWARD)
    assert (session.started, session.console_started, session.ok_given) == (False, False, False)
    assert (session.live_cap, session.cue, session.end_reason) == (None, "", "")
    assert (session.walker, session.segment.step, session.notes()) == ("anna", 1, [])


# --- an act that needs no motion ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "halt", "told"),
    [
        ("backward", Halt.TURN, [TURN_BACK]),
        ("rest, forward", Halt.REST, [begun(1, "rest")]),
        ("rest, backward", Halt.REST, [begun(1, "rest"), TURN_BACK]),
        ("push, forward", Halt.BELTOFF, [begun(1, "push"), DO_NOT_PUSH]),
        ("push, backward", Halt.BELTOFF, [begun(1, "push"), TURN_BACK, DO_NOT_PUSH]),
        ("turn backward, backward", Halt.TURN, [begun(1, "turn backward"), TURN_BACK]),
    ],
)
def test_an_offer_that_begins_with_a_halt_or_backward_stands_first(
    steps: str, halt: Halt, told: list[object]
) -> None:
    seat = Seat(*steps.split(", "))
    assert seat.session.goes_on_at_rest(seat.desk.now)
    assert (seat.session.stage, seat.session.halt) == (Stage.WAITING, halt)
    assert (seat.session.facing, seat.session.started) == (FORWARD, False), "not confirmed yet"
    assert seat.notes() == told


def test_an_offer_that_begins_forward_is_to_be_armed() -> None:
    seat = Seat("forward", "rest")
    assert not seat.session.goes_on_at_rest(seat.desk.now)
    assert (seat.session.stage, seat.session.halt, seat.notes()) == (Stage.OFFERED, None, [])


@pytest.mark.parametrize(
    ("following", "halt", "told"),
    [
        ("rest, backward", Halt.REST, [begun(2, "rest")]),
        ("push, backward", Halt.BELTOFF, [begun(2, "push"), DO_NOT_PUSH]),
        ("turn forward, forward", Halt.TURN, [begun(2, "turn forward"), TURN_FORTH]),
    ],
)
def test_a_turn_before_another_halt_only_turns(following: str, halt: Halt, told: list[object]) -> None:
    seat = Seat("turn backward", *following.split(", ")).halted(Halt.TURN)
    assert seat.session.goes_on_at_rest(seat.desk.now)
    assert (seat.session.stage, seat.session.halt) == (Stage.WAITING, halt)
    assert seat.session.facing is BACKWARD
    assert seat.notes() == [turned(BACKWARD), *told]


def test_a_turn_at_the_end_completes_the_session() -> None:
    seat = Seat("turn backward").halted(Halt.TURN)
    assert seat.session.goes_on_at_rest(seat.desk.now)
    assert seat.session.stage is Stage.ENDED
    assert seat.notes() == [turned(BACKWARD), *DONE]


@pytest.mark.parametrize(
    ("steps", "halt"),
    [
        ("turn backward, backward", Halt.TURN),
        ("backward, rest", Halt.TURN),
        ("forward, rest", Halt.PAUSE),
        ("rest, forward", Halt.REST),
    ],
)
def test_any_other_act_is_to_arm_the_guard(steps: str, halt: Halt) -> None:
    seat = Seat(*steps.split(", ")).halted(halt)
    assert not seat.session.goes_on_at_rest(seat.desk.now)
    assert (seat.session.stage, seat.session.halt, seat.notes()) == (Stage.WAITING, halt, [])


def test_who_turns_has_the_highest_speed_of_that_way() -> None:
    seat = Seat("turn backward", walk(BACKWARD, 120), "turn forward", walk(FORWARD, 200)).halted(Halt.TURN)
    assert seat.session.highest == 200
    seat.session.live_cap = Speed(100)
    seat.session.ready(seat.desk.now)
    assert (seat.session.facing, seat.session.highest) == (BACKWARD, 120)
    assert seat.session.live_cap == 100, "of the whole session"


# --- from the act to the Start --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "halt", "rested_s", "starts_s", "told"),
    [
        ("forward", Halt.PAUSE, 0.0, 6.0, []),
        ("forward", Halt.PAUSE, 60.0, 6.0, []),
        ("backward", Halt.TURN, 0.0, 10.0, [turned(BACKWARD)]),
        ("backward", Halt.TURN, 3.75, 6.25, [turned(BACKWARD)]),
        ("backward", Halt.TURN, 4.25, 6.0, [turned(BACKWARD)]),
        ("turn backward, backward", Halt.TURN, 2.0, 8.0, [turned(BACKWARD)]),
        ("turn forward, forward", Halt.TURN, 2.0, 8.0, [turned(FORWARD)]),  # once more
        ("rest, forward", Halt.REST, 22.0, 8.0, []),
        ("rest, forward", Halt.REST, 25.0, 6.0, []),
        ("rest, backward", Halt.REST, 22.0, 8.0, [turned(BACKWARD)]),
        ("push, forward", Halt.BELTOFF, 22.0, 8.0, []),
    ],
)
def test_the_start_comes_after_the_countdown_the_rest_and_the_time_of_a_turn(
    steps: str, halt: Halt, rested_s: float, starts_s: float, told: list[object]
) -> None:
    seat = Seat(*steps.split(", "), desk=Desk().counted(), countdown_s=6).halted(halt)
    seat.desk.now += rested_s
    seat.session.ready(seat.desk.now)
    assert seat.notes() == [*told, ("armed", {})]
    assert seat.session.stage is Stage.COUNTDOWN
    seat.advance(starts_s - 0.25)
    assert seat.session.stage is Stage.COUNTDOWN
    seat.advance(0.25)
    assert seat.session.stage is Stage.STARTING


def test_the_first_countdown_has_nothing_to_wait_for() -> None:
    seat = Seat("forward", desk=Desk().counted())
    seat.session.ready(seat.desk.now)
    seat.advance(9.75)
    assert seat.session.stage is Stage.COUNTDOWN
    seat.advance(0.25)
    assert seat.session.stage is Stage.STARTING


def test_the_last_ten_seconds_are_called_each_once() -> None:
    seat = Seat("forward", desk=Desk().counted(), countdown_s=12)
    seat.session.ready(seat.desk.now)
    assert seat.notes() == [("armed", {})]
    called: dict[int, list[object]] = {}
    for left in range(11, -1, -1):
        seat.advance(1.0)
        seat.advance(0.0)
        called[left] = seat.notes()
    sentences = {
        10: "Belt starts in 10 at 0.8 km/h.",
        5: "Belt starts in 5 at 0.8 km/h.",
        3: "3",
        2: "2",
        1: "1",
    }
    for left, told in called.items():
        expected = [("countdown", {"seconds": left}), sentences[left]] if left in sentences else []
        assert told == expected, left


def test_a_late_look_calls_what_is_left_at_least() -> None:
    seat = Seat("forward", desk=Desk().counted())
    seat.session.ready(seat.desk.now)
    seat.notes()
    seat.advance(5.5)
    assert seat.notes() == [("countdown", {"seconds": 5}), "Belt starts in 5 at 0.8 km/h."]
    seat.advance(3.75)
    assert seat.notes() == [("countdown", {"seconds": 1}), "1"]


def test_the_guard_hears_of_the_countdown_and_of_its_end() -> None:
    desk = Desk().rest()
    assert desk.arm() == ""
    desk.guard.control = True
    seat = Seat("forward", desk=desk)
    seat.session.ready(desk.now)
    for _ in range(40):
        assert not desk.guard.may_start(desk.now)
        desk.runs(0, 0.25)
        seat.advance()
    assert desk.guard.may_start(desk.now)


@pytest.mark.parametrize("stage", [Stage.COUNTDOWN, Stage.STARTING])
def test_a_start_that_nothing_is_armed_for_is_over(stage: Stage) -> None:
    seat = Seat("forward").put(stage, started=False)
    seat.advance()
    assert seat.session.stage is Stage.ENDED
    assert seat.session.end_reason == "the belt was moved or stopped by hand"


# --- motion ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "started", "told"),
    [
        ("forward", False, [("started", {"program": "p", "by": "retrowalk"}), begun(1, "forward")]),
        ("forward", True, [("resumed", {})]),
        ("rest, forward", False, [("started", {"program": "p", "by": "retrowalk"}), begun(2, "forward")]),
        ("rest, forward", True, [begun(2, "forward")]),
        ("turn backward, backward", True, [begun(2, "backward")]),
    ],
)
def test_motion_begins_the_step_or_goes_on_with_it(steps: str, started: bool, told: list[object]) -> None:
    seat = Seat(*steps.split(", "), desk=Desk().moving()).put(Stage.STARTING, Halt.REST, started=started)
    session = seat.session
    session.in_step_s = session.in_step_m = session.moving_s = 7.0
    session.moving(seat.desk.now)
    assert seat.notes() == told
    left = 0.0 if session.index else 7.0
    assert (session.in_step_s, session.in_step_m, session.moving_s) == (left, left, 7.0)
    assert (session.stage, session.halt, session.started) == (Stage.WALKING, None, True)
    assert not session.console_started


def test_motion_that_the_console_began_is_told_as_such() -> None:
    seat = Seat("forward", desk=Desk().moving())
    seat.session.moving(seat.desk.now, console=True)
    assert seat.notes() == [("started", {"program": "p", "by": "console"}), begun(1, "forward")]
    assert seat.session.console_started


def test_the_next_motion_is_of_its_own_kind() -> None:
    seat = Seat("forward", desk=Desk().moving())
    seat.session.moving(seat.desk.now, console=True)
    seat.session.moving(seat.desk.now)
    assert not seat.session.console_started


def test_the_cue_of_a_step_is_told_as_it_begins_and_stays_where_the_next_has_none() -> None:
    seat = Seat(walk(FORWARD, cue="Easy"), "forward", desk=Desk().moving())
    assert seat.session.cue == ""
    seat.session.moving(seat.desk.now)
    assert seat.notes()[-2:] == [("cue", {"text": "Easy"}), "Easy"]
    seat.session.skip(seat.desk.guard, seat.desk.now)
    assert seat.notes() == [begun(2, "forward")]
    assert seat.session.cue == "Easy"


# --- to rest --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "halt", "told"),
    [
        ("forward", Halt.PAUSE, PAUSED),
        ("rest, forward", Halt.REST, []),
        ("rest, backward", Halt.REST, [TURN_BACK]),
        ("push, forward", Halt.BELTOFF, [DO_NOT_PUSH]),
        ("turn backward, backward", Halt.TURN, [TURN_BACK]),
        ("turn forward, forward", Halt.TURN, [TURN_FORTH]),  # confirmed before, but that start lapsed
    ],
)
def test_a_belt_at_rest_is_told_with_what_to_do(steps: str, halt: Halt, told: list[object]) -> None:
    seat = Seat(*steps.split(", ")).put(Stage.HALTING, halt)
    seat.advance()
    assert (seat.session.stage, seat.session.halt) == (Stage.WAITING, halt)
    assert seat.notes() == told


@pytest.mark.parametrize(
    ("reason", "told"), [("", DONE), ("too long", [("stopped", {"reason": "too long"})])]
)
def test_rest_at_the_end_completes_the_session_unless_it_had_a_reason(
    reason: str, told: list[object]
) -> None:
    seat = Seat("forward").put(Stage.HALTING, Halt.END)
    seat.session.end_reason = reason
    seat.advance()
    assert seat.session.stage is Stage.ENDED
    assert seat.notes() == told


def running() -> Desk:
    return Desk().walking()


def unheard() -> Desk:
    desk = Desk().rest()
    desk.silence(4.0)
    return desk


def stopped_before_it_moved() -> Desk:
    """The Stop that a Start is owed is not written yet."""
    desk = Desk().starting()
    desk.stuck = True
    desk.stop()
    desk.runs(0, 1.0)
    assert desk.guard.resting(desk.now)
    assert desk.stopping()
    return desk


@pytest.mark.parametrize("desk", [running, unheard, stopped_before_it_moved])
def test_a_halt_lasts_until_the_stop_is_over_and_rest_is_known(desk: Callable[[], Desk]) -> None:
    seat = Seat("forward", desk=desk()).put(Stage.HALTING, Halt.PAUSE)
    seat.advance()
    assert (seat.session.stage, seat.notes()) == (Stage.HALTING, [])


@pytest.mark.parametrize(
    ("stage", "halt", "then", "why"),
    [
        (Stage.WALKING, None, Stage.HALTING, Halt.PAUSE),
        (Stage.EASING, Halt.TURN, Stage.HALTING, Halt.TURN),
        (Stage.EASING, Halt.END, Stage.HALTING, Halt.END),
        (Stage.EASING, Halt.PAUSE, Stage.HALTING, Halt.PAUSE),
        (Stage.HALTING, Halt.TURN, Stage.HALTING, Halt.TURN),
        (Stage.WAITING, Halt.PAUSE, Stage.WAITING, Halt.PAUSE),
        (Stage.OFFERED, None, Stage.OFFERED, None),
    ],
)
def test_a_stop_at_the_console_is_a_pause_or_the_halt_that_was_to_come(
    stage: Stage, halt: Halt | None, then: Stage, why: Halt | None
) -> None:
    seat = Seat("forward").put(stage, halt)
    seat.session.end_reason = "no sign of the walker"
    seat.session.console_stopped(seat.desk.now)
    assert (seat.session.stage, seat.session.halt, seat.notes()) == (then, why, [])
    assert seat.session.end_reason == "no sign of the walker"


@pytest.mark.parametrize("stage", [Stage.COUNTDOWN, Stage.STARTING])
@pytest.mark.parametrize("started", [False, True])
def test_and_before_motion_the_start_comes_to_nothing(stage: Stage, started: bool) -> None:
    seat = Seat("turn backward", "backward").put(stage, Halt.TURN, started=started)
    seat.session.console_stopped(seat.desk.now)
    reason = "it was stopped at the console"
    told: list[object] = [f"The belt does not start: {reason}."]
    if started:
        assert (seat.session.stage, seat.session.halt) == (Stage.HALTING, Halt.TURN), "back to that halt"
    else:
        assert seat.session.stage is Stage.ENDED
        told.append(("stopped", {"reason": reason}))
    assert seat.notes() == told


@pytest.mark.parametrize("facing", [FORWARD, BACKWARD])
def test_after_it_the_rest_that_was_to_end_goes_on(facing: Direction) -> None:
    seat = Seat("rest", facing.value).put(Stage.STARTING, Halt.REST, facing=facing)
    seat.session.lapse(seat.desk.now, "nothing is granted")
    seat.advance()
    assert (seat.session.segment.step, seat.session.stage, seat.session.halt) == (1, Stage.WAITING, Halt.REST)


@pytest.mark.parametrize("stage", [s for s in Stage if s not in {Stage.COUNTDOWN, Stage.STARTING}])
def test_only_a_start_comes_to_nothing(stage: Stage) -> None:
    seat = Seat("forward").put(stage, Halt.PAUSE)
    seat.session.lapse(seat.desk.now, "somebody pulled the plug")
    assert (seat.session.stage, seat.notes()) == (stage, [])


@pytest.mark.parametrize(
    ("marked", "control", "reason"),
    [
        (False, False, "the moving-marker is not written yet"),
        (False, True, "the moving-marker is not written yet"),
        (True, False, "the treadmill did not grant control"),
        (True, True, "the belt was not known to rest in time"),
    ],
)
def test_a_start_that_was_not_made_in_time_says_what_it_lacked(
    marked: bool, control: bool, reason: str
) -> None:
    seat = Seat("forward").put(Stage.STARTING, started=False)
    seat.desk.guard.marked, seat.desk.guard.control = marked, control
    seat.session.not_started(seat.desk.guard, seat.desk.now)
    assert seat.notes() == [f"The belt does not start: {reason}.", ("stopped", {"reason": reason})]


def test_a_start_that_the_consoles_key_kept_from_being_made_says_so() -> None:
    hands = ByHand().counting().runs(0, 9.0)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(0, 8.0)
    assert "The belt does not start: its own Start key was pressed." in hands.said()


def test_an_offer_does_not_lapse_between_the_consoles_key_and_its_motion() -> None:
    hands = ByHand().offered().runs(0, 298.0)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(0, 3.0).runs(80, 3.0)
    assert hands.session.console_started


def test_but_it_does_where_no_motion_follows_the_key() -> None:
    hands = ByHand().offered().runs(0, 298.0)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(0, 9.75)
    assert hands.session.stage is Stage.OFFERED
    hands.runs(0, 0.5)
    assert hands.session.stage is Stage.ENDED


@pytest.mark.parametrize(("stopping", "stage"), [(False, Stage.ENDED), (True, Stage.HALTING)])
def test_a_belt_of_which_nothing_is_heard_after_a_start_that_came_to_nothing_is_not_waited_for_for_ever(
    stopping: bool, stage: Stage
) -> None:
    seat = Seat("forward", rest_wait_s=60).put(Stage.STARTING, Halt.PAUSE)
    seat.session.lapse(seat.desk.now, "nothing is granted")
    seat.notes()
    if stopping:
        seat.desk.guard.want_stop(seat.desk.now, must_write=True)
    seat.advance(60.0)
    assert (seat.session.stage, seat.notes()) == (Stage.HALTING, [])
    seat.advance(0.01)
    assert seat.session.stage is stage, "a stop has an end of its own: rest, or the alarm"
    reason = "the belt is not known to rest"
    told: list[object] = [f"The session is over: {reason}.", ("stopped", {"reason": reason})]
    assert seat.notes() == ([] if stopping else told)


# --- halts that are asked for ---------------------------------------------------------------------------

STOPS = {
    Halt.TURN: ["The belt is stopping. Step to the side rails. Turn only when it is still."],
    Halt.REST: ["The belt is stopping for a rest. Hold the rails."],
    Halt.BELTOFF: ["The belt is stopping. Hold the rails."],
    Halt.END: ["The belt is stopping. Hold the rails until it is still."],
    Halt.PAUSE: [],  # who asked for it hears so from the controller
}


@pytest.mark.parametrize("halt", Halt)
@pytest.mark.parametrize("cue", ["", "Slowly"])
@pytest.mark.parametrize("reason", ["", "a fault says so itself"])
def test_a_halt_is_said_as_it_begins_unless_its_cue_or_its_reason_is(
    halt: Halt, cue: str, reason: str
) -> None:
    seat = Seat(walk(FORWARD, cue=cue), desk=Desk().walking()).walking()
    seat.session.end_reason = reason
    seat.session.ask_to_halt(halt, seat.desk.now)
    assert (seat.session.stage, seat.session.halt) == (Stage.EASING, halt)
    said = not reason and (halt is Halt.END or not cue)
    assert seat.notes() == (STOPS[halt] if said else [])


@pytest.mark.parametrize(
    ("following", "stage", "halt", "step"),
    [
        ("forward", Stage.WALKING, None, 2),
        ("turn backward", Stage.EASING, Halt.TURN, 2),
        ("rest", Stage.EASING, Halt.REST, 2),
        ("push", Stage.EASING, Halt.BELTOFF, 2),
        (None, Stage.EASING, Halt.END, 1),
    ],
)
def test_skip_goes_to_the_next_step_or_halt(
    following: str | None, stage: Stage, halt: Halt | None, step: int
) -> None:
    steps = ["forward", following, "forward"] if following else ["forward"]
    seat = Seat(*steps, desk=Desk().walking()).walking()
    seat.session.in_step_s = seat.session.in_step_m = 7.0
    seat.session.skip(seat.desk.guard, seat.desk.now)
    session = seat.session
    assert (session.stage, session.halt, session.segment.step) == (stage, halt, step)
    if following:
        assert seat.notes() == [begun(2, following), *(STOPS[halt] if halt else [])]
        assert (session.in_step_s, session.in_step_m) == (0.0, 0.0)
    else:
        assert seat.notes() == STOPS[Halt.END]


def test_after_its_fifth_refused_target_a_walk_ends_whatever_steps_and_pauses_it_had() -> None:
    seat = Seat("forward", "forward", desk=Desk().walking()).walking()
    for refusals in range(1, 5):
        seat.session.target_refused(seat.desk.now)
        assert (seat.session.stage, refusals) == (Stage.WALKING, refusals)
    seat.session.skip(seat.desk.guard, seat.desk.now)
    seat.session.moving(seat.desk.now)
    seat.session.target_refused(seat.desk.now)
    assert (seat.session.stage, seat.session.halt) == (Stage.EASING, Halt.END)
    assert seat.session.end_reason == "the treadmill refuses its target speeds"


def test_a_halt_that_is_on_its_way_is_not_changed_by_a_refused_target() -> None:
    seat = Seat("forward", desk=Desk().walking()).walking()
    seat.session.ask_to_halt(Halt.PAUSE, seat.desk.now)
    for _ in range(6):
        seat.session.target_refused(seat.desk.now)
    assert (seat.session.halt, seat.session.end_reason) == (Halt.PAUSE, "")


def test_a_session_ends_once_for_its_first_reason() -> None:
    seat = Seat("forward")
    seat.session.end(seat.desk.now, "first")
    seat.session.end(seat.desk.now, "second")
    assert seat.session.end_reason == "first"
    assert seat.notes() == [("stopped", {"reason": "first"})]


# --- waiting for people ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("window_s", "open_s"), [(20.0, 20.0), (None, 300.0)])
def test_an_offer_stands_as_long_as_its_window(window_s: float | None, open_s: float) -> None:
    seat = Seat("forward")
    old = seat.session
    seat.session = Session("s1", old.timeline, old.limits, old.machine, seat.desk.now, window_s=window_s)
    seat.advance(open_s)
    assert (seat.session.stage, seat.notes()) == (Stage.OFFERED, [])
    seat.advance(0.25)
    reason = "nobody started it in time"
    assert seat.notes() == [f"The session is over: {reason}.", ("missed", {"reason": reason})]


@pytest.mark.parametrize(("step", "halt"), [("forward", Halt.PAUSE), ("turn backward", Halt.TURN)])
def test_a_person_has_so_long_to_act(step: str, halt: Halt) -> None:
    seat = Seat(step, "rest", rest_wait_s=60).halted(halt)
    seat.advance(60.0)
    assert (seat.session.stage, seat.notes()) == (Stage.WAITING, [])
    seat.advance(0.25)
    reason = "nobody confirmed in time"
    assert seat.notes() == [f"The session is over: {reason}.", ("stopped", {"reason": reason})]


def test_after_a_rest_that_time_begins_with_its_end() -> None:
    seat = Seat("rest", "forward", rest_wait_s=60).halted(Halt.REST)
    seat.advance(29.75)
    seat.advance(0.25)
    seat.advance(59.75)
    assert seat.session.stage is Stage.WAITING
    seat.advance(0.25)
    assert seat.session.stage is Stage.ENDED


@pytest.mark.parametrize(("step", "halt"), [("rest", Halt.REST), ("push", Halt.BELTOFF)])
def test_a_rest_before_another_halt_ends_by_itself(step: str, halt: Halt) -> None:
    seat = Seat(step, "turn backward", "backward").halted(halt)
    seat.rests(29.75)
    assert (seat.session.stage, seat.session.halt) == (Stage.WAITING, halt)
    seat.notes()
    seat.rests(0.25)
    assert (seat.session.stage, seat.session.halt) == (Stage.WAITING, Halt.TURN)
    assert seat.notes() == [begun(2, "turn backward"), TURN_BACK]


def test_each_of_two_rests_in_a_row_lasts_as_long_as_it_says() -> None:
    seat = Seat("rest", "rest", "forward").halted(Halt.REST)
    seat.rests(30.0)
    assert (seat.session.index, seat.session.step_remaining(seat.desk.now)) == (1, 30.0)


def test_a_rest_at_the_end_ends_the_session() -> None:
    seat = Seat("rest").halted(Halt.REST)
    seat.rests(30.0)
    assert seat.session.stage is Stage.ENDED
    assert seat.notes() == DONE


STILL_PUSHED = "Stop pushing: the belt has to come to rest."


@pytest.mark.parametrize("after", [(), ("turn backward", "backward"), ("rest", "forward")])
def test_a_belt_that_is_still_pushed_is_not_said_to_be_still(after: tuple[str, ...]) -> None:
    seat = Seat("push", *after).halted(Halt.BELTOFF)
    seat.rests(15.0)
    assert seat.notes() == [PUSH]
    seat.desk.runs(120, 15.0)
    seat.advance()
    assert seat.notes() == [STILL_PUSHED]
    seat.desk.runs(120, 15.0)
    seat.advance()
    assert (seat.session.halt, seat.notes()) == (Halt.BELTOFF, []), "once"
    seat.rests(0.75)
    assert seat.session.halt is not Halt.BELTOFF or seat.session.stage is Stage.ENDED


def test_at_the_end_of_each_push_they_are_told_to_stop() -> None:
    seat = Seat("push", "push").halted(Halt.BELTOFF)
    for _ in range(2):
        seat.desk.runs(120, 30.25)
        seat.advance()
        assert STILL_PUSHED in seat.notes()
        seat.rests(0.75)


def test_who_has_stopped_pushing_is_not_told_to_stop() -> None:
    seat = Seat("push", "forward").halted(Halt.BELTOFF)
    seat.rests(45.0)
    assert STILL_PUSHED not in seat.notes()


def test_who_never_stops_pushing_ends_the_session() -> None:
    seat = Seat("push", "turn backward", "backward", rest_wait_s=60).halted(Halt.BELTOFF)
    seat.desk.runs(120, 29.75)
    seat.advance()
    seat.desk.runs(120, 60.0)
    seat.advance()
    assert seat.session.stage is Stage.WAITING
    seat.desk.runs(120, 0.25)
    seat.advance()
    assert seat.session.stage is Stage.ENDED


PRESS = "Press start at the machine to go on."
PRESS_YOURS = "To go on press your own start button, not the console's."


@pytest.mark.parametrize(
    ("step", "halt", "early", "told"),
    [
        ("rest", Halt.REST, 19.75, [PRESS]),
        ("push", Halt.BELTOFF, 19.75, [PUSH, PRESS]),
        ("push", Halt.PAUSE, 0.0, []),  # who pauses has been told
    ],
)
def test_who_may_go_on_is_told_what_to_press_once(
    step: str, halt: Halt, early: float, told: list[object]
) -> None:
    seat = Seat(step, "forward").halted(halt)
    seat.rests(early)
    heard = seat.notes()
    assert PRESS not in heard
    seat.rests(0.25)
    seat.rests(5.0)
    assert [*heard, *seat.notes()] == told


def test_so_they_are_in_each_rest() -> None:
    seat = Seat("rest", "forward")
    for _ in range(2):
        seat.halted(Halt.REST).rests(30.0)
        assert seat.notes() == [PRESS]


@pytest.mark.parametrize(
    ("steps", "halt", "told"),
    [
        ("backward", Halt.PAUSE, [("paused", {}), f"Paused. {PRESS_YOURS}"]),
        ("rest, backward", Halt.REST, [PRESS_YOURS]),
    ],
)
def test_facing_backward_nobody_is_sent_to_the_console_s_key_which_is_an_alarm_there(
    steps: str, halt: Halt, told: list[object]
) -> None:
    seat = Seat(*steps.split(", ")).put(Stage.HALTING, halt, facing=BACKWARD)
    seat.advance()
    seat.rests(40.0)
    assert seat.notes() == told


def test_the_walker_is_told_once_to_push_ten_seconds_after_rest() -> None:
    seat = Seat("push", "forward").halted(Halt.BELTOFF)
    seat.advance(9.75)
    assert seat.notes() == []
    seat.advance(0.25)
    assert seat.notes() == [PUSH]
    seat.advance(10.0)
    assert seat.notes() == []


def test_in_a_rest_nobody_is_told_to_push() -> None:
    seat = Seat("rest", "forward").halted(Halt.REST)
    seat.advance(15.0)
    assert seat.notes() == []
