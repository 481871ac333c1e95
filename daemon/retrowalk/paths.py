"""Where this machine keeps retrowalk's files. Nothing heavy is imported here: `session stop` must be fast."""

import os
from collections.abc import Mapping
from pathlib import Path

Environ = Mapping[str, str]

SYSTEM_CONFIG = Path("/etc/retrowalk/retrowalk.toml")
_SYSTEM_STATE = Path("/var/lib/retrowalk")
_SYSTEM_SOCKET = Path("/run/retrowalk/retrowalk.sock")


def config_candidates(environ: Environ = os.environ) -> list[Path]:
    """Where the configuration is looked for when no --config is given; the first that exists is taken.

    One that RETROWALK_CONFIG names stands alone: a typing error must not bring in the caps of another file.
    """
    if named := environ.get("RETROWALK_CONFIG"):
        return [Path(named)]
    return [Path("retrowalk.toml"), user_config_dir(environ) / "retrowalk.toml", SYSTEM_CONFIG]


def user_config_dir(environ: Environ = os.environ) -> Path:
    """The user's folder for retrowalk.toml, programs and machine files of their own."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "retrowalk"


def state_dir(environ: Environ = os.environ, config: Path | None = None) -> Path:
    """For what must survive a restart: the moving-marker, what a schedule last offered.

    Where `config` is the service's it is the service's, too, whoever asks: its belts are parked by hand.
    """
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if config is not None and config.absolute() == SYSTEM_CONFIG:
        return _SYSTEM_STATE
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "retrowalk"


def socket_path(environ: Environ = os.environ) -> Path:
    """Where a daemon started here listens for `retrowalk session`."""
    if given := environ.get("RETROWALK_SOCKET"):
        return Path(given)
    if given := environ.get("RUNTIME_DIRECTORY"):
        return Path(given.split(":")[0]) / "retrowalk.sock"
    if given := environ.get("XDG_RUNTIME_DIR"):
        return Path(given) / "retrowalk.sock"
    return state_dir(environ) / "retrowalk.sock"


def socket_candidates(environ: Environ = os.environ) -> list[Path]:
    """Where a running daemon may listen: one of this user's first, then the system's."""
    if environ.get("RETROWALK_SOCKET"):
        return [socket_path(environ)]
    return [socket_path(environ), state_dir(environ) / "retrowalk.sock", _SYSTEM_SOCKET]


def sync_folder(folder: Path) -> None:
    """Bring the names in it to the disk; returns when they are there. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
