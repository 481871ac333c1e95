"""Whatever people, the machine and the radio do in whatever order, the belt itself keeps the promise.

Controller, door and guard are joined to a belt with physics; what is judged is the belt's own speed, never
what the daemon believes of it.
"""

import re
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.core.bench import Bench, program

from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
    Confirm,
    Lease,
    Offer,
    PauseSession,
    ResumeSession,
    Said,
    SetCap,
    Skip,
    StopSession,
)
from retrowalk.core.stages import Stage
from retrowalk.sim.model.quirks import (
    Acceleration,
    BeltQuirks,
    ControlQuirks,
    Quirks,
    Ranges,
    TelemetryQuirks,
)

WAVES = program("""
name = "Waves"
level = 0
steps = [
  { walk = "forward", for = "40s", speed = 1.6 },
  { walk = "forward", for = "30s", speed = 1.0 },
  { turn = "backward" },
  { walk = "backward", for = "40s", speed = 1.0 },
  { rest = "15s" },
  { walk = "backward", for = "20s", speed = 0.9 },
  { turn = "forward" },
  { walk = "forward", for = "60s", speed = 1.8 },
]
""")
FAST = TelemetryQuirks(fields=())
SPEC = Quirks(telemetry=FAST)
COARSE = Ranges(minimum=Speed(100), maximum=Speed(600), increment=Speed(50))
OBEDIENT = (
    SPEC,
    replace(SPEC, ranges=COARSE, telemetry=replace(FAST, notify_every_s=1.0)),
    replace(SPEC, telemetry=replace(FAST, silent_at=Speed(40), notify_every_s=0.5)),
    replace(SPEC, telemetry=replace(FAST, noise=Speed(5))),
    replace(SPEC, belt=BeltQuirks(start_delay_s=7.0, deceleration=Acceleration(25))),
    replace(SPEC, control=ControlQuirks(status_to_commander=True, control_lost_on_stop=True)),
    replace(SPEC, control=ControlQuirks(answer_delay_s=1.0)),
)
DISOBEDIENT = (
    replace(SPEC, belt=BeltQuirks(ignores_stop=True)),
    replace(SPEC, belt=BeltQuirks(runaway_after_s=20.0, runaway_speed=Speed(400))),
    replace(SPEC, control=ControlQuirks(start_toggles=True)),
)
LIKELY: tuple[Ask, ...] = (Offer("p", window_s=60.0), Confirm(None), Confirm(None))
ASKS: tuple[Ask, ...] = (
    *(Confirm(act) for act in Act),
    PauseSession(),
    ResumeSession(),
    Skip(),
    SetCap(Speed(120)),
    Lease(),
    AckFault(),
    StopSession(),
)

READING_S = 2.5
"""Two records at one a second, and the write."""
WARNED_S = 4.5
"""A raise is announced 5 s before, and the look at it is a tick late."""
TOLERANCE = 25.0
"""0.01 km/h: what G8 leaves alone, and a reading's error."""
CURE_S = 20.0
"""What the laws take at most from a fault to rest or the alarm: 3 s, a drop, 5 s more, a silence of 10 s."""
CORD = "PULL THE CORD"


