"""What a soak says of itself: what was lived through, and each failure with how to see it again."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.soak.run import Outcome
from tests.soak.world import World

HOUR = 3600.0


@dataclass(slots=True)
class Report:
    """The sum of many runs."""

    seeds: int = 0
    worlds_s: float = 0.0
    belts_s: float = 0.0
    moving_s: float = 0.0
    full_s: float = 0.0
    tally: Counter[str] = field(default_factory=Counter)
    failures: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """One more run."""
        self.seeds += 1
        self.worlds_s += outcome.simulated_s
        self.belts_s += outcome.belt_s
        self.moving_s += outcome.moving_s
        self.full_s += outcome.belt_s if outcome.full_radio else 0.0
        self.tally += outcome.tally
        if outcome.violation is not None:
            self.failures.append(outcome)

    def lines(self, took_s: float, jobs: int) -> Iterable[str]:
        """The table."""
        share = 100 / (self.belts_s or 1.0)
        house, moving, full = self.worlds_s / HOUR, self.moving_s / HOUR, self.full_s / HOUR
        yield f"{self.belts_s / HOUR:10.1f}  simulated hours of one treadmill ({house:.1f} of the house)"
        yield f"{moving:10.1f}  of them with the belt moving ({self.moving_s * share:.0f} %)"
        yield f"{full:10.1f}  over the full Bluetooth stack ({self.full_s * share:.1f} %), the rest light"
        yield f"{self.seeds:10d}  seeds"
        yield f"{self.belts_s / took_s:10.0f}  times real time, by {jobs} processes in {took_s:.0f} s"
        yield f"{len(self.failures):10d}  failures"
        for title, prefix in (
            ("events", "event "),
            ("bad radio", "radio "),
            ("faults raised", "fault "),
            ("sessions", "session "),
            ("why they ended", "ended: "),
            ("frames written", "frame "),
        ):
            yield f"\n{title}:"
            chosen = [(n, what) for what, n in self.tally.items() if what.startswith(prefix)]
            for number, what in sorted(chosen, key=lambda pair: (-pair[0], pair[1])):
                yield f"{number:10d}  {what.removeprefix(prefix)}"


def failure(world: World, outcome: Outcome, kept: tuple[int, ...]) -> Iterable[str]:
    """One failure, and how to replay it."""
    yield f"seed {world.seed}: {outcome.violation}"
    yield f"{len(kept)} of its {len(world.events)} events are enough:"
    yield from (f"  [{number}] {world.events[number]}" for number in kept)
    only = ",".join(map(str, kept)) or "none"
    yield f"replay: make soak SEED={world.seed} ONLY={only}    (all of it: make soak SEED={world.seed})"
