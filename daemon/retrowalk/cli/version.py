"""`retrowalk version`."""

import json
import platform

import click

from retrowalk import __version__


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def version(as_json: bool) -> None:
    """Print the version."""
    told = {"version": __version__, "python": platform.python_version(), "system": platform.platform()}
    click.echo(json.dumps(told) if as_json else f"retrowalk {__version__}")
