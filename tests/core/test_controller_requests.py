"""What each request does in each state: a stop and the last one, a resume, a cap, an offer, an act."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.core.by_hand import BACKWARD, FORWARD, SENSING, TURN, ByHand
from tests.core.desk import MACHINE

from blefit.ftms.machine_status import MachineStatusOp
from blefit.units import Incline, Speed
from retrowalk.core.authority import Authority, State
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import (
    Act,
    Ask,
    Confirm,
    Direction,
    Lease,
    Mark,
    Marked,
    Offer,
    PauseSession,
    Phase,
    Pulse,
    ResumeSession,
    SetCap,
    Skip,
    Start,
    Stop,
    StopSession,
    Target,
    Unmark,
)
from retrowalk.core.offering import Walker
from retrowalk.core.stages import Halt, Stage

ACCEPTED, DONE = ("accepted", ""), ("done", "")
UNREACHED = "there is no link: stop the belt at its console"
UNREACHED_STOP = "there is no link: use the safety cord. Stop is written as soon as the link is back"


def idle() -> ByHand:
    return ByHand().runs(0, 1.0)


def offered() -> ByHand:
    return ByHand().offered()


def at_150() -> ByHand:
    return ByHand().at(150)


def by_hand() -> ByHand:
    """Somebody walks without us."""
    return ByHand().runs(0, 1.0).runs(150, 1.0)


def by_hand_and_stopped() -> ByHand:
    """It does not rest yet."""
    hands = by_hand()
    hands.ask(StopSession())
    return hands.runs(140, 0.5)


def paused() -> ByHand:
    hands = at_150()
    hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
    hands.runs(60, 0.25).runs(0, 1.0)
    assert hands.phase() is Phase.PAUSED
    return hands


def held() -> ByHand:
    hands = at_150().runs(110, 3.0)
    assert hands.phase() is Phase.HELD
    return hands


def keyed() -> ByHand:
    """Started at the console."""
    hands = offered()
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(80, 3.0)
    assert hands.session.console_started
    return hands


def ended() -> ByHand:
    hands = offered()
    hands.ask(StopSession())
    return hands


def unlinked(hands: ByHand) -> ByHand:
    hands.lose_link()
    return hands


# --- stop ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "last", "replies", "stops", "reason"),
    [
        (idle, False, [ACCEPTED, DONE], 0, None),
        (idle, True, [ACCEPTED, DONE], 0, None),
        (offered, False, [ACCEPTED, DONE], 0, "stopped on request"),
        (offered, True, [ACCEPTED, DONE], 0, "retrowalk ends"),
        (by_hand, False, [ACCEPTED], 1, None),
        (by_hand, True, [ACCEPTED, DONE], 0, None),
        (at_150, False, [ACCEPTED], 1, "stopped on request"),
        (at_150, True, [ACCEPTED], 1, "stopped on request"),
        (paused, True, [ACCEPTED, DONE], 0, "stopped on request"),
        (by_hand_and_stopped, True, [ACCEPTED], 2, None),
        (lambda: unlinked(idle()), False, [ACCEPTED, ("failed", UNREACHED)], 0, None),
        (lambda: unlinked(offered()), True, [ACCEPTED, DONE], 0, "retrowalk ends"),
        (
            lambda: unlinked(at_150()),
            True,
            [ACCEPTED, ("failed", UNREACHED_STOP)],
            0,
            "interrupted: the link was lost",
        ),
        (lambda: ByHand(connect=False), False, [ACCEPTED, ("failed", UNREACHED)], 0, None),
        (lambda: ByHand(connect=False), True, [ACCEPTED, DONE], 0, None),
        (
            lambda: ByHand(connect=False, left_running=True),
            True,
            [ACCEPTED, ("failed", UNREACHED_STOP)],
            0,
            None,
        ),
    ],
)
def test_a_stop_stops_what_is_ours_and_the_last_one_leaves_alone_what_is_not(
    state: Callable[[], ByHand],
    last: bool,
    replies: list[tuple[str, str]],
    stops: int,
    reason: str | None,
) -> None:
    hands = state()
    assert hands.ask(StopSession(last)) == replies
    assert hands.written.count(Stop()) == stops
    assert [e["reason"] for e in hands.events("stopped")] == ([] if reason is None else [reason])


def test_after_the_last_stop_nothing_is_offered_any_more_and_before_it_all_is() -> None:
    hands = idle()
    hands.ask(StopSession())
    hands.offered()
    hands.ask(StopSession(last=True))
    hands.ask(StopSession())
    assert hands.ask(Offer("p")) == [("refused", "retrowalk is ending: offer it when it is back")]
    hands = at_150()
    hands.ask(StopSession(last=True))
    hands.runs(60, 0.5).runs(0, 2.0)
    hands.lose_link()
    hands.connect()
    hands.runs(0, 1.0)
    assert hands.ask(Offer("p")) == [("refused", "retrowalk is ending: offer it when it is back")]


def test_a_stop_of_a_belt_that_its_key_may_move_fails_with_the_link() -> None:
    hands = at_150()
    assert hands.ask(StopSession()) == [ACCEPTED]
    hands.lose_link()
    assert hands.replies("stop")[1:] == [("failed", "the link was lost before the belt was known to rest")]


def pausing() -> ByHand:
    hands = at_150()
    hands.ask(PauseSession())
    assert (hands.session.stage, hands.session.halt) == (Stage.EASING, Halt.PAUSE)
    return hands


def ending() -> ByHand:
    """On the way down from the last step."""
    hands = at_150()
    hands.ask(Skip())
    assert (hands.session.stage, hands.session.halt) == (Stage.EASING, Halt.END)
    return hands


def stopped_at_the_console() -> ByHand:
    hands = at_150()
    hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
    assert hands.session.stage is Stage.HALTING
    return hands.runs(140, 0.25)


@pytest.mark.parametrize("state", [pausing, ending, stopped_at_the_console])
def test_a_stop_on_the_way_to_rest_is_written_at_once_and_ends_the_session(
    state: Callable[[], ByHand],
) -> None:
    hands = state()
    assert hands.ask(StopSession()) == [ACCEPTED]
    assert hands.written[-1] == Stop()
    assert hands.events("stopped") == [{"session_id": "s1", "reason": "stopped on request"}]


def test_a_console_stop_on_the_way_to_the_end_is_the_end() -> None:
    hands = ending()
    hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
    hands.runs(60, 0.25).runs(0, 1.0)
    assert hands.events("completed") == [{"session_id": "s1", "reason": "completed"}]


# --- pause, resume, skip, lease -----------------------------------------------------------------------

PRESS_OK = "Press OK at the machine to go on with the program."
PRESS_START = "Press start at the machine to go on."
PRESS_YOURS = "To go on press your own start button, not the console's."


def paused_backward() -> ByHand:
    hands = backward_for(20.0)
    hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
    hands.slides(120, 0)
    hands.runs(0, 1.0)
    assert hands.phase() is Phase.PAUSED
    return hands


@pytest.mark.parametrize(
    ("state", "said"),
    [(held, PRESS_OK), (keyed, PRESS_OK), (paused, PRESS_START), (paused_backward, PRESS_YOURS)],
)
def test_a_resume_says_what_to_press(state: Callable[[], ByHand], said: str) -> None:
    hands = state()
    before = len(hands.said())
    assert hands.ask(ResumeSession()) == [ACCEPTED]
    assert hands.said()[before:] == [said]


def halting_after_the_key() -> ByHand:
    hands = keyed()
    hands.ask(PauseSession())
    assert hands.session.stage is Stage.HALTING
    assert hands.session.console_started
    return hands


def turning() -> ByHand:
    hands = ByHand(TURN, BACKWARD).offered()
    hands.ask(Confirm(Act.START))
    assert (hands.session.stage, hands.session.halt) == (Stage.WAITING, Halt.TURN)
    return hands


@pytest.mark.parametrize(
    "state", [offered, at_150, halting_after_the_key, pausing, turning, lambda: ByHand().counting()]
)
def test_what_is_neither_paused_nor_held_is_not_resumed(state: Callable[[], ByHand]) -> None:
    hands = state()
    before = len(hands.said())
    refused = ("refused", "nothing to resume: the session is not paused or held")
    assert hands.ask(ResumeSession()) == [refused]
    assert hands.said()[before:] == []


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (PauseSession(), "there is no session to pause"),
        (ResumeSession(), "there is no session to resume"),
        (Skip(), "there is no session to skip"),
        (SetCap(Speed(100)), "there is no session to lower the cap of"),
        (Lease(), "there is no session to hold a lease for"),
    ],
)
def test_an_ended_session_is_none(ask: Ask, reason: str) -> None:
    assert ended().ask(ask) == [("refused", reason)]


@pytest.mark.parametrize(
    "state",
    [
        offered,
        lambda: ByHand().counting(),
        lambda: ByHand().starting(),
        pausing,
        halting_after_the_key,
        turning,
    ],
)
@pytest.mark.parametrize(("ask", "what"), [(PauseSession(), "pause"), (Skip(), "skip")])
def test_only_a_step_that_is_walked_is_paused_or_skipped(
    ask: Ask, what: str, state: Callable[[], ByHand]
) -> None:
    reason = f"nothing to {what}: no step is being walked at this moment"
    assert state().ask(ask) == [("refused", reason)]


def test_a_resume_of_a_hand_is_not_done_by_rest() -> None:
    hands = held()
    assert hands.ask(ResumeSession()) == [ACCEPTED]
    hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
    hands.runs(60, 0.25).runs(0, 1.0)
    assert hands.replies("resume") == [ACCEPTED]


def test_a_skip_goes_to_the_next_step() -> None:
    hands = ByHand(FORWARD, TURN, BACKWARD).at(150)
    assert hands.ask(Skip()) == [ACCEPTED, DONE]
    assert hands.phase() is Phase.TURNING


def test_a_skip_that_joins_two_bouts_is_refused_where_a_bout_is_a_minute_too() -> None:
    parts = [f'{{ walk = "backward", for = "{s}s", speed = {kmh} }}' for s, kmh in ((60, 1.2), (30, 0.8))]
    hands = ByHand(TURN, *parts, *parts, machine=replace(SENSING, reports_presence=False)).offered()
    assert hands.ask(Confirm(Act.START)) == [ACCEPTED, DONE]
    hands.counting(Act.FACING).runs(0, 10.25).runs(80, 3.0)
    while hands.session.segment.step == 2:
        hands.obeys(0.25)
    too_long = "that would make 2 min of backward work without a break, and 1 min is the limit"
    assert hands.ask(Skip()) == [("refused", f"{too_long}: walk on, or pause first")]
    assert hands.session.segment.step == 3
    hands.obeys(5.0).ask(Confirm(Act.OK))
    hands.obeys(25.0)
    assert hands.session.segment.step == 4
    assert hands.ask(Skip()) == [ACCEPTED, DONE]


# --- the cap ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caps", "reason"),
    [
        ([80], ""),
        ([79], "0.79 km/h is below the machine's slowest, 0.8: use stop"),
        ([150], ""),
        ([151], "a cap can only be lowered: it is 1.5 km/h"),
        ([120, 120], ""),
        ([120, 121], "a cap can only be lowered: it is 1.2 km/h"),
    ],
)
def test_a_cap_is_between_the_slowest_speed_and_the_cap_in_force(caps: list[int], reason: str) -> None:
    hands = at_150()
    *_, last = [hands.ask(SetCap(Speed(cap)))[0] for cap in caps]
    assert last == (("refused", reason) if reason else ACCEPTED)
    if not reason:
        hands.obeys(10.0)
        assert hands.guard.cap(hands.now) == hands.session.live_cap == caps[-1]


@pytest.mark.parametrize("state", [offered, lambda: ByHand().counting(), held, pausing, paused])
def test_a_cap_holds_from_any_moment_at_which_it_is_lowered(state: Callable[[], ByHand]) -> None:
    hands = state()
    assert hands.ask(SetCap(Speed(100))) == [ACCEPTED, DONE]
    hands.obeys(9.0)
    if hands.guard.state is State.DISARMED:
        hands.counting()
    assert hands.guard.cap(hands.now) == 100


def test_nor_is_it_forgotten_with_a_link_that_was_lost_before_the_start() -> None:
    hands = offered()
    hands.ask(SetCap(Speed(100)))
    hands.lose_link()
    hands.connect()
    hands.runs(0, 1.0).counting()
    assert hands.guard.cap(hands.now) == 100


def test_a_cap_that_is_refused_is_not_in_force() -> None:
    hands = offered()
    assert hands.ask(SetCap(Speed(79)))[0][0] == "refused"
    assert hands.snapshot.cap == 150
    assert hands.ask(SetCap(Speed(140))) == [ACCEPTED, DONE]


# --- an offer -----------------------------------------------------------------------------------------


def faulted() -> ByHand:
    """A fault that a person has to clear; the belt rests."""
    hands = at_150()
    hands.silence(5.0)
    hands.runs(0, 2.0)
    return hands


def just_left() -> ByHand:
    """A belt that a dead process left running; nothing is heard of it yet."""
    return ByHand(left_running=True)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (idle, ""),
        (ended, ""),
        (offered, "a session is on already: stop it first"),
        (at_150, "a session is on already: stop it first"),
        (lambda: ByHand(connect=False), "the treadmill is not connected"),
        (lambda: unlinked(idle()), "the treadmill is not connected"),
        (faulted, "a fault has to be cleared at the machine first (telemetry_lost)"),
        (by_hand, "the belt is in manual use: stop it at the console first"),
        (just_left, "the belt is not known to rest yet"),
    ],
)
def test_an_offer_is_accepted_or_says_why_not(state: Callable[[], ByHand], reason: str) -> None:
    hands = state()
    assert hands.ask(Offer("p")) == [("refused", reason) if reason else ACCEPTED]


@pytest.mark.parametrize(
    ("deck", "told", "refused"), [(0, 0, False), (5, 5, False), (5, 6, True), (5, None, False)]
)
def test_a_slope_of_our_own_is_no_reason_and_a_steeper_one_is(
    deck: int, told: int | None, refused: bool
) -> None:
    hands = ByHand(level=1)
    hands.guard._incline = Incline(deck)
    if told is not None:
        hands.record(0, incline=told)
    hands.guard._incline = Incline(deck)
    assert (hands.ask(Offer("p"))[0][0] == "refused") is refused


STEEP = "the deck stands at 2 %, the incline cap is 0 % (level 1): lower it at the console first"


def test_nor_is_a_deck_forgotten_that_was_raised_after_the_offer() -> None:
    hands = offered()
    hands.record(0, incline=20)
    assert hands.ask(Confirm(Act.START)) == [("refused", STEEP)]
    hands.record(0, incline=0)
    assert hands.ask(Confirm(Act.START)) == [ACCEPTED, DONE]


def test_nor_is_the_belt_taken_over_from_the_console_on_a_deck_that_is_too_steep() -> None:
    hands = offered()
    hands.record(0, incline=20)
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(80, 3.0)
    assert hands.written == []
    assert hands.events("manual") != []


def test_an_offer_stands_as_long_as_it_says() -> None:
    hands = idle()
    hands.ask(Offer("p", window_s=20.0))
    hands.runs(0, 20.0)
    assert hands.phase() is Phase.OFFERED
    hands.runs(0, 0.25)
    assert hands.phase() is Phase.ENDED


def test_its_time_goes_on_while_the_link_is_lost() -> None:
    hands = idle()
    hands.ask(Offer("p", window_s=20.0))
    hands.runs(0, 15.0)
    hands.lose_link()
    hands.connect()
    hands.runs(0, 5.25)
    assert hands.phase() is Phase.ENDED


def test_it_ends_with_the_safety_key() -> None:
    hands = offered()
    hands.status(MachineStatusOp.STOPPED_BY_SAFETY_KEY)
    assert hands.events("stopped") == [{"session_id": "s1", "reason": "the safety key was pulled"}]


# --- an act at the machine ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "act", "reason"),
    [
        (idle, Act.START, "start does not fit: nothing is asked at this moment"),
        (offered, Act.FACING, "facing does not fit: start is asked at this moment"),
        (turning, Act.START, "start does not fit: facing is asked at this moment"),
        (at_150, Act.START, "start does not fit: nothing is asked at this moment"),
        (at_150, Act.STILL, "the belt is not still: the treadmill reports 1.5 km/h"),
        (
            lambda: unlinked(idle()),
            Act.STILL,
            "the treadmill is not connected: only its own telemetry can say so now",
        ),
        (idle, Act.CLEAR, "there is no fault to clear"),
        (idle, None, "nothing is asked at this moment"),
    ],
)
def test_an_act_that_does_not_fit_is_refused(
    state: Callable[[], ByHand], act: Act | None, reason: str
) -> None:
    hands = state()
    assert hands.ask(Confirm(act)) == [("refused", reason)]
    assert Start() not in hands.written[3:]


def test_a_fault_is_cleared_at_rest_only() -> None:
    hands = at_150()
    hands.silence(4.0)
    hands.runs(60, 0.5)
    reason = "the belt is not known to rest: say still when it is"
    assert hands.ask(Confirm(Act.CLEAR)) == [("refused", reason)]
    assert hands.snapshot.fault == "telemetry_lost"
    hands.runs(0, 2.0)
    hands.controller._ledger.raise_("safety_key", hands.now)
    assert hands.ask(Confirm(Act.CLEAR)) == [ACCEPTED, DONE]
    assert hands.said()[-1] == "Cleared."
    assert hands.snapshot.fault is None


def test_each_arming_allows_what_its_limits_and_its_program_say() -> None:
    site = SiteLimits(
        level=6, step_up=Speed(15), step_down=Speed(40), idle_wait_s=33, incline_cap=Incline(10)
    )
    hands = ByHand(FORWARD, TURN, BACKWARD, level=4, site=site).counting()
    steering = hands.guard._steering
    assert steering is not None
    assert steering.authority == Authority(
        session_id="s1",
        direction=Direction.FORWARD,
        ceiling=Speed(600),
        cap=Speed(150),
        step_up=Speed(15),
        step_down=Speed(40),
        incline_cap=Incline(10),
        wait_s=33,
    )


def test_the_cap_of_an_arming_is_never_below_the_slowest_speed() -> None:
    slow = '{ walk = "forward", for = "5min", speed = 0.8 }'
    hands = ByHand(slow, machine=replace(MACHINE, minimum=Speed(80))).counting()
    assert hands.guard.cap(hands.now) == 80


@pytest.mark.parametrize("heard", [False, True])
def test_still_is_believed_of_a_belt_that_does_not_say_otherwise(heard: bool) -> None:
    hands = idle() if heard else ByHand()
    assert hands.ask(Confirm(Act.STILL)) == [ACCEPTED, DONE]
    assert hands.guard.resting(hands.now)


# --- an OK --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [held, keyed])
def test_an_ok_goes_on_with_the_program(state: Callable[[], ByHand]) -> None:
    hands = state()
    hands.ask(ResumeSession())
    assert hands.snapshot.awaiting is Act.OK
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    assert hands.events("resumed") == [{"session_id": "s1"}]
    assert hands.replies("resume") == [ACCEPTED, DONE]
    assert (hands.phase(), hands.snapshot.fault, hands.snapshot.awaiting) == (Phase.WALKING, None, None)
    hands.obeys(30.0)
    assert hands.guard.commanded == 150
    assert len(hands.events("resumed")) == 1


@pytest.mark.parametrize("speed", [150, 140], ids=["steady", "falling already"])
def test_an_ok_that_nobody_asked_for_is_not_kept_for_a_hand_to_come(speed: int) -> None:
    hands = at_150().runs(speed, 0.25)
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    hands.runs(110, 5.0)
    assert hands.phase() is Phase.HELD
    assert hands.events("resumed") == []


def test_an_ok_waits_until_the_belt_falls_no_more() -> None:
    hands = at_150()
    hands.slides(150, 100)
    assert hands.phase() is Phase.HELD
    hands.ask(Confirm(Act.OK))
    hands.slides(100, 80)
    assert hands.phase() is Phase.HELD
    hands.runs(80, 2.25)
    assert hands.phase() is Phase.WALKING


def test_and_from_the_speed_it_fell_to_meanwhile_nothing_rises_unannounced() -> None:
    hands = at_150().runs(120, 4.0)
    hands.silence(0.75)
    hands.record(120)
    hands.silence(0.75)
    hands.record(110)
    hands.ask(Confirm(Act.OK))
    assert hands.phase() is Phase.HELD
    hands.silence(2.25)
    written = len(hands.written)
    hands.record(90)
    assert (hands.phase(), hands.guard.commanded) == (Phase.WALKING, 90)
    hands.runs(90, 4.75)
    assert hands.written[written:] == []
    assert hands.said()[-1] == "Speed rises to 1.5 in 5 seconds."


def test_not_even_to_the_machines_minimum() -> None:
    hands = at_150()
    hands.slides(150, 60)
    hands.runs(60, 5.0)
    written = len(hands.written)
    hands.ask(Confirm(Act.OK))
    assert hands.said()[-1] == "Speed rises to 1.5 in 5 seconds."
    hands.runs(60, 4.75)
    assert hands.written[written:] == []
    hands.runs(60, 0.25)
    assert hands.written[written:] == [Target(Speed(80))]


def test_nor_does_it_on_the_way_to_a_halt() -> None:
    hands = ByHand('{ walk = "forward", for = "9min", speed = 2.5 }', level=3).at(250)
    hands.ask(PauseSession())
    hands.runs(200, 0.5)
    assert hands.session.stage is Stage.EASING
    hands.ask(Confirm(Act.OK))
    hands.silence(2.25)
    written = len(hands.written)
    hands.record(100)
    hands.runs(100, 1.0)
    assert hands.guard.hand is None
    assert [c for c in hands.written[written:] if isinstance(c, Target) and c.speed > 100] == []


def test_an_ok_to_a_hand_before_the_first_walk_breaks_nothing() -> None:
    hands = ByHand(machine=replace(SENSING, needs_target_to_move=True)).starting().runs(0, 1.0)
    hands.record(60)
    hands.runs(25, 2.5)
    assert (hands.session.stage, hands.guard.hand) == (Stage.STARTING, 25)
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    hands.runs(25, 1.0)
    assert hands.session.stage is Stage.STARTING


def test_so_it_does_after_a_start_at_the_console() -> None:
    hands = keyed().runs(70, 0.25)
    hands.ask(Confirm(Act.OK))
    assert hands.session.console_started
    hands.runs(70, 2.25)
    assert not hands.session.console_started


def test_a_hand_is_one_until_an_ok_though_the_program_has_gone_below_it() -> None:
    slower = '{ walk = "forward", for = "5min", speed = 0.9 }'
    hands = ByHand('{ walk = "forward", for = "60s", speed = 1.5 }', slower, slower).at(150)
    hands.runs(110, 3.0)
    while hands.guard.commanded != 90:
        hands.obeys(0.25)
    hands.obeys(5.0)
    assert (hands.phase(), hands.snapshot.awaiting) == (Phase.HELD, Act.OK)
    refused = ("refused", "a hand is on the console: press OK at the machine first")
    assert hands.ask(Skip()) == [refused]
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    assert (hands.guard.hand, hands.snapshot.awaiting) == (None, None)


# --- the marker ---------------------------------------------------------------------------------------


def marks(hands: ByHand) -> list[Mark]:
    return [effect for effect in hands.effects if isinstance(effect, Mark)]


def test_a_session_is_marked_once() -> None:
    hands = paused().counting()
    assert marks(hands) == [Mark("s1")]


def test_a_marker_that_is_asked_for_is_not_asked_for_again() -> None:
    hands = ByHand(marker=None).counting()
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(80, 0.5)
    assert hands.session.console_started
    assert marks(hands) == [Mark("s1")]


def relinked(hands: ByHand) -> None:
    hands.lose_link()
    hands.connect()
    hands.runs(0, 1.0)


@pytest.mark.parametrize("error", ["", "the disk is full"])
@pytest.mark.parametrize(
    "then",
    [
        lambda hands: hands.ask(StopSession()),
        lambda hands: hands.ask(StopSession()) and hands.runs(0, 12.0),
        lambda hands: hands.ask(StopSession()) and hands.ask(Offer("p")),
        relinked,
    ],
    ids=["ended", "not shown any more", "offered anew", "its link lost"],
)
def test_a_marker_of_which_is_heard_when_its_session_is_over_is_taken_away(
    then: Callable[[ByHand], object], error: str
) -> None:
    """One that could not be written whole may be there all the same."""
    hands = ByHand(marker=None).counting()
    then(hands)
    hands.feed(Marked("s1", error))
    assert Unmark() in hands.effects


def test_a_session_that_ends_in_its_countdown_leaves_nothing_armed() -> None:
    hands = ByHand(marker=None).counting()
    hands.feed(Marked("s1", "the disk is full"))
    assert hands.guard.state is State.DISARMED


# --- by hand, and what is a sign of somebody ----------------------------------------------------------


def test_an_ended_session_is_not_begun_by_the_start_key() -> None:
    hands = ended()
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(80, 0.5)
    assert hands.events("manual") != []
    assert hands.session.stage is Stage.ENDED
    assert hands.written == []


@pytest.mark.parametrize("state", [lambda hands: hands.runs(0, 1.0), ByHand.offered], ids=["idle", "offered"])
def test_where_manual_use_is_forbidden_the_belt_is_stopped_at_once(state: Callable[[ByHand], ByHand]) -> None:
    hands = state(ByHand(manual_use_allowed=False))
    hands.record(80)
    assert hands.written == []
    hands.record(80)
    assert hands.written == [Stop()]
    assert hands.events("fault")[0]["detail"] == "this site allows no manual use"
    assert hands.guard.faulted


def backward_for(seconds: float) -> ByHand:
    hands = ByHand(BACKWARD).offered()
    hands.ask(Confirm(Act.START))
    hands.counting(Act.FACING)
    while hands.phase() is not Phase.WALKING:
        hands.obeys(0.25)
    return hands.obeys(seconds)


@pytest.mark.parametrize(
    "shows",
    [
        lambda hands: hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER),
        lambda hands: hands.runs(90, 0.5),
        lambda hands: hands.ask(Confirm(Act.OK)),
    ],
    ids=["the Start key", "a hand on the speed", "an OK"],
)
def test_whoever_touches_the_console_is_there(shows: Callable[[ByHand], object]) -> None:
    hands = backward_for(62.0)
    assert hands.snapshot.awaiting is Act.OK
    shows(hands)
    hands.obeys(45.0)
    assert hands.faults() in ([], ["hand"])


def asked_while_held() -> ByHand:
    """The walker has slowed the belt to 0.9 km/h; a minute later: "All good?"."""
    hands = backward_for(20.0).runs(90, 4.0)
    assert hands.guard.hand == 90
    while "All good? Press OK at the machine." not in hands.said():
        hands.runs(90, 0.25)
    return hands


def test_an_answer_to_all_good_is_no_word_to_go_on_after_a_hand() -> None:
    hands = asked_while_held()
    written = len(hands.written)
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    hands.runs(90, 20.0)
    assert hands.written[written:] == []
    assert hands.snapshot.awaiting is Act.OK, "that question stands"
    hands.ask(Confirm(Act.OK))
    hands.obeys(15.0)
    assert hands.guard.commanded == 120
    assert hands.faults() == ["hand"]


@pytest.mark.parametrize(("after", "goes_on"), [(2.0, False), (10.0, False), (10.25, True)])
def test_nor_is_it_one_for_ten_seconds_though_a_sensor_answered_before(after: float, goes_on: bool) -> None:
    hands = asked_while_held()
    hands.runs(90, 1.0)
    hands.feed(Pulse(110, True))
    assert hands.snapshot.awaiting is Act.OK, "to go on; the other question is over"
    hands.runs(90, after - 1.0)
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    assert (hands.guard.hand is None) is goes_on


def test_it_answers_once_and_the_next_one_goes_on() -> None:
    hands = asked_while_held()
    hands.feed(Pulse(110, True))
    hands.ask(Confirm(Act.OK))
    hands.runs(90, 2.0)
    assert hands.guard.hand == 90
    hands.ask(Confirm(Act.OK))
    assert hands.guard.hand is None


def test_an_ok_in_a_pause_resumes_nothing_and_does_not_say_so() -> None:
    hands = keyed()
    hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
    hands.runs(40, 0.25).runs(0, 1.0)
    assert hands.phase() is Phase.PAUSED
    hands.ask(ResumeSession())
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    hands.runs(0, 3.0)
    assert hands.replies("resume") == [ACCEPTED]
    assert hands.events("resumed") == []


def test_nobody_is_started_whose_heart_is_above_the_limit_until_it_has_come_down() -> None:
    hands = ByHand(FORWARD, anybody=Walker(maximum_heart_rate=180)).offered()

    def heart(rate: int) -> None:
        for _ in range(3):
            hands.controller.feed(Pulse(rate, None), hands.now)

    heart(160)
    assert hands.ask(Confirm(Act.START)) == [("refused", TOO_HIGH)]
    heart(140)
    assert hands.ask(Confirm(Act.START)) == [ACCEPTED, DONE]


def raised_deck(hands: ByHand) -> None:
    hands.record(0, incline=20)


def beating_high(hands: ByHand) -> None:
    for _ in range(3):
        hands.controller.feed(Pulse(160, None), hands.now)


def unheard_client(hands: ByHand) -> None:
    hands.ask(Lease())
    hands.runs(0, 3.0)


TOO_HIGH = "the heart rate is too high: wait until it has come down"
UNHEARD = "the client that holds the lease is not heard"


@pytest.mark.parametrize("at", [1.0, 7.0])
@pytest.mark.parametrize(
    ("happens", "reason"), [(raised_deck, STEEP), (beating_high, TOO_HIGH), (unheard_client, UNHEARD)]
)
@pytest.mark.parametrize("first", [True, False])
def test_what_refuses_an_act_ends_the_countdown_as_well(
    first: bool, happens: Callable[[ByHand], None], reason: str, at: float
) -> None:
    hands = ByHand(anybody=Walker(maximum_heart_rate=180))
    if not first:
        hands.at(150)
        hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 2)
        hands.runs(60, 0.25).runs(0, 3.0)
    hands.counting().runs(0, at)
    starts = hands.written.count(Start())
    happens(hands)
    hands.runs(0, 2.0)
    assert f"The belt does not start: {reason}." in hands.said()
    assert hands.guard.state is State.DISARMED
    assert hands.phase() is (Phase.ENDED if first else Phase.PAUSED)
    hands.runs(0, 12.0)
    assert hands.written.count(Start()) == starts


def test_in_the_five_seconds_after_it_too_and_not_when_start_is_written() -> None:
    hands = ByHand(marker=None).counting().runs(0, 11.0)
    assert hands.session.stage is Stage.STARTING
    hands.record(0, incline=20)
    assert hands.session.stage is Stage.ENDED
    hands = ByHand().starting()
    hands.record(0, incline=20)
    assert hands.session.stage is Stage.STARTING


def test_nobody_is_started_whose_lease_is_not_renewed() -> None:
    hands = offered()
    unheard_client(hands)
    assert hands.ask(Confirm(Act.START)) == [("refused", UNHEARD)]
    hands.ask(Lease())
    assert hands.ask(Confirm(Act.START)) == [ACCEPTED, DONE]


# --- one press, one answer ----------------------------------------------------------------------------

SOON = "that came right after the press before: press again when you are ready"


@pytest.mark.parametrize("act", [Act.FACING, None])
@pytest.mark.parametrize(("after", "told"), [(0.0, SOON), (1.99, SOON), (2.0, "")])
def test_a_press_that_bounces_does_not_answer_the_next_question(
    act: Act | None, after: float, told: str
) -> None:
    hands = ByHand(BACKWARD).offered()
    assert hands.ask(Confirm(None)) == [ACCEPTED, DONE]
    assert hands.snapshot.awaiting is Act.FACING
    hands.now += after
    hands.record(0)
    assert hands.ask(Confirm(act)) == ([("refused", told)] if told else [ACCEPTED, DONE])
    assert hands.session.stage is (Stage.WAITING if told else Stage.COUNTDOWN)


def test_nor_does_it_start_a_belt_that_was_just_said_to_be_still() -> None:
    hands = ByHand(machine=replace(SENSING, silent_at_rest=True))
    assert hands.ask(Offer("p")) == [ACCEPTED]
    assert hands.ask(Confirm(None)) == [ACCEPTED, DONE], "still"
    assert hands.ask(Confirm(None)) == [("refused", SOON)]
    hands.silence(2.0)
    assert hands.ask(Confirm(None)) == [ACCEPTED, DONE]
    assert hands.session.stage is Stage.COUNTDOWN


def test_nor_does_it_give_up_the_speed_of_a_hand() -> None:
    hands = asked_while_held()
    assert hands.ask(Confirm(None)) == [ACCEPTED, DONE]
    hands.runs(90, 1.75)
    assert hands.ask(Confirm(None)) == [("refused", SOON)]
    assert hands.guard.hand == 90


def unheard() -> ByHand:
    """Stopped, silent at half its speed, and nobody has said that it is still."""
    hands = ByHand(machine=replace(SENSING, silent_at_rest=True)).at(120)
    hands.ask(StopSession())
    hands.slides(120, 40)
    hands.silence(40.0)
    assert hands.faults() == ["rest_unknown"]
    assert hands.snapshot.awaiting is Act.STILL
    return hands


def test_a_stop_that_ends_in_silence_has_failed() -> None:
    sentence = "PULL THE CORD. Nobody has said that the belt is still. Say still when it is."
    assert unheard().replies("stop") == [ACCEPTED, ("failed", sentence)]


@pytest.mark.parametrize("act", [Act.CLEAR, None])
def test_nor_does_it_clear_the_alarm(act: Act | None) -> None:
    hands = unheard()
    assert hands.ask(Confirm(None)) == [ACCEPTED, DONE], "still"
    hands.silence(1.75)
    assert hands.ask(Confirm(act)) == [("refused", SOON)]
    assert hands.snapshot.fault == "rest_unknown"
    hands.silence(0.25)
    assert hands.ask(Confirm(act)) == [ACCEPTED, DONE]
    assert hands.snapshot.fault is None


def paused_unheard() -> ByHand:
    """The same in a pause; "Is the belt still?" has just been asked."""
    hands = ByHand(machine=replace(SENSING, silent_at_rest=True)).at(120)
    hands.ask(PauseSession())
    while not hands.guard.stopping:
        hands.obeys(0.25)
    hands.slides(hands.machine.minimum, 30)
    hands.silence(5.0)
    assert hands.said()[-1] == "Is the belt still? Say still at the machine when it is."
    return hands


@pytest.mark.parametrize(
    ("state", "next_question"), [(paused_unheard, Act.START), (unheard, Act.CLEAR)], ids=["start", "clear"]
)
@pytest.mark.parametrize("seen", [False, True])
def test_a_bare_press_meant_for_still_answers_no_question_that_took_its_place(
    state: Callable[[], ByHand], next_question: Act, seen: bool
) -> None:
    """Rest may become known at that very moment: the new question has to stand for 2 s."""
    hands = state()
    assert hands.snapshot.awaiting is Act.STILL
    while hands.snapshot.awaiting is Act.STILL:
        hands.runs(0, 0.25)
    assert hands.snapshot.awaiting is next_question
    hands.runs(0, 1.75 if seen else 0.0)
    assert hands.ask(Confirm(None)) == [("refused", SOON)]
    hands.runs(0, 0.25 if seen else 2.0)
    assert hands.ask(Confirm(None)) == [ACCEPTED, DONE]


@pytest.mark.parametrize("act", [Act.START, None])
def test_but_where_nobody_is_asked_for_still_aloud_the_next_question_is_answered_at_once(
    act: Act | None,
) -> None:
    hands = ByHand()
    assert hands.ask(Offer("p")) == [ACCEPTED]
    assert hands.snapshot.awaiting is Act.STILL
    hands.runs(0, 1.0)
    assert hands.snapshot.awaiting is Act.START
    assert hands.ask(Confirm(act)) == [ACCEPTED, DONE]


# --- what is left of a session that is over -----------------------------------------------------------


@pytest.mark.parametrize("offered_anew", [False, True])
def test_the_faults_of_a_session_are_over_with_its_end_or_the_next_offer(offered_anew: bool) -> None:
    hands = at_150()
    hands.status(MachineStatusOp.STOPPED_BY_SAFETY_KEY)
    hands.runs(60, 0.5).runs(0, 2.0)
    hands.record(0, incline=20)
    assert hands.ask(Offer("p")) == [("refused", STEEP)]
    assert hands.snapshot.fault == "safety_key"
    hands.record(0, incline=0)
    if offered_anew:
        hands.offered()
    else:
        hands.runs(0, 10.0)
    assert hands.snapshot.fault is None
    assert [e["id"] for e in hands.events("fault_cleared")] == ["safety_key"]


def test_an_ok_that_nobody_waits_for_is_one_to_nothing() -> None:
    hands = ByHand()
    assert hands.ask(Confirm(Act.OK)) == [ACCEPTED, DONE]
    assert hands.events("resumed") == []


def test_an_ok_without_a_session_is_nothing() -> None:
    hands = ByHand().runs(0, 1.0)
    assert hands.ask(Confirm(Act.OK)) == [("accepted", ""), ("done", "")]
    assert (hands.written, hands.said(), hands.phase()) == ([], [], Phase.IDLE)
