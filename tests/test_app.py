"""What the settings say of a session reaches the core; time and names are the caller's where it wants."""

import os
import pty
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blefit.units import Speed
from retrowalk.app import App, describe
from retrowalk.ble.reading import Reading
from retrowalk.core.bounds import OwnCaps, SiteLimits
from retrowalk.core.model import Emitted, Machine, Said
from retrowalk.core.offering import Walker
from retrowalk.journal.lines import Header
from retrowalk.journal.recorder import Recorder
from retrowalk.keepsakes import Keepsakes
from retrowalk.machines import list_machines, machines_dir
from retrowalk.settings import Paths, Settings, Treadmill, parse_settings

HOME = '[[treadmills]]\nid = "home"\naddress = "A4:C1:38:00:00:01"\n'


def settings_of(text: str, state: Path) -> Settings:
    return parse_settings(f'[paths]\nstate_dir = "{state}"\n{text}', environ={})


@pytest.mark.parametrize(
    ("field", "text", "set_to", "unset"),
    [
        ("site", f"[safety]\nforward_cap_kmh = 3\n{HOME}", SiteLimits(forward_cap=Speed(300)), SiteLimits()),
        ("own", f"{HOME}backward_cap_kmh = 1.2\n", OwnCaps(backward=Speed(120)), OwnCaps()),
        ("anybody", f"[safety]\nguarded = true\n{HOME}", Walker(guarded=True), Walker()),
        ("anybody", f"[safety]\nheart_rate_max_bpm = 160\n{HOME}", Walker(maximum_heart_rate=160), Walker()),
        ("walkers", f"{HOME}[[walkers]]\nid = 'ann'\nlevel = 2\n", {"ann": Walker(level=2)}, {}),
        ("manual_use_allowed", f"[safety]\nmanual_use_allowed = false\n{HOME}", False, True),
        ("alarm_reaches_walker", f'[alarm]\noutputs = ["mqtt"]\n{HOME}', False, True),
        ("presence_source", f"{HOME}presence = true\n", True, False),
        ("ok_in_reach", f'{HOME}confirm_sources = ["button"]\n', True, False),
        ("heart_rate_strap", f'{HOME}heart_rate_strap = "Polar*"\n', True, False),
        ("ok_in_reach", f"{HOME}at_machine = true\n", True, False),
    ],
)
def test_the_settings_of_a_session_reach_it(
    field: str, text: str, set_to: object, unset: object, tmp_path: Path
) -> None:
    for written, expected in ((text, set_to), (HOME, unset)):
        settings = settings_of(written, tmp_path)
        app = App(settings, speak=lambda _: ())
        assert getattr(app.setup(settings.treadmills[0]), field) == expected


