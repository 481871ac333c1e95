"""How long one Treadmill Data record takes to decode: blefit, and beside it the parser of pyftms.

Each call is timed on its own, so that the tail shows; the clock's own 0.05 to 0.1 us are in the figures.
Exits 1 when the median is over the budget.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from statistics import quantiles
from time import perf_counter_ns

from blefit.ftms.treadmill_data import decode

RECORD = bytes.fromhex("8624fa00d900a605005500ffffff5709f30d00")
"""19 octets of a Yesoul walking pad: speed, average, distance, energy, time, steps."""

BUDGET_US = 4.0
CALLS = 200_000


def measure(name: str, parse: Callable[[bytes], object]) -> float:
    """Print what one call takes; the median in microseconds."""
    for _ in range(CALLS // 20):
        parse(RECORD)
    times = []
    for _ in range(CALLS):
        start = perf_counter_ns()
        parse(RECORD)
        times.append(perf_counter_ns() - start)
    percentiles = quantiles(times, n=100)
    median, p99 = percentiles[49] / 1000, percentiles[98] / 1000
    print(f"decode of a 19-octet record, {name}: median {median:.2f} us, p99 {p99:.2f} us")
    return median


def main() -> int:
    """Measure both; 0 when the budget is kept."""
    ours = measure("blefit", decode)
    try:
        model = import_module("pyftms.models").TreadmillData
        theirs = import_module("pyftms.serializer").get_serializer(model).deserialize
    except (ImportError, SyntaxError):
        print("skipped: pyftms needs Python 3.12 or newer")
    else:
        print(f"blefit is {measure('pyftms', theirs) / ours:.1f} times as fast as pyftms")
    if ours > BUDGET_US:
        print(f"over the budget of {BUDGET_US} us")
    return int(ours > BUDGET_US)


if __name__ == "__main__":
    sys.exit(main())
