"""The shipped data is found, from a checkout and from an installed wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from retrowalk import resources

ROOT = Path(__file__).parents[1]


def test_a_checkout_has_its_data_beside_the_code() -> None:
    assert resources.config_dir() == ROOT / "config"
    assert resources.systemd_dir() == ROOT / "systemd"


def test_a_wheel_carries_its_data_inside(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "from retrowalk.resources import config_dir, systemd_dir\n"
        "print((config_dir() / 'retrowalk.toml').is_file(), (config_dir() / 'programs').is_dir())\n"
        "print((systemd_dir() / 'retrowalk.service').is_file(), config_dir())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd="/", check=True, capture_output=True, text=True
    )
    assert told.stdout.split() == ["True", "True", "True", str(installed / "retrowalk/_data/config")]


def test_an_incomplete_installation_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="install again"):
        resources._folder("config", tmp_path / "lib" / "retrowalk")
