"""Control Point transactions: one at a time, each ends, whatever the machine and the radio do."""

import pytest

from blefit.ftms.control_point import Response
from blefit.units import Incline, Speed
from retrowalk.core.exchange import Exchange, Outcome, Result, encode, op_code
from retrowalk.core.model import Command, RequestControl, Start, Stop, Target, TargetIncline, Written

TARGET = Target(Speed(80))


def begun(command: Command = TARGET) -> tuple[Exchange, int]:
    exchange = Exchange()
    ticket = exchange.begin(command, 10.0)
    return exchange, ticket


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        (RequestControl(), "00"),
        (Start(), "07"),
        (Stop(), "08 01"),
        (TARGET, "02 50 00"),
        (TargetIncline(Incline(5)), "03 05 00"),
        (TargetIncline(Incline(-5)), "03 fb ff"),
    ],
)
def test_every_command_has_its_octets(command: Command, frame: str) -> None:
    assert encode(command) == bytes.fromhex(frame)
    assert op_code(command) == bytes.fromhex(frame)[0]


@pytest.mark.parametrize(
    ("result", "outcome", "denied"),
    [
        (1, Result.SUCCESS, False),
        (2, Result.REFUSED, False),
        (3, Result.REFUSED, False),
        (4, Result.REFUSED, False),
        (5, Result.REFUSED, True),
        (0, Result.REFUSED, False),
        (255, Result.REFUSED, False),
    ],
)
def test_an_answer_ends_it_by_its_result(result: int, outcome: Result, denied: bool) -> None:
    exchange, _ = begun()
    ended = exchange.answered(Response(2, result))
    assert ended == Outcome(TARGET, outcome, result)
    assert ended.control_denied is denied
    assert exchange.answered(Response(2, result)) is None


def test_an_answer_to_something_else_ends_nothing() -> None:
    exchange, _ = begun()
    assert exchange.answered(Response(7, 1)) is None
    assert exchange.answered(Response(2, 1)) is not None


def test_an_answer_may_come_before_the_write_is_done() -> None:
    exchange, ticket = begun()
    assert exchange.answered(Response(2, 1)) is not None
    assert exchange.written(Written(1, ticket)) is None


@pytest.mark.parametrize(
    ("event", "result"),
    [
        (Written(1, 1, "gone"), Result.FAILED),
        (Written(1, 1, "refused", 0x80), Result.NOT_STARTED),
        (Written(1, 1, "", 0xFE), Result.NOT_STARTED),
    ],
)
def test_a_failed_write_ends_it(event: Written, result: Result) -> None:
    exchange, _ = begun()
    ended = exchange.written(event)
    assert ended == Outcome(TARGET, result, event.att_error, event.error)


def test_a_done_write_goes_on_waiting_for_its_answer() -> None:
    exchange, ticket = begun()
    assert exchange.written(Written(1, ticket)) is None
    assert not exchange.free(TARGET, 11.0)
    assert exchange.answered(Response(2, 1)) is not None


def test_the_write_of_an_older_transaction_ends_nothing() -> None:
    exchange, ticket = begun()
    exchange.begin(Stop(), 10.1)
    assert exchange.written(Written(1, ticket, "late")) is None


@pytest.mark.parametrize(("now", "over"), [(12.9, False), (13.0, True)])
def test_unanswered_for_3_s_it_ends(now: float, over: bool) -> None:
    exchange, _ = begun()
    assert (exchange.overdue(now) == Outcome(TARGET, Result.UNANSWERED)) is over
    assert Exchange().overdue(now) is None


@pytest.mark.parametrize(("now", "free"), [(10.29, False), (10.3, True)])
@pytest.mark.parametrize("first", [TARGET, Stop()], ids=str)
def test_frames_keep_0_3_s_between_them(first: Command, now: float, free: bool) -> None:
    exchange, _ = begun(first)
    exchange.answered(Response(op_code(first), 1))
    assert exchange.free(Start(), now) is free


def test_a_frame_for_a_stops_sake_waits_for_nothing_but_the_stops_write() -> None:
    exchange, _ = begun()
    ticket = exchange.begin(Stop(), 10.0)
    assert not exchange.free(RequestControl(), 10.0, at_once=True)
    exchange.written(Written(1, ticket))
    assert exchange.free(RequestControl(), 10.0, at_once=True)
    assert not exchange.free(RequestControl(), 11.0, at_once=False), "not answered yet"


def test_one_at_a_time_but_a_stop_overtakes() -> None:
    exchange, _ = begun()
    assert not exchange.free(Start(), 11.0)
    assert exchange.free(Stop(), 10.0)
    assert exchange.begin(Stop(), 10.0) == 2
    assert exchange.answered(Response(2, 1)) is None


