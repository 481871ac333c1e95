"""From a failing run to the shortest list of events found that still fails: delta debugging (Zeller 2002)."""

import time
from collections.abc import Sequence

from tests.soak.run import live
from tests.soak.world import World

WITHIN_S = 90.0


def shrink(world: World, law: str, within_s: float = WITHIN_S) -> tuple[int, ...]:
    """The numbers of the events that are enough for `law` to be broken; of all where time ran out."""
    until = time.monotonic() + within_s

    def fails(numbers: Sequence[int]) -> bool:
        violation = live(world, numbers).violation
        return violation is not None and violation.law == law

    kept, parts = list(range(len(world.events))), 2
    if fails(()):
        return ()
    while len(kept) >= 2:
        size = -(-len(kept) // parts)
        for begin in range(0, len(kept), size):
            if time.monotonic() > until:
                return tuple(kept)
            rest = kept[:begin] + kept[begin + size :]
            if fails(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return tuple(kept)
