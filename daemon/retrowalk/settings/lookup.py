"""What retrowalk.toml names and other files have to hold: machines, and the programs of the schedule."""

from collections.abc import Iterator
from pathlib import Path

from retrowalk import paths
from retrowalk.machines import MachineFileError, load_machine
from retrowalk.programs import MalformedProgramError, UnknownProgramError, read_program
from retrowalk.settings.model import Safety
from retrowalk.settings.together import Problem, Table, table, tables


def missing(tree: Table) -> Iterator[Problem]:
    """Every machine and program that is not there, cannot be read, or is above the level of the sessions."""
    for n, treadmill in tables(tree, "treadmills"):
        if isinstance(name := treadmill.get("machine"), str) and name:
            try:
                load_machine(name)
            except MachineFileError as error:
                yield ("treadmills", n, "machine"), str(error)
    own, level = table(tree, "paths").get("programs_dir"), table(tree, "safety").get("level")
    folder = Path(own) if isinstance(own, str) else paths.user_config_dir() / "programs"
    highest = level if isinstance(level, int) else Safety().level
    for n, entry in tables(tree, "schedule"):
        if isinstance(name := entry.get("program"), str) and name:
            for problem in _program(name, folder, highest):
                yield ("schedule", n, "program"), problem


def _program(name: str, folder: Path, highest: int) -> Iterator[str]:
    try:
        program = read_program(name, folder)
    except UnknownProgramError as error:
        yield str(error)
    except MalformedProgramError as error:
        yield from error.problems
    else:
        if program.level > highest:
            yield f'"{name}" is level {program.level}, sessions here are level {highest} ([safety] level)'
