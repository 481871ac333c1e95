"""One world of the soak, drawn from one seed: machines, site, programs, people. Plain data: nothing runs.

What happens in it is drawn by `events.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random

from tests.soak.events import Event, draw_events
from tests.soak.rules import EVERY_FIELD, Rules

from retrowalk.machines import list_machines

Table = dict[str, object]
SHIPPED = tuple(sorted(list_machines().keys() - {"zeros"}))
"""One that always reports 0 lets anybody run its belt unseen: what can be done, `tests/core` shows."""
BUTTON = "button-1"
"""The paired button of every treadmill that has one."""
DRAWN = ("p0", "p1", "p2", "p3")
GREEDY = "p3"
"""It is above the caps of its site."""
FIT, GREED = (1.0, 1.0), (1.05, 1.5)
PRESETS = (
    ("familiarise", 0),
    ("guarded", 0),
    ("waves-1", 1),
    ("waves-2", 2),
    ("fitness", 4),
    ("hill-waves", 5),
)
"""Shipped programs and the level they need."""

NOTIFIES_EVERY_S = (0.99,) * 16 + (0.49, 0.49, 0.33, 0.24, 0.2)
"""About once a second (FTMS 4.9), some more often; a machine's clock does not keep to the daemon's ticks."""


@dataclass(frozen=True, slots=True)
class Temper:
    """How the person at one treadmill is."""

    kind: str
    """willing, slow, wrong, or absent for minutes at a time."""
    by_button: bool
    """Acts come by MQTT from the paired button; else Enter at the machine's terminal."""
    cord_after_s: float | None
    """From the alarm to the cord; None: never pulls it."""
    offers_after_s: float
    """From idle to the next offer."""


@dataclass(frozen=True, slots=True)
class Place:
    """One treadmill of the world."""

    id: str
    machine: Mapping[str, Table]
    """The tables `daemon` and `sim.*` of its file, by name."""
    settings: Table
    temper: Temper


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a run is made of."""

    seed: int
    lasts_s: float
    full_radio: bool
    """Bumble's GATT and HCI carry every octet; else the light transport does."""
    mqtt_out: bool
    """The MQTT desks publish, too."""
    safety: Table
    outputs: tuple[str, ...]
    programs: Mapping[str, str]
    offers: tuple[str, ...]
    """What people choose from."""
    places: tuple[Place, ...]
    events: tuple[Event, ...]


def draw(seed: int, *, full_radio: bool | None = None) -> World:
    """The world of that seed; the same one whenever and wherever it is drawn."""
    chance = Random(f"world {seed}")  # noqa: S311  (chance of a simulation, no secret)
    count = chance.choices((1, 2, 3), (70, 20, 10))[0]
    lasts_s = chance.uniform(300, 1000)
    safety = _safety(chance)
    places = tuple(_place(chance, number) for number in range(count))
    rules = [rules_of(place, safety) for place in places]
    level = int(str(safety["level"]))
    full = chance.random() < FULL_SHARE
    return World(
        seed=seed,
        lasts_s=lasts_s,
        full_radio=full if full_radio is None else full_radio,
        mqtt_out=chance.random() < 0.1,
        safety=safety,
        outputs=("terminal",) if chance.random() < 0.96 else ("mqtt",),
        programs={
            name: _program(chance, safety, rules, greed=chance.uniform(*(GREED if name == GREEDY else FIT)))
            for name in DRAWN
        },
        offers=(*DRAWN, *DRAWN, GREEDY, *(name for name, least in PRESETS if least <= level)),
        places=places,
        events=draw_events(Random(f"events {seed}"), count, lasts_s),  # noqa: S311  (as above)
    )


FULL_SHARE = 0.02


def rules_of(place: Place, safety: Table) -> Rules:
    """What may be done at that place."""
    return Rules(
        daemon=place.machine.get("daemon", {}),
        ranges=place.machine.get("sim.ranges", {}),
        fields=tuple(place.machine.get("sim.telemetry", {}).get("fields", EVERY_FIELD)),  # type: ignore[arg-type]  # of a draw
        safety=safety,
        treadmill=place.settings,
    )


