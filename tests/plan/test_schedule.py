"""A session is due once an instant: across summer time, sleep, and clocks that jump."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from retrowalk.core.model import Offer
from retrowalk.plan.schedule import Slot, cron_for, due, next_after

BERLIN = ZoneInfo("Europe/Berlin")


def slot(cron: str) -> Slot:
    return Slot("home", Offer("waves-1"), cron, BERLIN)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "days", "cron"),
    [
        ("07:00", (), "0 7 * * *"),
        ("23:59", ("mon",), "59 23 * * mon"),
        ("00:05", ("sat", "sun"), "5 0 * * sat,sun"),
    ],
)
def test_a_time_and_days_are_a_cron_line(at: str, days: tuple[str, ...], cron: str) -> None:
    assert cron_for(at, days) == cron


def instants(cron: str, begin: str, end: str) -> list[str]:
    """Every instant in between, asked for once a minute as the scheduler does."""
    found, now, offered = [], utc(begin), None
    while now < utc(end):
        if instant := due(slot(cron), now, offered):
            offered = instant
            found.append(instant.astimezone(BERLIN).isoformat())
        now += timedelta(minutes=1)
    return found


@pytest.mark.parametrize(
    ("cron", "begin", "end", "expected"),
    [
        (
            "30 2 * * *",  # 2:30 does not exist on 28 March 2027: the clocks go from 2:00 to 3:00
            "2027-03-27T12:00+01:00",
            "2027-03-29T12:00+02:00",
            ["2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"],
        ),
        (
            "30 2 * * *",  # 2:30 comes twice on 31 October 2027
            "2027-10-30T12:00+02:00",
            "2027-11-01T12:00+01:00",
            ["2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00"],
        ),
        ("30 2 * * *", "2027-10-31T02:05+01:00", "2027-11-01T00:00+01:00", []),  # begun in the second pass
        ("0 7 * * mon", "2027-03-22T00:00+01:00", "2027-03-29T00:00+02:00", ["2027-03-22T07:00:00+01:00"]),
    ],
)
def test_a_local_time_is_due_once_a_day_whatever_the_clocks_do(
    cron: str, begin: str, end: str, expected: list[str]
) -> None:
    assert instants(cron, begin, end) == expected


SEVEN = utc("2027-01-11T07:00+01:00")


@pytest.mark.parametrize(
    ("late", "is_due"),
    [(-1, False), (0, True), (1, True), (119, True), (120, False), (3600, False)],
)
def test_an_instant_is_due_for_two_minutes_and_never_caught_up_with(late: int, is_due: bool) -> None:
    now = SEVEN + timedelta(seconds=late)
    assert due(slot("0 7 * * *"), now, None) == (SEVEN if is_due else None)


def test_an_instant_that_was_offered_is_not_due_again() -> None:
    assert due(slot("0 7 * * *"), SEVEN + timedelta(seconds=30), SEVEN) is None


def test_a_clock_set_back_an_hour_does_not_offer_twice() -> None:
    assert due(slot("0 * * * *"), SEVEN, SEVEN + timedelta(hours=1)) is None


def test_an_offer_recorded_by_a_clock_years_ahead_does_not_silence_the_plan() -> None:
    assert due(slot("0 7 * * *"), SEVEN, SEVEN + timedelta(days=900)) == SEVEN


def test_a_date_that_never_comes_is_never_due() -> None:
    assert next_after(slot("0 0 29 2 mon#5"), SEVEN) is not None  # rare, but it comes
    assert next_after(Slot("home", Offer("p"), "0 7 * * *", UTC), SEVEN) == utc("2027-01-11T07:00+00:00")
