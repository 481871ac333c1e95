"""G3: a Stop request is accepted at any time and goes ahead of everything pending."""

import itertools

import pytest
from tests.core.desk import SUCCESS, Desk, authority

from blefit.ftms.control_point import ResultCode
from blefit.units import Incline, Speed
from retrowalk.core.authority import State
from retrowalk.core.model import Command, RequestControl, Start, Stop, Target, TargetIncline

DENIED = int(ResultCode.CONTROL_NOT_PERMITTED)


def test_a_stop_overtakes_a_target_that_is_not_answered() -> None:
    desk = Desk().walking()
    desk.results[Target] = None
    assert desk.want(Target(Speed(100))) == ""
    desk.stop()
    assert [type(c) for _, c in desk.writes[-2:]] == [Target, Stop]
    assert desk.writes[-2][0] == desk.writes[-1][0]


def test_a_stop_does_not_wait_for_the_spacing_of_frames() -> None:
    desk = Desk().walking()
    desk.want(Target(Speed(100)))
    desk.stop()
    assert desk.last == Stop()


@pytest.mark.parametrize("control", [True, False])
def test_stop_is_written_first_with_or_without_control(control: bool) -> None:
    desk = Desk().at(120)
    desk.guard.control = control
    desk.stop()
    assert desk.last == Stop()


@pytest.mark.parametrize("granted", [True, False])
def test_denied_control_is_asked_for_and_stop_written_again_at_once(granted: bool) -> None:
    desk = Desk().at(120)
    desk.results |= {Stop: DENIED, RequestControl: SUCCESS if granted else DENIED}
    desk.stop()
    assert [(at, type(c)) for at, c in desk.writes[-3:]] == [
        (desk.now, kind) for kind in (Stop, RequestControl, Stop)
    ]


def test_a_stop_after_a_denial_has_the_time_of_a_first_one() -> None:
    """Some machines start at a Stop that finds them at rest."""
    desk = Desk().at(120)
    desk.results[Stop] = None
    desk.stop()
    desk.results[Stop] = SUCCESS
    desk.answer(Stop(), DENIED)
    written = desk.stops
    desk.runs(120, 1.25)
    assert desk.stops == written
    desk.runs(120, 0.5)
    assert desk.stops == written + 1


def test_a_stop_is_repeated_though_control_for_its_sake_is_not_answered() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = DENIED
    desk.results[RequestControl] = None
    desk.stop()
    assert desk.last == RequestControl()
    desk.runs(120, 2.0)
    assert desk.stops == 3, "1.5 s after the first, then every 0.5 s"


def test_a_late_denial_counts_though_the_repeats_were_not_taken() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = None
    desk.stop()
    desk.write_error = "procedure already in progress"
    desk.runs(120, 2.0)
    desk.write_error, desk.results[Stop] = "", SUCCESS
    desk.answer(Stop(), DENIED)
    assert [(at, type(c)) for at, c in desk.writes[-2:]] == [(desk.now, RequestControl), (desk.now, Stop)]


def test_a_new_stop_request_goes_ahead_of_control() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = None
    desk.stop()
    desk.silence(0.5)
    desk.guard.want_stop(desk.now)
    desk.answer(Stop(), DENIED)
    assert [type(c) for at, c in desk.writes if at == desk.now] == [Stop, RequestControl, Stop]


def test_stops_are_repeated_though_control_has_to_wait_for_the_answer_to_one() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = DENIED
    desk.results[RequestControl] = DENIED
    desk.stop()
    desk.results[Stop] = None
    since = desk.now = desk.now + 0.5
    desk.stop()
    desk.runs(120, 3.0)
    assert [at - since for at in desk.sent(Stop) if at > since] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert [at - since for at in desk.sent(RequestControl) if at > since] == [3.0]


def test_and_control_is_asked_for_though_that_stop_cannot_be_written() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = None
    desk.stop()
    desk.silence(0.5)
    desk.guard.want_stop(desk.now)
    desk.write_error = "procedure already in progress"
    desk.answer(Stop(), DENIED)
    assert [type(c) for at, c in desk.writes if at == desk.now] == [Stop, Stop, RequestControl, Stop]


def test_control_for_a_stops_sake_may_be_refused_and_stop_is_written_all_the_same() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = desk.results[RequestControl] = DENIED
    desk.stop()
    desk.runs(120, 5.0)
    assert 5 <= desk.stops <= 20, "a machine that denies it for ever is not flooded"
    assert "control_refused" not in desk.noticed


