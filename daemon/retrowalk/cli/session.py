"""`retrowalk session`: talk to the running daemon. Imports little: `session stop` must be there at once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from retrowalk.cli.errors import Exit, UserError
from retrowalk.cli.numbers import Within
from retrowalk.local.client import DaemonClient, DaemonError, Line
from retrowalk.paths import socket_candidates

_CORD = "The safety cord is the emergency stop; this one is a convenience."


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--treadmill", metavar="ID", help="Which one, where the daemon has several."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
    ):
        command = option(command)
    return command


_wait = click.option("--wait", is_flag=True, help="Wait until it is done, not only accepted.")


@click.group()
def session() -> None:
    """Talk to the running daemon.

    Nothing here starts the belt: start and resume only offer, and an act at the machine does the rest.
    """


@session.command()
@click.argument("program")
@click.option("--walker", help="Who walks.")
@_wait
@_options
def start(program: str, walker: str | None, wait: bool, treadmill: str | None, as_json: bool) -> None:
    """Offer a session of PROGRAM, by its name."""
    keys = {"program": program} | ({"walker": walker} if walker else {})
    _command("start", treadmill, as_json, wait, **keys)


@session.command()
@_wait
@_options
def pause(wait: bool, treadmill: str | None, as_json: bool) -> None:
    """Bring the belt to rest; the session goes on later."""
    _command("pause", treadmill, as_json, wait)


@session.command()
@_wait
@_options
def resume(wait: bool, treadmill: str | None, as_json: bool) -> None:
    """Offer to go on after a pause."""
    _command("resume", treadmill, as_json, wait)


@session.command()
@_wait
@_options
def skip(wait: bool, treadmill: str | None, as_json: bool) -> None:
    """Go on to the next step; never past a turn or a rest."""
    _command("skip", treadmill, as_json, wait)


@session.command(epilog=_CORD)
@_wait
@_options
def stop(wait: bool, treadmill: str | None, as_json: bool) -> None:
    """Stop the belt and end the session; without --treadmill, on every treadmill."""
    _command("stop", treadmill, as_json, wait)


@session.command()
@_wait
@_options
def ack(wait: bool, treadmill: str | None, as_json: bool) -> None:
    """Silence the alarm; a fault is cleared at the machine."""
    _command("ack_fault", treadmill, as_json, wait)


@session.command()
@click.argument("kmh", type=Within(0, 100))
@_wait
@_options
def cap(kmh: float, wait: bool, treadmill: str | None, as_json: bool) -> None:
    """Lower the speed cap of this session to KMH; it cannot be raised again."""
    _command("set_cap", treadmill, as_json, wait, kmh=kmh)


@session.command()
@_options
def status(treadmill: str | None, as_json: bool) -> None:
    """Print the state of the treadmill once."""
    with _daemon() as daemon:
        daemon.ask("status", treadmill)
        answer = next(_lines(daemon))
        for state in answer["states"]:
            _show(state, as_json)


@session.command()
@_options
def watch(treadmill: str | None, as_json: bool) -> None:
    """Print states and events as they come, until interrupted."""
    with _daemon() as daemon:
        daemon.ask("watch", treadmill)
        for line in _lines(daemon, forever=True):
            _show(line, as_json)


@contextmanager
def _daemon() -> Iterator[DaemonClient]:
    try:
        with DaemonClient(socket_candidates()) as daemon:
            yield daemon
    except DaemonError as error:
        raise UserError(str(error), Exit.UNREACHABLE) from error


def _lines(daemon: DaemonClient, *, forever: bool = False) -> Iterator[Line]:
    """What the daemon says; a mistake in the question ends the command."""
    for line in daemon.listen(forever=forever):
        if line["kind"] == "error":
            raise UserError(line["reason"])
        yield line


def _command(command: str, treadmill: str | None, as_json: bool, wait: bool, **keys: object) -> None:
    """Send it, print what becomes of it on each treadmill; exit 4 where refused, 1 where failed."""
    code = Exit.DONE
    with _daemon() as daemon:
        daemon.ask(command, treadmill, **keys)
        waiting: set[str] = set()
        for line in _lines(daemon, forever=wait):
            if line["kind"] == "sent":
                waiting = set(line["treadmills"])
                continue
            outcome = line["outcome"]
            if as_json:
                click.echo(json.dumps(line))
            else:
                _tell(line)
            code = {"refused": Exit.REFUSED, "failed": Exit.FAILED}.get(outcome, code)
            if outcome != "accepted" or not wait:
                waiting.discard(line["treadmill"])
            if not waiting:
                break
    if code:
        raise click.exceptions.Exit(code)


def _tell(reply: Line) -> None:
    command = click.get_current_context().info_name
    where = f"{reply['treadmill']}: " if reply["treadmill"] else ""
    why = f": {reply['reason']}" if reply["reason"] else ""
    bad = reply["outcome"] in {"refused", "failed"}
    click.echo(f"{'retrowalk: ' if bad else ''}{where}{command} {reply['outcome']}{why}", err=bad)


def _show(line: Line, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(line))
    elif line["kind"] == "event":
        told = {key: value for key, value in line.items() if key not in {"kind", "treadmill", "time", "type"}}
        details = ", ".join(f"{key} {value}" for key, value in told.items() if value is not None)
        click.echo(f"{line['treadmill']}: {line['type'].replace('_', ' ')}{': ' if details else ''}{details}")
    else:
        click.echo(f"{line['treadmill']}: {_state(line)}")


def _state(state: Line) -> str:
    """A state in one line for a person; what is not known is left out."""
    if state.get("phase") is None:
        return "nothing is known yet"
    walking = state["direction"] != "standing"
    parts = [state["phase"].replace("_", " ") + (f" {state['direction']}" if walking else "")]
    if state["measured_speed_kmh"] is not None:
        of_cap = f" (cap {state['cap_kmh']:.1f})" if state["cap_kmh"] is not None else ""
        parts.append(f"{state['measured_speed_kmh']:.1f} km/h{of_cap}")
    if state["step_index"] is not None:
        parts.append(
            f"step {state['step_index']} of {state['step_count']}, {_clock(state['step_remaining_s'])} left"
        )
    if state["next_step"]:
        parts.append(f"next: {state['next_step']}")
    if state["distance_m"]:
        parts.append(f"{state['distance_m']:.0f} m")
    if state["awaiting"]:
        parts.append(f"waiting at the machine for: {state['awaiting']}")
    if state["fault"]:
        parts.append(f"FAULT: {state['fault']}")
    if state["link"] != "connected":
        parts.append(f"link: {state['link']}")
    return " · ".join(parts)


def _clock(seconds: float | None) -> str:
    return "?" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
