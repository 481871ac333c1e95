"""Find the file, read it, add the secrets; or tell everything that is wrong with it."""

import contextlib
import json
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr, ValidationError

from retrowalk import paths
from retrowalk.settings.lookup import missing
from retrowalk.settings.model import Settings
from retrowalk.settings.sentences import line_of, sentence, what
from retrowalk.settings.together import misfits, table


class SettingsError(Exception):
    """The configuration cannot be used; `problems` has one sentence for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_settings(
    path: Path | None = None, environ: paths.Environ = os.environ, *, look_up: bool = False
) -> Settings:
    """The settings of `path`, or of the first file of the search order, with their secrets.

    With `look_up` the machines and programs that it names have to be there, too.
    Raises SettingsError: no such file, no TOML, or any key that is unknown, of a wrong kind or out of bounds.
    """
    found = _find(path, environ)
    if found is None:
        looked = ", ".join(str(candidate) for candidate in _candidates(path, environ))
        raise SettingsError([f"there is no configuration file at {looked}: name one with --config"])
    try:
        text = found.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError([f"{found}: octet {error.start} is not UTF-8: save the file as UTF-8"]) from error
    except OSError as error:
        raise SettingsError([f"{found}: cannot be read: {error.strerror}"]) from error
    settings = parse_settings(text, str(found), environ, look_up=look_up)
    return _with_state(settings.paths.state_dir, settings, found, environ).read_from(found)


def salvaged(path: Path | None = None, environ: paths.Environ = os.environ) -> Settings:
    """Of a file that load_settings refuses, at least where its state lies: what was left moving is there."""
    found = _find(path, environ)
    told: object = None
    with contextlib.suppress(OSError, ValueError):
        text = "" if found is None else found.read_text(encoding="utf-8")
        told = table(tomllib.loads(text), "paths").get("state_dir")
    folder = Path(told) if isinstance(told, str) and told else None
    return _with_state(folder, Settings(), found, environ)


def _candidates(path: Path | None, environ: paths.Environ) -> list[Path]:
    return [path] if path else paths.config_candidates(environ)


def _find(path: Path | None, environ: paths.Environ) -> Path | None:
    return next(filter(_is_there, _candidates(path, environ)), None)


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # reading it will tell why it cannot be
        return True


def _with_state(
    folder: Path | None, settings: Settings, file: Path | None, environ: paths.Environ
) -> Settings:
    placed = settings.paths.model_copy(update={"state_dir": folder or paths.state_dir(environ, file)})
    return settings.model_copy(update={"paths": placed})


def parse_settings(
    text: str,
    name: str = "retrowalk.toml",
    environ: paths.Environ = os.environ,
    *,
    look_up: bool = False,
) -> Settings:
    """The settings of a TOML text; its mistakes are told under `name`. Raises SettingsError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_syntax_error(name, text, str(error))]) from error
    settings, problems = Settings(), list(misfits(tree))
    if look_up:
        problems += missing(tree)
    try:
        # By way of JSON: there a list may become a tuple while "1.5" still is no number.
        settings = Settings.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        problems += [(one["loc"], what(one)) for one in error.errors()]
    if problems:
        placed = sorted(
            (line_of(text, where) or 0, sentence(name, text, where, told)) for where, told in problems
        )
        raise SettingsError([told for _, told in placed])
    password = _mqtt_password(environ)
    if password is None:
        return settings
    mqtt = settings.mqtt.model_copy(update={"password": SecretStr(password)})
    return settings.model_copy(update={"mqtt": mqtt})


def _syntax_error(name: str, text: str, told: str) -> str:
    """tomllib's words, with the place in front: `FILE:LINE:COLUMN: words`."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", told)
    if place is None:
        return f"{name}: {told}"
    line, column = place[1] or len(text.splitlines()), place[2] or 1
    return f"{name}:{line}:{column}: this is not TOML: {told[: place.start()].lower()}"


def _mqtt_password(environ: paths.Environ) -> str | None:
    """From the environment, or from the file that the service manager's LoadCredential= put there."""
    if given := environ.get("RETROWALK_MQTT_PASSWORD"):
        return given
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        return (Path(folder) / "mqtt_password").read_text(encoding="utf-8").rstrip("\r\n") or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"the credential mqtt_password cannot be read: {error}"]) from error
