"""Real processes: the treadmill, the daemon, park. Each runs the command line, faster than real time.

They are forked from one process that has imported everything, so that one starts in a hundredth of a second.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import pty
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from retrowalk import cli
from retrowalk.local.client import DaemonClient, DaemonError
from retrowalk.sim.loops import scaled_loop

RATE = 5.0
"""Times real time. A treadmill is late for its daemon when its process has to wait 2 s / RATE for a core."""

ADDRESS = "F2:00:00:00:18:26"
PROGRAM = """
name = "Short"
level = 0
steps = [
  { walk = "forward", for = "10s", speed = 1.0 },
  { turn = "backward" },
  { walk = "backward", for = "15s", speed = 1.0 },
]
"""
CONFIG = """
[mqtt]
url = "off"
[[treadmills]]
id = "tm"
address = "{address}"
adapter = "bumble:{transport}"
machine = "{machine}"
at_machine = true
second_stop = true
[alarm]
outputs = ["voice"]
voice_command = ["true"]
[safety]
countdown_s = 5
[paths]
state_dir = "state"
programs_dir = "."
"""

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(
    [
        "retrowalk.cli.run",
        "retrowalk.cli.park",
        "retrowalk.cli.simulate",
        "retrowalk.cli.panel",
        "retrowalk.app",
        "retrowalk.park",
        "retrowalk.sim.dongle",
        "retrowalk.sim.exhibit",
        "bleak_retry_connector",
        "tests.processes.world",
    ]
)


class _Faster(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return scaled_loop(RATE)


def _main(argv: Sequence[str], folder: Path, name: str, stdin: str, stderr: str) -> None:
    """One command line in a process of its own."""
    os.chdir(folder)
    os.environ |= {
        "RETROWALK_SOCKET": str(folder / "socket"),
        "RETROWALK_CONFIG": str(folder / "config.toml"),
    }
    os.dup2(os.open(stdin, os.O_RDWR), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it stays open
    for number, stream, path in ((1, "stdout", f"{name}.stdout"), (2, "stderr", stderr or f"{name}.stderr")):
        file = (folder / path).open("w", buffering=1)
        os.dup2(file.fileno(), number)
        setattr(sys, stream, file)
    asyncio.set_event_loop_policy(_Faster())
    sys.exit(cli.main(argv))


class Running:
    """One of the processes."""

    def __init__(
        self, argv: Sequence[str], folder: Path, name: str, stdin: str = os.devnull, stderr: str = ""
    ) -> None:
        self._out, self._err = folder / f"{name}.stdout", folder / f"{name}.stderr"
        self._process = _fork.Process(target=_main, args=(argv, folder, name, stdin, stderr), daemon=True)
        self._process.start()

    @property
    def out(self) -> str:
        return self._out.read_text() if self._out.exists() else ""

    @property
    def err(self) -> str:
        return self._err.read_text() if self._err.exists() else ""

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process.is_alive():
            self.send(signal.SIGKILL)
        self._process.join(10)

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def hold(self) -> None:
        """Let it stand still, in the middle of whatever it does."""
        self.send(signal.SIGSTOP)

    def go_on(self) -> None:
        """And go on."""
        self.send(signal.SIGCONT)

    def ended(self, within: float) -> int:
        """Its exit code, once it has ended by itself; `within` is in its own seconds."""
        self._process.join(within / RATE + 5)
        assert self._process.exitcode is not None, f"it has not ended: {self.err}"
        return self._process.exitcode


def until(holds: Callable[[], object], within: float, told: Callable[[], object]) -> None:
    """Wait for it; `within` is in the seconds of the processes."""
    deadline = time.monotonic() + within / RATE + 5
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.01)


class World:
    """A treadmill that lives on, and the daemons that come and go."""

    def __init__(self, folder: Path, machine: str) -> None:
        self._folder = folder
        self._running: list[Running] = []
        self.marker = folder / "state" / "moving-tm.json"
        self._keyboard, terminal = pty.openpty()
        self._terminal = os.ttyname(terminal)
        self._acts = folder / "acts"
        os.mkfifo(self._acts)
        (folder / "short.toml").write_text(PROGRAM)
        simulate = ("simulate", "--json", "--machine", machine, "--transport", "tcp-server:127.0.0.1:0")
        self._simulated = self._start(simulate, "simulate", str(self._acts))
        self._say = os.open(self._acts, os.O_WRONLY)
        until(lambda: self.events("on_air"), 10, lambda: self._simulated.err)
        transport = self.events("on_air")[0]["transport"].replace("server", "client")
        self.config = CONFIG.format(address=ADDRESS, transport=transport, machine=machine)
        (folder / "config.toml").write_text(self.config)

    def _start(self, argv: Sequence[str], name: str, stdin: str = os.devnull, stderr: str = "") -> Running:
        running = Running(argv, self._folder, name, stdin, stderr)
        self._running.append(running)
        return running

    # --- the treadmill ------------------------------------------------------------------------------------

    def events(self, *names: str) -> list[dict[str, Any]]:
        """What the treadmill told so far."""
        told = [json.loads(line) for line in self._simulated.out.split("\n")[:-1]]
        return [event for event in told if event["event"] in names]

    def act(self, words: str) -> None:
        """Somebody does something at the treadmill."""
        before = len(self.events("act"))
        os.write(self._say, words.encode() + b"\n")
        until(lambda: len(self.events("act")) > before, 5, lambda: self._simulated.err)

    def written(self) -> list[str]:
        """What was written to the Control Point so far, in hexadecimal."""
        return [event["hex"] for event in self.events("written")]

    @property
    def last_told(self) -> float:
        """When the treadmill last told something; a moving belt does once a second."""
        return float(self.events("belt", "written", "connected", "disconnected", "act")[-1]["t"])

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for something at the treadmill."""
        until(holds, 60, lambda: (self.written(), self.belt, self.state()))

    @property
    def belt(self) -> dict[str, Any]:
        return self.events("belt")[-1]

    @property
    def at_rest(self) -> bool:
        return self.belt["speed_kmh"] == 0 and self.belt["motion"] in {"stopped", "paused"}

    # --- the daemon ---------------------------------------------------------------------------------------

    def daemon(self, *, logs_there: bool = False) -> Running:
        """`retrowalk run` in a terminal, connected to the treadmill; it may log there, too."""
        log = self._terminal if logs_there else ""
        daemon = self._start(("run",), f"run{len(self._running)}", self._terminal, log)
        until(lambda: self.state().get("phase") == "idle", 30, lambda: (daemon.err, self.state()))
        return daemon

    def ask(self, command: str, **keys: object) -> dict[str, Any]:
        """Ask the daemon, and have its first answer."""
        with DaemonClient([self._folder / "socket"]) as client:
            client.ask(command, "tm", **keys)
            return next(client.listen())

    def state(self) -> dict[str, Any]:
        """What the daemon shows; empty while there is none."""
        try:
            states = self.ask("status").get("states", [{}])
        except DaemonError:
            return {}
        return dict(states[0])

    def phase(self, *phases: str, enter: bool = False) -> None:
        """Wait for one of these phases; with `enter` somebody at the machine agrees to all that is asked."""
        deadline = time.monotonic() + 120 / RATE + 5
        while (state := self.state()).get("phase") not in phases:
            assert time.monotonic() < deadline, (state, self.written(), self.belt)
            if enter and state.get("awaiting"):
                self.type("\n")
                time.sleep(1 / RATE)
            time.sleep(0.01)

    def type(self, keys: str) -> None:
        """Somebody types at the daemon's terminal."""
        os.write(self._keyboard, keys.encode())

    def park(self) -> Running:
        """`retrowalk park`, begun."""
        return self._start(("park",), f"park{len(self._running)}")

    def walking(self, *, logs_there: bool = False) -> Running:
        """A daemon whose session has the belt at its slowest speed."""
        daemon = self.daemon(logs_there=logs_there)
        self.ask("start", program="short")
        self.phase("countdown", enter=True)
        self.until(lambda: self.belt["speed_kmh"] >= 0.8)
        return daemon

    def close(self) -> None:
        for running in self._running:
            running.kill()
        os.close(self._say)
        os.close(self._keyboard)


@contextlib.contextmanager
def world(machine: str = "spec") -> Iterator[World]:
    """One, in a folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="rw-") as folder, contextlib.ExitStack() as stack:
        made = World(Path(folder), machine)
        stack.callback(made.close)
        yield made
