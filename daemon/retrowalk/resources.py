"""Where the shipped data lies: `config/` and `systemd/`, in a checkout and in an installed wheel alike."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def config_dir() -> Path:
    """The shipped `config/`: `retrowalk.toml`, `programs/`, `treadmills/`; FileNotFoundError if gone."""
    return _folder("config")


def systemd_dir() -> Path:
    """The shipped `systemd/`: the unit and its sysusers and tmpfiles; FileNotFoundError if gone."""
    return _folder("systemd")


def _folder(name: str, package: Path = _PACKAGE) -> Path:
    """A wheel carries its data inside the package; in a checkout `daemon/` stands beside the folder."""
    for folder in (package / "_data" / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"no {name}/ folder beside {package}: the installation is incomplete, install again"
    )
