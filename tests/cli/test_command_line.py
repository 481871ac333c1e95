"""Every mistake is one clear line on stderr, with its exit code."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from retrowalk import cli
from retrowalk.cli.errors import Exit, UserError

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["demmo"], "retrowalk: No such command 'demmo'. Did you mean 'demo'? See retrowalk --help."),
        (["config", "chek"], "retrowalk config: No such command 'chek'."),
        (["version", "--jsn"], "retrowalk version: No such option '--jsn'."),
        (
            ["session", "cap", "fast"],
            "retrowalk session cap: Invalid value for 'KMH': 'fast' is not a number. ",
        ),
        (
            ["scan", "--seconds", "abc"],
            "retrowalk scan: Invalid value for '--seconds': 'abc' is not a number. ",
        ),
        (
            ["demo", "--mqtt-port", "x"],
            "retrowalk demo: Invalid value for '--mqtt-port': 'x' is not a valid whole number. ",
        ),
        (
            ["config", "check", "a.toml", "--config", "b.toml"],
            "retrowalk config check: FILE and --config are the same: give one of them. See retrowalk config ",
        ),
        (["session", "start"], "retrowalk session start: Missing argument 'PROGRAM'."),
        (
            ["session", "cap", "nan"],
            "retrowalk session cap: Invalid value for 'KMH': 'nan' is not a number. ",
        ),
        (
            ["demo", "--speedup", "nan"],
            "retrowalk demo: Invalid value for '--speedup': 'nan' is not a number. ",
        ),
        (
            ["version", "x"],
            "retrowalk version: Got unexpected extra argument (x). See retrowalk version --help.",
        ),
    ],
)
def test_a_mistyped_command_line_is_one_line_and_exit_2(argv: list[str], told: str, capsys: Captured) -> None:
    assert cli.main(argv) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(told)
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("argv", [[], ["session"], ["programs"], ["config"]])
def test_without_a_command_the_help_is_the_answer(argv: list[str], capsys: Captured) -> None:
    assert cli.main(argv) == 0
    told = capsys.readouterr()
    assert "Commands:" in told.out
    assert told.err == ""


def test_version_as_text_and_as_json(capsys: Captured) -> None:
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out.startswith("retrowalk 0.")
    assert cli.main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command that raises what is put into the list."""
    raised: list[BaseException] = []

    @click.command()
    def version() -> None:
        raise raised[0]

    monkeypatch.setattr("retrowalk.cli.version.version", version)
    monkeypatch.delenv("RETROWALK_DEBUG", raising=False)
    return raised


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (UserError("no such thing"), 2, "retrowalk: no such thing\n"),
        (UserError("a\nb", Exit.REFUSED), 4, "retrowalk: a\nretrowalk: b\n"),
        (click.ClickException("odd"), 2, "retrowalk: odd\n"),
        (click.exceptions.Exit(4), 4, ""),
        (KeyboardInterrupt(), 130, "\n"),
        (ModuleNotFoundError("no", name="bumble"), 2, "retrowalk: bumble is not installed: pip install"),
        (ModuleNotFoundError("No module named 'x'", name="x"), 1, "retrowalk: this is a bug: ModuleNotFound"),
        (EOFError(), 1, "\nretrowalk: this is a bug: EOFError"),
        (ZeroDivisionError("a\nb"), 1, "retrowalk: this is a bug: ZeroDivisionError: a b (run it again"),
    ],
)
def test_what_a_command_raises_is_told_with_its_exit_code(
    raised: BaseException, code: int, told: str, failing: list[BaseException], capsys: Captured
) -> None:
    failing.append(raised)
    assert cli.main(["version"]) == code
    err = capsys.readouterr().err
    assert err.startswith(told)
    assert "Traceback" not in err


def test_debug_shows_the_traceback_of_a_bug(
    failing: list[BaseException], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETROWALK_DEBUG", "")  # so that the flag's effect is undone after the test
    failing.append(ZeroDivisionError("no"))
    assert cli.main(["--debug", "version"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = f"{shlex.quote(sys.executable)} -m retrowalk config schema | head -c 1"
    told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert told.stderr == ""


def test_letters_that_a_terminal_does_not_have_are_no_bug(tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text(
        'name = "慢"\nlevel = 0\nsteps = [{ walk = "forward", for = "3min", speed = 1.0 }]\n',
        encoding="utf-8",
    )
    for arguments in ([], ["--json"]):
        told = subprocess.run(
            [sys.executable, "-m", "retrowalk", "programs", "show", str(tmp_path / "slow.toml"), *arguments],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        )
        assert rb"\u6162" in told.stdout


def test_help_imports_no_command() -> None:
    program = "import sys; from retrowalk.cli import main; main(['--help']); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = told.stdout.rsplit("\n", 2)[1].split()
    assert not {"bleak", "pydantic", "structlog", "asyncio", "retrowalk.cli.config"} & set(loaded)


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_each_command_exists_and_has_help(name: str, capsys: Captured) -> None:
    assert cli.main([name, "--help"]) == 0
    assert f"Usage: retrowalk {name}" in capsys.readouterr().out
