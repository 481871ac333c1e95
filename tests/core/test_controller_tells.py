"""What is told of each thing that happens: every event with all its fields, every sentence, in order."""

from collections.abc import Callable

import pytest
from tests.core.by_hand import BACKWARD, ByHand

from blefit.ftms.machine_status import MachineStatusOp
from retrowalk.core.care import ALL_GOOD
from retrowalk.core.faults import BY_ID
from retrowalk.core.model import (
    AckFault,
    Act,
    Characteristic,
    Confirm,
    Effect,
    Emitted,
    Mark,
    Marked,
    Offer,
    PauseSession,
    Phase,
    Quarantine,
    Replied,
    RequestControl,
    Said,
    StopSession,
    Target,
    Unmark,
)
from retrowalk.core.offering import Walker

CONSOLE_STOP = "Stopped at the console."
PAUSED = "Paused. Press start at the machine to go on."
OFFERED = "Walk is offered. Stand on the side rails, cord clipped, and press start there."


def event(kind: str, **fields: object) -> Emitted:
    return Emitted(kind, fields)


def of_session(kind: str, **fields: object) -> Emitted:
    return Emitted(kind, {**fields, "session_id": "s1"})


def fault(fault_id: str, detail: str = "", why: str = "") -> list[Effect]:
    """The event and the sentence of a fault."""
    row = BY_ID[fault_id]
    told = of_session("fault", id=row.id, cause=row.cause, law=row.law, detail=detail, text=row.sentence)
    return [told, Said(row.sentence + why, row.alarm)]


def replied(request: str, command: str, *outcomes: str) -> list[Effect]:
    return [Replied(request, "test", command, outcome) for outcome in outcomes]


def idle() -> ByHand:
    return ByHand(walkers={"ann": Walker()}).runs(0, 1.0)


def walking() -> ByHand:
    return ByHand().walking()


def at_150() -> ByHand:
    return ByHand().at(150)


def link_lost_and_restored(hands: ByHand) -> None:
    hands.lose_link()
    hands.connect()


def mile_for_kilometre(hands: ByHand) -> None:
    hands.runs(80, 0.5)
    hands.runs(130, 0.75)
    hands.runs(60, 0.5)


def stopped_at_the_console(hands: ByHand) -> None:
    hands.status(MachineStatusOp.STOPPED_OR_PAUSED_BY_USER, 1)
    hands.runs(0, 1.0)


def started_at_the_console(hands: ByHand) -> None:
    hands.status(MachineStatusOp.STARTED_OR_RESUMED_BY_USER)
    hands.runs(80, 0.5)


def control_denied() -> ByHand:
    hands = ByHand().offered()
    hands.results[RequestControl] = 5
    return hands


def control_denied_to_the_console(hands: ByHand) -> None:
    hands.results[RequestControl] = 5
    started_at_the_console(hands)


def ok_awaited_soon() -> ByHand:
    """Backward, and for 59.75 s nothing told of the walker."""
    hands = ByHand(BACKWARD).offered()
    hands.ask(Confirm(Act.START))
    hands.counting(Act.FACING)
    while hands.phase() is not Phase.WALKING:
        hands.obeys(0.25)
    return hands.obeys(59.75)


def key_pulled(hands: ByHand) -> None:
    hands.status(MachineStatusOp.STOPPED_BY_SAFETY_KEY)


def speed_refused(hands: ByHand) -> None:
    hands.results[Target] = 4
    for _ in range(60):
        hands.runs(80, 0.25)
        if Target(hands.machine.minimum) != hands.written[-1]:
            break


def too_fast_for_the_cap(hands: ByHand) -> None:
    hands.runs(180, 0.5)
    hands.runs(150, 0.25)


