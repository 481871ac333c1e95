"""`scan` and `inspect` on the simulated machines, over the virtual radio."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blefit.ftms.advertisement import MachineType
from retrowalk import cli
from retrowalk.ble.link import Link
from retrowalk.ble.reading import describe as describe_read
from retrowalk.ble.scanner import find, scan
from retrowalk.cli.errors import Exit, UserError
from retrowalk.cli.inspect import Seen, as_document, as_text, expectations, look_at
from retrowalk.cli.scan import as_document as scan_document
from retrowalk.cli.scan import table, tell
from retrowalk.core.model import Happening, Lost, Notified
from retrowalk.machines import load_machine
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.room import ADDRESS, Room


def in_a_room_with(machine: str, visit: Callable[[Room], Any]) -> Any:
    """What `visit` comes back with from a room where that machine stands, in virtual time."""

    async def scenario() -> Any:
        room = Room(load_machine(machine))
        async with room.open():
            return await visit(room)

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        return runner.run(scenario())


def seen(machine: str) -> Seen:
    return in_a_room_with(machine, lambda room: look_at(ADDRESS, 10, room.backend))


def test_a_machine_in_the_air_is_a_row_and_a_document() -> None:
    found = in_a_room_with("spec", lambda room: scan(3, room.backend))
    heading, row = table(found).splitlines()
    assert heading.split() == ["NAME", "ADDRESS", "RSSI", "TYPE", "STATE"]
    assert ADDRESS in row
    assert row.endswith("treadmill  available")
    document = scan_document(found[0])
    assert document["machine_types"] == ["treadmill"]
    assert document["available"] is True
    json.dumps(document)


def test_what_a_machine_does_not_say_is_null_and_unknown() -> None:
    (found,) = in_a_room_with("spec", lambda room: scan(3, room.backend))
    silent = replace(found, name="", rssi=None, available=None, machine_types=MachineType(0))
    assert scan_document(silent) == {
        "name": None,
        "address": ADDRESS,
        "rssi_dbm": None,
        "machine_types": [],
        "available": None,
    }
    assert table([silent]).splitlines()[1].split() == [
        "(no",
        "name)",
        ADDRESS,
        "connected",
        "unknown",
        "unknown",
    ]


def test_inspect_tells_what_was_read_and_writes_nothing() -> None:
    def visit(room: Room) -> Any:
        async def look() -> tuple[Seen, float]:
            return await look_at(ADDRESS, 10, room.backend), room.treadmill.belt.speed

        return look()

    spec, speed = in_a_room_with("spec", visit)
    document = as_document(spec)
    json.dumps(document)
    assert speed == 0
    speeds = {"min_kmh": 0.8, "max_kmh": 14.0, "increment_kmh": 0.1, "trailing_hex": ""}
    assert document["speed_range"] == speeds
    assert (document["machine_file"], document["matched_by"]) == ("spec", ["names"])
    assert document["facts"]["start_delay_s"] == 3.0
    assert document["source"]
    assert "speed" in document["feature"]["target_settings"]
    told = as_text(document)
    assert "spec (by names): Does everything" in told
    rows = {tuple(line.split()) for line in told.splitlines()}
    assert {("start", "delay", "s", "3.0"), ("commissioned", "yes")} <= rows
    assert "0.8 to 14 km/h in steps of 0.1" in told
    assert "walk you backward up to 1.5 km/h (level 1)" in told


def test_a_link_that_is_there_already_is_not_hung_up() -> None:
    """It is a daemon's, whose session walks: to the system, our link to that machine is the same one."""

    async def visit(room: Room) -> list[Happening]:
        happened: list[Happening] = []
        found = await find(ADDRESS, 10, room.backend)
        link = await Link.open(found, 1, happened.append, describe=describe_read, backend=room.backend)
        try:
            with pytest.raises(UserError, match="is connected already") as raised:
                await look_at(ADDRESS, 10, room.backend)
            assert raised.value.exit_code == Exit.REFUSED
            await asyncio.sleep(5)
            return [*happened]
        finally:
            await link.close()

    happened = in_a_room_with("spec", visit)
    assert any(isinstance(happening, Notified) for happening in happened)
    assert not any(isinstance(happening, Lost) for happening in happened)


def test_what_it_will_not_do_follows_from_what_is_known_of_the_machine() -> None:
    machine = seen("spec").machine
    cautious = replace(
        machine,
        commissioned=False,
        second_stop=False,
        keeps_running_without_link=True,
        silent_at_rest=True,
        echoes_target=True,
        inclinable=False,
        reports_presence=False,
        reports_start_key=False,
    )
    will, will_not = expectations(cautious)
    assert will[1] == "walk you backward up to 1.5 km/h (level 1)"
    assert len(will_not) == 7
    assert expectations(replace(cautious, commissioned=True, inclinable=True))[1] == will_not[2:]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"controllable": False}, "takes no speed commands"),
        ({"minimum": 200}, "starts at 2 km/h"),
        ({"quarantined": "it read the target as mph"}, "is in quarantine"),
    ],
)
def test_a_machine_that_cannot_be_driven_is_only_watched(change: dict[str, Any], why: str) -> None:
    will, will_not = expectations(replace(seen("spec").machine, **change))
    assert will == ["watch it and publish what it does"]
    assert any(why in sentence for sentence in will_not)


@pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")
@pytest.mark.parametrize("command", [["scan", "--seconds", "1"], ["inspect", "C0:00:00:00:00:01"]])
def test_no_bluetooth_is_one_line_with_the_fix_and_exit_3(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    assert cli.main(command) == 3
    told = capsys.readouterr().err
    assert told.startswith("retrowalk: the D-Bus system bus cannot be reached: start it with")
    assert told.count("\n") == 1


def test_nothing_in_the_air_is_said_to_a_person_and_is_no_line_of_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell([], 2.5, as_json=True)
    assert capsys.readouterr() == ("", "")
    tell([], 2.5, as_json=False)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("no fitness machine was heard in 2.5 s: switch it on")


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    found = in_a_room_with("spec", lambda room: scan(3, room.backend))
    tell(found * 2, 3, as_json=True)
    assert [json.loads(line)["address"] for line in capsys.readouterr().out.splitlines()] == [ADDRESS] * 2
