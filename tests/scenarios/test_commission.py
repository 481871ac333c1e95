"""The empty-belt test over the radio, with what is kept of it, and what the daemon makes of that."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from blefit.units import Speed
from retrowalk.app import App, describe, recorder
from retrowalk.ble.reading import Reading
from retrowalk.certificate import read
from retrowalk.clock import utc_now
from retrowalk.commission import Examination, Outcome, as_document, findings
from retrowalk.core.attending import Verdict
from retrowalk.core.commissioning import Measured
from retrowalk.core.faults import CORD
from retrowalk.core.model import Act, Confirm, Machine, Request, Said, StopSession
from retrowalk.journal.lines import Step
from retrowalk.journal.lines import read as read_journal
from retrowalk.journal.replay import replay
from retrowalk.journal.tape import Tape
from retrowalk.keepsakes import Keepsakes
from retrowalk.machines import load_machine, machines_dir
from retrowalk.settings import Settings, Treadmill
from retrowalk.sim.room import Room

ADDRESS = "F2:00:00:00:18:26"
NAMED = "urevo-e1l"
"""A real machine's file: nobody has tested it."""


class Heard:
    """What the person hears; an alarm about the cord has it pulled 3 s later."""

    def __init__(self) -> None:
        self.said: list[Said] = []

    def say(self, said: Said) -> None:
        self.said.append(said)

    def silence(self) -> None:
        pass


class Hall:
    """A simulated treadmill, a state folder, and a person who watches the belt."""

    def __init__(self, folder: Path, name: str) -> None:
        self.room = Room(load_machine(name))
        self.treadmill = Treadmill(id="tm", address=ADDRESS)
        self.folder = folder
        self.keepsakes = self.kept()
        self.heard = Heard()

    def examination(self) -> Examination:
        journal = recorder(Tape("tm", "test", utc_now), _settings(self), "tm", _at_once)
        return Examination(
            self.treadmill, self.keepsakes, self.heard, backend=self.room.backend, offload=_at_once,
            journal=journal,
        )  # fmt: skip

    async def examined(self) -> Outcome:
        """A whole test, the person willing."""
        examination = self.examination()
        async with self.person(examination):
            return await examination.run()

    @contextlib.asynccontextmanager
    async def person(self, examination: Examination) -> AsyncIterator[None]:
        living = asyncio.create_task(self._live(examination))
        try:
            yield
        finally:
            living.cancel()

    async def _live(self, examination: Examination) -> None:
        commissioner, ids = examination.commissioner, count(1)
        while True:
            await asyncio.sleep(1)
            if CORD in commissioner.alarm:
                await asyncio.sleep(3)
                self.room.treadmill.safety_key.pull()
            still = self.room.treadmill.belt.speed == 0
            if commissioner.awaiting is not None and (still or commissioner.awaiting is not Act.STILL):
                examination.station.submit(Request(f"p{next(ids)}", "terminal", Confirm(None)))

    def taken(self, reading: Reading) -> Machine:
        """As the next daemon takes it."""
        return describe(self.treadmill, self.kept(), reading)

    def kept(self) -> Keepsakes:
        """As the next process finds it."""
        return Keepsakes(self.folder / "state", "tm", ADDRESS)


async def until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            if holds():
                return
            await asyncio.sleep(0.1)


async def _at_once(block: Any) -> None:
    block()


@contextlib.asynccontextmanager
async def hall(folder: Path, name: str) -> AsyncIterator[Hall]:
    there = Hall(folder, name)
    async with there.room.open():
        yield there


def certificate(folder: Path) -> Path:
    return folder / "state" / "commissioned-tm.json"


def quarantine(folder: Path) -> Path:
    return folder / "state" / "quarantine-tm.json"


def reading_of(examination: Examination) -> Reading:
    reading = examination._reading
    assert reading is not None
    return reading


