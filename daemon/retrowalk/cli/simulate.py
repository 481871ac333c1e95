"""`retrowalk simulate`."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrowalk.ble.errors import Unreachable
from retrowalk.cli.config import FILE
from retrowalk.cli.errors import Exit, UserError
from retrowalk.terminal import in_lines, listen

if TYPE_CHECKING:  # bumble and rich take half a second: only when the simulation runs
    from retrowalk.sim.exhibit import Event, Exhibit
    from retrowalk.sim.model.traced import Traced
    from retrowalk.sim.model.treadmill import Treadmill
    from retrowalk.sim.script import Step

_ADDRESS = "F2:00:00:00:18:26"
"""Random static, as Bumble's link wants it; not that of the demo."""


@click.command()
@click.option("--machine", show_default="spec", help="By name or path.")
@click.option(
    "--transport",
    "transports",
    multiple=True,
    default=["local"],
    show_default=True,
    help="One of Bumble's, such as tcp-server:127.0.0.1:7780, vhci or usb:0; or local, for the panel alone. "
    "Several where other programs come to it: an adapter each.",
)
@click.option("--script", type=FILE, help="What people do at the machine, and when: a line an act.")
@click.option("--trace", type=FILE, help="A recorded session in the machine's place, as it was.")
@click.option("--session", metavar="NAME", help="Of several in that file this one, not the first.")
@click.option("--json", "in_json", is_flag=True, help="One JSON object a line for each event, no panel.")
def simulate(
    *,
    machine: str | None,
    transports: tuple[str, ...],
    script: Path | None,
    trace: Path | None,
    session: str | None,
    in_json: bool,
) -> None:
    """The simulated treadmill alone, as a real Bluetooth peripheral, until Ctrl-C.

    What people do at it comes from the keys of the panel, without a terminal from lines on stdin ("start",
    "speed 2.5", "key-out", "cut"), and from a script, where each line begins with its second ("20 stop").
    """
    from retrowalk.logs import configure_logging
    from retrowalk.sim.transports import is_for_a_host, mistake

    if trace is not None and machine is not None:
        raise UserError("a trace is a machine of its own: give --trace or --machine")
    if session is not None and trace is None:
        raise UserError("--session is one of a --trace file: give that, too")
    for transport in transports:
        if transport != "local" and (problem := mistake(transport)):
            raise UserError(problem)
        if len(transports) > 1 and not is_for_a_host(transport):
            raise UserError(
                f"{transport} goes alone: only where other programs come to it can there be several"
            )
    shown = _treadmill(machine or "spec") if trace is None else _recorded(trace, session)
    steps = _steps(script) if script else []
    click.get_current_context().call_on_close(configure_logging("auto", "error"))
    try:
        interrupted = asyncio.run(_simulate(shown, transports, steps, in_json=in_json))
    except Unreachable as error:
        raise UserError(str(error), Exit.UNREACHABLE) from error
    if interrupted:
        raise SystemExit(Exit.INTERRUPTED)


def _treadmill(name: str) -> "Treadmill":
    from retrowalk.machines import MachineFileError, load_machine
    from retrowalk.sim.machines import quirks_of
    from retrowalk.sim.model.treadmill import Treadmill

    try:
        return Treadmill(quirks_of(load_machine(name)))
    except MachineFileError as error:
        raise UserError(str(error)) from error


def _recorded(file: Path, session: str | None) -> "Traced":
    from retrowalk.sim.model.traced import Traced
    from retrowalk.sim.trace import TraceError, load

    try:
        traces = {trace.id: trace for trace in load(file)}
    except TraceError as error:
        raise UserError(str(error)) from error
    if not traces:
        raise UserError(f"{file} holds no session")
    if session is None:
        session = next(iter(traces))
    if session not in traces:
        raise UserError(f"{file} holds no session {session!r}: it has {', '.join(traces)}")
    return Traced(traces[session])


def _steps(script: Path) -> "Sequence[Step]":
    from retrowalk.sim.script import ScriptError, parse_script

    try:
        return parse_script(script.read_text(encoding="utf-8"))
    except ScriptError as error:
        raise UserError("\n".join(f"{script}: {line}" for line in str(error).splitlines())) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{script} cannot be read: {error}") from error


async def _simulate(
    machine: "Treadmill | Traced", transports: "Sequence[str]", script: "Sequence[Step]", *, in_json: bool
) -> bool:
    """Until it is told to end; True if by Ctrl-C. Raises Unreachable, also when its radio is lost."""
    from retrowalk.cli import panel
    from retrowalk.sim.exhibit import TreadmillExhibit, exhibit
    from retrowalk.sim.model.treadmill import Treadmill

    over = asyncio.Event()
    signals: list[int] = []

    def end(number: int) -> None:
        signals.append(number)
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    has_panel = isinstance(machine, Treadmill)
    in_panel = has_panel and sys.stdin.isatty() and sys.stdout.isatty() and not in_json
    history = panel.History()
    tell = history.add if in_panel else _tell_json if in_json else _tell_line
    async with exhibit(machine, _ADDRESS, transports, tell, over) as shown, asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(shown.follow(script))]
        with contextlib.ExitStack() as screen:
            if in_panel and isinstance(shown, TreadmillExhibit):
                screen.enter_context(panel.keyboard())
                beside.append(tasks.create_task(panel.live(shown, history)))
                listen(partial(panel.press, shown))
            else:
                listen(in_lines(partial(act, shown)))
            await over.wait()
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
    if shown.place.is_lost:
        raise Unreachable(f"{transports[0]}: the Bluetooth controller is gone")
    return signals[:1] == [signal.SIGINT]


def act(shown: "Exhibit", line: str) -> None:
    """Do what that line says; what is no act is told on stderr."""
    from retrowalk.sim.script import ScriptError, parse_act

    if line.strip():
        try:
            shown.do(parse_act(line), "stdin")
        except ScriptError as error:
            click.echo(f"retrowalk: {error}", err=True)


def _tell_json(event: "Event") -> None:
    click.echo(json.dumps(event | {"t": round(event["t"], 3)}))


def _tell_line(event: "Event") -> None:
    from retrowalk.cli.panel import sentence

    click.echo(f"{event['t']:8.2f}  {sentence(event)}")
