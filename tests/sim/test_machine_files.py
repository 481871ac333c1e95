"""The files of `config/treadmills`: all good, right about what they simulate, and closed to mistakes."""

from pathlib import Path

import pytest

from blefit.units import Speed
from retrowalk.ble.reading import Reading
from retrowalk.core.model import Machine
from retrowalk.machines import (
    MachineFile,
    MachineFileError,
    Match,
    Shown,
    list_machines,
    load_machine,
    machines_dir,
    match,
)
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model import attributes
from retrowalk.sim.model.quirks import Answers
from retrowalk.sim.model.telemetry_quirks import Fields, Reports, TooLong
from retrowalk.sim.model.treadmill import Treadmill

CONTRACT = [
    "spec", "mph", "start-toggles", "ignores-stop", "drops-link",
    "silent-when-stopped", "slow-start", "runaway",
]  # fmt: skip
"""The names that users rely on."""

READ = Machine(id="t1", name="?", minimum=Speed(50), maximum=Speed(2000), increment=Speed(1))
"""A machine as it comes from the link, before its file is applied."""

FILE = """
name = "mine"
about = "x"
source = "x"
[match]
names = ["MINE-*"]
"""


def shown(file: MachineFile) -> Shown:
    """What the machine that the file simulates shows of itself."""
    treadmill = Treadmill(quirks_of(file))
    every = [one for content in treadmill.services().values() for one in content]
    payloads = {one.number: one.value() for one in every if one.value is not None}
    numbers = frozenset(one.number for one in every)
    data = attributes.service_data(treadmill, available=True)
    return Reading.of(treadmill.quirks.link.name, "?", numbers, payloads, data).shown


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_the_names_of_the_contract_are_there() -> None:
    assert set(CONTRACT) <= set(list_machines())


@pytest.mark.parametrize("path", sorted(machines_dir().glob("*.toml")), ids=lambda path: path.stem)
def test_each_file_loads_simulates_and_is_found_by_what_its_machine_shows(path: Path) -> None:
    machine = load_machine(path)
    assert machine == load_machine(path.stem)
    assert match(shown(machine)) == machine


@pytest.mark.parametrize("name", list_machines())
def test_each_file_is_right_about_the_machine_it_simulates(name: str) -> None:
    file = load_machine(name)
    quirks = quirks_of(file)
    known = file.daemon.applied_to(READ)
    if known.deceleration is not None:
        assert known.deceleration == quirks.belt.deceleration
    if file.daemon.start_delay_s is not None:
        assert known.start_delay_s == quirks.belt.start_delay_s
    assert known.silent_at_rest == (quirks.telemetry.silent_at is not None)
    assert known.echoes_target == (quirks.telemetry.reports in {Reports.TARGET, Reports.TARGET_UNTIL_STOPPED})
    assert known.needs_target_to_move == quirks.belt.needs_target_to_move
    assert known.control_unanswered == quirks.control.control_unanswered
    assert known.keeps_running_without_link == quirks.link.keeps_running_without_link
    assert known.pause_supported <= (quirks.control.pause_supported and not quirks.belt.resumes_last_speed)
    told = {Fields.FORCE_ON_BELT, Fields.VENDOR_STEPS} & set(quirks.telemetry.fields)
    cut = quirks.telemetry.too_long is TooLong.CUT
    assert known.reports_presence <= (bool(told) and not cut)


def test_only_machines_that_exist_in_no_room_are_commissioned_by_their_file() -> None:
    for name, file in list_machines().items():
        known = file.daemon.applied_to(READ)
        assert known.commissioned == known.second_stop == file.is_simulated, name


def test_one_simulated_name_does_not_make_a_machine_one_that_exists_in_no_room() -> None:
    for names, simulated in ((["retrowalk mine"], True), (["retrowalk mine", "MINE-*"], False), ([], False)):
        match = Match.model_validate({"names": names, "has": ["2AD2"]})
        assert MachineFile(name="mine", about="x", source="x", match=match).is_simulated is simulated


