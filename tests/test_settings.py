"""The configuration is closed and bounded, and all that is wrong with it is told at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from blefit.units import Incline, Speed
from retrowalk import cli
from retrowalk.core.bounds import SITE_BOUNDS, OwnCaps, SiteLimits
from retrowalk.core.offering import Walker
from retrowalk.paths import config_candidates, socket_candidates, socket_path, state_dir
from retrowalk.resources import config_dir
from retrowalk.settings import Safety, Settings, SettingsError, load_settings, parse_settings, salvaged

TWO = '[[treadmills]]\nid = "other"\nmatch = "X*"\n'
ONE = '[[treadmills]]\nid = "home"\naddress = "a4:c1:38:00:00:01"\n'


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, "FILE", {})
    return list(caught.value.problems)


def test_an_empty_file_has_the_defaults_of_the_safety_specification() -> None:
    settings = parse_settings("", environ={})
    assert settings == Settings()
    assert settings.safety.limits() == SiteLimits()
    assert (settings.mqtt.url, settings.mqtt.prefix) == ("embedded", "retrowalk")


def test_the_shipped_file_is_good() -> None:
    assert load_settings(config_dir() / "retrowalk.toml", {}).safety.level == 1


def test_every_commented_example_of_the_shipped_file_is_good_too() -> None:
    lines = (config_dir() / "retrowalk.toml").read_text().splitlines()
    code = [line.removeprefix("# ") for line in lines]
    code = [line for line in code if line.startswith("[") or " = " in line.split("#")[0].split('"')[0]]
    settings = parse_settings("\n".join(code), environ={})
    assert settings.treadmills[0].id == "home"
    assert settings.schedule[0].days == ("mon", "wed", "fri")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[safety]\nbackward_cap_kmh = 9.0",
            "FILE:2: [safety] backward_cap_kmh: 9.0 is above the ceiling 5 km/h",
        ),
        (
            "[safety]\nforward_cap_kmh = 6.01",
            "FILE:2: [safety] forward_cap_kmh: 6.01 is above the ceiling 6 km/h",
        ),
        ("[safety]\ncountdown_s = 4", "FILE:2: [safety] countdown_s: 4 is below the lowest allowed, 5 s"),
        ("[safety]\nturn_dwell_s = 9", "FILE:2: [safety] turn_dwell_s: 9 is below the lowest allowed, 10 s"),
        (
            "[safety]\nheart_rate_max_bpm = 99",
            "FILE:2: [safety] heart_rate_max_bpm: 99 is below the lowest allowed, 100",
        ),
        (
            "[safety]\nheart_rate_max_bpm = 221",
            "FILE:2: [safety] heart_rate_max_bpm: 221 is above the ceiling 220",
        ),
        ("[safety]\nguarded = 1", "FILE:2: [safety] guarded: found 1, allowed is true or false"),
        ("[safety]\nlevel = 7", "FILE:2: [safety] level: 7 is above the ceiling 6"),
        ("[safety]\nlevel = 1.5", "FILE:2: [safety] level: found 1.5, allowed is a whole number"),
        ("[safety]\nlevel = true", "FILE:2: [safety] level: found true, allowed is a whole number"),
        (
            '[safety]\nbackward_cap_kmh = "2"',
            'FILE:2: [safety] backward_cap_kmh: found "2", allowed is a number',
        ),
        (
            "[safety]\nbackward_cap_kmh = nan",
            "FILE:2: [safety] backward_cap_kmh: found NaN, allowed is a finite",
        ),
        ("[safety]\nstep_up_kmh = inf", "FILE:2: [safety] step_up_kmh: found Infinity, allowed is a finite"),
        (
            "[safety]\nbackward_cap_mph = 1",
            "FILE:2: [safety] backward_cap_mph: is not a key here, did you mean b",
        ),
        ("[safety]\nxyz = 1", "FILE:2: [safety] xyz: is not a key here, allowed are level, backward_cap_kmh"),
        ("[saftey]", "FILE:1: [saftey]: is not a key here, did you mean safety?"),
        ("speed = 1", "FILE:1: speed: is not a key here, allowed are mqtt, treadmills"),
        ("safety = 1", "FILE:1: safety: found 1, allowed is a table"),
        ("[[safety]]", "FILE:1: [safety]: found [{}], allowed is a table"),
        ("[treadmills]\nid = 'a'", "FILE:1: [treadmills]: found"),
        ('[mqtt]\nurl = "http://x"', 'FILE:2: [mqtt] url: found "http://x", allowed are "mqtt://host'),
        (
            '[mqtt]\nurl = "mqtt://x:99999"',
            'FILE:2: [mqtt] url: found "mqtt://x:99999", allowed are "mqtt://host',
        ),
        (
            '[mqtt]\nurl = "mqtt://x/topic"',
            'FILE:2: [mqtt] url: found "mqtt://x/topic", allowed are "mqtt://host',
        ),
        ('[mqtt]\nprefix = "a/#"', 'FILE:2: [mqtt] prefix: found "a/#", allowed are 1 to 64'),
        ('[mqtt]\nprefix = "a/"', 'FILE:2: [mqtt] prefix: found "a/", allowed are 1 to 64'),
        ('[mqtt]\ntls_cert = "/a"', "FILE:1: [mqtt]: tls_cert and tls_key belong together"),
        ('[[treadmills]]\nid = "a"', "FILE:1: [[treadmills]] no. 1: exactly one of address and match"),
        (ONE + "[[treadmills]]\nmatch = 'X*'", "FILE:4: [[treadmills]] no. 2 id: is missing"),
        (
            ONE + TWO.replace("other", "home"),
            'FILE:5: [[treadmills]] no. 2 id: two treadmills have the id "home": each needs its own',
        ),
        (
            ONE + ONE.replace('"home"', '"hall"').replace("a4:c1", "A4:C1"),
            'FILE:6: [[treadmills]] no. 2 address: two treadmills have the address "A4:C1:38:00:00:01"',
        ),
        (
            TWO + TWO.replace("other", "hall").replace("X*", "*y"),
            'FILE:6: [[treadmills]] no. 2 match: one machine may fit both "X*" and "*y": name each',
        ),
        (
            ONE + 'heart_rate_strap = "a4:c1:38:00:00:01"',
            'FILE:4: [[treadmills]] no. 1 heart_rate_strap: "a4:c1:38:00:00:01" is a treadmill: leave it out',
        ),
        (
            ONE + 'heart_rate_strap = "H10"\n' + TWO + 'heart_rate_strap = "h10"',
            'FILE:8: [[treadmills]] no. 2 heart_rate_strap: one strap may be both "H10" and "h10": name each',
        ),
        (
            ONE + 'heart_rate_strap = "Polar H10*"\n' + TWO + 'heart_rate_strap = "*H10 1234*"',
            "FILE:8: [[treadmills]] no. 2 heart_rate_strap: one strap may be both",
        ),
        (
            ONE + 'heart_rate_strap = "A4:C1:38:00:00:02"\n' + TWO + 'heart_rate_strap = "a4:c1:38:00:00:02"',
            "FILE:8: [[treadmills]] no. 2 heart_rate_strap: one strap may be both",
        ),
        (
            ONE + 'heart_rate_strap = "A4:C1:38:00"',
            'FILE:4: [[treadmills]] no. 1 heart_rate_strap: found "A4:C1:38:00", allowed is a Bluetooth',
        ),
        (
            ONE + 'heart_rate_strap = ""',
            'FILE:4: [[treadmills]] no. 1 heart_rate_strap: found "", allowed are 1 to 200',
        ),
        (
            ONE + "heart_rate_strap = 7",
            "FILE:4: [[treadmills]] no. 1 heart_rate_strap: found 7, allowed is a text",
        ),
        (
            ONE.replace("home", "Home"),
            'FILE:2: [[treadmills]] no. 1 id: found "Home", allowed are 1 to 32 small',
        ),
        (ONE.replace("home", "bridge"), "FILE:2: [[treadmills]] no. 1 id: found"),
        (ONE.replace("00:01", "1"), "FILE:3: [[treadmills]] no. 1 address: found"),
        (ONE + 'confirm_sources = "b"', "FILE:4: [[treadmills]] no. 1 confirm_sources: found"),
        (ONE + 'name = ""', 'FILE:4: [[treadmills]] no. 1 name: found "", allowed are 1 to 200'),
        (
            '[alarm]\noutputs = ["horn"]',
            "FILE:2: [alarm] outputs no. 1: found \"horn\", allowed is 'terminal'",
        ),
        ('[alarm]\noutputs = ["voice"]', 'FILE:1: [alarm]: the output "voice" needs voice_command'),
        (
            'alarm.outputs = ["mqtt"]\nmqtt.url = "off"',
            'FILE:1: [alarm] outputs: "mqtt" is one of them, but [mqtt] url is "off"',
        ),
        (ONE + "[[schedule]]\nprogram = 'p'", "FILE:4: [[schedule]] no. 1: exactly one of at and cron"),
        (ONE + "[[schedule]]\nprogram = 'p'\nat = '24:00'", 'FILE:6: [[schedule]] no. 1 at: found "24:00"'),
        (
            ONE + "[[schedule]]\nprogram = 'p'\nat = 07:00:30",
            'FILE:6: [[schedule]] no. 1 at: found "07:00:30"',
        ),
        (ONE + "[[schedule]]\nprogram = 'p'\ncron = '0 0 31 2 *'", "FILE:6: [[schedule]] no. 1 cron: found"),
        (
            ONE + "[[schedule]]\nprogram='p'\ncron='0 7 * * *'\ndays=['mon']",
            "FILE:4: [[schedule]] no. 1: days",
        ),
        (
            ONE + "[[schedule]]\nprogram='p'\nat='07:00'\nwalker='ann'",
            'FILE:7: [[schedule]] no. 1 walker: found "ann", there is no [[walkers]] table',
        ),
        (
            ONE + "[[walkers]]\nid='bob'\n[[schedule]]\nprogram='p'\nat='07:00'\nwalker='ann'",
            'FILE:9: [[schedule]] no. 1 walker: found "ann", allowed is bob',
        ),
        ("[[walkers]]\nid='ann'\n[[walkers]]\nid='ann'", "FILE:4: [[walkers]] no. 2 id: two walkers have"),
        ("[[walkers]]\nid='ann'\nlevel=7", "FILE:3: [[walkers]] no. 1 level: 7 is above the ceiling 6"),
        (
            "[[walkers]]\nid='ann'\nbackward_cap_kmh=5.01",
            "FILE:3: [[walkers]] no. 1 backward_cap_kmh: 5.01 is above the ceiling 5 km/h",
        ),
        (
            "[[walkers]]\nid='ann'\nheart_rate_max_bpm=221",
            "FILE:3: [[walkers]] no. 1 heart_rate_max_bpm: 221 is above the ceiling 220",
        ),
        (ONE + "[[schedule]]\nprogram='p'\nat='7:00'", "FILE:6: [[schedule]] no. 1 at: found"),
        (
            ONE + "[[schedule]]\nprogram='p'\nat='07:00'\nwindow='10'",
            "FILE:7: [[schedule]] no. 1 window: found",
        ),
        (
            ONE + "[[schedule]]\nprogram='p'\nat='07:00'\nwindow='30s'",
            "FILE:7: [[schedule]] no. 1 window: found",
        ),
        (
            ONE + "[[schedule]]\nprogram='p'\nat='07:00'\ntimezone='Mars'",
            "FILE:7: [[schedule]] no. 1 timezone",
        ),
        (
            ONE + "[[schedule]]\nprogram='p'\nat='07:00'\ntreadmill='b'",
            'FILE:7: [[schedule]] no. 1 treadmill: found "b", allowed is home',
        ),
        (
            "[[schedule]]\nprogram = 'p'\nat = '07:00'",
            "FILE:1: [[schedule]] no. 1: it must say which treadmill: there is no [[treadmills]] table",
        ),
        ("[web]\nenabled = true", "FILE:2: [web] enabled: found true, but this version has no such part"),
        ("[mqtt\nurl = 1", "FILE:1:6: this is not TOML"),
        ("[mqtt]\nurl = ", "FILE:2:"),
        ("a = 1\na = 2", "FILE:2:1: this is not TOML: cannot overwrite a value"),
    ],
)
def test_one_mistake_is_one_sentence_with_place_found_and_allowed(text: str, told: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(told)
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("one", "other", "one_machine_may_fit_both"),
    [
        ("KS-HD*", "KS-R1*", False),
        ("KS-*", "ks-hd*", True),
        ("*", "X", True),
        ("KS-?1", "KS-R*", True),
        ("KS-?", "KS-R1", False),
        ("*-R1", "KS-*", True),
        ("*a", "*b", False),
        ("KS-[AB]1", "KS-A1", True),
        ("Horizon", "horizon", True),
        ("a" * 300, "*b" * 150, False),
    ],
)
def test_two_patterns_that_one_machine_may_fit_are_a_mistake(
    one: str, other: str, one_machine_may_fit_both: bool
) -> None:
    text = "".join(f'[[treadmills]]\nid = "t{n}"\nmatch = "{name}"\n' for n, name in enumerate((one, other)))
    told = [problem for problem in problems(f"{text}speed = 1\n") if "may fit both" in problem]
    assert bool(told) is one_machine_may_fit_both


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "[log]\nlevel = 'loud'\n[safety]\nlevel = 9\ncountdown_s = 1\n" + ONE + "speed = 1\n"
    assert [problem.split(":")[1] for problem in problems(text)] == ["2", "4", "5", "9"]


def test_a_mistake_hides_no_other_in_its_table_or_in_the_tables_after_it() -> None:
    text = """
