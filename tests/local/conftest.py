"""A daemon's socket with hubs behind it, in an event loop and thread of its own, as in `retrowalk run`."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from blefit.units import Incline, Speed
from retrowalk.core.model import Direction, Phase, Replied, Request, Snapshot
from retrowalk.hub import Hub
from retrowalk.local.server import LocalServer


def _walking(measured: int) -> Snapshot:
    """Backward at that speed."""
    return Snapshot(
        phase=Phase.WALKING,
        direction=Direction.BACKWARD,
        measured=Speed(measured),
        commanded=Speed(150),
        cap=Speed(200),
        cap_reason="level 2",
        incline=Incline(0),
        distance_m=123.4,
        distance_backward_m=100.0,
        elapsed_s=60.0,
        heart_rate=None,
        energy_kcal_estimate=None,
        step_index=2,
        step_count=7,
        step_remaining_s=45.0,
        session_remaining_s=300.0,
        next_step="60 s backward at 1.0 km/h",
        cue="Toes first",
        awaiting=None,
        program="waves-1",
        walker=None,
        fault=None,
        fault_text="",
        link="connected",
        telemetry_age_s=0.2,
        session_id="s1",
    )


@dataclass
class Daemon:
    """What the socket talks to: requests are answered at once, as `answers` says."""

    loop: asyncio.AbstractEventLoop
    hubs: dict[str, Hub]
    answers: list[tuple[str, str]] = field(default_factory=lambda: [("accepted", "")])
    """Outcomes and reasons that each request gets, in order."""
    requests: list[tuple[str, Request]] = field(default_factory=list)

    def submit(self, treadmill: str, request: Request) -> None:
        self.requests.append((treadmill, request))
        for outcome, reason in self.answers:
            self.hubs[treadmill].reply(Replied(request.id, request.source, "", outcome, reason))


@contextmanager
def _serving(path: Path, ids: tuple[str, ...]) -> Iterator[tuple[Daemon, Callable[[], None]]]:
    ready, end = threading.Event(), asyncio.Event()
    daemons: list[Daemon] = []

    async def serve() -> None:
        daemons.append(Daemon(asyncio.get_running_loop(), {name: Hub() for name in ids}))
        async with LocalServer(path, daemons[0].submit, daemons[0].hubs).listening():
            ready.set()
            await end.wait()

    def stop() -> None:
        if thread.is_alive():
            daemons[0].loop.call_soon_threadsafe(end.set)
        thread.join(5)
        assert not thread.is_alive()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(5)
    yield daemons[0], stop
    stop()


@pytest.fixture
def walking() -> Callable[[int], Snapshot]:
    """The state of somebody who walks backward at that speed (0.01 km/h)."""
    return _walking


@pytest.fixture
def socket_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where daemon and command line meet."""
    path = tmp_path / "run" / "r.sock"
    monkeypatch.setenv("RETROWALK_SOCKET", str(path))
    return path


@pytest.fixture
def daemon(socket_file: Path) -> Iterator[Daemon]:
    """A daemon with one treadmill, home."""
    with _serving(socket_file, ("home",)) as (running, _):
        yield running


@pytest.fixture
def daemon_of_two(socket_file: Path) -> Iterator[Daemon]:
    """A daemon with the treadmills home and attic."""
    with _serving(socket_file, ("home", "attic")) as (running, _):
        yield running


@pytest.fixture
def daemon_stopping(socket_file: Path) -> Iterator[Callable[[], None]]:
    """Ends the daemon that runs, and waits until it has ended."""
    with _serving(socket_file, ("home",)) as (_, stop):
        yield stop
