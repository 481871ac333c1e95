"""What a fresh machine installs is pinned, hashed, and from wherever that machine gets its packages."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENTS = (ROOT / "requirements.txt").read_text()


def test_requirements_name_no_index_and_every_one_is_pinned_and_hashed() -> None:
    assert "://" not in REQUIREMENTS
    assert not re.search(r"^\s*-", REQUIREMENTS.replace("    --hash", ""), re.MULTILINE)
    pins = re.split(r"\n(?=\w)", REQUIREMENTS.strip())
    assert len(pins) > 40
    for pin in pins:
        assert re.match(r"[\w.-]+==[\w.+]+", pin)
        assert "--hash=sha256:" in pin


def test_everything_that_the_project_asks_for_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["demo"],
        *project["dependency-groups"]["dev"],
        *project["dependency-groups"]["build"],
    ]
    pinned = set(re.findall(r"^([\w.-]+)==", REQUIREMENTS, re.MULTILINE))
    assert {re.match(r"[\w-]+", name)[0] for name in asked} <= pinned


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout with nothing built, and a PATH with the usual tools and no Python."""
    (tmp_path / "checkout/.ci").mkdir(parents=True)
    for name in (".ci/setup", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "cat", "cksum", "rm", "dirname", "env"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    return tmp_path


def python(folder: Path, script: str) -> None:
    (folder / "bin/python3").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin/python3").chmod(0o755)


def setup(folder: Path) -> tuple[int, list[str]]:
    environ = {"PATH": str(folder / "bin"), "HOME": str(folder)}
    command = [str(folder / "checkout/.ci/setup")]
    told = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return told.returncode, told.stderr.splitlines()


def test_no_python_is_one_line_with_the_fix(bare: Path) -> None:
    code, (line,) = setup(bare)
    assert code == 2
    assert "Python 3.11 or newer is needed, and here is no python3" in line
    assert "apt install python3" in line


def test_a_python_too_old_is_one_line_with_its_version(bare: Path) -> None:
    python(bare, '[ "$1" = --version ] && echo Python 3.9.2 || exit 1')
    code, (line,) = setup(bare)
    assert code == 2
    assert "Python 3.11 or newer is needed, and here is Python 3.9.2" in line


def test_a_python_without_venv_is_one_line_with_the_package(bare: Path) -> None:
    python(bare, 'case "$*" in --version) echo Python 3.11.2;; *ensurepip*) exit 1;; esac')
    code, lines = setup(bare)
    assert code == 2
    assert "Python 3.11.2 has no venv module" in lines[-1]
    assert "apt install python3-venv" in lines[-1]


def test_a_venv_that_is_as_wanted_is_left_alone_at_once(bare: Path) -> None:
    (bare / "checkout/.venv/bin").mkdir(parents=True)
    (bare / "checkout/.venv/bin/python").write_text("#!/bin/sh\nexit 0\n")
    (bare / "checkout/.venv/bin/python").chmod(0o755)
    checksum = "cat requirements.txt pyproject.toml .ci/setup | cksum"
    checkout = bare / "checkout"
    told = subprocess.run(["sh", "-c", checksum], cwd=checkout, capture_output=True, text=True, check=True)
    (checkout / ".venv/made-from").write_text(f"{os.path.realpath(checkout)} {told.stdout}")
    assert setup(bare) == (0, [])
    assert (bare / "checkout/.venv/bin/python").exists()
