"""What befalls a world, drawn before it begins: a list of plain events, each whole in itself.

What an event breaks it also mends, after `back_s`: so any part of the list is a run of its own, and a
failure can be shrunk to the few events that it takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from retrowalk.sim.interference import Kind

How = dict[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """At `at` seconds, to the treadmill of that number (or to all, where the kind says so)."""

    at: float
    place: int
    kind: str
    how: Mapping[str, object]

    def __str__(self) -> str:
        told = " ".join(f"{key}={value!r}" for key, value in self.how.items())
        return f"{self.at:8.2f} s  tm{self.place}  {self.kind} {told}".rstrip()


def draw_events(chance: Random, places: int, lasts_s: float) -> tuple[Event, ...]:
    """The events of one world: some are quiet, some are hell."""
    every_s = chance.choice((12.0, 30.0, 60.0, 120.0))
    kinds = list(KINDS)
    loved = {kind: chance.choice((0.2, 1.0, 1.0, 4.0)) for kind in kinds}
    weights = [KINDS[kind][0] * loved[kind] for kind in kinds]
    events: list[Event] = []
    at = chance.uniform(1.0, every_s)
    while at < lasts_s:
        kind = chance.choices(kinds, weights)[0]
        events.append(Event(round(at, 3), chance.randrange(places), kind, KINDS[kind][1](chance)))
        # Troubles come in twos: the second within the seconds that the first takes.
        at += chance.uniform(0.0, 4.0) if chance.random() < 0.25 else chance.expovariate(1 / every_s)
    return tuple(events)


def _seconds(low: float, high: float) -> Callable[[Random], How]:
    return lambda chance: {"back_s": round(chance.uniform(low, high), 2)}


def _nothing(_: Random) -> How:
    return {}


def _key(chance: Random) -> How:
    key = chance.choices(("start", "stop", "pause", "faster", "slower"), (3, 3, 1, 3, 3))[0]
    return {"key": key, "times": chance.choice((1, 1, 3, 6)) if key in {"faster", "slower"} else 1}


def _key_in_countdown(chance: Random) -> How:
    """Somebody presses the Start key while the next countdown runs, or just after it."""
    return {"forward": chance.random() < 0.3, "after_s": round(chance.uniform(0.0, 10.0), 2)}


def _dial(chance: Random) -> How:
    return {"kmh": round(chance.choice((0.8, 1.0, 2.0, 3.0, 6.0, 10.0)) * chance.uniform(0.8, 1.2), 1)}


def _disk_slow(chance: Random) -> How:
    return {"takes_s": round(chance.uniform(0.3, 8.0), 2), **_seconds(5, 90)(chance)}


def _clock(chance: Random) -> How:
    return {"by_s": chance.choice((-86400, -3600, -7, -1, 3, 30, 3600, 31_536_000))}


def _kill(chance: Random) -> How:
    """Now and then just after a stop was acknowledged, or just before it is."""
    asked = round(chance.uniform(0.02, 0.8), 2) if chance.random() < 0.3 else None
    return {
        "down_s": round(chance.uniform(0.1, 25.0), 2),
        "park": chance.random() < 0.5,
        "after_stop_s": asked,
    }


def _ask(chance: Random) -> How:
    what = chance.choices(
        ("pause", "resume", "skip", "stop", "ack_fault", "lease", "set_cap"), (3, 3, 5, 1, 2, 1, 14)
    )[0]
    return {"command": what, **({"kmh": round(chance.uniform(0.7, 2.2), 2)} if what == "set_cap" else {})}


def _message(chance: Random) -> How:
    """Octets on the command or the confirm topic; $NOW, $LONG_AGO, $LATER and $ID are put in when it goes."""
    topic, payload = chance.choice(MESSAGES)
    return {
        "topic": topic,
        "payload": payload,
        "retained": chance.random() < 0.3,
        "times": chance.choice((1, 1, 1, 2, 3, 40)),
    }


def _false_act(chance: Random) -> How:
    """What would be the act that is asked for next, were it not retained, late, or a stranger's."""
    retained, source, time = chance.choice(
        ((True, "button-1", "$NOW"), (False, "button-1", "$LONG_AGO"), (False, "nobody", "$NOW"))
    )
    payload = f'{{"id": "$ID", "act": "$ACT", "source": "{source}", "time": "{time}"}}'
    return {"topic": "confirm", "payload": payload, "retained": retained, "times": 1}


