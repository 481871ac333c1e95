"""`retrowalk programs`: what it prints, what it refuses, and with which exit code."""

import json
from pathlib import Path
from typing import Any

import pytest

from blefit.units import Speed
from retrowalk.cli import main
from retrowalk.cli.picture import picture
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.compiler import compile_program
from retrowalk.core.limits import Limits, limits_for
from retrowalk.core.model import Machine
from retrowalk.core.program import Program
from retrowalk.core.program_text import parse_program
from retrowalk.core.timeline import Timeline
from retrowalk.programs import MalformedProgramError, UnknownProgramError, program_files, read_program

TOO_FAST = """
name = "Too fast"
level = 1
steps = [
  { walk = "forward", for = "3min", speed = 2.0 },
  { walk = "backward", for = "6min", speed = 1.6 },
]
"""
MALFORMED = """
name = "Broken"
level = 9
steps = [{ walk = "up", for = "1min", speed = 1 }]
"""
FINE = """
name = "Fine"
level = 1
steps = [{ walk = "forward", for = "1min", speed = 2.0 }]
"""


@pytest.fixture(autouse=True)
def nobodys_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No configuration and no programs of one's own but those that a test writes."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RETROWALK_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: str) -> Ran:
        code = main(["programs", *words])
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return call


def written(folder: Path, text: str, name: str = "mine.toml") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_list_names_every_shipped_program(run: Any) -> None:
    ran = run("list")
    assert (ran.code, ran.err) == (0, "")
    for name in ("familiarise", "waves-1", "waves-2", "steady-10", "knee-comfort", "fitness"):
        assert f"\n{name} " in f"\n{ran.out}"
    assert "steady-10     level 3    19 min, 10.0 min of backward work, up to 2.4 km/h  Steady 10" in ran.out


def test_list_as_json_has_the_totals(run: Any) -> None:
    rows = {row["program"]: row for row in run("list", "--json").document}
    assert rows["waves-1"] == {
        "program": "waves-1",
        "name": "Waves 1",
        "level": 1,
        "purpose": None,
        "description": "Five waves of a minute backward, each with 45 seconds easy. Weeks 1 and 2.",
        "step_count": 14,
        "total_s": 875,
        "moving_s": 855,
        "backward_s": 525,
        "work_s": 300,
        "peak_backward_kmh": 1.5,
        "peak_forward_kmh": 2.2,
        "problem": None,
    }


def test_ones_own_programs_stand_beside_and_before_the_shipped(run: Any, tmp_path: Path) -> None:
    own = tmp_path / "home" / "retrowalk" / "programs"
    written(own, FINE, "fine.toml")
    written(own, FINE, "waves-1.toml")
    written(own, MALFORMED, "broken.toml")
    written(own, TOO_FAST, "fast.toml")
    rows = {row["program"]: row for row in run("list", "--json").document}
    assert rows["fine"]["total_s"] == 60
    assert rows["waves-1"]["name"] == "Fine"
    assert rows["broken"]["problem"].endswith("level: 9 must be a whole number from 0 to 6")
    assert rows["fast"]["problem"] == "refused: see `retrowalk programs check`"
    assert rows["fast"]["total_s"] is None
    listed = run("list").out
    assert "broken        " in listed
    assert "fast          refused: see" in listed


def test_the_configuration_says_where_programs_lie_and_what_is_allowed(run: Any, tmp_path: Path) -> None:
    written(tmp_path / "elsewhere", FINE, "fine.toml")
    config = written(
        tmp_path,
        f'[paths]\nprograms_dir = "{tmp_path}/elsewhere"\n[safety]\nforward_cap_kmh = 1.9\n',
        "retrowalk.toml",
    )
    for given in ((), ("--config", config)):
        ran = run("check", "fine", *given)
        assert ran.code == 4
        assert "forward speed 2 km/h is above the cap; the limit is 1.9 km/h (site)" in ran.out
    assert run("check", "fine", "--config", "nowhere.toml").code == 2


def test_show_draws_the_steps_the_speed_and_the_totals(run: Any) -> None:
    ran = run("show", "familiarise")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "Familiarise: level 0"
    assert lines[3].startswith("  1   0:00  3 min forward from 1.5 to 2 km/h  Easy forward.")
    assert lines[5].startswith("  3   3:10  45 s backward at 1 km/h")
    assert any(line.startswith("km/h →→") and "←" in line and "·" in line for line in lines)
    assert lines[-1] == "9 min 5 s in all, 2 min 15 s backward (2 min 15 s of work), up to 1.0 km/h backward"


