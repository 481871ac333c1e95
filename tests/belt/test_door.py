"""The door: every octet for a Control Point leaves through it, after one look of the guard."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.core.desk import Desk

import retrowalk
from blefit.units import Speed
from retrowalk.belt import Belt
from retrowalk.core.authority import Approved, Refusal, State
from retrowalk.core.exchange import Outcome, Result
from retrowalk.core.guard import Guard
from retrowalk.core.model import Answer, Observation, RequestControl, Start, Stop, Target, Written

DAEMON = Path(retrowalk.__file__).parent


def calls_of(name: str, *, of_self: bool = False) -> list[str]:
    """The files of the daemon that call something of this name, once for each call."""
    return [
        str(path.relative_to(DAEMON))
        for path in sorted(DAEMON.rglob("*.py"))
        for call in _calls(ast.parse(path.read_text()))
        if _named(call.func, name, of_self=of_self)
    ]


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _named(func: ast.expr, name: str, *, of_self: bool) -> bool:
    if isinstance(func, ast.Attribute):
        owner = isinstance(func.value, ast.Name) and func.value.id == "self"
        return func.attr == name and (owner or not of_self)
    return isinstance(func, ast.Name) and func.id == name


# --- one door -------------------------------------------------------------------------------------


def test_one_call_in_the_whole_tree_hands_a_frame_to_the_link() -> None:
    assert calls_of("_write", of_self=True).count("belt.py") == 1
    assert [f for f in calls_of("_write", of_self=True) if f in {"belt.py", "station.py"}] == ["belt.py"]


def test_the_guard_sees_an_answer_before_what_that_answer_ends() -> None:
    seen = []

    class Watched(Guard):
        def observe(self, observation: Observation, now: float) -> None:
            if isinstance(observation, Answer):
                seen.append("observed")
            super().observe(observation, now)

        def concluded(self, outcome: Outcome, now: float) -> None:
            seen.append("concluded")
            super().concluded(outcome, now)

    desk = Desk()
    desk.belt = Belt(Watched(), desk._write)
    desk.guard = desk.belt.guard
    desk.guard.marked = True
    desk.connect()
    desk.starting()
    desk.stop()
    assert seen == ["observed", "concluded"] * 3, "control, Start and Stop"


def test_the_guard_knows_of_a_frame_before_the_link_does() -> None:
    """Whatever becomes of the writing: a Start that may be on its way is outstanding."""
    known = []
    desk = Desk(connect=False)

    def write(connection: int, ticket: int, frame: bytes) -> None:
        known.append(desk.guard.state)
        desk._write(connection, ticket, frame)

    desk.belt = Belt(desk.guard, write)
    desk.connect()
    desk.starting()
    assert known == [State.ARMED, State.STARTING]


def test_the_door_is_built_in_one_place_and_gets_the_stations_write() -> None:
    assert calls_of("Belt", of_self=False).count("station.py") == 1
    # a replay has one too, without a link: the import contracts keep it from one
    assert set(calls_of("Belt")) <= {"station.py", "sim/model/treadmill.py", "journal/replay.py"}
    replay = (DAEMON / "journal" / "replay.py").read_text()
    assert "retrowalk.ble" not in replay
    assert "retrowalk.station" not in replay


def test_only_the_link_of_the_daemon_writes_to_a_characteristic() -> None:
    assert calls_of("write_gatt_char") == ["ble/line.py"]


def test_only_the_guard_makes_an_approval_and_only_with_its_own_seal() -> None:
    assert calls_of("Approved") == ["core/guard.py"]
    assert calls_of("Seal") == ["core/guard.py"]


def test_an_approval_without_a_seal_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="only the guard approves frames"):
        Approved(Stop(), b"\x08\x01", None)  # type: ignore[arg-type]  # that is the point


def test_the_door_does_not_take_octets() -> None:
    desk = Desk().walking()
    with pytest.raises(UnboundLocalError):
        desk.belt.want(b"\x02\xff\xff", desk.now)  # type: ignore[arg-type]  # that is the point
    assert desk.sent(Target) == [desk.sent(Target)[0]]


# --- what goes through ----------------------------------------------------------------------------


def test_a_refused_command_is_told_and_not_written() -> None:
    desk = Desk().walking()
    before = len(desk.writes)
    refusal = desk.belt.want(Target(Speed(2000)), desk.now)
    assert isinstance(refusal, Refusal)
    assert refusal.law == "G5"
    assert "20.00 km/h is above the cap 3.00" in refusal.reason
    assert len(desk.writes) == before


def test_what_cannot_go_now_is_forgotten_and_no_refusal() -> None:
    desk = Desk().walking()
    desk.results[Target] = None
    assert desk.want(Target(Speed(90))) == ""
    assert desk.want(Target(Speed(100))) == ""
    desk.runs(80, 4.0)
    assert desk.writes[-1][1] == Target(Speed(90))


def test_nothing_wanted_is_nothing_written() -> None:
    desk = Desk().walking()
    before = len(desk.writes)
    assert desk.belt.want(None, desk.now) is None
    assert len(desk.writes) == before


def test_without_a_link_nothing_is_written_and_nothing_refused() -> None:
    desk = Desk(connect=False)
    assert desk.belt.want(Start(), desk.now) is None
    assert desk.writes == []


def test_the_guards_demand_goes_ahead_of_a_wish() -> None:
    desk = Desk().at(100)
    desk.guard.want_stop(desk.now)
    assert desk.belt.want(Target(Speed(110)), desk.now) is None
    assert desk.last == Stop()


def test_a_demanded_stop_that_the_guard_withholds_is_no_mistake_of_the_session() -> None:
    desk = Desk().at(100)
    desk.guard.want_stop(desk.now)
    desk.guard.motion.record(Speed(0), desk.now)
    desk.now += 0.5
    desk.guard.motion.record(Speed(0), desk.now)
    assert desk.belt.want(None, desk.now) is None
    assert desk.stops == 0


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    desk = Desk().walking()
    desk.answer(Start(), 5)
    desk.answer(RequestControl(), 1)
    assert desk.state() is State.RUNNING


def test_an_overtaken_target_does_not_count_as_ended() -> None:
    desk = Desk().at(100)
    desk.results[Target] = None
    desk.want(Target(Speed(120)))
    desk.stop()
    desk.answer(Target(Speed(120)))
    assert desk.stopping()
    assert "target_refused" not in desk.noticed


def test_the_outcome_of_a_write_is_told() -> None:
    desk = Desk().rest()
    desk.arm()
    desk.stuck = True
    desk.want(RequestControl())
    outcome = desk.belt.written(Written(1, 1, "the link is gone"), desk.now)
    assert outcome is not None
    assert outcome.result is Result.FAILED
    assert [f.id for f in desk.guard.findings()] == ["control_refused"]


def test_late_answers_to_a_session_that_is_over_change_nothing() -> None:
    desk = Desk().at(100)
    desk.results[Target] = None
    desk.want(Target(Speed(120)))
    desk.guard.disarm(desk.now)
    desk.runs(100, 0.25)
    desk.answer(Target(Speed(120)), 5)
    assert "control_lost" not in desk.noticed


def test_a_start_answered_after_motion_changes_nothing() -> None:
    desk = Desk().counted()
    desk.results[Start] = None
    desk.want(Start())
    desk.runs(80, 0.5)
    desk.answer(Start(), 4)
    assert desk.state() is State.RUNNING
    assert "start_refused" not in desk.noticed


def test_a_stop_answered_after_rest_changes_nothing() -> None:
    desk = Desk().at(100)
    desk.results[Stop] = None
    desk.stop()
    desk.slides(100, 0)
    desk.runs(0, 0.5)
    assert not desk.stopping()
    desk.answer(Stop(), 4)
    desk.runs(0, 5.0)
    assert desk.stops == 1


def test_after_a_link_nothing_is_refused_either() -> None:
    desk = Desk().walking()
    desk.lose_link()
    before = len(desk.writes)
    assert desk.want(Target(Speed(90))) == ""
    assert len(desk.writes) == before


def test_a_stop_that_nobody_asked_for_is_a_mistake_that_is_told() -> None:
    assert Desk().rest().want(Stop()) == "G3"


def test_a_new_link_waits_for_nothing_of_the_old_one() -> None:
    desk = Desk().at(100)
    desk.stuck = True
    desk.stop()
    assert desk.stops == 1
    desk.connect()
    desk.runs(100, 0.25)
    assert desk.stops == 2
