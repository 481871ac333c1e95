"""The walker's side: presence, heart rate (G16), the lease of a page. They only ever slow the belt."""

from dataclasses import dataclass

PRESENCE_WARNING_S = 10.0
SOFT, HARD = 0.75, 0.85
HARD_READINGS, HARD_S = 3, 10.0
HEART_QUIET_S, HEART_WARN_S, HEART_GONE_S = 10.0, 30.0, 60.0
LEASE_SLOW_S, LEASE_STOP_S = 3.0, 6.0


class Presence:
    """Evidence that somebody walks, wanted at least every `every_s` of backward time."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.sensed = False
        """Something that senses by itself (steps, force, a strap) has been seen."""
        self._evidence: float | None = None
        self._asked = float("-inf")
        """When the question was put that no press of OK has answered."""
        self._counters: tuple[int | None, int | None] = (None, None)

    def seen(self, now: float, *, sensed: bool = False) -> None:
        """A person showed: an act, or a sensor."""
        self._evidence = now
        self.sensed = self.sensed or sensed

    def sense(self, steps: int | None, force: int | None, now: float) -> None:
        """A step count of telemetry advanced, or a force weighs on the belt."""
        before, _ = self._counters
        if (steps is not None and before is not None and steps > before) or (force is not None and force > 0):
            self.seen(now, sensed=True)
        self._counters = (steps, force)

    def watch(self, now: float, *, backward: bool) -> str:
        """`""` all is well, `ask`: ask for OK now, `missing`: ramp down."""
        if not backward or self._evidence is None:
            self._evidence, self._asked = now, float("-inf")
        if now - self._evidence < self.every_s:
            return ""
        if not self.asking:
            self._asked = now
            return "ask"
        return "missing" if now - self._asked >= PRESENCE_WARNING_S else ""

    @property
    def asking(self) -> bool:
        """An OK is awaited."""
        return self._evidence is not None and self._asked > self._evidence

    def takes(self, now: float) -> bool:
        """A press of OK: True where it answers the question, though a sensor may have been quicker."""
        answers = self.asking or now - self._asked <= PRESENCE_WARNING_S
        self._asked = float("-inf")
        return answers


@dataclass(slots=True)
class Heart:
    """G16. Without a known maximum it only watches.

    The source is the `strap` where one is declared, and it is missed from the first step on; else the
    treadmill, and a treadmill that never spoke is none. While a declared strap is silent the treadmill's rate
    is shown and judged, but it does not stand in for the strap. A source is missed by the seconds that were
    walked since it spoke: who lets go of the grips at rest is not missed, and no rest makes up for a silence.
    """

    maximum: int | None = None
    strap: bool = False
    bpm: int | None = None
    _heard: float | None = None
    _strap_heard: float = float("-inf")
    _missed_since: float | None = None
    """Since the source spoke last, or should have begun to."""
    _silent_s: float = 0.0
    """How much of that was walked."""
    _looked_at: float = float("-inf")
    _high_since: float | None = None
    _high_readings: int = 0
    _warned: bool = False

    def beat(self, bpm: int, now: float, *, strap: bool = False) -> None:
        """A heart rate in beats per minute, of the `strap` or of the treadmill."""
        if strap:
            self._strap_heard = now
        elif now - self._strap_heard < HEART_QUIET_S:
            return
        if strap or not self.strap:
            self._missed_since, self._silent_s, self._warned = now, 0.0, False
        self.bpm, self._heard = bpm, now
        if self.maximum is not None and bpm >= HARD * self.maximum:
            self._high_readings += 1
            self._high_since = now if self._high_since is None else self._high_since
        else:
            self._high_readings, self._high_since = 0, None

    def rest(self, now: float) -> None:
        """Nobody walks: nobody is missed, and what was heard long before is over."""
        self._looked_at = now
        if self.shown(now) is None:
            self._high_readings, self._high_since = 0, None

    def high(self, now: float) -> bool:
        """Above the hard limit at this moment, by a rate that is not stale."""
        return self._is_too_high(now) and self.shown(now) is not None

    def _is_too_high(self, now: float) -> bool:
        since = self._high_since
        return since is not None and (self._high_readings >= HARD_READINGS or now - since >= HARD_S)

    def may_raise(self, now: float) -> bool:
        """Below the soft limit, by a source that was heard within 10 s."""
        if self.maximum is None or self._missed_since is None:
            return True
        calm = self.bpm is None or self.bpm < SOFT * self.maximum
        return calm and now - self._missed_since < HEART_QUIET_S

    def watch(self, now: float) -> str:
        """`""`, `warn` (once), or the id of the fault that ends the session; to be asked in every step."""
        if self._missed_since is None and self.strap:
            self._missed_since = now
        if self.maximum is None or self._missed_since is None:
            return ""
        self._silent_s += now - max(self._missed_since, self._looked_at)
        self._looked_at = now
        if self._is_too_high(now):
            return "heart_rate_high"
        if self._silent_s >= HEART_GONE_S:
            return "heart_rate_gone"
        if self._silent_s >= HEART_WARN_S and not self._warned:
            self._warned = True
            return "warn"
        return ""

    def shown(self, now: float) -> int | None:
        """The heart rate while it is not stale."""
        return self.bpm if self._heard is not None and now - self._heard < HEART_QUIET_S else None


class Lease:
    """Only of a client that took one: it renews each second, or the belt slows and stops."""

    def __init__(self) -> None:
        self._renewed: float | None = None

    def renew(self, now: float) -> None:
        """The client is there."""
        self._renewed = now

    def end(self) -> None:
        """The session is over, and the lease with it."""
        self._renewed = None

    def slow(self, now: float) -> bool:
        """3 s unheard: no raises, down to the easy speed."""
        return self._renewed is not None and now - self._renewed >= LEASE_SLOW_S

    def lost(self, now: float) -> bool:
        """6 s unheard: stop."""
        return self._renewed is not None and now - self._renewed >= LEASE_STOP_S