def test_show_tells_purpose_and_notes(run: Any, tmp_path: Path) -> None:
    text = FINE.replace("level = 1", 'level = 1\npurpose = "balance"').replace('"1min"', '"9s"')
    ran = run("show", written(tmp_path, text))
    assert ran.out.startswith("Fine: level 1, for balance\n\n  1")
    assert "note: step 1 of 1: too short to reach 2 km/h by the planned ramp" in ran.out


def test_show_as_json_has_every_step_and_its_plan(run: Any) -> None:
    document = run("show", "waves-1", "--json").document
    assert (document["name"], document["step_count"], len(document["steps"])) == ("Waves 1", 14, 14)
    assert document["steps"][2] == {
        "step": 3,
        "place": "step 3 of 11",
        "kind": "walk",
        "direction": "backward",
        "duration_s": 60,
        "distance_m": None,
        "speed_kmh": [1.5, 1.5],
        "incline_percent": 0,
        "cue": "Toes first, then roll to the heel.",
        "cooling_down": False,
        "label": "1 min backward at 1.5 km/h",
        "plan": [[0, 0.8], [14, 1.5], [60, 1.5]],
    }


@pytest.mark.parametrize("command", ["show", "check"])
def test_an_unknown_program_is_told_with_what_there_is(run: Any, command: str) -> None:
    ran = run(command, "wavse-1")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(
        "retrowalk: there is no program and no file 'wavse-1': the programs are balance,"
    )
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_malformed_file_is_told_with_every_mistake(run: Any, tmp_path: Path, command: str) -> None:
    path = written(tmp_path, MALFORMED)
    ran = run(command, path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        f"retrowalk: {path}: level: 9 must be a whole number from 0 to 6",
        f'retrowalk: {path}: step 1 of 1: walk: "up" is no direction: write "forward" or "backward"',
    ]


def test_a_malformed_file_as_json(run: Any, tmp_path: Path) -> None:
    ran = run("check", written(tmp_path, MALFORMED), "--json")
    assert (ran.code, ran.document["ok"], len(ran.document["errors"])) == (2, False, 2)


def test_check_lists_every_violation_with_its_limit(run: Any, tmp_path: Path) -> None:
    path = written(tmp_path, TOO_FAST)
    ran = run("check", path)
    assert ran.code == 4
    assert [line.removeprefix(f"{path}: ") for line in ran.out.splitlines()[:3]] == [
        "step 2 of 2: goes from forward to backward without a turn; the limit is a turn between the two",
        "step 2 of 2: backward speed 1.6 km/h is above the cap; the limit is 1.5 km/h (level 1)",
        "step 2 of 2: 6 min of backward work without a break; the limit is 5 min",
    ]
    assert ran.err == f"retrowalk: {path}: 3 safety rules refuse it on spec\n"
    assert run("show", path).code == 4


def test_check_as_json_tells_the_same(run: Any, tmp_path: Path) -> None:
    ran = run("check", written(tmp_path, TOO_FAST), "--json")
    assert (ran.code, ran.document["ok"], ran.document["total_s"]) == (4, False, None)
    assert ran.document["violations"][1] == {
        "step": 2,
        "place": "step 2 of 2",
        "problem": "backward speed 1.6 km/h is above the cap",
        "limit": "1.5 km/h (level 1)",
    }
    assert ran.document["warnings"] == [
        "the program: less than 2 min of cool-down after the last backward work"
    ]


@pytest.mark.parametrize("name", sorted(program_files()))
def test_every_shipped_program_passes_its_own_check(run: Any, name: str) -> None:
    ran = run("check", name)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{name}: may be walked on spec: ")
    assert len(ran.out.splitlines()) == 1


def test_check_for_a_walker_of_another_level_or_a_guarded_one(run: Any) -> None:
    assert run("check", "waves-2", "--level", "2").code == 0
    ran = run("check", "waves-2", "--level", "1")
    assert ran.code == 4
    assert ran.out.startswith(
        "waves-2: the program: it is made for level 2; the limit is level 1, this session's"
    )
    assert "(guarded)" in run("check", "waves-2", "--guarded").out
    assert run("check", "waves-2", "--level", "7").code == 2