@pytest.mark.parametrize(
    ("outputs", "is_terminal", "reaches"),
    [
        ('"terminal"', True, True),
        ('"terminal"', False, False),
        ('"mqtt", "terminal"', False, False),
        ('"voice"', False, True),
        ('"mqtt"', True, False),
    ],
)
def test_a_terminal_rings_only_where_there_is_one(
    outputs: str, is_terminal: bool, reaches: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's stderr is the journal."""
    ours, theirs = pty.openpty()
    text = f'[alarm]\noutputs = [{outputs}]\nvoice_command = ["true"]\n{HOME}'
    settings = settings_of(text, tmp_path)
    with open(theirs if is_terminal else os.devnull, "w") as stream:  # noqa: PTH123  (a number is no path)
        monkeypatch.setattr(sys, "stderr", stream)
        setup = App(settings).setup(settings.treadmills[0])
        monkeypatch.undo()
    os.close(ours)
    assert setup.alarm_reaches_walker is reaches


def test_until_it_is_told_where_a_machine_is_the_marker_names_the_adapter_of_the_config(
    tmp_path: Path,
) -> None:
    app = App(settings_of(f'{HOME}adapter = "hci1"\n', tmp_path), speak=lambda _: ())
    app._connectors["home"]._met(ADDRESS, None)
    app.stations["home"]._marker.write("s1")
    assert Keepsakes(tmp_path, "home", ADDRESS).left["adapter"] == "hci1"


async def test_what_is_said_at_one_treadmill_is_heard_there_alone(tmp_path: Path) -> None:
    text = '[alarm]\noutputs = ["mqtt"]\n' + HOME + HOME.replace("home", "hall").replace("01", "02")
    app = App(settings_of(text, tmp_path))
    readers = {name: hub.subscribe() for name, hub in app.hubs.items()}
    app.stations["hall"]._speaker.say(Said("Turn around"))
    told = {name: [note.what for note in reader.take()] for name, reader in readers.items()}
    assert told == {"home": [], "hall": [Emitted("said", {"text": "Turn around", "alarm": False})]}


def test_all_radios_of_a_daemon_share_the_right_of_way(tmp_path: Path) -> None:
    text = f'{HOME}heart_rate_strap = "Polar*"\n' + HOME.replace("home", "hall").replace("01", "02")
    app = App(settings_of(text, tmp_path), speak=lambda _: ())
    radios = [*app._connectors.values(), *app._straps.values()]
    assert len(radios) == 3
    assert {radio._right_of_way for radio in radios} == {app._right_of_way}


def test_session_ids_and_the_wall_clock_are_given() -> None:
    then = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    settings = parse_settings(HOME, environ={})
    app = App(settings, speak=lambda _: (), wall=lambda: then, session_ids=["a", "b"])
    setup = app.setup(settings.treadmills[0])
    app.hubs["home"].publish(app.stations["home"].controller.snapshot(0.0))
    assert [setup.new_id(), setup.new_id()] == ["a", "b"]
    assert app.hubs["home"].latest is not None
    assert app.hubs["home"].latest.time == then


ADDRESS = "A4:C1:38:00:00:01"


def test_a_belt_that_was_left_is_that_of_its_treadmill_alone(tmp_path: Path) -> None:
    Keepsakes(tmp_path, "home", ADDRESS).write("s1")
    app = App(settings_of(HOME + HOME.replace("home", "hall").replace("01", "02"), tmp_path))
    for name, left in (("home", True), ("hall", False)):
        journal = app.stations[name].journal
        assert isinstance(journal, Recorder)
        journal.came(None, 0.0)
        (header,) = journal._tape.take()
        assert isinstance(header, Header)
        assert app._connectors[name]._urgent() is header.left_running is left
    app.stations["home"].controller.guard.left_running = False
    assert app._connectors["home"]._urgent(), "it rests, and a Start may still come: the marker is there"


def taken(state: Path, *, name: str = "Nobody's", **said: object) -> Machine:
    """The treadmill home of that name, with what the config says of it."""
    reading = Reading(name=name, address=ADDRESS, characteristics=frozenset({0x2ACD, 0x2AD9}))
    treadmill = Treadmill.model_validate({"id": "home", "address": ADDRESS, **said})
    return describe(treadmill, Keepsakes(state, "home", ADDRESS), reading)


def test_the_machine_file_that_the_config_names_goes_before_the_one_that_fits(tmp_path: Path) -> None:
    assert not taken(tmp_path).silent_at_rest
    assert taken(tmp_path, machine="silent-when-stopped").silent_at_rest
    assert taken(tmp_path, name="retrowalk spec", machine="silent-when-stopped").silent_at_rest


def test_a_machine_whose_file_cannot_be_used_is_watched_and_stays_in_reach(tmp_path: Path) -> None:
    file = tmp_path / "silent-when-stopped.toml"
    absent = taken(tmp_path, machine=str(file))
    assert absent.watch_only == f"{file}: cannot be read: No such file or directory"
    assert absent.controllable
    file.write_bytes((machines_dir() / file.name).read_bytes())
    assert taken(tmp_path, machine=str(file)).silent_at_rest
    file.write_text("damaged")
    as_it_was = taken(tmp_path, machine=str(file))
    assert as_it_was.silent_at_rest
    assert as_it_was.watch_only == ""


def test_a_second_stop_is_in_reach_where_the_config_or_the_file_of_a_simulated_machine_says_so(
    tmp_path: Path,
) -> None:
    assert not taken(tmp_path).second_stop
    assert taken(tmp_path, second_stop=True).second_stop
    assert taken(tmp_path, name="retrowalk spec").second_stop


def test_the_quarantine_on_disk_is_that_of_this_treadmill_alone(tmp_path: Path) -> None:
    Keepsakes(tmp_path, "other", ADDRESS).quarantine("it ran in miles")
    assert taken(tmp_path).quarantined == ""
    Keepsakes(tmp_path, "home", ADDRESS).quarantine("it ran too fast")
    assert taken(tmp_path).quarantined == "it ran too fast"


def test_a_treadmill_that_connects_asks_nothing_of_the_disk(tmp_path: Path) -> None:
    """In the same loop another one's belt may be running."""
    state, file = tmp_path / "state", tmp_path / "silent-when-stopped.toml"
    file.write_bytes((machines_dir() / file.name).read_bytes())
    Keepsakes(state, "home", ADDRESS).quarantine("it ran too fast")
    home = Treadmill(id="home", address=ADDRESS, machine=str(file))
    list_machines.cache_clear()
    app = App(Settings(treadmills=(home, Treadmill(id="hall", match="*")), paths=Paths(state_dir=state)))
    assert list_machines.cache_info().currsize == 1
    shutil.rmtree(state)
    file.unlink()
    reading = Reading(name="Nobody's", address=ADDRESS, characteristics=frozenset({0x2ACD, 0x2AD9}))
    machine = app._connectors["home"]._describe(reading)
    assert (machine.silent_at_rest, machine.quarantined) == (True, "it ran too fast")
