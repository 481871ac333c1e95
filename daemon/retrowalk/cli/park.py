"""`retrowalk park`."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import click

from retrowalk.cli.config import FILE
from retrowalk.cli.errors import Exit, UserError
from retrowalk.settings import SettingsError, load_settings, salvaged


@click.command()
@click.option("--config", "file", type=FILE, help="This file instead of the first that is found.")
@click.option("--json", "in_json", is_flag=True, help="One JSON document.")
def park(file: Path | None, in_json: bool) -> None:
    """Stop the belt now if a session that is gone may have left it moving."""
    try:
        settings, broken = load_settings(file), None
    except SettingsError as error:  # a broken file must not keep a belt moving: its marker tells enough
        settings, broken = salvaged(file), UserError(str(error))
        broken.show()
    from retrowalk.cli.bluetooth import bluetooth
    from retrowalk.logs import configure_logging
    from retrowalk.park import left_moving
    from retrowalk.park import park as park_all
    from retrowalk.supervise import StateFolderError
    from retrowalk.terminal import undisturbed

    click.get_current_context().call_on_close(configure_logging(settings.log.format, settings.log.level))
    try:
        if left_moving(settings.paths.state):
            with undisturbed(), _alone(settings.paths.state):
                parked = asyncio.run(park_all(settings, bluetooth()))
        else:
            parked = []
    except StateFolderError as error:
        raise UserError(str(error), Exit.FAILED) from error
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
    if broken is not None:
        click.get_current_context().exit(broken.exit_code)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No daemon and no other park has the treadmills; a folder that takes no lock must not stop us."""
    from retrowalk.supervise import HeldError, StateFolderError, only_one

    with contextlib.ExitStack() as held:
        try:
            held.enter_context(only_one(folder, "park"))
        except HeldError as error:
            raise UserError(f"nothing was parked: {error}", Exit.REFUSED) from error
        except StateFolderError as error:
            click.echo(f"retrowalk: {error}", err=True)
        yield
