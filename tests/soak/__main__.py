"""`make soak`: so many simulated hours from a seed on, by so many processes; or one seed, exactly."""

import argparse
import contextlib
import signal
import sys
import time

from tests.soak.fleet import runs
from tests.soak.report import HOUR, Report, failure
from tests.soak.run import live
from tests.soak.shrink import shrink
from tests.soak.world import World, draw

TOLD_EVERY_S = 100 * HOUR


def main() -> int:
    """Exit code 1 where an invariant does not hold."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--hours", type=float, help="simulated hours of one treadmill")
    parser.add_argument("--seed", type=int, help="the first seed; without --hours the only one")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--failures", type=int, default=3, help="end after so many")
    parser.add_argument("--only", help="numbers of the events of that seed to keep, such as 3,7,19, or none")
    parser.add_argument("--transport", choices=("drawn", "light", "full"), default="drawn")
    asked = parser.parse_args()
    full = None if asked.transport == "drawn" else asked.transport == "full"
    if asked.seed is not None and asked.hours is None:
        return _replay(draw(asked.seed, full_radio=full), asked.only)
    return _soak(asked.hours or 20.0, asked.seed or 1, asked.jobs, asked.failures, full)


def _replay(world: World, only: str | None) -> int:
    numbers = range(len(world.events)) if only is None else []
    if only not in {None, "none"}:
        numbers = [int(number) for number in only.split(",")]  # type: ignore[union-attr,assignment]
    for number in numbers:
        print(f"  [{number}] {world.events[number]}")
    outcome = live(world, numbers)
    print(f"seed {world.seed}: {outcome.violation or 'every invariant held'}")
    print(f"{outcome.belt_s / HOUR:.2f} simulated hours, digest {outcome.digest}")
    print(f"of the frames alone {outcome.frames}")
    return int(outcome.violation is not None)


def _soak(hours: float, first: int, jobs: int, most: int, full: bool | None) -> int:
    report, began = Report(), time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):  # what was lived through until then counts
        for outcome in runs(hours * HOUR, first, jobs, full):
            told = report.belts_s // TOLD_EVERY_S
            report.add(outcome)
            if outcome.violation is not None:
                print(f"seed {outcome.seed}: {outcome.violation}\n  (shrinking)", flush=True)
            if report.belts_s // TOLD_EVERY_S > told:
                lived = f"{report.belts_s / HOUR:.0f} hours, {len(report.failures)} failures"
                print(f"{lived}; seeds {first} to {outcome.seed}", file=sys.stderr, flush=True)
            if len(report.failures) >= most:
                break
    took_s = time.monotonic() - began
    for line in report.lines(took_s, jobs):
        print(line)
    for outcome in report.failures:
        world = draw(outcome.seed, full_radio=full)
        assert outcome.violation is not None
        print()
        for line in failure(world, outcome, shrink(world, outcome.violation.law)):
            print(line, flush=True)
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())
