"""`retrowalk programs`: what interval programs there are, what one does, and whether it may be walked."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from blefit.units import kmh, percent
from retrowalk import paths
from retrowalk.cli.errors import Exit, UserError
from retrowalk.cli.numbers import Whole
from retrowalk.cli.picture import picture
from retrowalk.core.bounds import HIGHEST_LEVEL, SiteLimits
from retrowalk.core.compiler import Violations, compile_program
from retrowalk.core.limits import Refusals, limits_for
from retrowalk.core.model import Direction, Machine
from retrowalk.core.program import Program
from retrowalk.core.quantity import words
from retrowalk.core.timeline import Segment, Timeline
from retrowalk.machines import MachineFileError, load_machine
from retrowalk.programs import MalformedProgramError, UnknownProgramError, program_files, read_program
from retrowalk.sim.machines import quirks_of

as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Judge by the numbers of this configuration, instead of the one that the daemon finds.",
)
machine_option = click.option(
    "--machine",
    "machine_name",
    default="spec",
    show_default=True,
    help="A name or file of config/treadmills/.",
)


@click.group()
def programs() -> None:
    """Interval programs: list them, show one, check one against the safety rules."""


@programs.command("list")
@config_option
@as_json_option
def list_(config_file: Path | None, as_json: bool) -> None:
    """List the shipped programs and your own."""
    site = _Site(config_file)
    try:
        rows = [_row(name, site) for name in program_files(site.own_programs)]
    except MalformedProgramError as error:
        raise UserError(str(error)) from error
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(row["program"]) for row in rows)
    for row in rows:
        if row["problem"]:
            click.echo(f"{row['program']:<{width}}  {row['problem']}")
            continue
        click.echo(
            f"{row['program']:<{width}}  level {row['level']}  {row['total_s'] / 60:4.0f} min,"
            f" {row['work_s'] / 60:4.1f} min of backward work, up to {row['peak_backward_kmh']:.1f} km/h"
            f"  {row['name']}"
        )


@programs.command()
@click.argument("program")
@machine_option
@config_option
@as_json_option
def show(program: str, machine_name: str, config_file: Path | None, as_json: bool) -> None:
    """Show what PROGRAM (a name or a file) does, step by step."""
    site = _Site(config_file)
    read = _read(program, site)
    judged = _judge(read, site, machine_name, read.level, guarded=False)
    if not isinstance(judged, Timeline):
        raise UserError("\n".join(f"{program}: {sentence}" for sentence in _told(judged)), Exit.REFUSED)
    if as_json:
        document = {**_document(read, judged), "steps": [_step(segment) for segment in judged.segments]}
        click.echo(json.dumps(document, indent=2))
        return
    purpose = f", for {read.purpose}" if read.purpose else ""
    click.echo(f"{click.style(read.name, bold=True)}: level {read.level}{purpose}")
    if read.description:
        click.echo(read.description)
    click.echo()
    for line in _table(judged):
        click.echo(line)
    click.echo()
    for line in picture(judged):
        click.echo(line)
    click.echo()
    click.echo(_totals(judged))
    for warning in judged.warnings:
        click.echo(f"note: {warning}")


@programs.command()
@click.argument("file")
@click.option("--level", type=Whole(0, HIGHEST_LEVEL), help="Of the walker.  [default: the program's]")
@click.option("--guarded", is_flag=True, help="For a walker who needs the guarded limits.")
@machine_option
@config_option
@as_json_option
def check(
    file: str, *, level: int | None, guarded: bool, machine_name: str, config_file: Path | None, as_json: bool
) -> None:
    """Check FILE (or a program by name): every violation of a safety rule, with its limit.

    Exit code 0: it may be walked; 2: it is malformed; 4: a safety rule refuses it.
    """
    site = _Site(config_file)
    try:
        read = _read(file, site)
    except UserError as error:
        if as_json:
            click.echo(
                json.dumps({"file": file, "ok": False, "errors": error.message.splitlines()}, indent=2)
            )
        raise
    judged = _judge(read, site, machine_name, read.level if level is None else level, guarded=guarded)
    told = _told(judged)
    warned = [] if isinstance(judged, Refusals) else list(judged.warnings)
    if as_json:
        document = {
            "file": file,
            "machine": machine_name,
            "ok": not told,
            **_document(read, judged),
            "violations": _records(judged),
            "warnings": warned,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for sentence in told:
            click.echo(f"{file}: {sentence}")
        for warning in warned:
            click.echo(f"{file}: note: {warning}")
    if told:
        rules = "a safety rule refuses" if len(told) == 1 else f"{len(told)} safety rules refuse"
        raise UserError(f"{file}: {rules} it on {machine_name}", Exit.REFUSED)
    if not as_json and isinstance(judged, Timeline):
        click.echo(f"{file}: may be walked on {machine_name}: {_totals(judged)}")


class _Site:
    """The numbers and the programs of this site: by its configuration, or the defaults where it has none."""

    def __init__(self, config_file: Path | None) -> None:
        self.limits = SiteLimits()
        self.own_programs = paths.user_config_dir() / "programs"
        if config_file or any(candidate.is_file() for candidate in paths.config_candidates()):
            from retrowalk.settings import SettingsError, load_settings

            try:
                settings = load_settings(config_file)
            except SettingsError as error:
                raise UserError(str(error)) from error
            self.limits = settings.safety.limits()
            self.own_programs = settings.paths.programs


def _read(name: str, site: _Site) -> Program:
    try:
        return read_program(name, site.own_programs, or_path=True)
    except (UnknownProgramError, MalformedProgramError) as error:
        raise UserError(str(error)) from error


def _machine(name: str) -> Machine:
    """The machine of that file, in the ranges that its simulated one reports."""
    try:
        file = load_machine(name)
        ranges = quirks_of(file).ranges
    except MachineFileError as error:
        raise UserError(str(error)) from error
    reported = Machine(
        id=file.name,
        name=file.name,
        minimum=ranges.minimum,
        maximum=ranges.maximum,
        increment=ranges.increment,
        inclinable=ranges.maximum_incline > 0,
        minimum_incline=ranges.minimum_incline,
        maximum_incline=ranges.maximum_incline,
        increment_incline=ranges.increment_incline,
    )
    return file.daemon.applied_to(reported)


Judged = Timeline | Violations | Refusals


def _judge(program: Program, site: _Site, machine_name: str, level: int, *, guarded: bool) -> Judged:
    machine = _machine(machine_name)
    limits = limits_for(
        machine, site=site.limits, level=level, guarded=guarded, knee=program.purpose == "knee"
    )
    return limits if isinstance(limits, Refusals) else compile_program(program, limits, machine)


def _told(judged: Judged) -> list[str]:
    """Why it may not be walked, in sentences."""
    if isinstance(judged, Timeline):
        return []
    return list(judged.sentences) if isinstance(judged, Refusals) else [str(v) for v in judged.violations]


def _records(judged: Judged) -> list[dict[str, Any]]:
    """Why it may not be walked, for a program to read."""
    if isinstance(judged, Violations):
        return [asdict(violation) for violation in judged.violations]
    return [
        {"step": None, "place": "the machine", "problem": sentence, "limit": None}
        for sentence in _told(judged)
    ]


def _row(name: str, site: _Site) -> dict[str, Any]:
    try:
        program = read_program(name, site.own_programs)
    except MalformedProgramError as error:
        return {"program": name, "problem": error.problems[0]}
    judged = _judge(program, site, "spec", program.level, guarded=False)
    problem = None if isinstance(judged, Timeline) else "refused: see `retrowalk programs check`"
    return {"program": name, **_document(program, judged), "problem": problem}


def _document(program: Program, judged: Judged) -> dict[str, Any]:
    """What is known of a program, in the keys of all three commands; null where it may not be walked."""
    timeline = judged if isinstance(judged, Timeline) else None
    seconds = ("total_s", "moving_s", "backward_s", "work_s")
    peaks = {"peak_backward_kmh": Direction.BACKWARD, "peak_forward_kmh": Direction.FORWARD}
    return {
        "name": program.name,
        "level": program.level,
        "purpose": program.purpose or None,
        "description": program.description or None,
        "step_count": timeline and timeline.step_count,
        **{key: timeline and round(getattr(timeline, key), 1) for key in seconds},
        **{key: timeline and kmh(timeline.highest(direction)) for key, direction in peaks.items()},
    }


def _step(segment: Segment) -> dict[str, Any]:
    return {
        "step": segment.step,
        "place": segment.place,
        "kind": segment.kind,
        "direction": segment.direction,
        "duration_s": segment.duration_s,
        "distance_m": segment.distance_m,
        "speed_kmh": [kmh(speed) for speed in segment.speed],
        "incline_percent": percent(segment.incline),
        "cue": segment.cue or None,
        "cooling_down": segment.cooling_down,
        "label": segment.label,
        "plan": [[round(seconds, 2), kmh(speed)] for seconds, speed in segment.knots],
    }


def _table(timeline: Timeline) -> Iterator[str]:
    """One line a step: number, when it begins, what it is, its cue."""
    width = max(len(segment.label) for segment in timeline.segments)
    begins = 0.0
    for segment in timeline.segments:
        at = f"{begins // 60:.0f}:{begins % 60:02.0f}"
        yield f"{segment.step:>3}  {at:>5}  {segment.label:<{width}}  {segment.cue}".rstrip()
        begins += segment.expected_s


def _totals(timeline: Timeline) -> str:
    peak = kmh(timeline.highest(Direction.BACKWARD))
    return (
        f"{words(timeline.total_s)} in all, {words(timeline.backward_s)} backward"
        f" ({words(timeline.work_s)} of work), up to {peak:.1f} km/h backward"
    )
