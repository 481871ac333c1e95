"""Nobody on a belt waits for a disk: a program is read in time, or refused."""

import contextlib
import os
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from retrowalk.app import App
from retrowalk.core.program import Program
from retrowalk.programs import MalformedProgramError, UnknownProgramError, read_program
from retrowalk.settings import Paths, Settings, Treadmill
from retrowalk.shelf import Shelf

TEXT = b'name = "Late"\nlevel = 0\nsteps = [{ walk = "forward", for = "3min", speed = 1.0 }]\n'


@pytest.fixture
def hung(tmp_path: Path) -> Path:
    """A program that cannot be read until somebody writes it."""
    os.mkfifo(tmp_path / "late.toml")
    return tmp_path


def answered(hung: Path) -> None:
    (hung / "late.toml").write_bytes(TEXT)


def soon(shelf: Shelf, name: str) -> str:
    """The title of that program, which is offered again and again."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with contextlib.suppress(MalformedProgramError):
            return shelf.take(name).name
        time.sleep(0.02)
    return "nothing"


def test_a_disk_that_hangs_is_waited_for_once_and_only_a_moment(hung: Path) -> None:
    shelf = Shelf(partial(read_program, own=hung), patience_s=0.1)
    for longest in (0.5, 0.05):
        began = time.monotonic()
        with pytest.raises(MalformedProgramError, match="does not answer"):
            shelf.take("late")
        assert time.monotonic() - began < longest
    answered(hung)
    assert soon(shelf, "familiarise") == "Familiarise", "patience grows again"


def test_what_comes_in_time_is_the_program_or_why_there_is_none(hung: Path) -> None:
    shelf = Shelf(partial(read_program, own=hung), patience_s=5)
    with pytest.raises(UnknownProgramError):
        shelf.take("nothing")
    threading.Thread(target=answered, args=(hung,)).start()
    assert shelf.take("late").name == "Late"


def test_a_slow_disk_that_answers_is_waited_for_no_longer_however_much_is_asked_of_it(tmp_path: Path) -> None:
    """Behind every offer waits perhaps a Stop."""

    def read(_: str) -> Program:
        time.sleep(0.04)
        return read_program("familiarise")

    shelf = Shelf(read, patience_s=0.1)
    outcomes: list[str] = []
    began = time.monotonic()
    for _ in range(20):
        try:
            outcomes.append(shelf.take("familiarise").name)
        except MalformedProgramError as refused:
            outcomes.append(str(refused))
    assert time.monotonic() - began < 0.3
    assert set(outcomes) == {
        "Familiarise",
        "the disk with the programs does not answer: offer it again later",
    }


def test_the_daemon_takes_its_programs_from_there(hung: Path) -> None:
    treadmill = Treadmill(id="tm", address="C0:00:00:00:00:0A")
    paths = Paths(programs_dir=hung, state_dir=hung / "state")
    app = App(Settings(treadmills=(treadmill,), paths=paths))
    with pytest.raises(MalformedProgramError, match="does not answer"):
        app.setup(treadmill).find_program("late")
    answered(hung)