def test_without_the_moving_marker_stop_and_control_for_it_are_written() -> None:
    desk = Desk().at(120)
    desk.guard.marked = False
    desk.results[Stop] = DENIED
    desk.stop()
    desk.runs(120, 0.5)
    assert [type(c) for _, c in desk.writes[-3:]] == [Stop, RequestControl, Stop]


def test_control_does_not_pass_before_the_stop_nor_after_one_that_was_taken() -> None:
    desk = Desk().at(120)
    desk.guard.want_stop(desk.now)
    assert desk.review(RequestControl()) == "G3"
    assert desk.review(Stop()) == ""
    desk.stop()
    assert desk.last == Stop()
    assert desk.review(RequestControl()) == "G3"


@pytest.mark.parametrize(
    "command", [Start(), Target(Speed(80)), TargetIncline(Incline(0))], ids=lambda c: type(c).__name__
)
def test_while_stopping_only_stop_passes(command: Command) -> None:
    desk = Desk().at(120)
    desk.stop()
    assert desk.review(command) in {"G1", "G3"}


def test_a_stop_nobody_asked_for_does_not_pass() -> None:
    desk = Desk().at(120)
    assert desk.review(Stop()) == "G3"


def test_every_stop_request_while_stopping_is_written_again() -> None:
    desk = Desk().at(300, authority(cap=Speed(300)))
    desk.stop()
    desk.slides(300, 225)
    before = desk.stops
    desk.stop()
    assert desk.stops == before + 1
    desk.stop()
    assert desk.stops == before + 1, "twice in the same moment is once"


def test_a_stop_of_manual_use_is_written() -> None:
    desk = Desk()
    desk.runs(400, 5.0)
    desk.stop()
    assert desk.last == Stop()


def test_a_stop_where_nothing_is_known_is_written() -> None:
    desk = Desk()
    desk.stop()
    assert desk.last == Stop()


def test_a_stop_disarms_an_arming_and_writes_nothing_to_a_belt_at_rest() -> None:
    desk = Desk().counted()
    desk.stop()
    assert desk.state() is State.DISARMED
    assert desk.stops == 0
    assert not desk.stopping()


def test_without_a_link_a_stop_of_a_belt_that_is_not_ours_is_over_at_once() -> None:
    desk = Desk(connect=False)
    desk.stop()
    assert not desk.stopping()
    desk.connect()
    desk.runs(300, 3.0)
    assert desk.stops == 0


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_stop_while_the_link_is_down_is_the_first_write_when_it_is_back(by_hand: bool) -> None:
    desk = Desk() if by_hand else Desk().starting()
    desk.runs(120, 1.0 if by_hand else 0.25)
    desk.lose_link()
    desk.noticed.clear()
    desk.stop()
    assert desk.noticed == ["link_lost"]
    desk.connect()
    desk.record(120)
    assert desk.last == Stop()


def test_a_stop_whose_write_fails_is_repeated_at_once() -> None:
    desk = Desk().at(120)
    desk.write_error = "no"
    desk.stop()
    assert desk.sent(Stop) == [desk.now, desk.now]


def test_a_stuck_stop_is_known_after_2_s_and_written_on_the_next_link() -> None:
    desk = Desk().at(120)
    desk.stuck = True
    desk.stop()
    desk.silence(1.75)
    assert not desk.belt.stop_stuck(desk.now)
    desk.silence(0.25)
    assert desk.belt.stop_stuck(desk.now)
    desk.stop()
    assert desk.stops == 1, "the radio still has it"
    desk.stuck = False
    desk.lose_link()
    assert not desk.belt.stop_stuck(desk.now)
    desk.connect()
    desk.record(120)
    assert desk.stops == 2


def test_a_machine_that_denies_stop_for_ever_is_not_flooded() -> None:
    desk = Desk().at(120)
    desk.results[Stop] = DENIED
    before = len(desk.sent(RequestControl))
    desk.stop()
    desk.runs(120, 3.0)
    asked = desk.sent(RequestControl)[before:]
    assert asked[0] == desk.sent(Stop)[0]
    assert len(asked) > 2
    assert all(later - earlier >= 0.3 for earlier, later in itertools.pairwise(asked))
