"""The mutants are those that a slip makes, each is Python, and each explanation is of code that is there."""

import ast
import subprocess
from pathlib import Path

import pytest
from tests.mutation.__main__ import JUDGED, PACKAGE, changed_lines
from tests.mutation.equivalents import Equivalents
from tests.mutation.mutants import mutants_of


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (
            "if a < 3 and b:\n    return 1",
            {"< => <=", "3 => 4", "3 => 2", "1 => 2", "1 => 0"}
            | {"a < 3 => True", "b => True", "a < 3 and b => True", "a < 3 and b => False"},
        ),
        (
            "if a or not b:\n    return\nc()",
            {"a => False", "not b => False", "a or not b => True", "a or not b => False", "c() => pass"},
        ),
        (
            "return x in {A, B}",
            {"A => B", "B => A", "x in {A, B} => True", "x in {A, B} => False"} | {"RETURN"},
        ),
        ("y = f(1 - a, k=c)", {"y = f(1 - a, k=c) => pass", "1 => 2", "1 => 0", "- => +", "k=c => **{}"}),
        ("y += min(a, b)", {"y += min(a, b) => pass", "+= => -=", "min => max"}),
        ("match a:\n    case B() if c:\n        d()", {"c => True", "c => False", "d() => pass"}),
        ("return [x for x in y if x]", {"x => True", "x => False", "RETURN"}),
        ("assert a > 0, 1", set()),
        ('"""Text."""\nx: int | None = f"{a / 100}"', {'x: int | None = f"{a / 100}" => pass'}),
        ("x = -1", {"x = -1 => pass", "- => ", "1 => 2", "1 => 0"}),
    ],
)
def test_a_slip_makes_these(code: str, changes: set[str]) -> None:
    source = "def f():\n" + "".join(f"    {line}\n" for line in code.splitlines())
    found = {m.change for m in mutants_of(source.encode())}
    whole = code.splitlines()[-1]
    assert found == {f"{whole} => pass" if change == "RETURN" else change for change in changes}


def test_what_is_run_on_import_belongs_to_no_function_and_annotations_are_no_code() -> None:
    source = b"A: int | None = 1\nclass C:\n  x: bool = True\n  def f(self, a: int = 2) -> int:\n    b()\n"
    assert {(m.function, m.change) for m in mutants_of(source)} == {
        ("", "1 => 2"),
        ("", "1 => 0"),
        ("", "True => False"),
        ("", "2 => 3"),
        ("", "2 => 1"),
        ("C.f", "b() => pass"),
    }


@pytest.mark.parametrize("file", JUDGED)
def test_every_mutant_of_the_judged_files_is_another_program(file: str) -> None:
    source = (PACKAGE / file).read_bytes()
    original = ast.dump(ast.parse(source))
    mutants = mutants_of(source)
    assert mutants
    for mutant in mutants[:: max(1, len(mutants) // 20)]:
        assert ast.dump(ast.parse(mutant.applied(source))) != original


def test_each_explanation_is_of_a_line_that_is_there() -> None:
    for file, function, line, _ in Equivalents.load().reasons:
        text = (PACKAGE / file).read_text()
        assert line in map(str.strip, text.splitlines()), (file, line)
        assert not function or f"def {function.rpartition('.')[2]}(" in text, (file, function)


def test_an_explanation_needs_a_reason_and_is_given_once(tmp_path: Path) -> None:
    entry = '[[equivalent]]\nfile = "belt.py"\nfunction = "f"\nline = "a"\nchange = "a => b"\nwhy = "{}"\n'
    once, twice, silent = tmp_path / "once", tmp_path / "twice", tmp_path / "silent"
    once.write_text(entry.format("it is so"))
    twice.write_text(entry.format("it is so") * 2)
    silent.write_text(entry.format(" "))
    assert len(Equivalents.load(once).reasons) == 1
    for bad in (twice, silent):
        with pytest.raises(ValueError, match="twice, or without a reason"):
            Equivalents.load(bad)


def test_lines_that_were_changed_since_a_revision_are_found(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *command], cwd=tmp_path, check=True
        )

    room = tmp_path / "room.py"
    room.write_text("a\nb\nc\nd\n")
    git("init", "-q")
    git("add", "room.py")
    git("commit", "-qm", "room")
    assert changed_lines(room, "HEAD") == set()
    room.write_text("a\nB\nd\ne\nf\n")
    assert changed_lines(room, "HEAD") == {2, 4, 5}
    with pytest.raises(SystemExit, match=r"--since nothing: .*nothing"):
        changed_lines(room, "nothing")
