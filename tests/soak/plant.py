"""`make planted`: every bug of `planted.py` in a copy of the tree of its own, soaked until it is caught."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.soak.planted import BUGS, Bug
from tests.soak.report import HOUR

ROOT = Path(__file__).parents[2]
HUNT = """
import json, sys
from tests.soak.run import live
from tests.soak.world import draw
seconds, seed, most = 0.0, int(sys.argv[1]), float(sys.argv[2])
found = None
while found is None and seconds < most:
    outcome = live(draw(seed, full_radio=False))
    seconds, found, seed = seconds + outcome.belt_s, outcome.violation, seed + 1
print(json.dumps([seconds, seed - 1, found and found.law, found and found.what]))
"""


@dataclass(frozen=True, slots=True)
class Hunted:
    """How long one bug lived."""

    bug: Bug
    simulated_s: float
    seed: int
    law: str | None
    """The invariant that caught it; None: nothing did."""
    what: str | None


def hunt(bug: Bug, seed: int, most_s: float) -> Hunted:
    """Plant it, and soak from that seed on until it is caught."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        tree = Path(folder)
        for part in ("daemon", "protocols", "config", "tests"):
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        plant(bug, tree)
        paths = [str(tree), str(tree / "daemon"), str(tree / "protocols")]
        ran = subprocess.run(
            [sys.executable, "-c", HUNT, str(seed), str(most_s)],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"{bug.id}: {ran.stderr}")
        return Hunted(bug, *json.loads(ran.stdout.splitlines()[-1]))


def plant(bug: Bug, tree: Path) -> None:
    """Make that change in a tree."""
    path = tree / "daemon" / "retrowalk" / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        raise RuntimeError(f"{bug.id}: its place in {bug.file} is not there, or not the only one")
    path.write_text(text.replace(bug.old, bug.new))


def main() -> int:
    """A row for each bug, as docs/soak.md has them; exit code 1 where one was not caught."""
    parser = argparse.ArgumentParser(prog="make planted", description=__doc__)
    parser.add_argument(
        "--hours", type=float, default=40.0, help="after so many simulated ones it is given up"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bug", help="only those whose name holds this")
    asked = parser.parse_args()
    chosen = [bug for bug in BUGS if asked.bug is None or asked.bug in bug.id]
    missed = 0
    print("| bug | file | law | caught by | after, simulated hours | seed |\n|---|---|---|---|---|---|")
    with ThreadPoolExecutor(asked.jobs) as pool:
        hunts = [pool.submit(hunt, bug, asked.seed, asked.hours * HOUR) for bug in chosen]
        for found in (ended.result() for ended in as_completed(hunts)):
            missed += found.law is None
            hours = f"{found.simulated_s / HOUR:.2f}"
            caught = found.law or "**not caught**"
            row = (found.bug.id, f"`{found.bug.file}`", found.bug.law, caught, hours, str(found.seed))
            print("| " + " | ".join(row) + " |", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