def _safety(chance: Random) -> Table:
    level = chance.choices((0, 1, 2, 3, 4, 5, 6), (1, 3, 2, 2, 2, 1, 3))[0]
    table: Table = {"level": level, "countdown_s": chance.choice((5, 5, 10, 20))}
    maybe: Mapping[str, tuple[float, object]] = {
        "guarded": (0.08, True),
        "backward_cap_kmh": (0.2, round(chance.uniform(1.2, 4.0), 2)),
        "forward_cap_kmh": (0.3, round(chance.uniform(1.6, 6.0), 2)),
        "incline_cap_percent": (0.2, chance.choice((0.0, 2.0, 4.0))),
        "ramp_up_kmh_per_s": (0.3, chance.choice((0.02, 0.05, 0.1))),
        "ramp_down_kmh_per_s": (0.3, chance.choice((0.1, 0.2, 0.5))),
        "step_up_kmh": (0.3, chance.choice((0.1, 0.2, 0.3))),
        "step_down_kmh": (0.2, chance.choice((0.2, 0.5))),
        "turn_dwell_s": (0.2, chance.choice((10, 15))),
        "rest_wait_s": (0.3, chance.choice((30, 60))),
        "presence_s": (0.2, chance.choice((15, 40))),
        "heart_rate_max_bpm": (0.35, chance.choice((105, 120, 150, 190))),
        "manual_use_allowed": (0.12, False),
    }
    return table | {key: value for key, (share, value) in maybe.items() if chance.random() < share}


def _place(chance: Random, number: int) -> Place:
    machine = _machine(chance)
    settings: Table = {
        "id": f"tm{number}",
        "address": f"C0:00:00:00:00:{number + 1:02X}",
        "at_machine": chance.random() < 0.7,
        "confirm_sources": [BUTTON],
        "second_stop": chance.random() < 0.6,
        "presence": chance.random() < 0.3,
    }
    if chance.random() < 0.15:
        settings["backward_cap_kmh"] = round(chance.uniform(1.2, 3.0), 2)
    temper = Temper(
        kind=chance.choices(("willing", "slow", "wrong", "absent"), (70, 12, 10, 8))[0],
        by_button=chance.random() < 0.4 or not settings["at_machine"],
        cord_after_s=chance.choice((None, 2.0, 4.0, 15.0)),
        offers_after_s=chance.uniform(1.0, 15.0),
    )
    return Place(str(settings["id"]), machine, settings, temper)


def _machine(chance: Random) -> Mapping[str, Table]:
    if chance.random() < 0.4:
        shipped = list_machines()[chance.choice(SHIPPED)]
        tables: dict[str, Table] = {"daemon": shipped.daemon.model_dump(exclude_none=True)}
        tables |= {f"sim.{name}": dict(table) for name, table in shipped.sim.items()}
        rate: Table = {"notify_every_s": chance.choice(NOTIFIES_EVERY_S)}
        tables["sim.telemetry"] = rate | tables.get("sim.telemetry", {})
        return tables
    return _drawn_machine(chance)


