"""What the settings say of a session reaches the core; time and names are the caller's where it wants."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from retrowalk.app import App
from retrowalk.core.offering import Walker
from retrowalk.settings import Settings, parse_settings

HOME = '[[treadmills]]\nid = "home"\naddress = "A4:C1:38:00:00:01"\n'


def settings_of(text: str, state: Path) -> Settings:
    return parse_settings(f'[paths]\nstate_dir = "{state}"\n{text}', environ={})


@pytest.mark.parametrize(
    ("field", "text", "set_to", "unset"),
    [
        ("anybody", f"[safety]\nguarded = true\n{HOME}", Walker(guarded=True), Walker()),
        ("anybody", f"[safety]\nheart_rate_max_bpm = 160\n{HOME}", Walker(maximum_heart_rate=160), Walker()),
        ("walkers", f"{HOME}[[walkers]]\nid = 'ann'\nlevel = 2\n", {"ann": Walker(level=2)}, {}),
        ("manual_use_allowed", f"[safety]\nmanual_use_allowed = false\n{HOME}", False, True),
        ("alarm_reaches_walker", f'[alarm]\noutputs = ["mqtt"]\n{HOME}', False, True),
        ("presence_source", f"{HOME}presence = true\n", True, False),
        ("ok_in_reach", f'{HOME}confirm_sources = ["button"]\n', True, False),
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


def test_session_ids_and_the_wall_clock_are_given() -> None:
    then = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    settings = parse_settings(HOME, environ={})
    app = App(settings, speak=lambda _: (), wall=lambda: then, session_ids=["a", "b"])
    setup = app.setup(settings.treadmills[0])
    app.hubs["home"].publish(app.stations["home"].controller.snapshot(0.0))
    assert [setup.new_id(), setup.new_id()] == ["a", "b"]
    assert app.hubs["home"].latest is not None
    assert app.hubs["home"].latest.time == then
