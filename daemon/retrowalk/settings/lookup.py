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
    own = table(tree, "paths").get("programs_dir")
    folder = Path(own) if isinstance(own, str) else paths.user_config_dir() / "programs"
    site = _level(table(tree, "safety"), Safety().level)
    levels = {str(walker.get("id")): _level(walker, site) for _, walker in tables(tree, "walkers")}
    for n, entry in tables(tree, "schedule"):
        if isinstance(name := entry.get("program"), str) and name:
            for problem in _program(name, folder, levels.get(str(entry.get("walker")), site)):
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
            yield f'"{name}" is level {program.level}, the session is level {highest} ([safety], [[walkers]])'


def _level(of: Table, default: int) -> int:
    level = of.get("level")
    return level if isinstance(level, int) else default