def test_what_never_obeys_is_only_watched() -> None:
    for name, file in list_machines().items():
        if file.is_simulated:
            continue
        control, belt = quirks_of(file).control, quirks_of(file).belt
        never = (
            control.deaf,
            control.targets_ignored,
            control.targets_are_mph,
            control.start_frame,
            control.stop_frame,
            control.denies_share,
            control.control_per_operation,
            control.control_lapses_after_s,
            belt.only_faster,
            quirks_of(file).telemetry.silent,
            quirks_of(file).ranges.fixed_incline,
        )
        assert bool(file.daemon.watch_only) == any(never), name


def test_at_least_20_real_machines_are_known_each_with_its_source() -> None:
    real = [file for file in list_machines().values() if not file.is_simulated]
    assert len(real) >= 40
    assert all(file.source and file.about.endswith(".") for file in list_machines().values())
    assert all(list_machines()[name].source.count("specification") == 0 for name in ("urevo-e1l", "tm11gy"))


def test_facts_replace_what_was_read_and_leave_the_rest(written: Path) -> None:
    written.write_text(
        f"{FILE}[daemon]\nminimum_kmh = 0.8\ndeceleration_kmh_per_s = 0.35\nechoes_target = true\n"
    )
    known = load_machine(written).daemon.applied_to(READ)
    assert (known.minimum, known.deceleration, known.echoes_target) == (80, 35, True)
    assert (known.maximum, known.start_delay_s, known.commissioned) == (2000, 4.0, False)


@pytest.mark.parametrize(
    ("advertised", "name"),
    [
        ("retrowalk spec", "spec"),
        ("Retrowalk SPEC ", "spec"),
        ("CITYSPORTS-Linker 01", "citysports-wp8"),
        ("F85-X", "sole-f85"),
        ("KS-HD-Z1D", "kingsmith-z1"),
        ("YS_W2PRO_02395", "yesoul-w2-pro"),
        ("T318_77", "t318"),
        ("retrowalk special", None),
        ("HORIZON", None),
        ("", None),
    ],
)
def test_a_machine_is_matched_by_its_name(advertised: str, name: str | None) -> None:
    found = match(Shown(name=advertised))
    assert (found and found.name) == name


TOLD = Shown(
    name="PAD-17",
    service_data=b"\1\1\0",
    device_information={"manufacturer": "Pads Ltd", "firmware": "V0.0.6"},
    characteristics=frozenset({0x2ACD, 0x2AD9, 0x2AD2}),
    speeds=(96, 643, 32),
)


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"names": ["pad-*"]}, (1, 5)),
        ({"names": ["PAD-*", "PAD-1?"]}, (1, 6)),
        ({"names": ["CAR-*"]}, (0, 0)),
        ({"manufacturer": "pads*"}, (1, 5)),
        ({"model": "*"}, (0, 0)),
        ({"names": ["PAD-*"], "firmware": "V0.*"}, (2, 5)),
        ({"names": ["PAD-*"], "firmware": "V1.*"}, (0, 0)),
        ({"service_data": "0?0100"}, (1, 6)),
        ({"service_data": "0?2000"}, (0, 0)),
        ({"has": ["2AD2", "2ad9"], "lacks": ["2AD5"]}, (2, 1)),
        ({"has": ["2AD5"]}, (0, 0)),
        ({"lacks": ["2AD2"]}, (0, 0)),
        ({"speed_range_kmh": [0.96, 6.43, 0.32]}, (1, 1)),
        ({"speed_range_kmh": [0.96, 6.43, 0.1]}, (0, 0)),
    ],
)
def test_a_file_fits_by_name_service_data_device_information_and_behaviour(asked, fits) -> None:
    file = MachineFile(name="pad", about="x", source="x", match=Match.model_validate(asked))
    assert file.fit(TOLD) == fits
    assert file.fit(Shown()) == (0, 0)


def test_service_data_that_nobody_heard_are_not_missed_where_something_else_fits() -> None:
    both = MachineFile(name="pad", about="x", source="x", match=Match(names=["PAD-*"], service_data="0?0100"))
    assert both.fit(Shown(name="PAD-1")) == (1, 5)
    assert both.fit(Shown(name="PAD-1", service_data=b"\0\0\0")) == (0, 0)