async def test_a_machine_that_passes_is_commissioned_as_long_as_it_is_the_same(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        there.keepsakes.quarantine("it was odd")
        examination = there.examination()
        async with there.person(examination):
            outcome = await examination.run()
    assert outcome == Outcome(Verdict(), examination.commissioner.measured, at_rest=True, reached=True)
    assert not quarantine(tmp_path).exists()
    assert not there.keepsakes.left_running
    reading = reading_of(examination)

    machine = there.taken(reading)
    assert machine.commissioned
    assert machine.quarantined == ""
    assert (machine.deceleration, machine.starts_above_minimum) == (50, True)
    assert machine.start_delay_s == outcome.measured.start_delay_s

    others = {
        "its name was 'URTM041' and is 'URTM042'": replace(reading, name="URTM042"),
        "its firmware was '1.0' and is '1.1'": replace(
            reading, device_information={**reading.device_information, "firmware": "1.1"}
        ),
        "its name was 'URTM041' and is ''": replace(reading, name=""),
        "its serial number was '0001' and is '7'": replace(
            reading, device_information={**reading.device_information, "serial_number": "7"}
        ),
        "its software was None and is '2'": replace(
            reading, device_information={**reading.device_information, "software": "2"}
        ),
        "its speed range has changed": replace(reading, speeds=None),
    }
    for difference, other in others.items():
        assert not there.taken(other).commissioned
        assert read(there.keepsakes.commissioned, other)[1].endswith(difference)
    assert there.taken(reading).commissioned
    there.kept().quarantine("it ran too fast")
    assert there.taken(reading).quarantined == "it ran too fast"
    quarantine(tmp_path).unlink()
    there.treadmill = Treadmill(id="tm", address=ADDRESS, machine=str(tmp_path / "none.toml"))
    assert "cannot be read" in there.taken(reading).watch_only
    there.treadmill = Treadmill(id="tm", address=ADDRESS)

    told = json.loads(certificate(tmp_path).read_text())
    wrong = {**told["measured"], "deceleration": "fast"}
    spoilings = ({**told, "version": 2}, {**told, "measured": {}}, {**told, "measured": wrong})
    for spoilt in ("", "{}", "[]", *map(json.dumps, spoilings)):
        certificate(tmp_path).write_text(spoilt)
        assert not there.taken(reading).commissioned
    assert not examination.commissioner.guard.left_running


async def test_a_machine_file_that_is_damaged_before_the_link_is_cut_keeps_no_belt_moving(
    tmp_path: Path,
) -> None:
    file = tmp_path / "spec.toml"
    file.write_bytes((machines_dir() / file.name).read_bytes())
    async with hall(tmp_path, "spec") as there:
        there.treadmill = Treadmill(id="tm", address=ADDRESS, machine=str(file))
        examination = there.examination()
        async with there.person(examination):
            running = asyncio.create_task(examination.run())
            await until(lambda: there.room.treadmill.belt.speed > 50)
            file.write_text("damaged")
            outcome = await running
    assert outcome.verdict.passed
    assert outcome.measured.keeps_running_without_link is not None


async def test_a_bug_when_the_link_comes_back_keeps_no_belt_moving(tmp_path: Path) -> None:
    async with hall(tmp_path, "spec") as there:
        examination = there.examination()
        describe, readings = examination._connector._describe, count(1)

        def fails_once(reading: Reading) -> Machine:
            if next(readings) == 2:
                raise ZeroDivisionError
            return describe(reading)

        examination._connector._describe = fails_once
        async with there.person(examination):
            outcome = await examination.run()
        assert there.room.treadmill.belt.speed == 0
    assert next(readings) == 4
    assert outcome.verdict.passed


async def test_a_bug_in_the_test_stops_the_belt_and_passes_nobody(tmp_path: Path) -> None:
    def fail(_now: float) -> None:
        raise ZeroDivisionError

    async with hall(tmp_path, "spec") as there:
        examination = there.examination()
        async with there.person(examination):
            running = asyncio.create_task(examination.run())
            await until(lambda: there.room.treadmill.belt.speed > 50)
            examination.commissioner.act = fail  # type: ignore[method-assign]  # the bug
            with pytest.raises(ZeroDivisionError):
                await running
        assert there.room.treadmill.belt.speed == 0
    assert not certificate(tmp_path).exists()


async def test_a_machine_that_fails_goes_and_stays_out(tmp_path: Path) -> None:
    async with hall(tmp_path, "mph") as there:
        certificate(tmp_path).parent.mkdir()
        certificate(tmp_path).write_text("{}")
        outcome = await there.examined()
    assert outcome.verdict.unsafe
    assert outcome.at_rest
    assert not certificate(tmp_path).exists()
    assert "ran 1.29" in there.keepsakes.quarantined


async def test_what_ignores_stop_is_the_cord_s(tmp_path: Path) -> None:
    async with hall(tmp_path, "ignores-stop") as there:
        outcome = await there.examined()
        assert there.room.treadmill.safety_key.is_pulled
        assert there.room.treadmill.belt.speed == 0
    assert outcome.verdict.unsafe
    assert outcome.at_rest
    assert any(said.alarm and CORD in said.text for said in there.heard.said)


async def test_a_test_that_is_stopped_changes_nothing(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        there.keepsakes.quarantine("it was odd")
        certificate(tmp_path).write_text("{}")
        examination = there.examination()
        async with there.person(examination):
            running = asyncio.create_task(examination.run())
            await until(lambda: there.room.treadmill.belt.speed > 50)
            assert there.keepsakes.left_running
            examination.station.submit(Request("c", "terminal", StopSession()))
            outcome = await running
        assert there.room.treadmill.belt.speed == 0
    assert outcome.verdict == Verdict("it was stopped")
    assert there.keepsakes.quarantined == "it was odd"
    assert certificate(tmp_path).read_text() == "{}"
    _is_told_by(tmp_path / "state" / "journal" / "tm-000001.jsonl")


def _is_told_by(journal: Path) -> None:
    with journal.open() as lines:
        seen = list(replay(read_journal(lines)))
    assert all(one.snapshot is None and one.difference is None for one in seen), "nothing is decided again"
    steps = [one.entry for one in seen if isinstance(one.entry, Step)]
    frames = [frame.octets for step in steps for frame in step.frames]
    assert frames == [b"\x00", b"\x07", b"\x08\x01"]
    said = [effect.text for step in steps for effect in step.effects if isinstance(effect, Said)]
    assert any("Press Enter: the belt starts" in text for text in said)


async def test_what_is_killed_leaves_its_marker_and_the_next_one_stops_the_belt(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        examination = there.examination()
        async with there.person(examination):
            running = asyncio.create_task(examination.run())
            await until(lambda: there.room.treadmill.belt.speed > 50)
            mine = {"control", "link", "marker"}
            for task in asyncio.all_tasks():
                if task.get_name().partition("-")[0] in mine:
                    task.cancel()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(3)
        assert there.room.treadmill.belt.speed > 50
        assert there.keepsakes.left_running

        app = App(_settings(there), backend=there.room.backend, speak=lambda _: [], offload=_at_once)
        async with app.running():
            await until(lambda: there.room.treadmill.belt.speed == 0)
        assert not there.keepsakes.left_running


async def test_a_belt_that_a_daemon_left_moving_is_stopped_before_the_test(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        there.keepsakes.write("s1")
        there.room.treadmill.start(None)
        await asyncio.sleep(8)
        assert there.room.treadmill.belt.speed > 50
        examination = there.examination()
        running = asyncio.create_task(examination.run())
        await until(lambda: there.room.treadmill.belt.speed == 0 and not there.keepsakes.left_running)
        examination.station.submit(Request("c", "terminal", StopSession()))
        assert (await running).at_rest


async def test_what_a_daemon_left_moving_goes_before_the_machine_that_is_to_be_tested(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        there.keepsakes.write("s1")
        there.treadmill = Treadmill(id="tm", address="F2:00:00:00:18:99")
        there.room.treadmill.start(None)
        await asyncio.sleep(8)
        running = asyncio.create_task(there.examination().run())
        await until(lambda: there.room.treadmill.belt.speed == 0)
        assert (await running).at_rest


async def test_the_marker_of_a_test_names_the_machine_that_its_name_stands_for(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        there.treadmill = Treadmill(id="tm", match="*")
        there.keepsakes.address = "*"
        examination = there.examination()
        async with there.person(examination):
            await examination.run(given_up=lambda: there.keepsakes.left_running)
            assert there.keepsakes.address == ADDRESS


async def test_it_is_tested_with_the_adapter_that_the_config_names(tmp_path: Path) -> None:
    there = Hall(tmp_path, NAMED)
    there.treadmill = Treadmill(id="tm", address=ADDRESS, adapter="hci7")
    examination = there.examination()
    assert not (await examination.run()).reached
    assert "adapter 'hci7' not found" in examination.station._link_state


async def test_a_treadmill_that_is_not_there_is_told(tmp_path: Path) -> None:
    there = Hall(tmp_path, NAMED)
    outcome = await there.examined()
    assert not outcome.reached
    assert outcome.at_rest
    assert outcome.verdict.why == "the treadmill was not found"


async def test_a_person_who_gives_up_is_not_waited_for_but_the_belt_is(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        examination = there.examination()
        async with there.person(examination):
            outcome = await examination.run(given_up=lambda: there.room.treadmill.belt.speed > 50)
        assert there.room.treadmill.belt.speed == 0
    assert outcome.at_rest
    assert outcome.verdict == Verdict("it was stopped")
    assert not there.keepsakes.left_running


@pytest.mark.parametrize("stopped", [False, True])
async def test_the_link_stays_away_for_ten_seconds_or_until_a_stop(tmp_path: Path, stopped: bool) -> None:
    async with hall(tmp_path, NAMED) as there:
        examination = there.examination()
        loop, link = asyncio.get_running_loop(), examination._connector
        async with there.person(examination):
            running = asyncio.create_task(examination.run())
            await until(lambda: any("link is cut" in said.text for said in there.heard.said), 300)
            await until(lambda: link.link is None)
            cut = loop.time()
            await asyncio.sleep(1)
            if stopped:
                examination.station.submit(Request("c", "terminal", StopSession()))
            await until(lambda: link.link is not None)
            away = loop.time() - cut
            outcome = await running
        assert there.room.treadmill.belt.speed == 0
    assert outcome.verdict.passed is not stopped
    assert (1 < away < 3) if stopped else (9.5 < away < 12)


async def test_a_state_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    async with hall(tmp_path, NAMED) as there:
        (tmp_path / "state").write_text("in the way")
        outcome = await there.examined()
    assert not outcome.verdict.passed
    assert "the moving-marker cannot be written" in outcome.verdict.why


def _settings(there: Hall) -> Settings:
    return Settings.model_validate(
        {
            "treadmills": ({"id": "tm", "address": ADDRESS},),
            "paths": {"state_dir": there.folder / "state"},
            "mqtt": {"url": "off"},
        }
    )


def test_the_findings_are_told_in_words_and_in_units() -> None:
    measured = Measured(
        start_delay_s=3.456, slowest=Speed(80), deceleration=49, start_toggles=True, reverts_after_s=19.9
    )
    rows = {what: value for what, value, _ in findings(measured)}
    assert rows == {
        "start delay": "3.5 s",
        "slowest": "0.8 km/h",
        "ramp down": "0.49 km/h/s",
        "Start while running": "stops it",
        "target": "left after 20 s",
    }
    links = [findings(Measured(keeps_running_without_link=on))[0][1:] for on in (True, False)]
    assert links == [
        ("it runs on", "2 km/h backward at most without second_stop"),
        ("it stops", "no second stop is needed"),
    ]
    document = as_document(measured)
    assert document["deceleration_kmh_per_s"] == 0.49
    assert document["start_delay_s"] == 3.46
    assert document["acceleration_kmh_per_s"] is None
