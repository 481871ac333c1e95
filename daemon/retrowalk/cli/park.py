"""`retrowalk park`."""

import asyncio
import json
from pathlib import Path

import click

from retrowalk.cli.config import FILE, settings_or_exit
from retrowalk.cli.errors import Exit, UserError


@click.command()
@click.option("--config", "file", type=FILE, help="This file instead of the first that is found.")
@click.option("--json", "in_json", is_flag=True, help="One JSON document.")
def park(file: Path | None, in_json: bool) -> None:
    """Stop the belt now if a session that is gone may have left it moving."""
    settings = settings_or_exit(file)
    from retrowalk.logs import configure_logging
    from retrowalk.park import park as park_all

    configure_logging(settings.log.format, settings.log.level)
    parked = asyncio.run(park_all(settings))
    if in_json:
        told = [{"treadmill": p.treadmill, "at_rest": p.at_rest, "reached": p.reached} for p in parked]
        click.echo(json.dumps(told))
    elif not parked:
        click.echo("Nothing to park: no session left a belt moving.")
    for one in parked:
        if not in_json and one.at_rest:
            click.echo(f"{one.treadmill}: the belt is at rest.")
    for one in parked:
        if not one.reached:
            raise UserError(f"{one.treadmill} could not be reached: pull its safety cord", Exit.UNREACHABLE)
        if not one.at_rest:
            raise UserError(f"{one.treadmill} is not known to rest: pull its safety cord", Exit.FAILED)
