"""`retrowalk replay`: a timeline, the same decisions or the first that is not, mistakes in a sentence."""

import json
from pathlib import Path

import pytest
from tests.core.bench import program
from tests.journal.bench_tape import TapedBench

from retrowalk.cli import main
from retrowalk.core.model import Phase

WALK = program('name = "Walk"\nlevel = 0\nsteps = [ { walk = "forward", for = "30s", speed = 1.2 } ]')


@pytest.fixture(scope="module")
def lines() -> list[str]:
    bench = TapedBench(program=WALK)
    bench.offer()
    bench.run(30)
    bench.lose_link()
    bench.run(10, lambda b: b.snapshot.phase is Phase.ENDED)
    return bench.journal


@pytest.fixture
def journal(lines: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "tm-000001.jsonl"
    path.write_text("".join(lines))
    return path


def test_it_tells_what_happened_and_decides_the_same(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(journal)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "sim, 2026-11-21 07:00:00 UTC, retrowalk test"
    for part in (
        "  connected        connection 1, machine simulated",
        "  request          start id r0, source test, program p",
        "  event            session_offered program Walk, session_id s1",
        "  frame            start_or_resume connection 1, ticket 2",
        "  frame            set_target_speed connection 1, ticket 3, target_speed_kmh 0.8",
        "  event            link_lost reason the radio failed, session_id s1",
        "  treadmill_data   connection 1, instantaneous_speed_kmh 0.0",
    ):
        assert any(part in line for line in told), part
    assert told[-1].startswith("The same decisions: ")
    assert told[-1].endswith(" frames.")


def test_it_tells_a_part(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(journal), "--from", "5", "--to", "6", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    start = told[0]["t"]
    assert {row["kind"] for row in told[1:-1]} == {"treadmill_data", "phase"}
    assert all(5 <= row["t"] - start <= 6 for row in told[1:-1])
    assert told[-1]["kind"] == "end"
    assert told[-1]["same"] is True
    assert main(["replay", str(journal), "--from", "07:00:01", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_it_tells_only_of_faults(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(journal), "--faults"]) == 0
    _, *told, _ = capsys.readouterr().out.splitlines()
    assert [line.split()[2:4] for line in told] == [["event", "link_lost"], ["event", "fault"]]


def test_the_first_other_decision_is_told(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = journal.read_text()
    assert text.count('"025000"') == 1
    journal.write_text(text.replace('"025000"', '"02ff00"'))
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "025000" in line)
    assert main(["replay", str(journal), "--faults"]) == 1
    first, recorded, now, _ = capsys.readouterr().out.splitlines()[-4:]
    assert first == f"Line {number} is decided otherwise:"
    assert "02ff00" in recorded
    assert "025000" in now
    assert main(["replay", str(journal), "--json", "--faults"]) == 1
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert end["same"] is False
    assert end["difference"]["line"] == number


def test_what_begins_in_the_middle_is_told_and_not_judged(
    lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = json.loads(lines[0])
    del header["setup"], header["left_running"]
    path = tmp_path / "part.jsonl"
    path.write_text("".join([json.dumps(header) + "\n", *lines[20:]]))
    assert main(["replay", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("the journal does not say where from.")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "the file is empty"),
        (b"hello\n", "line 1 is damaged"),
        (b"\xff\xfe\n", "this is no text, so it is no journal"),
    ],
)
def test_a_bad_file_is_a_mistake_in_one_line(
    content: bytes | None, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert main(["replay", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert sentence in told.err


def test_a_folder_is_no_journal(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(journal.parent)]) == 2
    assert f"name a file of a journal, such as {journal}" in capsys.readouterr().err


def test_a_moment_that_is_none_is_a_mistake(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(journal), "--from", "noon"]) == 2
    assert "neither seconds (12.5) nor a time in UTC (07:19:58)" in capsys.readouterr().err