[mqtt]
url = "http://x"
tls_cert = "/a"
[[treadmills]]
id = "Home"
[[treadmills]]
id = "attic"
match = "X*"
address = "no"
[alarm]
outputs = ["voice", "horn"]
[[schedule]]
program = 1
treadmill = "cellar"
cron = "* *"
[[schedule]]
program = "p"
at = "07:00"
cron = "0 7 * * *"
days = ["mon"]
"""
    told = [problem.split(": ")[:2] for problem in problems(text)]
    assert [" ".join(words).removeprefix("FILE:") for words in told] == [
        "2 [mqtt]",
        "3 [mqtt] url",
        "5 [[treadmills]] no. 1",
        "6 [[treadmills]] no. 1 id",
        "7 [[treadmills]] no. 2",
        "10 [[treadmills]] no. 2 address",
        "11 [alarm]",
        "12 [alarm] outputs no. 2",
        "14 [[schedule]] no. 1 program",
        "15 [[schedule]] no. 1 treadmill",
        "16 [[schedule]] no. 1 cron",
        "17 [[schedule]] no. 2",
        "17 [[schedule]] no. 2",
        "17 [[schedule]] no. 2",
    ]


def test_machines_and_programs_that_are_not_there_are_told_with_all_other_mistakes(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text('name = "Broken"\nlevel = 9\nsteps = []\n')
    text = f"""
{ONE}machine = "nonsense"
[safety]
level = 1
countdown_s = 1
[paths]
programs_dir = "{tmp_path}"
"""
    for name in ("waves-2", "waves-1", "no-such", "broken"):
        text += f'[[schedule]]\nprogram = "{name}"\nat = "07:00"\n'
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, "FILE", {}, look_up=True)
    told = caught.value.problems
    for problem, begins in zip(
        told,
        [
            "FILE:5: [[treadmills]] no. 1 machine: there is no machine 'nonsense': known are ",
            "FILE:8: [safety] countdown_s: 1 is below",
            'FILE:12: [[schedule]] no. 1 program: "waves-2" is level 2, the session is level 1 ([safety], ',
            "FILE:18: [[schedule]] no. 3 program: there is no program 'no-such': the programs are balance, ",
            f"FILE:21: [[schedule]] no. 4 program: {tmp_path}/broken.toml: level: 9 must be a whole number",
            f"FILE:21: [[schedule]] no. 4 program: {tmp_path}/broken.toml: steps must be a list",
        ],
        strict=True,
    ):
        assert problem.startswith(begins)


@pytest.mark.parametrize("command", ["run", "config check"])
def test_what_the_configuration_names_is_looked_up_before_the_daemon_runs(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(ONE + 'machine = "nonsense"\n')
    assert cli.main([*command.split(), "--config", str(file)]) == 2
    assert "there is no machine 'nonsense'" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["password", "url"])
def test_a_secret_in_the_file_is_refused_and_not_echoed(key: str) -> None:
    (problem,) = problems(
        '[mqtt]\npassword = "geheim"' if key == "password" else '[mqtt]\nurl="mqtt://me:geheim@h"'
    )
    assert "RETROWALK_MQTT_PASSWORD" in problem
    assert "geheim" not in problem


FIELDS = {
    "bout_limit_min": ("bout_s", 60),
    "backward_limit_min": ("backward_total_s", 60),
    "session_limit_min": ("session_s", 60),
}


NO_LIMITS = {"guarded", "heart_rate_max_bpm", "manual_use_allowed"}
"""Of the walker, or a yes or no."""


@pytest.mark.parametrize("key", [key for key in Safety.model_fields if key not in NO_LIMITS])
def test_each_safety_key_reaches_its_ceiling_and_not_a_unit_more(key: str) -> None:
    stem = key.removesuffix("_per_s").removesuffix("_kmh").removesuffix("_percent")
    field, units = FIELDS.get(key, (stem, 100 if "kmh" in key else 10 if "percent" in key else 1))
    bound = SITE_BOUNDS[field]
    for wire, good in [
        (bound.ceiling, True),
        (bound.ceiling + 1, False),
        (bound.lowest, True),
        (bound.lowest - 1, False),
    ]:
        value = wire if units == 1 else wire / units
        text = f"[safety]\n{key} = {value}"
        if good:
            limits = parse_settings(text, environ={}).safety.limits()
            assert getattr(limits, field) == wire
            assert limits.problems() == ()
        else:
            assert len(problems(text)) == 1


def test_a_treadmills_own_caps_are_rounded_down_and_none_is_there_unless_said() -> None:
    text = ONE + "backward_cap_kmh = 2.5\nforward_cap_kmh = 2.559\nincline_cap_percent = 1.55\n"
    own = parse_settings(text, environ={}).treadmill("home").caps()
    assert own == OwnCaps(backward=Speed(250), forward=Speed(255), incline=Incline(15))
    assert parse_settings(ONE, environ={}).treadmill("home").caps() == OwnCaps()


def test_a_walkers_limits_are_rounded_down_and_none_is_looser_than_the_sites() -> None:
    text = "[safety]\nguarded = true\nheart_rate_max_bpm = 170\n[[walkers]]\nid = 'ann'\nlevel = 3\n"
    text += "backward_cap_kmh = 1.559\nforward_cap_kmh = 2.5\nweight_kg = 61.5\n[[walkers]]\nid = 'bob'\n"
    text += "heart_rate_max_bpm = 150\n"
    settings = parse_settings(text, environ={})
    ann, bob = (walker.limits(settings.safety) for walker in settings.walkers)
    assert ann == Walker(
        level=3,
        guarded=True,
        backward_cap=Speed(155),
        forward_cap=Speed(250),
        maximum_heart_rate=170,
        weight_kg=61.5,
    )
    assert bob == Walker(guarded=True, maximum_heart_rate=150)
    assert settings.safety.anybody() == Walker(guarded=True, maximum_heart_rate=170)


def test_the_level_of_a_scheduled_session_is_its_walkers() -> None:
    def told(walker: str) -> list[str]:
        text = ONE + "[[walkers]]\nid = 'ann'\nlevel = 2\n[[walkers]]\nid = 'bob'\n"
        text += f"[[schedule]]\nprogram = 'waves-2'\nat = '07:00'\nwalker = '{walker}'\n"
        try:
            parse_settings(text, "FILE", {}, look_up=True)
        except SettingsError as error:
            return list(error.problems)
        return []

    assert told("ann") == []
    assert "is level 2, the session is level 1" in told("bob")[0]


def test_the_password_comes_from_the_environment_or_the_credentials(tmp_path: Path) -> None:
    def password(environ: dict[str, str]) -> str | None:
        secret = parse_settings("", environ=environ).mqtt.password
        return secret and secret.get_secret_value()

    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert password({}) is None
    assert password(credentials) is None
    (tmp_path / "mqtt_password").write_text("from systemd\n")
    assert password(credentials) == "from systemd"
    assert password(credentials | {"RETROWALK_MQTT_PASSWORD": "from the shell"}) == "from the shell"
    (tmp_path / "mqtt_password").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="credential mqtt_password cannot be read"):
        password(credentials)


def test_the_search_order_is_that_of_the_contract(tmp_path: Path) -> None:
    assert [str(path) for path in config_candidates({"XDG_CONFIG_HOME": str(tmp_path)})] == [
        "retrowalk.toml",
        f"{tmp_path}/retrowalk/retrowalk.toml",
        "/etc/retrowalk/retrowalk.toml",
    ]


def test_the_first_file_that_exists_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    (tmp_path / "xdg/retrowalk").mkdir(parents=True)
    (tmp_path / "xdg/retrowalk/retrowalk.toml").write_text("[safety]\nlevel = 2")
    assert load_settings(None, environ).safety.level == 2
    (tmp_path / "retrowalk.toml").write_text("[safety]\nlevel = 3")
    settings = load_settings(None, environ)
    assert (settings.safety.level, settings.source) == (3, Path("retrowalk.toml"))


def test_a_file_that_the_environment_names_stands_for_all() -> None:
    assert config_candidates({"RETROWALK_CONFIG": "/one"}) == [Path("/one")]


def test_a_file_that_is_named_but_not_there_is_not_searched_for_elsewhere(tmp_path: Path) -> None:
    missing = tmp_path / "no.toml"
    for path, environ in [(missing, {}), (None, {"RETROWALK_CONFIG": str(missing)})]:
        with pytest.raises(SettingsError, match=r"no configuration file at .*no\.toml: name one"):
            load_settings(path, environ)


def test_a_file_that_is_not_utf_8_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(SettingsError, match="octet 8 is not UTF-8"):
        load_settings(tmp_path / "c.toml", {})


def test_state_and_socket_are_where_the_system_says() -> None:
    system = {"STATE_DIRECTORY": "/var/lib/retrowalk", "RUNTIME_DIRECTORY": "/run/retrowalk"}
    assert str(state_dir(system)) == "/var/lib/retrowalk"
    assert str(socket_path(system)) == "/run/retrowalk/retrowalk.sock"
    assert str(socket_path({"XDG_RUNTIME_DIR": "/run/user/1"})) == "/run/user/1/retrowalk.sock"
    assert str(socket_path({"XDG_STATE_HOME": "/s"})) == "/s/retrowalk/retrowalk.sock"
    assert [str(path) for path in socket_candidates({"RETROWALK_SOCKET": "/x"})] == ["/x"]
    assert Path("/run/retrowalk/retrowalk.sock") in socket_candidates({"XDG_RUNTIME_DIR": "/run/user/1"})


def test_the_file_of_the_service_has_its_state_folder_whoever_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is commissioned and parked by hand is the service's."""
    etc = tmp_path / "etc" / "retrowalk.toml"
    etc.parent.mkdir()
    monkeypatch.setattr("retrowalk.paths.SYSTEM_CONFIG", etc)
    monkeypatch.chdir(etc.parent)
    mine = {"XDG_STATE_HOME": "/mine", "XDG_CONFIG_HOME": str(tmp_path)}
    service, own, elsewhere = Path("/var/lib/retrowalk"), Path("/mine/retrowalk"), Path("/elsewhere")
    for text, folder in (
        (ONE, service),
        (f"{ONE}\n[paths]\nstate_dir = '{elsewhere}'\n", elsewhere),
        (f"[safety]\nlevel = 9\n[paths]\nstate_dir = '{elsewhere}'\n", elsewhere),
        ("[safety]\nlevel = 9\n[paths]\nstate_dir = 9\n", service),
        ("no TOML", service),
    ):
        etc.write_text(text)
        assert salvaged(etc, mine).paths.state == folder
        assert salvaged(None, mine).paths.state == folder
        if ONE in text:
            assert load_settings(Path("retrowalk.toml"), mine).paths.state == folder
    (tmp_path / "c.toml").write_text(ONE)
    assert load_settings(tmp_path / "c.toml", mine).paths.state == own
    etc.write_text(ONE)
    assert load_settings(etc, mine | {"STATE_DIRECTORY": "/s"}).paths.state == Path("/s")