def test_units_are_made_at_the_edge() -> None:
    ranges = quirks_of(load_machine("grid-0.32")).ranges
    assert (ranges.minimum, ranges.maximum, ranges.increment, ranges.maximum_incline) == (96, 643, 32, 100)
    assert quirks_of(load_machine("grid-0.5")).belt.deceleration == 30
    assert quirks_of(load_machine("grid-0.5")).control.answers is Answers.INDICATION_BEFORE_WRITE_RESPONSE


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            "[daemon]\nsilent_at_stop = true",
            "daemon.silent_at_stop is not a key here, did you mean silent_at_rest?",
        ),
        ("[daemon]\nstart_delay_s = true", "daemon.start_delay_s: found True"),
        ("[daemon]\nminimum_kmh = 0.0", "daemon.minimum_kmh: found 0.0"),
        ("[daemon]\ncommissioned = true", "`retrowalk commission` and the config set them"),
        ("[daemon]\nsecond_stop = true", "`retrowalk commission` and the config set them"),
        ("[sims]", "sims is not a key here, did you mean sim?"),
        ("[daemon", "is no TOML"),
        ("maker = 'x'", "match.maker is not a key here, allowed are names, manufacturer"),
        ("has = ['treadmill']", "match.has.0: found 'treadmill'"),
        (
            "[sim.belt]\nstart_delay = 3",
            "sim.belt.start_delay is not a key here, did you mean start_delay_s?",
        ),
        ("[sim.ranges]\nminimum = 80", "sim.ranges.minimum is not a key here, did you mean minimum_kmh?"),
        ("[sim.ranges]\nminimum_kmh = '1'", "sim.ranges.minimum_kmh: found '1'"),
        (
            "[sim.ranges]\nminimum_kmh = -1.0",
            "sim.ranges.minimum_kmh: a speed must be a number of km/h from 0 up",
        ),
        ("[sim.ranges]\nminimum_kmh = 20.0", "sim.ranges: the minimum and the increment must be above 0"),
        ("[sim.control]\nanswers = 'smoke'", "sim.control.answers: found 'smoke'"),
        ("[sim]\nbelt = 1", "sim.belt: found 1, allowed is a table"),
        ("[sim.telemetry]\nfields = ['rpm']", "sim.telemetry.fields: found ['rpm']"),
        (f"[sim.link]\nname = '{'x' * 30}'", "sim.link: name must have 29 octets at most"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(written: Path, added: str, said: str) -> None:
    written.write_text(f"{FILE}{added}\n")
    with pytest.raises(MachineFileError) as raised:
        quirks_of(load_machine(written))
    assert said in str(raised.value)
    assert "mine" in str(raised.value)


def test_a_missing_key_a_wrong_name_and_an_absent_file_are_named(written: Path) -> None:
    with pytest.raises(MachineFileError, match=r"mine\.toml: cannot be read: No such file"):
        load_machine(written)
    written.write_text('name = "mine"\n')
    with pytest.raises(MachineFileError, match=r"mine\.toml: about is missing"):
        load_machine(written)
    written.write_text(FILE.replace('"mine"', '"yours"'))
    with pytest.raises(MachineFileError, match="its name is 'yours': give file and machine the same name"):
        load_machine(written)


def test_a_file_that_asks_for_nothing_is_refused(written: Path) -> None:
    written.write_text(FILE.replace('names = ["MINE-*"]', ""))
    with pytest.raises(MachineFileError, match=r"mine\.toml: match needs one of names, manufacturer"):
        load_machine(written)


def test_an_unknown_machine_is_answered_with_the_nearest_or_all() -> None:
    with pytest.raises(MachineFileError, match=r"there is no machine 'runway': did you mean runaway\?"):
        load_machine("runway")
    with pytest.raises(MachineFileError, match=r"known are 3g-cardio-runner, adidas-t800, .*urevo-e1l"):
        load_machine("xyzzy")
