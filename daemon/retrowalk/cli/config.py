"""`retrowalk config`: check, show and describe the configuration."""

import json
from pathlib import Path

import click

from retrowalk.cli.errors import UserError
from retrowalk.machines import load_machine
from retrowalk.settings import Settings, SettingsError, Treadmill, load_settings

FILE = click.Path(path_type=Path, dir_okay=False)


def settings_or_exit(path: Path | None, *, look_up: bool = False) -> Settings:
    """The settings, or exit 2 with one line for each mistake; with `look_up`, also in what they name."""
    try:
        return load_settings(path, look_up=look_up)
    except SettingsError as error:
        raise UserError(str(error)) from error


@click.group()
def config() -> None:
    """Check, show and describe the configuration.

    The first of these files that exists is taken: --config, $RETROWALK_CONFIG, ./retrowalk.toml,
    ~/.config/retrowalk/retrowalk.toml, /etc/retrowalk/retrowalk.toml.
    """


@config.command()
@click.argument("file", type=FILE, required=False)
@click.option("--config", "named", type=FILE, help="The same as FILE.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def check(file: Path | None, named: Path | None, as_json: bool) -> None:
    """Tell everything that is wrong with FILE, each mistake in one line."""
    if file and named:
        raise click.UsageError("FILE and --config are the same: give one of them.")
    file = file or named
    try:
        settings = settings_or_exit(file, look_up=True)
    except UserError as error:
        if as_json:
            errors = error.message.splitlines()
            click.echo(json.dumps({"file": file and str(file), "ok": False, "errors": errors}))
        raise
    treadmills = [treadmill.id for treadmill in settings.treadmills]
    if as_json:
        click.echo(json.dumps({"file": str(settings.source), "ok": True, "treadmills": treadmills}))
        return
    click.echo(f"{settings.source}: good")
    for treadmill in settings.treadmills:
        why = _not_commissioned(settings, treadmill)
        if why:
            click.echo(f"{treadmill.id} is held to 1.5 km/h backward: {why} (`retrowalk commission`)")
    if not treadmills:
        click.echo(
            "but no treadmill is configured yet: `retrowalk scan` finds yours, then add a [[treadmills]]"
        )


def _not_commissioned(settings: Settings, treadmill: Treadmill) -> str:
    """Why it is not commissioned, as far as files can tell; '' where it is, or is simulated."""
    from retrowalk.certificate import read
    from retrowalk.keepsakes import Keepsakes

    if treadmill.machine is not None and load_machine(treadmill.machine).daemon.commissioned:
        return ""
    return read(Keepsakes(settings.paths.state, treadmill.id, "").commissioned)[1]


@config.command()
@click.option("--config", "file", type=FILE, help="This file instead of the first that is found.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def show(file: Path | None, as_json: bool) -> None:
    """Print the configuration in effect, defaults included, secrets left out."""
    settings = settings_or_exit(file)
    tree = settings.model_dump(mode="json")
    if settings.mqtt.password is not None:
        tree["mqtt"]["password"] = "(set)"  # noqa: S105  (the opposite of a password)
    click.echo(json.dumps(tree) if as_json else _toml(tree, f"from {settings.source}"), nl=as_json)


@config.command()
@click.option("--json", "as_json", is_flag=True, help="It is JSON with and without.")
def schema(as_json: bool) -> None:  # noqa: ARG001  (what prints data takes --json)
    """Print the JSON schema of the configuration, for editors that check TOML."""
    click.echo(json.dumps(Settings.model_json_schema(), indent=2))


def _toml(tree: dict[str, object], heading: str) -> str:
    """Tables and arrays of tables as TOML; what is not set, as a comment."""
    lines = [f"# {heading}"]
    for table, content in tree.items():
        if isinstance(content, dict):
            lines += ["", f"[{table}]", *_keys(content)]
        for entry in content if isinstance(content, list) else ():
            lines += ["", f"[[{table}]]", *_keys(entry)]
    return "\n".join(lines) + "\n"


def _keys(content: dict[str, object]) -> list[str]:
    # A JSON text, number, boolean or list of texts is a TOML one as well.
    return [
        f"# {key} is not set" if value is None else f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in content.items()
    ]
