"""`retrowalk inspect`: everything a machine says of itself, and what retrowalk makes of it."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from blefit import as_json
from blefit.units import kmh
from retrowalk.app import describe as describe_configured
from retrowalk.app import machine_file
from retrowalk.ble.backend import PLATFORM, Backend
from retrowalk.ble.errors import LinkError
from retrowalk.ble.link import Link
from retrowalk.ble.reading import Describe, Reading
from retrowalk.ble.reading import describe as describe_read
from retrowalk.ble.scanner import find
from retrowalk.certificate import Certificate, read
from retrowalk.cli.bluetooth import adapter_option, bluetooth
from retrowalk.cli.errors import Exit, UserError
from retrowalk.cli.numbers import Within
from retrowalk.commission import as_document as as_measured
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.limits import Refusals, limits_for
from retrowalk.core.model import Direction, Machine
from retrowalk.keepsakes import Keepsakes
from retrowalk.logs import configure_logging
from retrowalk.machines import MachineFile, match
from retrowalk.settings import Settings, SettingsError, Treadmill, load_settings


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out: as read, as retrowalk takes it, and the file that told the difference."""

    reading: Reading
    machine: Machine
    file: MachineFile | None
    tested: Certificate | None = None
    """Of its empty belt, by `retrowalk commission`."""
    untested: str = ""
    """Why there is none that holds."""


@click.command()
@click.argument("address")
@click.option("--seconds", type=Within(1, 120), default=10.0, show_default=True, help="To find it in.")
@adapter_option
@click.option("--json", "in_json", is_flag=True, help="One JSON document.")
def inspect(address: str, seconds: float, adapter: str | None, in_json: bool) -> None:
    """Connect to the machine of that ADDRESS (or name) and tell what it is. Its belt is not touched."""
    # What there is to say of the machine is in the document.
    click.get_current_context().call_on_close(configure_logging("auto", "critical"))
    settings: Settings | None = None
    with contextlib.suppress(SettingsError):  # it is for machines that no configuration knows yet
        settings = load_settings()
    try:
        seen = asyncio.run(look_at(address, seconds, bluetooth(), settings, adapter))
    except LinkError as error:
        raise UserError(str(error), Exit.UNREACHABLE) from error
    document = as_document(seen)
    click.echo(json.dumps(document) if in_json else as_text(document))


async def look_at(
    wanted: str,
    seconds: float,
    backend: Backend = PLATFORM,
    settings: Settings | None = None,
    adapter: str | None = None,
) -> Seen:
    """Connect, read, and hang up; nothing is written to the control point. Raises a LinkError, and UserError
    where hanging up would cut somebody else's link: a system has one to each machine.

    With `settings` it is the machine as the daemon would take it, tested and in quarantine as it is; its
    adapter, too, unless another is given.
    """
    treadmill = None if settings is None else _configured(settings, wanted)
    adapter = adapter or (None if treadmill is None else treadmill.adapter)
    backend = backend if adapter is None else backend.on(adapter)
    found = await find(wanted if treadmill is None else _target(treadmill), seconds, backend)
    if found.rssi is None:
        raise UserError(
            f"{found.address} is connected already, perhaps to a daemon with somebody on the belt:"
            " stop that first (systemctl stop retrowalk), or run `retrowalk park` if it is gone",
            Exit.REFUSED,
        )
    treadmill = treadmill or (None if settings is None else _configured(settings, found.address))
    if settings is None or treadmill is None:
        keepsakes: Keepsakes | None = None
        describe: Describe = describe_read
    else:
        keepsakes = Keepsakes(settings.paths.state, treadmill.id, _target(treadmill))
        describe = partial(describe_configured, treadmill, keepsakes)

    link = await Link.open(found, 1, lambda _: None, describe=describe, backend=backend)
    try:
        text = None if keepsakes is None else keepsakes.commissioned
        tested, why = read(text, link.reading)
        shown = link.reading
        file = match(shown.shown) if treadmill is None else machine_file(treadmill, shown)
        return Seen(link.reading, link.machine, file, tested, why)
    finally:
        await link.close()


def _configured(settings: Settings, wanted: str) -> Treadmill | None:
    """By id or address."""
    names = ((one, {one.id, (one.address or "").casefold()}) for one in settings.treadmills)
    return next((one for one, known in names if {wanted, wanted.casefold()} & known), None)


def _target(treadmill: Treadmill) -> str:
    return treadmill.address or treadmill.match or ""


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
        "matched_by": list(file.match.fits(reading.shown)) if file else [],
        "quirks": file and file.about,
        "facts": file.daemon.model_dump(exclude_none=True) if file else {},
        "source": file and file.source,
        "commissioned_at": seen.tested and seen.tested.tested.isoformat(),
        "not_commissioned": seen.untested or None,
        "measured": seen.tested and as_measured(seen.tested.findings()),
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


def _known(told: dict[str, Any]) -> list[tuple[str, str]]:
    """What its file says."""
    if not told["machine_file"]:
        return [("known as", "no file matches")]
    by = ", ".join(key.replace("_", " ") for key in told["matched_by"]) or "the configuration"
    return [
        ("known as", f"{told['machine_file']} (by {by}): {told['quirks']}"),
        *((f"  {key.replace('_', ' ')}", _said(value)) for key, value in told["facts"].items()),
        ("  source", told["source"]),
    ]


def _said(value: object) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


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
    facts += _known(told)
    if told["commissioned_at"]:
        facts.append(("commissioned", told["commissioned_at"][:10]))
        measured = ((key, value) for key, value in told["measured"].items() if value is not None)
        facts += [(f"  {key.replace('_', ' ')}", str(value)) for key, value in measured]
    elif told["not_commissioned"]:
        facts.append(("commissioned", f"no: {told['not_commissioned']}"))
    width = max(len(key) for key, _ in facts)
    lines = [f"{told['name'] or '(no name)'}  {told['address']}"]
    lines += [f"  {key.ljust(width)}  {value}" for key, value in facts]
    lines += ["retrowalk will", *(f"  {sentence}" for sentence in told["will"])]
    lines += ["and will not", *(f"  {sentence}" for sentence in told["will_not"])]
    return "\n".join(lines)
