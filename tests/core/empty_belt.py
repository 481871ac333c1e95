"""A bench for the empty-belt test: the commissioner, a simulated treadmill, a person who watches the belt."""

from dataclasses import dataclass, field

from tests.core.bench import Bench

from retrowalk.core.attending import Verdict
from retrowalk.core.commissioner import Commissioner
from retrowalk.core.model import Act, DropLink, Machine
from retrowalk.sim.model.quirks import Quirks

RECONNECTS_S = 1.0


def untold(quirks: Quirks) -> Machine:
    """The machine by its own words alone: no file knows it."""
    ranges = quirks.ranges
    return Machine(
        id="sim", name="simulated", minimum=ranges.minimum, maximum=ranges.maximum, increment=ranges.increment
    )


@dataclass
class EmptyBelt(Bench):
    """Runs the whole test. The person answers `answers` 2 s after asked, still only when it is."""

    answers: frozenset[Act] = frozenset({Act.START, Act.STILL})
    cuts: bool = True
    """A link that is to be dropped is dropped."""
    reconnects: bool = True
    away_until: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.machine is None:
            self.machine = untold(self.quirks)
        self.mind = lambda belt: Commissioner(belt, "test", left_running=self.left_running)
        super().__post_init__()
        self.commissioner: Commissioner = self.controller

    def lose_link(self) -> None:
        super().lose_link()
        self.away_until = self.away_until or self.now + RECONNECTS_S

    def _act(self) -> None:
        before = len(self.effects)
        super()._act()
        for _, effect in self.effects[before:]:
            if isinstance(effect, DropLink) and self.cuts:
                self.away_until = self.now + effect.away_s + RECONNECTS_S
                if self.linked:
                    self.lose_link()

    def _one_step(self, end: float) -> None:
        if self.away_until is not None and self.now >= self.away_until and self.reconnects:
            self.away_until = None
            self.connect()
        super()._one_step(end)

    def _answer(self) -> None:
        if self.snapshot.awaiting is not Act.STILL or self.real_speed == 0:
            super()._answer()

    def go(self, within_s: float = 1200.0) -> Verdict:
        """To its end."""
        assert self.run(within_s, until=lambda _: self.commissioner.over), (self.said(), self.now)
        assert self.commissioner.verdict is not None
        return self.commissioner.verdict
