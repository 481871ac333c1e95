"""`make soak COMPILED=1`: the same soak, with the rooms that are pure compiled by mypyc.

A copy of the tree goes to `build/compiled`, and its C is built there, once for each state of the sources. It
has to decide as they do: the frames of a seed have the same digest in both. What is compiled cannot be taken
down whole: its journals begin without the state of the mind, and are not replayed. Needs a C compiler and
Python's headers.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from retrowalk.core import watch

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "compiled"
SOURCES = {"retrowalk": ROOT / "daemon" / "retrowalk", "blefit": ROOT / "protocols" / "blefit"}
"""In the copy they are beside each other, as mypyc wants them."""
ROOMS = ("blefit", "retrowalk/core", "retrowalk/belt.py", "retrowalk/sim/model")
INTERPRETED = {
    "retrowalk/sim/model/treadmill.py",  # the soak's machine is a subclass of it, and not compiled
    "retrowalk/sim/model/quirks.py",  # these are read from files by their types, which compiling forgets
    "retrowalk/sim/model/telemetry_quirks.py",
    "retrowalk/core/model.py",
}


def is_compiled() -> bool:
    """This is the soak in the copy."""
    return not str(watch.__file__).endswith(".py")


def tree() -> Path:
    """The copy of the present sources, compiled; RuntimeError says why there is none."""
    modules = sorted(path for source in SOURCES.values() for path in source.rglob("*.py"))
    state = hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()[:16]
    copy = BUILD / state
    if not (copy / "ready").exists():
        shutil.rmtree(BUILD, ignore_errors=True)
        for name, source in SOURCES.items():
            _copy(source, copy / "src" / name)
        _compile(copy / "src")
        (copy / "ready").touch()
    _copy(ROOT / "config", copy / "config")
    _copy(ROOT / "tests", copy / "src" / "tests")
    return copy / "src"


def _compile(source: Path) -> None:
    rooms = [path for room in ROOMS for path in _modules(source, room) if path not in INTERPRETED]
    ran = subprocess.run(
        [sys.executable, "-m", "mypyc", *rooms],
        cwd=source,
        env={**os.environ, "MYPYC_OPT_LEVEL": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"mypyc does not compile it:\n{ran.stdout}{ran.stderr}")


def _copy(source: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))


def _modules(source: Path, room: str) -> list[str]:
    if room.endswith(".py"):
        return [room]
    return [path.relative_to(source).as_posix() for path in sorted((source / room).rglob("*.py"))]


def main() -> None:
    """Build what is not built yet, and become the soak in it."""
    source = tree()
    os.chdir(source)
    environment = {**os.environ, "PYTHONPATH": str(source)}
    os.execve(  # noqa: S606 - there is nothing that a shell would have to do
        sys.executable, [sys.executable, "-m", "tests.soak", *sys.argv[1:]], environment
    )


if __name__ == "__main__":
    main()
