"""Time in the paced loops: how much of it passes, in which order, and what does not make it pass."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from retrowalk.sim.loops import scaled_loop, virtual_loop


def run(factory: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def compute(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def quickest(play: Callable[[], object], enough_s: float) -> float:
    """How long it takes in real time: a busy computer makes it longer, so the best of many tries counts."""
    best = float("inf")
    for _ in range(50):
        started = time.monotonic()
        play()
        best = min(best, time.monotonic() - started)
        if best < enough_s:
            break
    return best


async def slept(seconds: float) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.sleep(seconds)
    return loop.time() - started


def test_an_hour_of_virtual_time_takes_no_time() -> None:
    started = time.monotonic()
    assert run(virtual_loop, slept(3600)) == pytest.approx(3600)
    assert time.monotonic() - started < 1


def test_virtual_time_starts_at_zero_and_jumps_from_timer_to_timer() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        seen: list[float] = []
        for delay in (7.5, 0.25, 3.0):
            loop.call_later(delay, lambda: seen.append(loop.time()))
        await asyncio.sleep(10)
        return seen

    assert run(virtual_loop, main()) == pytest.approx([0.25, 3.0, 7.5])


def test_timers_due_at_different_times_never_run_in_one_turn_however_long_computing_took() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        seen: list[float] = []

        def busy() -> None:
            seen.append(loop.time())
            compute(0.02)  # at this rate 20 s of loop time

        for delay in (1.0, 2.0, 3.0):
            loop.call_later(delay, busy)
        await asyncio.sleep(4)
        return seen

    assert run(lambda: scaled_loop(1000), main()) == pytest.approx([1.0, 2.0, 3.0])


def test_two_that_wait_for_one_moment_do_not_wake_each_other_for_ever_just_before_it() -> None:
    async def until(due: float) -> int:
        loop, looks = asyncio.get_running_loop(), 0
        while loop.time() < due and looks < 100:
            looks += 1
            await asyncio.sleep(due - loop.time())
        return looks

    async def main() -> list[int]:
        await asyncio.sleep(1.0 - 5e-14)
        first = asyncio.create_task(until(1.0))
        for _ in range(2):  # so that always one of them is ready
            await asyncio.sleep(0)
        return [await until(1.0), await first]

    assert max(run(virtual_loop, main())) < 3


def test_a_time_out_does_not_strike_while_the_loop_computes() -> None:
    async def main() -> bool:
        async with asyncio.timeout(1.0):  # a millisecond of real time
            compute(0.05)
            await asyncio.sleep(0.5)
        return True

    assert run(lambda: scaled_loop(1000), main())


def test_scaled_time_passes_rate_times_as_fast_as_real_time() -> None:
    def play() -> None:
        assert run(lambda: scaled_loop(100), slept(10)) == pytest.approx(10)

    assert 0.1 <= quickest(play, 0.5) < 0.5


def test_short_timers_keep_the_rate_because_waits_are_not_rounded_to_milliseconds() -> None:
    async def main() -> None:
        for _ in range(400):  # 0.05 s at 1000 times real time are 0.05 ms
            await asyncio.sleep(0.05)

    assert 0.02 <= quickest(lambda: run(lambda: scaled_loop(1000), main()), 0.3) < 0.3


def test_a_loop_that_computed_makes_up_for_it_by_waiting_less() -> None:
    async def main() -> None:
        for _ in range(10):
            compute(0.01)
            await asyncio.sleep(2.0)  # 0.02 s real: half of it is used up already

    assert 0.19 <= quickest(lambda: run(lambda: scaled_loop(100), main()), 0.29) < 0.29


def test_a_socket_that_wakes_a_scaled_loop_lets_only_the_time_waited_pass() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            loop.call_later(5.0, theirs.send, b"x")
            await asyncio.wait_for(loop.sock_recv(ours, 1), 100)
            return loop.time()

    passed = (run(lambda: scaled_loop(100), main()) for _ in range(50))  # what wakes it may come late
    assert next((seconds for seconds in passed if seconds < 7), None) == pytest.approx(5.0, abs=2.0)


def test_virtual_time_stands_still_while_a_thread_works() -> None:
    async def main() -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        ticking = asyncio.create_task(asyncio.sleep(0.25))
        worked = await asyncio.wait_for(asyncio.to_thread(lambda: compute(0.02) or "done"), 1.0)
        passed = loop.time()
        await ticking
        return worked, passed

    assert run(virtual_loop, main()) == ("done", 0.0)


@pytest.mark.filterwarnings("error")
def test_a_virtual_loop_waits_for_its_threads_to_end() -> None:
    ended = []

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, lambda: (compute(0.02), ended.append(True)))
        await asyncio.sleep(0)

    run(virtual_loop, main())
    assert ended


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="a rate of time must be a finite number above 0"):
        scaled_loop(rate)
