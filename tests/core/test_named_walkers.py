"""A walker's own level, caps, heart rate and weight bound their sessions, and nobody else's (G5, G16)."""

import pytest
from tests.core.bench import Bench, machine_for, program

from blefit.heart_rate import HeartRateMeasurement
from blefit.units import Speed
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.model import Characteristic, Notified, Offer, StopSession
from retrowalk.core.offering import Setup, Walker
from retrowalk.sim.model.quirks import Quirks
from retrowalk.sim.model.telemetry_quirks import TelemetryQuirks

QUICK = Quirks(telemetry=TelemetryQuirks(fields=()))
FORWARD = program('name = "F"\nlevel = 2\nsteps = [{ walk = "forward", for = "4min", speed = 2.0 }]')
BACKWARD = program("""
name = "B"
level = 1
steps = [
  { walk = "forward", for = "10s", speed = 1.0 },
  { turn = "backward" },
  { walk = "backward", for = "40s", speed = 1.3 },
]
""")


def bench_of(walked: object, site_level: int = 2, **walkers: Walker) -> Bench:
    known: dict[str, object] = {"find_program": lambda _: walked, "new_id": lambda: "s1", "walkers": walkers}
    return Bench(quirks=QUICK, setup=Setup(site=SiteLimits(level=site_level), **known))  # type: ignore[arg-type]  # a table of facts


def asked(bench: Bench, walker: str | None) -> str:
    """Why their session is refused, or ''."""
    (reply,) = bench.ask(Offer("p", walker))
    bench.ask(StopSession())
    bench.run(11)
    return reply.reason


@pytest.mark.parametrize(
    ("walkers", "why"),
    [
        ({}, "there is no walker 'eve' in the configuration: there are none"),
        ({"ann": Walker()}, "there is no walker 'eve' in the configuration: the walkers are ann"),
    ],
)
def test_somebody_unknown_is_refused_for_their_limits_are_unknown(
    walkers: dict[str, Walker], why: str
) -> None:
    assert asked(bench_of(FORWARD, **walkers), "eve") == why


@pytest.mark.parametrize(
    ("own", "site", "refused"),
    [(None, 2, False), (None, 1, True), (2, 1, False), (1, 6, True), (0, 6, True), (6, 0, False)],
)
def test_their_level_is_their_own_and_without_one_the_sites(
    own: int | None, site: int, refused: bool
) -> None:
    why = asked(bench_of(FORWARD, site, ann=Walker(level=own)), "ann")
    assert ("the session's level is" in why) is refused


@pytest.mark.parametrize(("cap", "refused"), [(200, False), (199, True)])
def test_their_forward_cap_refuses_what_is_faster(cap: int, refused: bool) -> None:
    why = asked(bench_of(FORWARD, ann=Walker(forward_cap=Speed(cap))), "ann")
    assert ("forward speed 2 km/h is above the cap" in why) is refused
    assert ("(walker)" in why) is refused


@pytest.mark.parametrize(("cap", "refused"), [(130, False), (129, True)])
def test_their_backward_cap_too(cap: int, refused: bool) -> None:
    why = asked(bench_of(BACKWARD, ann=Walker(backward_cap=Speed(cap))), "ann")
    assert ("backward speed 1.3 km/h is above the cap" in why) is refused


def test_guarded_is_the_one_who_is() -> None:
    bench = bench_of(BACKWARD, ann=Walker(guarded=True), bob=Walker())
    assert "backward speed 1.3 km/h is above the cap; the limit is 1.2 km/h (guarded)" in asked(bench, "ann")
    assert asked(bench, "bob") == asked(bench, None) == ""


def test_a_higher_cap_than_the_levels_raises_nothing() -> None:
    fast = program('name = "F"\nlevel = 1\nsteps = [{ walk = "forward", for = "4min", speed = 4.1 }]')
    assert "the limit is 4 km/h" in asked(bench_of(fast, ann=Walker(forward_cap=Speed(600))), "ann")


def beat(bench: Bench, bpm: int) -> None:
    payload = HeartRateMeasurement(heart_rate=bpm, contact=True).encode()
    bench.controller.feed(Notified(bench.connection, Characteristic.HEART_RATE, payload), bench.now)


@pytest.mark.parametrize(("walker", "ended"), [("ann", True), ("bob", False), (None, False)])
def test_their_heart_rate_ends_their_session(walker: str | None, ended: bool) -> None:
    bench = bench_of(FORWARD, ann=Walker(maximum_heart_rate=150), bob=Walker(maximum_heart_rate=190))
    bench.ask(Offer("p", walker))
    assert bench.run(60, until=lambda b: b.real_speed > 90)
    for _ in range(5):
        beat(bench, 140)
        bench.run(1)
    assert (bench.faults() == ["heart_rate_high"]) is ended


def test_their_weight_is_that_of_the_estimate() -> None:
    bench = bench_of(FORWARD, ann=Walker(weight_kg=60.0), bob=Walker())
    for walker, estimated in (("ann", True), ("bob", False), (None, False)):
        bench.ask(Offer("p", walker))
        assert bench.run(60, until=lambda b: b.real_speed > 90)
        assert (bench.snapshot.energy_kcal_estimate is not None) is estimated
        assert bench.snapshot.walker == walker
        bench.ask(StopSession())
        bench.run(25)


def test_it_is_said_at_the_offer_that_nothing_senses_the_walker() -> None:
    said = "Nothing senses you on this belt: after each 60 s backward OK is asked for."
    for walked, sensed, expected in ((BACKWARD, False, 1), (BACKWARD, True, 0), (FORWARD, False, 0)):
        bench = bench_of(walked)
        bench.controller.machine = machine_for(QUICK, reports_presence=sensed)
        assert asked(bench, None) == ""
        assert bench.said().count(said) == expected
