"""Some minutes of the soak in every test run; and that one seed is one run, whatever else differs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.soak.run import live
from tests.soak.world import draw

ROOT = Path(__file__).parents[2]
SHOWN = """
import json
from itertools import count
from tests.soak.run import live
from tests.soak.world import draw
worlds = [next(w for w in (draw(seed, full_radio=False) for seed in count(1)) if len(w.places) == treadmills)
          for treadmills in (1, 2, 3)]
print(json.dumps([live(world).digest for world in worlds]))
"""
"""Worlds with one treadmill, two and three."""


@pytest.mark.parametrize("seed", [1, 2, 3, 102])
def test_every_invariant_holds(seed: int) -> None:
    outcome = live(draw(seed, full_radio=False))
    assert outcome.violation is None, f"make soak SEED={seed}: {outcome.violation}"


def test_over_the_full_stack_too() -> None:
    outcome = live(draw(110, full_radio=True), only=range(4))
    assert outcome.violation is None


def test_two_runs_of_one_seed_are_the_same_to_the_last_frame_and_different_seeds_differ() -> None:
    def run(hash_seed: str) -> list[str]:
        environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        told = subprocess.run(
            [sys.executable, "-c", SHOWN], cwd=ROOT, env=environ, capture_output=True, check=True, text=True
        )
        return json.loads(told.stdout)

    first, again = run("1"), run("2")
    assert first == again
    assert len(set(first)) == 3
