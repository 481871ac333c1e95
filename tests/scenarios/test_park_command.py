"""`retrowalk park` as the service manager runs it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from retrowalk import cli
from retrowalk.app import App
from retrowalk.keepsakes import Keepsakes
from retrowalk.park import WITHIN_S, park
from retrowalk.resources import systemd_dir
from retrowalk.settings import Settings

IMPATIENT = """
import sys
from retrowalk import cli, station
station.STOP_WITHIN_S = 0.5
from retrowalk import park
park.park.__defaults__ = (*park.park.__defaults__[:-1], 1.5)
sys.exit(cli.main(sys.argv[1:]))
"""
"""The command, with a second or two where the service manager grants most of a minute."""


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "retrowalk.toml"
    file.write_text(
        f'[[treadmills]]\nid = "tm"\naddress = "C0:00:00:00:00:01"\n[paths]\nstate_dir = "{tmp_path}/state"\n'
    )
    return str(file)


def test_no_program_of_the_schedule_has_to_be_there(config) -> None:
    with Path(config).open("a") as file:
        file.write('[[schedule]]\nprogram = "gone"\nat = "07:00"\n')
    assert cli.main(["config", "check", config]) == 2
    assert cli.main(["park", "--config", config]) == 0


def test_with_no_marker_there_is_nothing_to_do(config, capsys) -> None:
    assert cli.main(["park", "--config", config]) == 0
    assert capsys.readouterr().out == "Nothing to park: no session left a belt moving.\n"
    assert cli.main(["park", "--config", config, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_treadmill_out_of_reach_is_the_person_s_to_stop(config, tmp_path) -> None:
    Keepsakes(tmp_path / "state", "tm", "C0:00:00:00:00:01").write("s1")
    command = [sys.executable, "-c", IMPATIENT, "park", "--config", config, "--json"]
    environ = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus"}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 3
    assert ran.stderr.splitlines()[-1].endswith("tm could not be reached: pull its safety cord")
    assert json.loads(ran.stdout) == [{"treadmill": "tm", "at_rest": False, "reached": False}]
    assert (tmp_path / "state" / "moving-tm.json").exists()


def test_a_broken_configuration_is_told_and_keeps_nobody_from_parking(
    config, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    Path(config).write_text("[safety]\nbackward_cap_kmh = 6\n")
    assert cli.main(["park", "--config", config]) == 2
    told = capsys.readouterr()
    assert told.out == "Nothing to park: no session left a belt moving.\n"
    assert "6 is above the ceiling 5 km/h" in told.err
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "moving-tm.json").write_text("torn")
    assert cli.main(["park", "--config", config]) == 3
    told = capsys.readouterr()
    assert told.err.endswith("tm could not be reached: pull its safety cord\n")


def test_a_state_folder_that_nobody_may_read_is_told(config, tmp_path, capsys, monkeypatch) -> None:
    def denied(_path: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", denied)  # who runs the tests may be root, who may read everything
    assert cli.main(["park", "--config", config]) == 1
    assert "cannot be read: Permission denied: pull the cord of a belt that moves" in capsys.readouterr().err


def test_a_folder_that_takes_no_lock_keeps_nobody_from_parking(config, tmp_path, capsys) -> None:
    (tmp_path / "state" / "daemon.lock").mkdir(parents=True)
    (tmp_path / "state" / "moving-tm.json").write_text("torn")
    Path(config).write_text(Path(config).read_text().replace('"tm"', '"other"'))
    assert cli.main(["park", "--config", config]) == 3
    told = capsys.readouterr().err.splitlines()
    assert "state cannot be used: Is a directory" in told[0]
    assert told[-1] == "retrowalk: tm could not be reached: pull its safety cord"


def test_the_service_manager_waits_longer_than_park_tries() -> None:
    unit = (systemd_dir() / "retrowalk.service").read_text()
    (granted,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(granted) > WITHIN_S


async def test_a_treadmill_that_only_its_marker_knows_is_looked_for_by_what_it_tells(tmp_path) -> None:
    class AskedError(Exception):
        pass

    def build(settings: Settings, **_: object) -> App:
        asked = [(one.id, one.address, one.match, one.adapter) for one in settings.treadmills]
        assert not any(one.heart_rate_strap for one in settings.treadmills), "it would be in the way"
        raise AskedError(asked)

    for name, target, adapter in (
        ("one", "C0:00:00:00:00:01", "hci1"),
        ("two", "Bare*", None),
        ("worn", "", None),
    ):
        Keepsakes(tmp_path, name, target, adapter).write("s1")
    worn = {"id": "worn", "address": "C0:00:00:00:00:03", "heart_rate_strap": "Polar*"}
    settings = Settings.model_validate({"paths": {"state_dir": tmp_path}, "treadmills": (worn,)})
    with pytest.raises(AskedError) as asked:
        await park(settings, build=build)
    assert asked.value.args[0] == [
        ("one", "C0:00:00:00:00:01", None, "hci1"),
        ("two", None, "Bare*", None),
        ("worn", "C0:00:00:00:00:03", None, None),
    ]
