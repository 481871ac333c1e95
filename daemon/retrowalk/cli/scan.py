"""`retrowalk scan`."""

import asyncio
import json

import click

from blefit.ftms.advertisement import MachineType
from retrowalk.ble.errors import LinkError
from retrowalk.ble.scanner import Found
from retrowalk.ble.scanner import scan as listen
from retrowalk.cli.bluetooth import adapter_option, bluetooth
from retrowalk.cli.errors import Exit, UserError
from retrowalk.cli.numbers import Within

_STATES = {True: "available", False: "in use", None: "unknown"}


@click.command()
@click.option("--seconds", type=Within(0.5, 120), default=5.0, show_default=True, help="How long.")
@adapter_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def scan(seconds: float, adapter: str | None, as_json: bool) -> None:
    """List the fitness machines in the air, the nearest first."""
    try:
        found = asyncio.run(listen(seconds, bluetooth(adapter)))
    except LinkError as error:
        raise UserError(str(error), Exit.UNREACHABLE) from error
    tell(found, seconds, as_json=as_json)


def tell(found: list[Found], seconds: float, *, as_json: bool) -> None:
    """Print what was found in so many seconds; that there was nothing is no data, and goes to stderr."""
    if as_json:
        for machine in found:
            click.echo(json.dumps(as_document(machine)))
    elif found:
        click.echo(table(found))
    else:
        click.echo(
            f"no fitness machine was heard in {seconds:g} s: switch it on, wake its console, and disconnect"
            " other apps from it",
            err=True,
        )


def as_document(machine: Found) -> dict[str, object]:
    """The keys of `scan --json`."""
    return {
        "name": machine.name or None,
        "address": machine.address,
        "rssi_dbm": machine.rssi,
        "machine_types": _types(machine.machine_types),
        "available": machine.available,
    }


def table(found: list[Found]) -> str:
    """For a person."""
    rows = [("NAME", "ADDRESS", "RSSI", "TYPE", "STATE")]
    for machine in found:
        signal = "connected" if machine.rssi is None else f"{machine.rssi} dBm"
        types = ", ".join(_types(machine.machine_types)) or "unknown"
        rows.append((machine.name or "(no name)", machine.address, signal, types, _STATES[machine.available]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _types(types: MachineType) -> list[str]:
    return [kind.name.lower() for kind in MachineType if kind in types and kind.name]
