"""Whoever kills the soak has killed its workers, too."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOAK = """
from tests.soak.fleet import runs
for outcome in runs(1e9, 1, 1, False):
    print(outcome.seed, flush=True)
"""


def test_the_workers_of_a_killed_soak_end_with_it() -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SOAK]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE) as soak:
        assert soak.stdout is not None
        assert soak.stdout.readline() == b"1\n"
        soak.kill()
        soak.communicate(timeout=20)  # they hold the other end of its output
