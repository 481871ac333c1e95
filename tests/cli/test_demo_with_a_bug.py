"""A bug in the control task is told at once: the demo does not wait for a session that nobody leads."""

import subprocess
import sys

BUG = """
from retrowalk import cli
from retrowalk.core.controller import Controller

act, calls = Controller.act, []

def acts_badly(self, now):
    calls.append(now)
    if len(calls) > 300:
        raise RuntimeError("planted")
    act(self, now)

Controller.act = acts_badly
raise SystemExit(cli.main(["demo", "--headless", "--speedup", "40"]))
"""


def test_it_ends_the_demo() -> None:
    told = subprocess.run(
        [sys.executable, "-c", BUG], capture_output=True, text=True, timeout=30, check=False
    )
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith("retrowalk: this is a bug: RuntimeError: planted")
