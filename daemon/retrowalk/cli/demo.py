"""`retrowalk demo`."""

import contextlib
import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from retrowalk.cli.errors import Exit, UserError
from retrowalk.cli.numbers import Whole, Within

if TYPE_CHECKING:  # rich and bumble take half a second: only when the demo runs
    from retrowalk.demo.play import Plan

TARGET_S = 45.0
"""Without --speedup the session takes about so long."""
PORT = 1883


@click.command()
@click.option(
    "--program", "program_name", default="waves-1", show_default=True, help="A program by name or path."
)
@click.option("--speedup", type=Within(0.1, 200), help="Times real time; unset: about 45 s in all.")
@click.option("--machine", default="spec", show_default=True, help="By name or path.")
@click.option("--mqtt-port", type=Whole(1, 65535), help="The broker's port; unset: 1883, or any free one.")
@click.option("--headless", is_flag=True, help="Plain lines, no live view.")
def demo(
    program_name: str, speedup: float | None, machine: str, mqtt_port: int | None, headless: bool
) -> None:
    """A whole session on a simulated treadmill: exit 0 if it was completed and the belt rests.

    Ctrl-C ends it early: the belt is brought to rest first.
    """
    from rich.console import Console

    from retrowalk.core.model import Snapshot
    from retrowalk.demo import play, view
    from retrowalk.hub import Hub
    from retrowalk.logs import configure_logging
    from retrowalk.machines import MachineFileError, load_machine
    from retrowalk.mqtt.broker import BrokerError
    from retrowalk.programs import MalformedProgramError, UnknownProgramError, read_program

    # What goes wrong is told in a sentence at the end.
    click.get_current_context().call_on_close(configure_logging("auto", "critical"))
    try:
        machine_file = load_machine(machine)
        program = read_program(program_name, or_path=True)
        planned = play.planned_s(program, machine_file)
    except (MachineFileError, UnknownProgramError, MalformedProgramError) as error:
        raise UserError(str(error), Exit.USAGE) from error
    rate = speedup or max(1.0, math.ceil(planned / TARGET_S))
    plan = play.Plan(program, machine, machine_file, rate)

    console = Console()
    lines, transcript = view.Lines(sys.stdout), view.Transcript()
    in_view = console.is_terminal and not headless

    @contextlib.contextmanager
    def show(hub: Hub) -> Iterator[None]:
        if in_view:
            with view.live(hub, transcript, plan, console):
                yield
        else:
            yield

    def look(state: Snapshot) -> None:
        if not in_view:
            on_change(state)

    on_change = view.each_change(lines)
    try:
        with play.broker(mqtt_port or PORT, demanded=mqtt_port is not None) as broker:
            for line in _introduction(plan, None if broker is None else broker.port):
                lines.line(line)
            url = None if broker is None else broker.url
            stage = play.Stage(lambda _: [transcript if in_view else lines], show, look)
            result = play.play(plan, url, stage)
    except BrokerError as error:
        raise UserError(str(error), Exit.UNREACHABLE) from error
    for line in view.summary(result, plan):
        lines.line(line)
    if result.interrupted:
        raise SystemExit(128 + result.interrupted)
    if result.refused or not (result.completed and result.at_rest):
        raise UserError(view.ending(result), Exit.REFUSED if result.refused else Exit.FAILED)


def _introduction(plan: "Plan", port: int | None) -> Iterator[str]:
    yield f"{plan.program.name}, {plan.speedup:g} times as fast as real time."
    yield f"The treadmill is {plan.machine.name}: {plan.machine.about[:1].lower()}{plan.machine.about[1:]}"
    if port is None:
        yield "No MQTT: no broker is installed (apt install mosquitto)."
    else:
        yield f"Watch it:  mosquitto_sub -h 127.0.0.1 -p {port} -t 'retrowalk/#' -v"
