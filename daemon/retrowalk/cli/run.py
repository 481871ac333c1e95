"""`retrowalk run`."""

from pathlib import Path

import click

from retrowalk.cli.config import FILE, settings_or_exit
from retrowalk.cli.errors import Exit, UserError


@click.command()
@click.option("--config", "file", type=FILE, help="This file instead of the first that is found.")
def run(file: Path | None) -> None:
    """Run the daemon until it is told to end: Ctrl-C, SIGTERM or a terminal that closes bring the belt
    to rest first. Ctrl-Z does nothing: a daemon that stands still guards no belt."""
    settings = settings_or_exit(file, look_up=True)
    if not settings.treadmills:
        raise UserError(
            f"{settings.source}: no treadmill is configured: find yours with `retrowalk scan`"
            " and add a [[treadmills]] table with its id and address"
        )
    from retrowalk.app import run as run_app
    from retrowalk.cli.bluetooth import bluetooth
    from retrowalk.logs import configure_logging
    from retrowalk.mqtt.broker import BrokerError
    from retrowalk.supervise import StateFolderError, only_one

    click.get_current_context().call_on_close(configure_logging(settings.log.format, settings.log.level))
    try:
        with only_one(settings.paths.state):
            interrupted = run_app(settings, bluetooth())
    except StateFolderError as error:
        raise UserError(str(error), Exit.FAILED) from error
    except BrokerError as error:
        raise UserError(str(error), Exit.UNREACHABLE) from error
    if interrupted:
        raise SystemExit(Exit.INTERRUPTED)