def test_check_on_another_machine(run: Any, tmp_path: Path) -> None:
    ran = run("check", "waves-2", "--machine", "citysports-wp8")
    assert ran.code == 4
    assert "the limit is 1.5 km/h (uncommissioned machine)" in ran.out
    assert run("check", "waves-2", "--machine", "grid-0.32").code == 0
    unknown = run("check", "waves-2", "--machine", "spce")
    assert unknown.code == 2
    assert "did you mean spec?" in unknown.err
    text = """
        name = "sprinter"
        about = "Starts too fast."
        source = "a test"
        [match]
        names = ["retrowalk sprinter"]
        [sim.ranges]
        minimum_kmh = 2.0
    """
    fast = written(tmp_path, text, "sprinter.toml")
    ran = run("check", "waves-2", "--machine", fast, "--json")
    assert ran.code == 4
    assert ran.document["violations"] == [
        {
            "step": None,
            "place": "the machine",
            "problem": "sprinter starts at 2 km/h, faster than the 1.6 km/h that a belt may start at",
            "limit": None,
        }
    ]
    assert "sprinter starts at 2 km/h" in run("show", "waves-2", "--machine", fast).err


def test_a_message_can_never_name_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, FINE)
    assert read_program(path, or_path=True).name == "Fine"
    for name in (path, "mine", "../mine", str(tmp_path)):
        with pytest.raises(UnknownProgramError, match="there is no program"):
            read_program(name)


def test_a_file_that_is_no_text_or_much_too_long(tmp_path: Path) -> None:
    path = tmp_path / "octets.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(MalformedProgramError, match="octet 8 is not UTF-8"):
        read_program(str(path), or_path=True)
    path.write_bytes(b"#" * 1_000_000)
    with pytest.raises(MalformedProgramError, match="longer than 65536 characters"):
        read_program(str(path), or_path=True)
    path.write_bytes(b"\xef\xbb\xbf" + FINE.encode())
    assert read_program(str(path), or_path=True).name == "Fine"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "programs" / "gone.toml"
    path.parent.mkdir()
    path.symlink_to(path.parent / "nowhere.toml")
    with pytest.raises(MalformedProgramError, match="cannot be read: No such file"):
        read_program("gone", path.parent)


@pytest.mark.parametrize(
    ("folder", "why"),
    [("file", "Not a directory"), ("loop", "Too many levels of symbolic links"), ("x" * 300, "too long")],
)
def test_a_folder_that_cannot_be_looked_into_is_told_and_no_program_is_taken_for_another(
    folder: str, why: str, tmp_path: Path, run: Any
) -> None:
    """Those of one's own stand before the shipped ones: what they are is not known."""
    own = tmp_path / folder
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(MalformedProgramError, match=f"the folder .*{folder} cannot be read: .*{why}"):
        read_program("familiarise", own)
    (tmp_path / "c.toml").write_text(f'[paths]\nprograms_dir = "{own}"\n')
    for command in ("list", "show familiarise"):
        ran = run(*command.split(), "--config", str(tmp_path / "c.toml"))
        assert (ran.code, ran.out) == (2, "")
        assert why in ran.err


def test_where_there_is_no_folder_there_are_no_programs_of_ones_own(tmp_path: Path) -> None:
    assert program_files(tmp_path / "none") == program_files()


def test_the_picture_is_as_high_as_the_speed_and_says_where_one_looks() -> None:
    program = parse_program("""
        name = "p"
        level = 1
        steps = [
          { walk = "fwd", for = "100s", speed = 0.8 },
          { rest = "100s" },
          { turn = "back" },
          { walk = "back", for = "100s", speed = 0.8 },
        ]""")
    assert isinstance(program, Program)
    machine = Machine(
        id="one", name="One", minimum=Speed(80), maximum=Speed(600), increment=Speed(10), commissioned=True
    )
    limits = limits_for(machine, site=SiteLimits(), level=1)
    assert isinstance(limits, Limits)
    timeline = compile_program(program, limits, machine)
    assert isinstance(timeline, Timeline)
    assert picture(timeline, width=31, height=2) == [
        " 0.8 " + "█" * 10 + " " * 11 + "█" * 10,
        "     " + "█" * 10 + " " * 11 + "█" * 10,
        "km/h " + "→" * 10 + "·" * 11 + "←" * 10,
    ]