def test_a_file_that_nobody_may_look_at_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_path: Path, *_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", denied)  # who runs the tests may be root, who may look at everything
    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(SettingsError, match="cannot be read: Permission denied"):
        load_settings(Path("/etc/retrowalk/c.toml"), {})


# --- the commands -------------------------------------------------------------------------------------------


def test_config_check_prints_every_mistake_and_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text("[safety]\nlevel = 9\n[log]\nformat = 'x'\n")
    assert cli.main(["config", "check", str(tmp_path / "c.toml")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"retrowalk: {tmp_path}/c.toml:") for line in lines)


def test_config_check_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text(ONE)
    assert cli.main(["config", "check", "--json", str(tmp_path / "c.toml")]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(tmp_path / "c.toml"),
        "ok": True,
        "treadmills": ["home"],
    }


def test_config_check_as_json_has_the_mistakes_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[safety]\nlevel = 9\n[log]\nformat = 'x'\n")
    assert cli.main(["config", "check", "--json", str(file)]) == 2
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert (document["file"], document["ok"]) == (str(file), False)
    assert [f"retrowalk: {error}" for error in document["errors"]] == told.err.splitlines()
    assert len(document["errors"]) == 2


def test_the_file_to_check_may_be_named_as_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text(f"{ONE}\n[paths]\nstate_dir = '{tmp_path}'\n")
    assert cli.main(["config", "check", "--config", str(tmp_path / "c.toml")]) == 0
    good, held = capsys.readouterr().out.splitlines()
    assert good == f"{tmp_path}/c.toml: good"
    assert held.endswith(
        "is held to 1.5 km/h backward: its empty belt has not been tested (`retrowalk commission`)"
    )


