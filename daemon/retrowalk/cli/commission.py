"""`retrowalk commission`: the empty-belt test, by a person who stands at the machine."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrowalk.cli.config import FILE, settings_or_exit
from retrowalk.cli.errors import Exit, UserError

if TYPE_CHECKING:
    from retrowalk.commission import Examination, Outcome
    from retrowalk.settings import Settings, Treadmill

WORDS = "the belt is empty"
BEFORE = """\
This moves the belt of {name}, slowly, with NOBODY on it: to 1.5 km/h, for some four minutes.
Take everything off the belt. Stand beside it, the safety cord in your hand: the cord is the emergency stop.
Enter answers what is asked. While nothing is asked, Enter stops the belt, and so does Ctrl-C.
"""
SIMULATED_SPEEDUP = 5.0
CORD_S = 3.0
"""After so long under the alarm the cord of a simulated machine is pulled, for nobody can."""


@click.command()
@click.argument("wanted", metavar="ADDRESS", required=False)
@click.option("--machine", metavar="NAME", help="Practise on a simulated machine; nothing is kept.")
@click.option("--config", "file", type=FILE, help="This file instead of the first that is found.")
@click.option("--json", "in_json", is_flag=True, help="One JSON document at the end; the rest on stderr.")
def commission(wanted: str | None, machine: str | None, file: Path | None, in_json: bool) -> None:
    """Test the empty belt of the treadmill of that ADDRESS (or id), and keep what is found for it.

    Until then a machine is held to 1.5 km/h backward. A person has to stand at the machine: every start is
    confirmed with Enter.
    """
    if (wanted is None) == (machine is None):
        raise click.UsageError("Give the ADDRESS or id of a treadmill, or --machine NAME.")
    if not sys.stdin.isatty():
        raise UserError(
            "a person at the machine has to confirm each start: run it in a terminal there", Exit.REFUSED
        )
    from retrowalk.logs import configure_logging
    from retrowalk.supervise import HeldError, StateFolderError, only_one

    click.get_current_context().call_on_close(configure_logging("auto", "critical"))
    if machine is not None:
        outcome = _practise(machine)
    else:
        settings = settings_or_exit(file, look_up=True)
        treadmill = chosen(settings, wanted or "")
        try:
            with only_one(settings.paths.state, "commission"):
                agree(treadmill.name)
                outcome = asyncio.run(_examine(settings, treadmill))
        except HeldError as error:
            raise UserError(str(error), Exit.REFUSED) from error
        except StateFolderError as error:
            raise UserError(str(error), Exit.FAILED) from error
    conclude(outcome, in_json=in_json)


def chosen(settings: "Settings", wanted: str) -> "Treadmill":
    """The configured treadmill of that address or id; a UserError says what to add to the configuration."""
    for treadmill in settings.treadmills:
        if wanted == treadmill.id or wanted.casefold() == (treadmill.address or "").casefold():
            return treadmill
    known = ", ".join(treadmill.id for treadmill in settings.treadmills) or "none"
    raise UserError(
        f"{wanted} is no treadmill of {settings.source or 'the configuration'} ({known}): add a"
        " [[treadmills]] table with an id and this address first: `retrowalk park` has to find its belt, too"
    )


def agree(name: str) -> None:
    """The person has to say so in words."""
    click.echo(BEFORE.format(name=name), err=True)
    click.echo(f'Type "{WORDS}" to begin: ', err=True, nl=False)
    if " ".join(sys.stdin.readline().casefold().split()) != WORDS:
        raise UserError("nothing was started", Exit.REFUSED)


async def _examine(settings: "Settings", treadmill: "Treadmill") -> "Outcome":
    from retrowalk import __version__
    from retrowalk.app import recorder
    from retrowalk.cli.bluetooth import bluetooth
    from retrowalk.clock import utc_now
    from retrowalk.commission import Examination
    from retrowalk.journal.tape import Tape
    from retrowalk.keepsakes import Keepsakes
    from retrowalk.voice import Terminal, Voice

    target = treadmill.address or treadmill.match or ""
    keepsakes = Keepsakes(settings.paths.state, treadmill.id, target)
    journal = recorder(Tape(treadmill.id, __version__, utc_now), settings, treadmill.id)
    voice = Voice([Terminal()])
    try:
        return await attended(Examination(treadmill, keepsakes, voice, backend=bluetooth(), journal=journal))
    finally:
        voice.close()


def _practise(name: str) -> "Outcome":
    from retrowalk.machines import MachineFileError, load_machine
    from retrowalk.sim.loops import scaled_loop

    try:
        load_machine(name)
    except MachineFileError as error:
        raise UserError(str(error)) from error
    agree(f"{name}, which is only simulated ({SIMULATED_SPEEDUP:g} times as fast as real time)")
    with (
        tempfile.TemporaryDirectory(prefix="retrowalk-commission-") as folder,
        asyncio.Runner(loop_factory=partial(scaled_loop, SIMULATED_SPEEDUP)) as runner,
    ):
        return runner.run(_practise_in(Path(folder), name))


async def _practise_in(folder: Path, name: str) -> "Outcome":
    from retrowalk.commission import Examination
    from retrowalk.keepsakes import Keepsakes
    from retrowalk.machines import load_machine
    from retrowalk.settings import Treadmill
    from retrowalk.sim.room import ADDRESS, Room
    from retrowalk.voice import Terminal, Voice

    room = Room(load_machine(name))
    treadmill = Treadmill(id="practice", address=ADDRESS, machine=name)
    voice = Voice([Terminal()])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(room.open())
        stack.callback(voice.close)
        examination = Examination(
            treadmill, Keepsakes(folder, "practice", ADDRESS), voice, backend=room.backend, offload=_at_once
        )
        cord = asyncio.create_task(_pull_when_told(examination, room.treadmill.safety_key.pull))
        stack.callback(cord.cancel)
        return await attended(examination)


async def _at_once(block: Callable[[], None]) -> None:
    block()


async def _pull_when_told(examination: "Examination", pull: Callable[[], None]) -> None:
    from retrowalk.core.faults import CORD

    while CORD not in examination.commissioner.alarm:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.25)
    await asyncio.sleep(CORD_S)
    click.echo("(the cord of the simulated machine is pulled)", err=True)
    pull()


async def attended(examination: "Examination") -> "Outcome":
    """Run it with this terminal: its lines are the person's words, Ctrl-C is a Stop, twice the end."""
    from retrowalk.terminal import in_lines, listen, on_end

    said, signals = count(1), list[int]()

    def stop() -> None:
        say(examination, "stop", next(said))

    def end(number: int) -> None:
        signals.append(number)
        stop()

    on_end(end)
    listen(in_lines(lambda line: say(examination, line.strip(), next(said))), ended=stop)
    return await examination.run(given_up=lambda: len(signals) > 1)