@pytest.mark.parametrize("pending", [RequestControl(), Start(), TARGET, TargetIncline(Incline(5))])
@pytest.mark.parametrize("before", [None, Stop()])
def test_a_stop_waits_for_no_answer_whatever_is_pending(pending: Command, before: Command | None) -> None:
    exchange = Exchange()
    if before is not None:
        exchange.written(Written(1, exchange.begin(before, 9.0)))
        exchange.answered(Response(8, 5))
    exchange.written(Written(1, exchange.begin(pending, 10.0)))
    assert exchange.free(Stop(), 10.0)


def test_a_stop_does_not_go_while_one_is_being_written() -> None:
    exchange, ticket = begun(Stop())
    assert not exchange.free(Stop(), 10.5)
    assert exchange.answered(Response(8, 1)) is not None
    assert not exchange.free(Stop(), 10.5)
    exchange.written(Written(1, ticket))
    assert exchange.free(Stop(), 10.5)


@pytest.mark.parametrize("end", ["write", "reset", "failure", "ATT error"])
def test_a_stop_is_stuck_after_2_s_until_it_is_through(end: str) -> None:
    exchange, ticket = begun(Stop())
    assert not exchange.stop_stuck(11.9)
    assert exchange.stop_stuck(12.0)
    match end:
        case "write":
            exchange.written(Written(1, ticket))
        case "failure":
            exchange.written(Written(1, ticket, "no"))
        case "ATT error":
            exchange.written(Written(1, ticket, "no", 0x80))
        case _:
            exchange.reset()
    assert not exchange.stop_stuck(20.0)


def test_each_stop_has_2_s_of_its_own_to_be_written() -> None:
    exchange, ticket = begun(Stop())
    exchange.written(Written(1, ticket))
    exchange.begin(Stop(), 11.5)
    assert not exchange.stop_stuck(13.4)
    assert exchange.stop_stuck(13.5)


def test_what_is_sent_after_a_stop_gives_its_write_no_more_time() -> None:
    exchange, _ = begun(Stop())
    exchange.answered(Response(8, 5))
    exchange.written(Written(1, exchange.begin(RequestControl(), 11.0)))
    assert exchange.stop_stuck(12.0)


def test_a_stop_that_waits_for_its_answer_only_is_not_stuck() -> None:
    exchange, ticket = begun(Stop())
    exchange.written(Written(1, ticket))
    assert not exchange.stop_stuck(20.0)


def test_an_answer_is_no_word_that_a_stop_is_through_it_may_be_doubled() -> None:
    exchange, _ = begun(Stop())
    assert exchange.answered(Response(8, 1)) is not None
    assert exchange.stop_stuck(12.0)


def test_a_stop_whose_write_is_not_through_is_stuck_and_not_unanswered() -> None:
    exchange, ticket = begun(Stop())
    assert exchange.overdue(20.0) is None
    assert exchange.stop_stuck(20.0)
    exchange.written(Written(1, ticket))
    assert exchange.overdue(20.0) == Outcome(Stop(), Result.UNANSWERED)


@pytest.mark.parametrize(
    ("first", "unanswered"), [(Stop(), True), (TARGET, False), (RequestControl(), False)]
)
def test_a_stop_is_unanswered_3_s_after_its_first_frame(first: Command, unanswered: bool) -> None:
    """It is repeated each 0.5 s: no single one of them waits so long."""
    exchange, _ = begun(first)
    for at in (11.5, 12.0, 12.5, 13.0):
        exchange.written(Written(1, exchange.begin(Stop(), at)))
    assert exchange.overdue(12.9) is None
    assert (exchange.overdue(13.0) is not None) is unanswered
    assert exchange.overdue(14.5) == (None if unanswered else Outcome(Stop(), Result.UNANSWERED))


def test_a_reset_forgets_what_is_pending_and_no_ticket_comes_twice() -> None:
    exchange, ticket = begun()
    exchange.reset()
    assert exchange.free(TARGET, 10.0)
    assert exchange.answered(Response(2, 1)) is None
    assert exchange.begin(TARGET, 10.0) > ticket


def test_an_att_error_5_is_no_word_about_control() -> None:
    assert Outcome(Start(), Result.REFUSED, 5).control_denied
    assert not Outcome(Start(), Result.NOT_STARTED, 5).control_denied


def test_the_write_of_what_a_stop_overtook_says_nothing_of_the_stop() -> None:
    exchange, ticket = begun()
    exchange.begin(Stop(), 10.0)
    exchange.written(Written(1, ticket))
    assert not exchange.free(Stop(), 10.5)
    assert exchange.stop_stuck(12.0)


def test_the_space_between_two_frames_is_over_when_it_is_over() -> None:
    exchange = Exchange()
    exchange.begin(TARGET, 0.0)
    exchange.answered(Response(2, 1))
    assert exchange.free(TARGET, 0.3)
