"""The wall clock jumps (a time server, a wrong battery): nothing may count seconds by it."""

import ast
from pathlib import Path

from retrowalk import clock

ROOT = Path(__file__).parents[1]
WALL = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "clock_gettime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}


def asked_in(path: Path) -> bool:
    """The wall clock is asked, or may be, in that file."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(value=ast.Name(id=module) | ast.Attribute(attr=module), attr=name):
                asks = name in WALL.get(module, ())
            case ast.ImportFrom(module="time", names=names):
                asks = any(name.name in WALL["time"] for name in names)
            case _:
                asks = False
        if asks:
            return True
    return False


def test_the_wall_clock_is_asked_in_one_place() -> None:
    files = [path for part in ("daemon", "protocols") for path in (ROOT / part).rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if asked_in(path)] == [Path(clock.__file__)]