def _drawn_machine(chance: Random) -> Mapping[str, Table]:
    """A machine of any mixture of quirks. What its file says of it is true, if it says anything."""

    def rarely(share: float, key: str, value: object) -> Table:
        return {key: value} if chance.random() < share else {}

    minimum, grid = chance.choice(((0.8, 0.1), (0.5, 0.1), (1.0, 0.1), (1.0, 0.5), (0.96, 0.32), (1.2, 0.2)))
    maximum = round(minimum + grid * round(chance.choice((4.0, 6.0, 12.0)) / grid), 2)
    ranges: Table = {"minimum_kmh": minimum, "maximum_kmh": maximum, "increment_kmh": grid}
    ranges |= rarely(0.4, "maximum_incline_percent", 0.0)
    deceleration = round(chance.uniform(0.2, 0.8), 2)
    delay = round(chance.choice((0.5, 3.0, 3.0, 4.0, 8.0)), 1)
    belt: Table = {
        "acceleration_kmh_per_s": round(chance.uniform(0.15, 0.6), 2),
        "deceleration_kmh_per_s": deceleration,
        "start_delay_s": delay,
        **rarely(0.1, "resumes_last_speed", True),
        **rarely(0.08, "needs_target_to_move", True),
        **rarely(0.04, "ignores_stop", True),
        **rarely(0.05, "start_speed_kmh", round(minimum + 2 * grid, 2)),
    }
    if chance.random() < 0.04:
        belt |= {"runaway_after_s": chance.choice((5.0, 30.0, 90.0)), "runaway_speed_kmh": 6.0}
    control: Table = {
        "answers": chance.choice(("indication", "notification", "indication_before_write_response")),
        "answer_delay_s": chance.choice((0.02, 0.06, 0.3, 0.8)),
        **rarely(0.15, "needs_control", False),
        **rarely(0.08, "control_unanswered", True),
        **rarely(0.15, "control_lost_on_stop", True),
        **rarely(0.1, "always_succeeds", True),
        **rarely(0.06, "start_toggles", True),
        **rarely(0.2, "pause_supported", False),
        **rarely(0.1, "targets_are_mph", True),
        **rarely(0.1, "clamps", True),
        **rarely(0.1, "write_without_response", True),
        **rarely(0.1, "declares_notify", True),
        **rarely(0.2, "status_to_commander", True),
        **rarely(0.1, "status_length", 3),
    }
    some = chance.sample(("average_speed", "total_distance", "inclination", "energy", "heart_rate",
                          "elapsed_time", "force_on_belt", "vendor_steps", "elevation_gain"),
                         chance.randint(1, 9))  # fmt: skip
    telemetry: Table = {
        "notify_every_s": chance.choice(NOTIFIES_EVERY_S),
        "fields": some,
        **rarely(0.3, "noise_kmh", chance.choice((0.02, 0.05))),
        **rarely(0.06, "reports", chance.choice(("target", "target_until_stopped"))),
        **rarely(0.12, "silent_at_kmh", 0.4),
        **rarely(0.1, "counts_only_steps", True),
        **rarely(0.1, "stop_clears_counters", True),
        **rarely(0.2, "largest_notification", 20),
        **rarely(0.1, "too_long", "cut"),
        **rarely(0.1, "training_status", False),
        **rarely(0.2, "heart_rate_service", True),
    }
    link: Table = {
        "name": "retrowalk drawn",
        **rarely(0.05, "drops_after_s", chance.choice((10.0, 60.0))),
        **rarely(0.15, "keeps_running_without_link", False),
        **rarely(0.2, "connections", 2),
    }
    daemon: Table = {}
    if chance.random() < 0.7:
        daemon = {
            "commissioned": True,
            "deceleration_kmh_per_s": deceleration,
            "start_delay_s": delay,
            "keeps_running_without_link": link.get("keeps_running_without_link", True),
        }
    daemon |= {
        "silent_at_rest": "silent_at_kmh" in telemetry,
        "needs_target_to_move": "needs_target_to_move" in belt,
        "echoes_target": "reports" in telemetry,
        "control_unanswered": "control_unanswered" in control,
        "starts_above_minimum": "start_speed_kmh" in belt or "resumes_last_speed" in belt,
    }
    tables = {"ranges": ranges, "belt": belt, "control": control, "telemetry": telemetry, "link": link}
    return {"daemon": daemon, **{f"sim.{name}": table for name, table in tables.items()}}


def _program(chance: Random, safety: Table, rules: Collection[Rules], *, greed: float = 1.0) -> str:
    """A small program that may be walked here, with more halts and turns than minutes.

    `greed` above 1: in one direction it wants more than the cap, straight away, and is to be refused.
    """
    level = min(int(str(safety["level"])), chance.randint(0, 6))
    empty = f"level = {level}\nsteps = []"
    cap = {way: min(one.cap(empty, way) for one in rules) / 100 for way in ("forward", "backward")}
    lowest = max(one.minimum for one in rules) / 100
    sloped = level >= 3 and all(one.incline_cap(empty) >= 10 for one in rules) and chance.random() < 0.3
    if greed > 1:
        way = chance.choice(("forward", "backward", "backward"))
        steps = ['{ turn = "backward" }'] if way == "backward" else []
        fast = int(max(cap[way], lowest) * greed * 10) / 10
        return _text(level, [*steps, f'{{ walk = "{way}", for = "150s", speed = {fast} }}'])
    facing, steps = "forward", []
    for number in range(chance.randint(2, 7)):
        kind = chance.choices(("walk", "turn", "rest", "beltoff"), (60, 28, 8, 4))[0] if number else "walk"
        if kind == "turn":
            facing = "backward" if facing == "forward" else "forward"
            steps.append(f'{{ turn = "{facing}" }}')
        elif kind != "walk":
            steps.append(f'{{ {kind} = "{chance.randint(10, 25)}s" }}')
            continue
        highest = max(cap[facing], lowest)
        fast = highest if chance.random() < 0.4 else chance.uniform(lowest, highest)
        fast = int(fast * 10) / 10
        speed = f"[{fast}, {round((fast + lowest) / 2 - 0.05, 1)}]" if chance.random() < 0.2 else str(fast)
        extent = f"{chance.randint(10, 60)}m" if chance.random() < 0.15 else f"{chance.randint(15, 150)}s"
        slope = f", incline = {chance.choice((0.5, 1))}" if sloped else ""
        steps.append(f'{{ walk = "{facing}", for = "{extent}", speed = {speed}{slope} }}')
    return _text(level, steps)


def _text(level: int, steps: Collection[str]) -> str:
    return f'name = "drawn"\nlevel = {level}\nsteps = [\n  ' + ",\n  ".join(steps) + "\n]\n"