MESSAGES = (
    ("command", '{"id": "$ID", "command": "start", "program": "p1"}'),
    ("command", '{"id": "$ID", "command": "start", "program": "waves-1", "time": "$NOW"}'),
    ("command", '{"id": "$ID", "command": "start", "program": "p0", "time": "$LONG_AGO"}'),
    ("command", '{"id": "same", "command": "start", "program": "p2"}'),
    ("command", '{"id": "$ID", "command": "resume"}'),
    ("command", '{"id": "$ID", "command": "resume", "expires": "$LONG_AGO"}'),
    ("command", '{"id": "$ID", "command": "skip"}'),
    ("command", '{"id": "$ID", "command": "pause", "time": "$NOW"}'),
    ("command", '{"id": "$ID", "command": "stop", "time": "$LONG_AGO"}'),
    ("command", '{"id": "$ID", "command": "set_cap", "kmh": 1.2}'),
    ("command", '{"id": "$ID", "command": "set_cap", "kmh": 1.0}'),
    ("command", '{"id": "$ID", "command": "set_cap", "kmh": 99}'),
    ("command", '{"id": "$ID", "command": "set_cap", "kmh": NaN}'),
    ("command", '{"id": "$ID", "command": "set_cap", "kmh": null}'),
    ("command", '{"id": "$ID", "command": "set_cap", "kmh": 1e300}'),
    ("command", '{"id": "$ID", "command": "lease"}'),
    ("command", '{"id": "$ID", "command": "ack_fault"}'),
    ("command", '{"id": "$ID", "command": "fly"}'),
    ("command", "please STOP"),
    ("command", "nonstop flight"),
    ("command", '{"id": 7, "comm'),
    ("command", ""),
    ("command", "[" * 600),
    ("confirm", "CONFIRM"),
    ("confirm", '{"id": "$ID", "act": "start", "source": "nobody", "time": "$NOW"}'),
    ("confirm", '{"id": "$ID", "act": "start", "source": "button-1", "time": "$LONG_AGO"}'),
    ("confirm", '{"id": "$ID", "act": "facing", "source": "button-1", "time": "$LATER"}'),
    ("confirm", '{"id": "$ID", "act": "start", "source": "button-1"}'),
    ("confirm", '{"id": "$ID", "act": "dance", "source": "button-1", "time": "$NOW"}'),
)


def _radio(chance: Random) -> How:
    kind = chance.choice(RADIO)
    return {"what": kind.value, "rate": chance.choice((0.1, 0.5, 1.0)), **_seconds(1, 20)(chance)}


def _silence(chance: Random) -> How:
    """The link stands, nothing comes over it, for longer than a belt may run unheard."""
    return {"what": Kind.SILENCE.value, "rate": 1.0, **_seconds(7, 25)(chance)}


def _stop_in_between(chance: Random) -> How:
    """A stop is asked for while nothing is answered, and a target may be waiting for its answer."""
    return {"kmh": round(chance.uniform(0.8, 1.2), 2), "after_s": round(chance.uniform(0.3, 3.0), 2)}


RADIO = tuple(kind for kind in Kind if kind is not Kind.LINK_LOST)


def _packet(chance: Random) -> How:
    """The link is lost with the n-th packet from now on: in a transaction, between two parts of a record."""
    return {"number": chance.randint(1, 30)}


KINDS: Mapping[str, tuple[float, Callable[[Random], How]]] = {
    "key": (10, _key),
    "key_in_countdown": (2, _key_in_countdown),
    "dial": (5, _dial),
    "safety_key": (2, _seconds(1, 30)),
    "step_off": (2, _seconds(3, 120)),
    "control_away": (3, _nothing),
    "power": (1.5, _seconds(0.5, 40)),
    "cut": (4, _nothing),
    "out_of_reach": (2, _seconds(0.5, 60)),
    "unplug": (1, _seconds(0.5, 40)),
    "radio": (14, _radio),
    "silence": (3, _silence),
    "stop_in_between": (2, _stop_in_between),
    "packet": (4, _packet),
    "message": (12, _message),
    "false_act": (7, _false_act),
    "ask": (14, _ask),
    "broker": (1.5, _seconds(1, 120)),
    "disk_slow": (1.5, _disk_slow),
    "disk_full": (1.5, _seconds(5, 60)),
    "clock": (1.5, _clock),
    "kill": (3, _kill),
    "restart": (0.7, lambda chance: {"down_s": round(chance.uniform(0.1, 10), 2)}),
}
"""How often, and what is drawn of it."""