class AnyOrder(RuleBasedStateMachine):
    """A treadmill, whoever stands at it, whoever sends it commands, and the air between."""

    bench: Bench

    @initialize(
        quirks=st.sampled_from(OBEDIENT * 2 + DISOBEDIENT),
        walked_s=st.sampled_from([0.0, 14.0, 30.0, 50.0, 60.0, 130.0]),
        willing=st.booleans(),
    )
    def begin(self, quirks: Quirks, walked_s: float, willing: bool) -> None:
        self.bench = bench = Bench(quirks=quirks, program=WAVES, site=SiteLimits(level=6, rest_wait_s=60))
        self.obedient = quirks in OBEDIENT
        self.touched = float("-inf")
        """The console was pressed: what the belt does then is that person's."""
        self.acked = self.moves_for_us = False
        self.starts = self.heard = 0
        self.was = 0.0
        self.highest = float(quirks.ranges.minimum)
        self.since: dict[str, float] = {}
        """When each thing that must not last began."""
        self.broken: list[str] = []
        bench.each_step.append(self.look)
        if walked_s:
            bench.offer()
            bench.run(walked_s)
        if not willing:
            bench.answers = frozenset()

    def look(self, bench: Bench) -> None:
        """At every moment, not only between the rules."""
        speed, was, self.was = bench.real_speed, self.was, bench.real_speed
        by_hand = bench.now - self.touched < CURE_S
        controller = bench.controller
        cap, session = controller.guard.cap(bench.now), controller.session
        if was == 0 < speed:
            started = bench.sent(0x07)[-1:] or [float("-inf")]
            self.moves_for_us = started[0] > self.touched
            self.starts += self.moves_for_us or not by_hand
        ours = speed > 0 and self.moves_for_us and not by_hand
        heard = bench.linked and not bench.deaf
        obeys = bench.linked and bench.writes_arrive and self.obedient
        alarmed = self.acked or CORD in controller.alarm

        over = cap is not None and speed > max(cap, bench.quirks.ranges.minimum) + TOLERANCE and ours
        self.lasts("above the cap", over and heard, READING_S if self.obedient else CURE_S)
        self.lasts("unheard", ours and bench.linked and bench.deaf and obeys, 4.5 + CURE_S / 2)
        nobodys = ours and (session is None or session.stage is Stage.ENDED)
        self.lasts("nobody's, and told to stop", nobodys and obeys and heard, CURE_S / 2)
        self.lasts("nobody's, without an alarm", nobodys and not alarmed, CURE_S / 2)
        self.lasts("the link lost, without an alarm", ours and not bench.linked and not alarmed, 0.3)
        if speed > was and speed > self.announced() + TOLERANCE and ours and self.obedient:
            self.broken.append(f"{bench.now}: rises to {speed} unannounced")

    def lasts(self, what: str, holds: bool, seconds: float) -> None:
        if not holds:
            self.since.pop(what, None)
        elif self.bench.now - self.since.setdefault(what, self.bench.now) > seconds:
            self.broken.append(f"{self.bench.now}: {self.bench.real_speed} {what}")

    def announced(self) -> float:
        """The highest speed that was said some seconds ago, or the slowest."""
        effects = self.bench.effects
        while self.heard < len(effects) and effects[self.heard][0] <= self.bench.now - WARNED_S:
            effect = effects[self.heard][1]
            self.heard += 1
            if isinstance(effect, Said) and (told := re.match(r"Speed rises to ([\d.]+)", effect.text)):
                self.highest = max(self.highest, float(told[1]) * 100)
        return self.highest

    # --- what happens -----------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 0.3, 1.0, 5.0, 15.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.run(seconds)

    @rule(ask=st.sampled_from(LIKELY + ASKS))
    def somebody_asks(self, ask: Ask) -> None:
        self.acked = self.acked or isinstance(ask, AckFault)
        self.bench.ask(ask)

    @rule()
    def a_session_is_walked_for_a_while(self) -> None:
        self.bench.ask(Offer("p", window_s=60.0))
        for _ in range(4):
            self.bench.ask(Confirm(None))
            self.bench.run(12.0)

    @rule(key=st.sampled_from(["start", "stop", "pause", "faster", "slower"]))
    def a_key_is_pressed(self, key: str) -> None:
        self.touched = self.bench.now
        self.bench.treadmill.console.press(key)
        self.bench.run(0.1)

    @rule()
    def the_cord_is_pulled(self) -> None:
        self.bench.treadmill.safety_key.pull()
        self.bench.run(0.1)

    @rule()
    def the_cord_is_back(self) -> None:
        self.bench.treadmill.safety_key.replace()

    @rule()
    def somebody_else_takes_control(self) -> None:
        self.bench.treadmill.take_control_away()

    @rule(deaf=st.booleans())
    def the_air(self, deaf: bool) -> None:
        self.bench.deaf = deaf

    @rule(arrive=st.booleans())
    def the_writes(self, arrive: bool) -> None:
        self.bench.writes_arrive = arrive

    @precondition(lambda self: self.bench.linked)
    @rule()
    def the_link_is_lost(self) -> None:
        self.bench.lose_link()

    @precondition(lambda self: not self.bench.linked)
    @rule()
    def the_link_is_back(self) -> None:
        self.bench.deaf, self.bench.writes_arrive = False, True
        self.bench.connect()

    @precondition(lambda self: self.bench.linked and self.obedient)
    @rule()
    def a_stop_is_obeyed(self) -> None:
        bench = self.bench
        bench.deaf, bench.writes_arrive = False, True
        before = bench.real_speed
        bench.ask(StopSession())
        by_hand = bench.now - self.touched < CURE_S
        bench.run(3.0)
        assert bench.real_speed < before or bench.real_speed == 0 or by_hand
        bench.run(CURE_S)
        assert bench.real_speed == 0 or by_hand

    # --- what has to hold -------------------------------------------------------------------------

    @invariant()
    def the_belt_kept_the_promise_at_every_moment(self) -> None:
        if hasattr(self, "bench"):
            assert self.broken == []

    @invariant()
    def it_started_by_acts_at_the_machine_only(self) -> None:
        if hasattr(self, "bench"):
            assert len(self.bench.sent(0x07)) <= len(self.bench.events("armed"))
            assert self.starts <= len(self.bench.sent(0x07))

    @invariant()
    def the_guard_never_caught_the_session_at_a_mistake(self) -> None:
        if hasattr(self, "bench"):
            assert "refusal" not in self.bench.faults()


AnyOrder.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestBeltAnyOrder = AnyOrder.TestCase
