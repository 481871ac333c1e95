"""G16 through the whole core with a strap beside the treadmill: obeyed downwards, missed, a sign of life."""

import pytest
from tests.core.bench import Bench, program

from retrowalk.core.bounds import SiteLimits
from retrowalk.core.care import ALL_GOOD, CHECK_STRAP
from retrowalk.core.model import Characteristic, Direction, Notified, Phase, Pulse
from retrowalk.core.offering import Setup, Walker
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

BLIND = Quirks(telemetry=TelemetryQuirks(fields=()))
"""A treadmill that tells neither steps nor a heart rate."""
RISE = """
name = "Rise"
level = 0
steps = [ { walk = "forward", for = "5min", speed = [1.0, 2.5] } ]
"""
BACKWARD = """
name = "Backward"
level = 0
steps = [ { walk = "forward", for = "20s", speed = 1.0 }, { turn = "backward" },
          { walk = "backward", for = "3min", speed = 1.0 } ]
"""


def walked(text: str = RISE, maximum: int | None = 180) -> Bench:
    """Offered, and walking."""
    setup = Setup(
        site=SiteLimits(level=6),
        find_program=lambda _: program(text),
        new_id=lambda: "s1",
        heart_rate_strap=True,
        anybody=Walker(maximum_heart_rate=maximum),
    )
    bench = Bench(quirks=BLIND, setup=setup)
    bench.offer()
    assert bench.run(60, until=lambda b: b.snapshot.phase is Phase.WALKING)
    return bench


def beat(bench: Bench, seconds: int, bpm: int, contact: bool | None = True) -> None:
    """So many seconds with a pulse each second."""
    for _ in range(seconds):
        bench.controller.feed(Pulse(bpm, contact), bench.now)
        bench.run(1.0)


def test_below_the_soft_limit_the_speed_rises_and_from_it_on_it_does_not() -> None:
    bench = walked()
    beat(bench, 20, 100)
    before = bench.real_speed
    beat(bench, 30, 134)
    assert bench.real_speed > before + 5
    beat(bench, 3, 135)
    before = bench.real_speed
    beat(bench, 30, 135)
    assert bench.real_speed <= before


def test_the_third_beat_at_the_hard_limit_ends_the_session_by_slowing_down() -> None:
    bench = walked()
    beat(bench, 60, 100)
    beat(bench, 2, 153)
    assert bench.faults() == []
    sent = len(bench.frames)
    beat(bench, 1, 153)
    assert bench.faults() == ["heart_rate_high"]
    assert bench.run(30, until=lambda b: b.real_speed == 0)
    assert bench.frames[sent][1][0] == 0x02, "slower first"
    assert bench.sent(0x08)


def test_a_strap_that_never_spoke_is_missed_in_the_first_step() -> None:
    bench = walked()
    began = bench.now
    assert bench.run(60, until=lambda b: CHECK_STRAP in b.said())
    assert bench.now - began == pytest.approx(30, abs=1)
    assert bench.run(60, until=lambda b: b.faults() == ["heart_rate_gone"])
    assert bench.now - began == pytest.approx(60, abs=1)


def test_the_treadmills_own_rate_is_shown_and_does_not_stand_in_for_the_strap() -> None:
    bench = walked()
    beat(bench, 5, 100)
    for _ in range(61):
        own = Notified(bench.connection, Characteristic.HEART_RATE, bytes((0x00, 90)))
        bench.controller.feed(own, bench.now)
        bench.run(1.0)
    assert bench.faults() == ["heart_rate_gone"]
    assert bench.snapshot.heart_rate == 90


def test_without_a_maximum_nothing_follows() -> None:
    bench = walked(maximum=None)
    beat(bench, 10, 200)
    bench.run(100)
    assert bench.faults() == []
    assert CHECK_STRAP not in bench.said()


@pytest.mark.parametrize(("contact", "asked"), [(True, False), (None, True), (False, True)])
def test_backward_only_a_strap_with_contact_is_a_sign_of_the_walker(
    contact: bool | None, asked: bool
) -> None:
    bench = walked(BACKWARD, maximum=None)
    assert bench.run(120, until=lambda b: b.snapshot.direction is Direction.BACKWARD)
    beat(bench, 90, 90, contact)
    assert (ALL_GOOD in bench.said()) is asked


@pytest.mark.parametrize(("octets", "asked"), [((0x06, 0), True), ((0x06, 90), False)])
def test_a_contact_without_a_heart_rate_is_nobodys(octets: tuple[int, int], asked: bool) -> None:
    """Some stacks say contact for ever, and 0 beats a minute where nobody is."""
    bench = walked(BACKWARD, maximum=None)
    assert bench.run(120, until=lambda b: b.snapshot.direction is Direction.BACKWARD)
    for _ in range(90):
        bench.controller.feed(Notified(bench.connection, Characteristic.HEART_RATE, bytes(octets)), bench.now)
        bench.run(1.0)
    assert (ALL_GOOD in bench.said()) is asked


def test_a_pulse_is_shown_without_a_treadmill() -> None:
    bench = walked()
    bench.lose_link()
    beat(bench, 1, 88)
    assert bench.snapshot.heart_rate == 88