def say(examination: "Examination", text: str, number: int) -> None:
    """One line: Enter, or yes, answers what is asked; everything else, or with nothing asked, is a Stop."""
    from retrowalk.core.model import Confirm, Request, StopSession

    asked = examination.commissioner.awaiting
    ask = Confirm(asked) if asked is not None and text.casefold() in {"", "y", "yes"} else StopSession()
    examination.station.submit(Request(f"line-{number}", "terminal", ask))


def conclude(outcome: "Outcome", *, in_json: bool) -> None:
    """Tell what was found, and end as it ended."""
    from retrowalk.commission import as_document, findings

    verdict = outcome.verdict
    if in_json:
        told = {"passed": verdict.passed, "why": verdict.why or None, "quarantined": verdict.unsafe}
        click.echo(
            json.dumps({**told, "at_rest": outcome.at_rest, "measured": as_document(outcome.measured)})
        )
    else:
        rows = findings(outcome.measured)
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        for what, value, meaning in rows:
            click.echo(f"  {what.ljust(widths[0])}  {value.ljust(widths[1])}  {meaning}".rstrip())
        if verdict.passed:
            click.echo("Commissioned.")
    if not outcome.at_rest:
        raise UserError("PULL THE CORD: the belt is not known to rest; then `retrowalk park`", Exit.FAILED)
    if verdict.why == "it was stopped":
        raise UserError(f"not commissioned: {verdict.why}", Exit.INTERRUPTED)
    if not outcome.reached:
        raise UserError(verdict.why, Exit.UNREACHABLE)
    if outcome.kept:
        raise UserError(f"the result is not kept: {outcome.kept}", Exit.FAILED)
    if verdict.unsafe:
        raise UserError(f"not commissioned, and in quarantine: {verdict.why}", Exit.REFUSED)
    if not verdict.passed:
        raise UserError(f"not commissioned: {verdict.why}", Exit.FAILED)
