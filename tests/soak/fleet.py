"""Many runs, by several processes."""

import gc
import os
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from multiprocessing import parent_process
from threading import Thread

from tests.soak.run import Outcome, live
from tests.soak.world import draw


def runs(belt_s: float, first: int, jobs: int, full: bool | None) -> Iterator[Outcome]:
    """One seed after the other until so many seconds are lived through; in the order they end."""
    seeds, lived = count(first), 0.0
    with ProcessPoolExecutor(jobs, max_tasks_per_child=200, initializer=_begin) as pool:
        under_way: set[Future[Outcome]] = {pool.submit(_run, next(seeds), full) for _ in range(jobs + 1)}
        try:
            while under_way:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    lived += outcome.belt_s
                    if lived < belt_s:
                        under_way.add(pool.submit(_run, next(seeds), full))
                    yield outcome
        finally:
            for future in under_way:
                future.cancel()


def _begin() -> None:
    """A worker ends with its parent, however that ended. What is imported stays: the collector need not
    look at it each time, nor that often."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run(seed: int, full: bool | None) -> Outcome:
    return live(draw(seed, full_radio=full))
