"""The service manager hears of life only while every control loop makes progress; side tasks come back."""

import asyncio
import os
import socket
from itertools import pairwise
from pathlib import Path

import pytest

from retrowalk.sim.loops import virtual_loop
from retrowalk.supervise import (
    ENDED,
    StateFolderError,
    Watchdog,
    keep_running,
    notify,
    only_one,
    watchdog_interval,
)


@pytest.mark.parametrize("abstract", [False, True])
def test_a_message_reaches_the_service_manager(abstract: bool, tmp_path: Path) -> None:
    address = f"\0retrowalk-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(5)
        assert notify("READY=1\nSTATUS=ready", {"NOTIFY_SOCKET": address.replace("\0", "@")})
        assert manager.recv(100) == b"READY=1\nSTATUS=ready"


@pytest.mark.parametrize("address", ["", "relative", "/nobody/there", "@nobody-there", "/" + "x" * 200])
def test_without_a_service_manager_nothing_happens(address: str) -> None:
    assert not notify("READY=1", {"NOTIFY_SOCKET": address} if address else {})


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "6000000"}, 2.0),
        ({"WATCHDOG_USEC": "6000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
        ({"WATCHDOG_USEC": "6000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_interval_is_a_third_of_what_is_allowed_and_ours_alone(
    environ: dict[str, str], interval: float | None
) -> None:
    assert watchdog_interval(environ) == interval


def lives(beats: list[tuple[float, str]], stations: str = "ab", interval: float | None = 1.0) -> list[float]:
    """When `WATCHDOG=1` was sent, for ticks of those stations at those times."""
    sent: list[float] = []
    now = 0.0
    watchdog = Watchdog(stations, interval, lambda _: sent.append(now))
    for now, station in beats:
        watchdog.beat(station, now)
    return sent


def every(step: float, station: str, begin: float, end: float) -> list[tuple[float, str]]:
    return [(begin + step * i, station) for i in range(int((end - begin) / step))]


def test_ticking_loops_are_a_sign_of_life_each_interval() -> None:
    both = sorted(every(0.25, "a", 0.0, 3.5) + every(0.25, "b", 0.125, 3.5))
    assert lives(both) == [0.125, 1.125, 2.125, 3.125]


def test_one_loop_that_stalls_silences_the_sign_of_life() -> None:
    assert lives(sorted(every(0.25, "a", 0, 20) + every(0.25, "b", 0.125, 5)))[-1] < 6.2


def test_a_loop_that_has_ended_is_not_waited_for() -> None:
    """Its station is over, and another is being stopped: that takes longer than the watchdog."""
    beats = sorted([*every(0.25, "a", 0, 5), *every(0.25, "b", 0.125, 20)])
    ended = [*beats[:30], (ENDED, "a"), *(beat for beat in beats[30:] if beat[1] == "b")]
    assert lives(ended)[-1] > 18.5


def test_a_loop_that_never_ticked_is_no_sign_of_life() -> None:
    assert lives(every(0.25, "a", 0, 20)) == []


def test_without_a_watchdog_nothing_is_sent() -> None:
    assert lives(every(0.25, "a", 0, 20), "a", None) == []


def test_a_side_task_comes_back_after_1_s_doubling_to_60_s_and_anew_when_it_had_lived() -> None:
    began: list[float] = []

    async def dies() -> None:
        loop = asyncio.get_running_loop()
        began.append(loop.time())
        if len(began) == 9:
            await asyncio.sleep(100)
        if len(began) % 2:
            raise RuntimeError("broken")

    async def scenario() -> None:
        task = asyncio.create_task(keep_running("side", dies))
        await asyncio.sleep(1000)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(scenario())
    pauses = [round(later - earlier) for earlier, later in pairwise(began)]
    assert pauses[:11] == [1, 2, 4, 8, 16, 32, 60, 60, 101, 2, 4]


def take(folder: Path) -> None:
    with only_one(folder):
        pass


def test_one_daemon_at_a_time_has_a_state_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with only_one(folder), pytest.raises(StateFolderError, match="a daemon runs already"):
        take(folder)
    take(folder)


def test_who_holds_it_is_told(tmp_path: Path) -> None:
    told = rf"`retrowalk park` is at work \(process {os.getpid()}, it holds "
    with only_one(tmp_path, "park"), pytest.raises(StateFolderError, match=told):
        take(tmp_path)


def test_a_state_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateFolderError, match=r"file/state cannot be used: Not a directory: set \[paths\]"):
        take(tmp_path / "file" / "state")
