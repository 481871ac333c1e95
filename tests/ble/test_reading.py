"""What is believed of a treadmill's own words, and what its file corrects."""

import pytest

from retrowalk.ble.reading import Reading, describe, machine_of
from retrowalk.machines import Shown

ALL = frozenset({0x2ACC, 0x2ACD, 0x2AD4, 0x2AD5, 0x2AD9})


def reading(*, name: str = "Tread", characteristics: frozenset[int] = ALL, **payloads: str) -> Reading:
    octets = {int(number[1:], 16): bytes.fromhex(payload) for number, payload in payloads.items()}
    return Reading.of(name, "C0:00:00:00:00:01", characteristics, octets)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("5000 2003 0a00", (80, 800, 10)),
        ("6000 8302 2000", (96, 643, 32)),
        ("6400 5802 3200", (100, 600, 50)),
        ("5000 ffff 0a00", (100, 600, 10)),  # a maximum of 655 km/h
        ("ffff ffff ffff", (100, 600, 10)),
        ("2003 5000 0a00", (100, 600, 10)),  # upside down
        ("0000 2003 0a00", (100, 600, 10)),  # a belt's minimum is not standing still
        ("5000 5000 0a00", (100, 600, 10)),
        ("5000 2003 0000", (80, 800, 10)),  # no increment: that of most machines
        ("5000 2003 ffff", (80, 800, 10)),
        ("5000 20", (100, 600, 10)),  # cut
        ("", (100, 600, 10)),
    ],
)
def test_speed_ranges_that_cannot_be_true_are_replaced(payload, expected) -> None:
    machine = machine_of(reading(x2ad4=payload))
    assert (machine.minimum, machine.maximum, machine.increment) == expected


@pytest.mark.parametrize(
    ("inclines", "targets", "expected"),
    [
        ("0000 6400 0500", "03000000", (True, 0, 100)),
        ("ceff 9600 0500", "03000000", (True, -50, 150)),
        ("0000 6400 0500", "01000000", (False, 0, 0)),  # it has some, and takes no target
        ("0000 0000 0000", "03000000", (False, 0, 0)),
        ("0000 ff7f 0500", "03000000", (False, 0, 0)),
        ("6400 0000 0500", "03000000", (False, 0, 0)),
        ("0080 6400 0500", "03000000", (False, 0, 0)),
        ("00", "03000000", (False, 0, 0)),
    ],
)
def test_inclines_are_used_only_where_they_can_be_true_and_set(inclines, targets, expected) -> None:
    machine = machine_of(reading(x2acc="00000000" + targets, x2ad5=inclines))
    assert (machine.inclinable, machine.minimum_incline, machine.maximum_incline) == expected


def test_a_machine_that_does_not_say_what_targets_it_takes_is_sent_no_incline() -> None:
    assert not machine_of(reading(x2ad5="0000 6400 0500")).inclinable


@pytest.mark.parametrize(
    ("feature", "characteristics", "expected"),
    [
        ("00000000 01000000", ALL, True),
        ("00000000 00000000", ALL, False),
        ("00000000", ALL, True),  # cut: it does not say no
        ("00000000 01000000", ALL - {0x2AD9}, False),
    ],
)
def test_a_machine_is_controllable_with_a_control_point_and_a_speed_target(
    feature, characteristics, expected
) -> None:
    assert machine_of(reading(characteristics=characteristics, x2acc=feature)).controllable is expected


@pytest.mark.parametrize(
    ("feature", "characteristics", "expected"),
    [
        ("00000000 01000000", ALL, False),
        ("40000000 01000000", ALL, True),  # step count
        ("02000000 01000000", ALL, True),  # cadence
        ("00800000 01000000", ALL, True),  # force on belt
        ("00000000 01000000", ALL | {0x2A53}, True),  # a running speed and cadence service
    ],
)
def test_presence_is_reported_by_what_sees_steps_or_weight(feature, characteristics, expected) -> None:
    assert machine_of(reading(characteristics=characteristics, x2acc=feature)).reports_presence is expected


def test_device_information_is_text_by_name_without_padding() -> None:
    read = reading(x2a29="59 65 73 6f 75 6c 00", x2a26="31 2e 32", x2a25="")
    assert read.device_information == {"manufacturer": "Yesoul", "firmware": "1.2"}


def test_what_it_shows_is_all_that_was_heard_and_read() -> None:
    payloads = {0x2AD4: bytes.fromhex("5000 2003 0a00"), 0x2A26: b"1.2"}
    assert Reading.of("Tread", "C0:01", ALL, payloads, b"\1\1\0").shown == Shown(
        name="Tread",
        service_data=b"\1\1\0",
        device_information={"firmware": "1.2"},
        characteristics=ALL,
        speeds=(80, 800, 10),
    )


def test_a_machine_without_a_name_is_called_by_its_address() -> None:
    assert machine_of(reading(name="")).name == "C0:00:00:00:00:01"


def test_the_file_of_a_machine_goes_above_its_own_words() -> None:
    said = reading(name="retrowalk slow-start", x2ad4="5000 2003 0a00")
    assert machine_of(said).start_delay_s == 4.0
    assert describe(said).start_delay_s > 4.0
    assert describe(said).commissioned
    assert describe(said).minimum == 80
    assert not describe(reading(name="Nobody's")).commissioned