@pytest.mark.parametrize(
    ("state", "happens", "told"),
    [
        (
            idle,
            link_lost_and_restored,
            [event("link_lost", reason="the radio failed"), event("link_restored", machine="machine")],
        ),
        (
            idle,
            lambda hands: hands.notify(Characteristic.HEART_RATE, b"\x06"),
            [
                event(
                    "garbled",
                    uuid="2a37",
                    hex="06",
                    reason="heart_rate was cut: it is 1 octet long, and none came",
                )
            ],
        ),
        (
            idle,
            key_pulled,
            [event("note", id="safety_key", detail="", text=BY_ID["safety_key"].sentence)],
        ),
        (idle, lambda hands: hands.runs(170, 0.5), [event("manual", measured_kmh=1.7)]),
        (
            idle,
            lambda hands: hands.ask(AckFault(), "cli"),
            [
                event("refused", command="ack_fault", source="cli", reason="there is no fault to silence"),
                Replied("r1", "cli", "ack_fault", "refused", "there is no fault to silence"),
            ],
        ),
        (
            idle,
            lambda hands: hands.ask(Offer("p", "ann", 60.0)),
            [
                of_session("session_offered", program="Walk", walker="ann"),
                Said(OFFERED),
                *replied("r1", "start", "accepted"),
            ],
        ),
        (
            lambda: ByHand().offered(),
            lambda hands: hands.ask(Confirm(None)),
            [
                Mark("s1"),
                *replied("r2", "confirm", "accepted", "done"),
                of_session("armed"),
                of_session("countdown", seconds=10),
                Said("Belt starts in 10 at 0.8 km/h."),
            ],
        ),
        (
            walking,
            speed_refused,
            [
                of_session("control_point", command="Target", result="refused", code=4),
                of_session(
                    "note",
                    id="target_refused",
                    detail="refused",
                    text="The treadmill did not take the new speed.",
                ),
            ],
        ),
        (
            at_150,
            lambda hands: hands.runs(110, 0.5),
            [of_session("held", reason="somebody changed the speed at the console"), *fault("hand")],
        ),
        (
            at_150,
            too_fast_for_the_cap,
            [
                of_session("cap_enforced", measured_kmh=1.8, cap_kmh=1.5),
                *fault("cap_enforced"),
                of_session("fault_cleared", id="cap_enforced"),
            ],
        ),
        (
            at_150,
            stopped_at_the_console,
            [
                Said(CONSOLE_STOP),
                of_session("note", id="console_stop", detail="", text=CONSOLE_STOP),
                of_session("paused"),
                Said(PAUSED),
            ],
        ),
        (
            at_150,
            key_pulled,
            [*fault("safety_key"), of_session("stopped", reason="the safety key was pulled")],
        ),
        (
            at_150,
            lambda hands: hands.silence(4.0),
            [
                *fault("telemetry_late"),
                *fault("telemetry_lost"),
                of_session("stopped", reason="no telemetry for 4 s while moving"),
            ],
        ),
        (
            at_150,
            lambda hands: hands.lose_link(),
            [
                of_session("link_lost", reason="the radio failed"),
                of_session("stopped", reason="interrupted: the link was lost"),
                *fault("link_lost"),
            ],
        ),
        (
            at_150,
            lambda hands: hands.ask(PauseSession()),
            [
                Said("Pausing: the belt is stopping. Hold the rails."),
                *replied("r3", "pause", "accepted"),
            ],
        ),
        (
            at_150,
            lambda hands: hands.ask(StopSession()),
            [*replied("r3", "stop", "accepted"), of_session("stopped", reason="stopped on request")],
        ),
        (
            lambda: ByHand().offered(),
            started_at_the_console,
            [
                Mark("s1"),
                *replied("r1", "start", "done"),
                Said("Started at the console. Press OK at the machine to go on with the program."),
                of_session("started", program="Walk", by="console"),
                of_session("step_started", step=1, label="5 min forward at 1.5 km/h"),
            ],
        ),
        (
            lambda: ByHand().offered(),
            control_denied_to_the_console,
            [
                Mark("s1"),
                *replied("r1", "start", "done"),
                Said("Started at the console. Press OK at the machine to go on with the program."),
                of_session("started", program="Walk", by="console"),
                of_session("step_started", step=1, label="5 min forward at 1.5 km/h"),
                of_session("control_point", command="RequestControl", result="refused", code=5),
                *fault("control_lost", "refused"),
                of_session("stopped", reason="refused"),
            ],
        ),
        (
            control_denied,
            lambda hands: hands.ask(Confirm(None)),
            [
                Mark("s1"),
                *replied("r2", "confirm", "accepted", "done"),
                of_session("armed"),
                of_session("countdown", seconds=10),
                Said("Belt starts in 10 at 0.8 km/h."),
                of_session("control_point", command="RequestControl", result="refused", code=5),
                of_session(
                    "note",
                    id="control_refused",
                    detail="refused",
                    text="The treadmill does not give control.",
                ),
            ],
        ),
        (
            lambda: ByHand(marker=None).counting(),
            lambda hands: hands.feed(Marked("s1", "the disk is full")),
            [
                *fault("start_refused", "the disk is full", why=" Why: the disk is full."),
                of_session("stopped", reason="the disk is full"),
                Replied("r1", "test", "start", "failed", "the disk is full"),
                Unmark(),
            ],
        ),
        (
            ok_awaited_soon,
            lambda hands: hands.obeys(0.25),
            [Said(ALL_GOOD), of_session("cue", text=ALL_GOOD)],
        ),
        (
            lambda: ByHand().starting(),
            mile_for_kilometre,
            [
                *replied("r1", "start", "done"),
                of_session("started", program="Walk", by="retrowalk"),
                of_session("step_started", step=1, label="5 min forward at 1.5 km/h"),
                Said("Speed rises to 1.5 in 5 seconds."),
                Quarantine("it ran faster than told (told 0.80 km/h, ran 1.30): commission it again"),
                *fault("wrong_speed", "told 0.80 km/h, ran 1.30"),
                of_session("stopped", reason="told 0.80 km/h, ran 1.30"),
            ],
        ),
    ],
    ids=[
        "the link goes and comes",
        "garbled octets",
        "the key, without a session",
        "manual use",
        "a refusal",
        "an offer",
        "the act",
        "a target refused",
        "a hand",
        "above the cap",
        "a stop at the console",
        "the key",
        "silence",
        "the link goes in a session",
        "a pause",
        "a stop",
        "a start at the console",
        "a start at the console, control denied",
        "control denied in the countdown",
        "a marker that cannot be written",
        "no sign of the walker",
        "miles for kilometres",
    ],
)
def test_all_that_is_told_of_it_and_nothing_else(
    state: Callable[[], ByHand], happens: Callable[[ByHand], object], told: list[Effect]
) -> None:
    hands = state()
    before = len(hands.effects)
    happens(hands)
    assert hands.effects[before:] == told
