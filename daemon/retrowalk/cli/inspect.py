"""`retrowalk inspect`: everything a machine says of itself, and what retrowalk makes of it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from blefit import as_json
from blefit.units import kmh
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.errors import LinkError
from retrowalk.ble.link import Link
from retrowalk.ble.reading import Reading, machine_of
from retrowalk.ble.scanner import find
from retrowalk.cli.errors import Exit, UserError
from retrowalk.cli.numbers import Within
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.limits import Refusals, limits_for
from retrowalk.core.model import Direction, Machine
from retrowalk.machines import MachineFile, match


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out: as read, as retrowalk takes it, and the file that told the difference."""

    reading: Reading
    machine: Machine
    file: MachineFile | None


@click.command()
@click.argument("address")
@click.option("--seconds", type=Within(1, 120), default=10.0, show_default=True, help="To find it in.")
@click.option("--json", "in_json", is_flag=True, help="One JSON document.")
def inspect(address: str, seconds: float, in_json: bool) -> None:
    """Connect to the machine of that ADDRESS (or name) and tell what it is. Its belt is not touched."""
    try:
        seen = asyncio.run(look_at(address, seconds))
    except LinkError as error:
        raise UserError(str(error), Exit.UNREACHABLE) from error
    document = as_document(seen)
    click.echo(json.dumps(document) if in_json else as_text(document))


async def look_at(wanted: str, seconds: float, backend: Backend = PLATFORM) -> Seen:
    """Connect, read, and hang up; nothing is written to the control point. Raises a LinkError."""
    found = await find(wanted, seconds, backend)
    file = match(found.name)

    def describe(reading: Reading) -> Machine:
        machine = machine_of(reading)
        return file.daemon.applied_to(machine) if file else machine

    link = await Link.open(found, 1, lambda _: None, describe=describe, backend=backend)
    try:
        return Seen(link.reading, link.machine, file)
    finally:
        await link.close()


def as_document(seen: Seen) -> dict[str, Any]:
    """The keys of `inspect --json`; what the machine does not tell is null."""
    reading, machine, file = seen.reading, seen.machine, seen.file
    will, will_not = expectations(machine)
    return {
        "name": reading.name or None,
        "address": reading.address,
        "device_information": dict(reading.device_information),
        "feature": reading.feature and as_json.feature(reading.feature),
        "speed_range": reading.speeds and as_json.speed_range(reading.speeds),
        "inclination_range": reading.inclines and as_json.inclination_range(reading.inclines),
        "machine_file": file and file.name,
        "quirks": file and file.about,
        "will": will,
        "will_not": will_not,
    }


def expectations(machine: Machine) -> tuple[list[str], list[str]]:
    """What retrowalk will do with it, and what not, at the default level and with nothing configured."""
    site = SiteLimits()
    limits = limits_for(machine, site=site, level=site.level, has_presence=machine.reports_presence)
    if isinstance(limits, Refusals):
        return ["watch it and publish what it does"], list(limits.sentences)
    will = [
        f"walk you {direction} up to {kmh(limits.cap(direction)):g} km/h ({limits.cap_reason(direction)})"
        for direction in (Direction.FORWARD, Direction.BACKWARD)
    ]
    will += [f"begin at {kmh(limits.first_target):g} km/h after every rest", *limits.warnings]
    will_not = [sentence for applies, sentence in _RESERVATIONS if applies(machine)]
    return will, will_not


_RESERVATIONS: tuple[tuple[Callable[[Machine], bool], str], ...] = (
    (
        lambda machine: not machine.commissioned,
        "trust it further before `retrowalk commission` has tested its empty belt",
    ),
    (lambda machine: not machine.inclinable, "set the incline"),
    (
        lambda machine: machine.silent_at_rest,
        "take its silence for rest: a person has to say that the belt is still",
    ),
    (lambda machine: machine.echoes_target, "believe the speed it reports: it repeats its target"),
    (
        lambda machine: not machine.reports_start_key,
        "see its Start key: a session needs another act at the machine",
    ),
    (
        lambda machine: not machine.reports_presence,
        "know that somebody is on the belt: it asks for an OK after each 60 s of walking backward",
    ),
    (
        lambda machine: machine.keeps_running_without_link and not machine.second_stop,
        "go above 2 km/h backward unless second_stop is set: its belt may run on when Bluetooth is lost",
    ),
)


def as_text(told: dict[str, Any]) -> str:
    """The document for a person."""
    speeds, inclines, feature = told["speed_range"], told["inclination_range"], told["feature"]
    facts = [(key.replace("_", " "), value) for key, value in told["device_information"].items()]
    if speeds:
        facts.append(
            ("speed", "{min_kmh:g} to {max_kmh:g} km/h in steps of {increment_kmh:g}".format(**speeds))
        )
    if inclines:
        steps = "{min_percent:g} to {max_percent:g} % in steps of {increment_percent:g}".format(**inclines)
        facts.append(("incline", steps))
    if feature:
        facts.append(("measures", ", ".join(feature["features"]).replace("_", " ")))
        facts.append(("takes", ", ".join(feature["target_settings"]).replace("_", " ") or "no targets"))
    facts.append(
        ("known as", f"{told['machine_file']}: {told['quirks']}" if told["quirks"] else "no file matches")
    )
    width = max(len(key) for key, _ in facts)
    lines = [f"{told['name'] or '(no name)'}  {told['address']}"]
    lines += [f"  {key.ljust(width)}  {value}" for key, value in facts]
    lines += ["retrowalk will", *(f"  {sentence}" for sentence in told["will"])]
    lines += ["and will not", *(f"  {sentence}" for sentence in told["will_not"])]
    return "\n".join(lines)
