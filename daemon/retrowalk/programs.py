"""Programs by name or by path: the shipped ones, and the user's own beside or before them."""

import os
from collections.abc import Sequence
from pathlib import Path

from retrowalk.core.program import Program
from retrowalk.core.program_text import LONGEST_TEXT, Malformed, parse_program
from retrowalk.resources import config_dir


class UnknownProgramError(LookupError):
    """There is no program of that name, and no file; the message lists what there is."""


class MalformedProgramError(ValueError):
    """A program's file, or the folder of one's own, cannot be used; `problems` has one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def program_files(own: Path | None = None) -> dict[str, Path]:
    """All programs by name, sorted; a file in the folder `own` stands before a shipped one of its name.

    Raises MalformedProgramError where `own` is there and cannot be looked into.
    """
    folders = [config_dir() / "programs", *([own] if own else [])]
    found = {path.stem: path for folder in folders for path in _files(folder)}
    return dict(sorted(found.items()))


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix == ".toml"]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MalformedProgramError([f"the folder {folder} cannot be read: {error.strerror}"]) from error


def read_program(name: str, own: Path | None = None, *, or_path: bool = False) -> Program:
    """The program of that name; with `or_path` (a person at a terminal, never a message) also of that path.

    Raises UnknownProgramError, or MalformedProgramError with all that is wrong with the file.
    """
    files = program_files(own)
    path = files.get(name)
    if path is None and or_path and os.path.isfile(name):  # noqa: PTH113 - Path.is_file raises
        path = Path(name)
    if path is None:
        what = f"no program and no file {name!r}" if or_path else f"no program {name!r}"
        raise UnknownProgramError(f"there is {what}: the programs are {', '.join(files)}")
    try:
        with path.open("rb") as file:
            octets = file.read(4 * LONGEST_TEXT + 1)
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedProgramError([f"{path}: octet {error.start} is not UTF-8"]) from error
    except OSError as error:
        raise MalformedProgramError([f"{path}: cannot be read: {error.strerror}"]) from error
    program = parse_program(text)
    if isinstance(program, Malformed):
        raise MalformedProgramError([f"{path}: {sentence}" for sentence in program.sentences])
    return program