def test_the_schema_is_json_with_and_without_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    schemas = []
    for argv in (["config", "schema"], ["config", "schema", "--json"]):
        assert cli.main(argv) == 0
        schemas.append(json.loads(capsys.readouterr().out))
    assert schemas[0] == schemas[1]
    assert "safety" in schemas[0]["properties"]


def test_config_show_is_a_configuration_again_and_hides_the_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETROWALK_MQTT_PASSWORD", "geheim")
    schedule = "[[schedule]]\nprogram = 'waves-1'\nat = 07:00:00\ndays = ['mon']\n"
    (tmp_path / "c.toml").write_text(ONE + 'name = "Tür \\"1\\""\n' + schedule)
    file = ["--config", str(tmp_path / "c.toml")]
    assert cli.main(["config", "show", *file]) == 0
    shown = capsys.readouterr().out
    assert "geheim" not in shown
    without_secret = "\n".join(line for line in shown.splitlines() if not line.startswith("password"))
    assert parse_settings(without_secret).model_dump() == load_settings(tmp_path / "c.toml").model_dump()
    assert cli.main(["config", "show", "--json", *file]) == 0
    assert json.loads(capsys.readouterr().out)["mqtt"]["password"] == "(set)"  # noqa: S105  (none)


def test_config_schema_is_closed_and_has_the_ceilings(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["additionalProperties"] is False
    assert '"maximum": 5.0' in json.dumps(schema["$defs"]["Safety"]["properties"]["backward_cap_kmh"])
