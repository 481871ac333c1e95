"""The scheduler offers, and only offers; once, across restarts; whatever becomes of the disk."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from retrowalk.core.model import Offer, Request
from retrowalk.plan.schedule import Slot
from retrowalk.plan.scheduler import Scheduler, local_zone, slots_of
from retrowalk.settings import parse_settings
from retrowalk.sim.loops import virtual_loop

BEGIN = datetime(2027, 1, 11, 5, 0, tzinfo=UTC)
DAILY = Slot("home", Offer("waves-1", None, 600.0), "0 7 * * *", ZoneInfo("Europe/Berlin"))

Submitted = list[tuple[datetime, str, Request]]


def offered_within(
    hours: float,
    slots: list[Slot],
    path: Path,
    begin: datetime = BEGIN,
    *,
    kept: Callable[[], object] = lambda: None,
    set_at: float = float("inf"),
) -> Submitted:
    """Run the scheduler for so many hours of virtual time, from `begin`; `kept` is called at each offer.

    The wall clock is set an hour forward after `set_at` s.
    """
    submitted: Submitted = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        zero = loop.time()

        def wall() -> datetime:
            passed = loop.time() - zero
            return begin + timedelta(seconds=passed + (3600 if passed >= set_at else 0))

        def submit(treadmill: str, request: Request) -> None:
            submitted.append((wall(), treadmill, request))
            kept()

        async def aside(function: Callable[..., object], *args: object) -> object:
            return function(*args)  # virtual time does not wait for threads

        task = asyncio.create_task(Scheduler(slots, submit, path, wall, aside).run())
        await asyncio.sleep(hours * 3600)
        task.cancel()

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(scenario())
    return submitted


def test_a_slot_is_offered_at_its_time_to_its_treadmill(tmp_path: Path) -> None:
    ((at, treadmill, request),) = offered_within(24, [DAILY], tmp_path / "schedule.json")
    assert abs(at - datetime(2027, 1, 11, 6, 0, tzinfo=UTC)) < timedelta(seconds=1)
    assert treadmill == "home"
    assert request == Request("schedule-20270111T0600", "schedule", Offer("waves-1", None, 600.0))


def test_a_restart_does_not_offer_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "schedule.json"
    seven = datetime(2027, 1, 11, 6, 0, tzinfo=UTC)
    assert len(offered_within(0.01, [DAILY], path, seven)) == 1
    assert offered_within(0.01, [DAILY], path, seven + timedelta(seconds=40)) == []
    assert len(offered_within(25, [DAILY], path, seven + timedelta(seconds=80))) == 1


def test_an_offer_is_kept_before_it_is_made(tmp_path: Path) -> None:
    """A daemon that dies between the two misses an offer rather than repeats it."""
    path, found = tmp_path / "schedule.json", []
    assert len(offered_within(24, [DAILY], path, kept=lambda: found.append(path.read_text()))) == 1
    assert "2027-01-11T06:00" in found[0]


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": "never"}', b"\xff"])
def test_a_spoilt_record_is_a_fresh_start(kept: bytes, tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_bytes(kept)
    assert len(offered_within(2, [DAILY], path)) == 1


def test_a_clock_that_is_set_is_noticed_in_time(tmp_path: Path) -> None:
    before = datetime(2027, 1, 11, 4, 59, 30, tzinfo=UTC)
    assert len(offered_within(0.1, [DAILY], tmp_path / "schedule.json", before, set_at=40)) == 1


def test_a_slot_that_is_not_due_holds_up_no_other(tmp_path: Path) -> None:
    evening = Slot("home", Offer("waves-1", None, 600.0), "0 19 * * *", ZoneInfo("Europe/Berlin"))
    assert len(offered_within(6, [evening, DAILY], tmp_path / "schedule.json")) == 1


def test_a_folder_that_cannot_be_written_costs_no_offer(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    assert len(offered_within(24, [DAILY], tmp_path / "state" / "schedule.json")) == 1


def test_no_schedule_waits_for_ever(tmp_path: Path) -> None:
    assert offered_within(24, [], tmp_path / "schedule.json") == []


def test_the_configuration_becomes_slots() -> None:
    settings = parse_settings(
        """
        [[treadmills]]
        id = "home"
        match = "X*"
        [[walkers]]
        id = "ann"
        [[schedule]]
        program = "waves-1"
        at = "07:00"
        days = ["mon", "fri"]
        window = "1h"
        timezone = "Asia/Tokyo"
        [[schedule]]
        program = "steady-10"
        walker = "ann"
        cron = "5 8 * * *"
        """,
        environ={},
    )
    assert slots_of(settings, UTC) == (
        Slot("home", Offer("waves-1", None, 3600.0), "0 7 * * mon,fri", ZoneInfo("Asia/Tokyo")),
        Slot("home", Offer("steady-10", "ann", 600.0), "5 8 * * *", UTC),
    )


@pytest.fixture
def zone_named(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda name: monkeypatch.setenv("TZ", name) if name else monkeypatch.delenv("TZ", raising=False)


def test_the_zone_of_this_machine_has_its_summer_time(
    tmp_path: Path, zone_named: Callable[[str], None]
) -> None:
    zone_named(":Asia/Tokyo")
    assert local_zone() == ZoneInfo("Asia/Tokyo")
    zone_named("")
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert local_zone(link) == ZoneInfo("Europe/Berlin")
    assert local_zone(tmp_path / "missing") == UTC
    zone_named("Mars/Base")
    assert local_zone() == UTC


def test_a_localtime_that_is_a_copy_is_read(tmp_path: Path, zone_named: Callable[[str], None]) -> None:
    zone_named("")
    tzdata = pytest.importorskip("tzdata")
    copy = tmp_path / "localtime"
    copy.write_bytes((Path(os.fspath(tzdata.__path__[0])) / "zoneinfo/Europe/Berlin").read_bytes())
    summer = datetime(2027, 7, 1, tzinfo=local_zone(copy))
    assert summer.utcoffset() == timedelta(hours=2)
