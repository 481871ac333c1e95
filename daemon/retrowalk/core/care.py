"""All that watches over one session's walker: presence, heart rate (G16), the lease. It only ever slows."""

from dataclasses import dataclass

from retrowalk.core.model import Observation, Pulse, Record, Steps
from retrowalk.core.wellbeing import Heart, Lease, Presence

ALL_GOOD = "All good? Press OK at the machine."
CHECK_STRAP = "No heart rate for 30 seconds. Check the strap."


@dataclass(frozen=True, slots=True)
class Concern:
    """A sentence to say, or the id of a fault."""

    sentence: str = ""
    fault: str = ""


class Care:
    """One session's watch. Time is an argument."""

    def __init__(
        self, maximum_heart_rate: int | None, presence_every_s: float, *, strap: bool = False
    ) -> None:
        self.heart = Heart(maximum_heart_rate, strap)
        self.presence = Presence(presence_every_s)
        self.lease = Lease()

    def observe(self, observation: Observation, now: float) -> None:
        """A notification: whatever in it tells of the walker."""
        match observation:
            case Record(data):
                self.presence.sense(data.vendor_step_count, data.force_on_belt, now)
                if data.heart_rate is not None:
                    self.heart.beat(data.heart_rate, now)
            case Steps():
                self.presence.seen(now, sensed=True)
            case Pulse():
                self.pulse(observation, now)
            case _:
                pass

    def pulse(self, pulse: Pulse, now: float, *, strap: bool = False) -> None:
        """A heart rate sensor spoke, the treadmill's or a `strap`.

        Without contact its rate is none, and without a rate a contact is nobody's: some always tell one.
        """
        if pulse.bpm is None or pulse.contact is False:
            return
        self.heart.beat(pulse.bpm, now, strap=strap)
        if pulse.contact:
            self.presence.seen(now, sensed=True)

    def may_raise(self, now: float) -> bool:
        """Nothing about the walker speaks against more speed."""
        return self.heart.may_raise(now) and not self.lease.slow(now) and not self.presence.asking

    def watch(self, now: float, *, walking: bool, backward: bool) -> list[Concern]:
        """What is noticed at this moment: a fault again and again, a sentence once."""
        concerns = []
        if self.lease.lost(now):
            concerns.append(Concern(fault="lease_lost"))
        if not walking:
            self.heart.rest(now)
        match self.heart.watch(now) if walking else "":
            case "":
                pass
            case "warn":
                concerns.append(Concern(CHECK_STRAP))
            case fault:
                concerns.append(Concern(fault=fault))
        match self.presence.watch(now, backward=walking and backward):
            case "ask":
                concerns.append(Concern(ALL_GOOD))
            case "missing":
                concerns.append(Concern(fault="presence_missing"))
        return concerns
