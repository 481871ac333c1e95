"""What a program's text may say, and the sentence for everything it may not."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blefit.units import Incline, Speed
from retrowalk.core import quantity
from retrowalk.core.model import Direction
from retrowalk.core.program import BeltOff, Program, Repeat, Rest, Turn, Walk
from retrowalk.core.program_text import Malformed, parse_program
from retrowalk.core.quantity import Distance, Duration

CONTRACT = """
name = "Beginner waves"
level = 1
steps = [
  { walk = "forward", for = "3min", speed = [1.5, 2.0], cue = "Easy forward" },
  { turn = "backward" },
  { repeat = 5, steps = [
    { walk = "backward", for = "60s", speed = 1.5, cue = "Toes first, then roll to the heel" },
    { walk = "backward", for = "45s", speed = 1.0 },
  ] },
  { turn = "forward" },
  { walk = "forward", for = "2min", speed = [2.0, 1.0] },
]
"""


def program(text: str) -> Program:
    found = parse_program(text)
    assert isinstance(found, Program), found
    return found


def mistakes(text: str) -> list[str]:
    found = parse_program(text)
    assert isinstance(found, Malformed), found
    return list(found.sentences)


def with_step(step: str) -> str:
    return f'name = "One"\nlevel = 1\nsteps = [{{ walk = "fwd", for = "1min", speed = 1 }}, {step}]'


def test_the_example_of_the_contract_is_read_as_it_is_meant() -> None:
    found = program(CONTRACT)
    assert (found.name, found.level, found.purpose, found.description) == ("Beginner waves", 1, "", "")
    assert found.steps == (
        Walk(
            "step 1 of 5",
            Direction.FORWARD,
            Duration(180),
            (Speed(150), Speed(200)),
            Incline(0),
            "Easy forward",
        ),
        Turn("step 2 of 5", Direction.BACKWARD, ""),
        Repeat(
            "step 3 of 5",
            5,
            (
                Walk(
                    "step 3 of 5, step 1 of 2",
                    Direction.BACKWARD,
                    Duration(60),
                    (Speed(150), Speed(150)),
                    Incline(0),
                    "Toes first, then roll to the heel",
                ),
                Walk(
                    "step 3 of 5, step 2 of 2",
                    Direction.BACKWARD,
                    Duration(45),
                    (Speed(100), Speed(100)),
                    Incline(0),
                    "",
                ),
            ),
        ),
        Turn("step 4 of 5", Direction.FORWARD, ""),
        Walk("step 5 of 5", Direction.FORWARD, Duration(120), (Speed(200), Speed(100)), Incline(0), ""),
    )
    assert len(list(found.expanded())) == 14


def test_every_kind_of_step_and_every_key() -> None:
    found = program("""
        name = "All"
        level = 6
        purpose = "knee"
        description = "Every   key"
        steps = [
          { walk = "retro", for = "0.5km", within = "20min", speed = 1.5, incline = 0.5, cue = "up" },
          { rest = "45s", cue = "breathe" },
          { beltoff = "20s", cue = "push" },
          { turn = "forward", cue = "mind the belt" },
        ]""")
    assert (found.purpose, found.description) == ("knee", "Every key")
    assert found.steps == (
        Walk(
            "step 1 of 4",
            Direction.BACKWARD,
            Distance(500, 1200),
            (Speed(150), Speed(150)),
            Incline(5),
            "up",
        ),
        Rest("step 2 of 4", 45, "breathe"),
        BeltOff("step 3 of 4", 20, "push"),
        Turn("step 4 of 4", Direction.FORWARD, "mind the belt"),
    )


@pytest.mark.parametrize(
    ("word", "direction"),
    [
        ("forward", Direction.FORWARD),
        ("fwd", Direction.FORWARD),
        ("back", Direction.BACKWARD),
        ("backward", Direction.BACKWARD),
        ("retro", Direction.BACKWARD),
        ("reverse", Direction.BACKWARD),
        (" Retro ", Direction.BACKWARD),
    ],
)
def test_words_for_the_two_directions(word: str, direction: Direction) -> None:
    for found in program(with_step(f'{{ turn = "{word}" }}')).steps[1:]:
        assert isinstance(found, Turn)
        assert found.direction is direction


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("3min", 180),
        ("1min30s", 90),
        ("90 s", 90),
        ("1h", 3600),
        ("1 h 1 min 1 s", 3661),
        ("1.5min", 90),
        ("0.5h", 1800),
        (" 45s ", 45),
        ("1s", 1),
        ("24h", 86400),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert quantity.duration(text) == quantity.extent(text) == Duration(seconds)


@pytest.mark.parametrize(
    ("text", "metres"), [("200m", 200), ("0.5km", 500), ("10 m", 10), ("42.195km", 42195), ("12.0m", 12)]
)
def test_distances(text: str, metres: int) -> None:
    assert quantity.extent(text) == Distance(metres)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (60, "60 is no length"),
        (True, "true is no length"),
        ("60", '"60" is no length'),
        ("", '"" is no length'),
        ("3 minutes", '"3 minutes" is no length'),
        ("-5s", '"-5s" is no length'),
        ("1min30", '"1min30" is no length'),
        ("0s", '"0s" must be whole seconds, from 1 s to 24 h'),
        ("1.5s", '"1.5s" must be whole seconds'),
        ("24h1s", '"24h1s" must be whole seconds, from 1 s to 24 h'),
        ("3m", '"3m" is 3 metres: write "3min" for minutes'),
        ("10.5m", '"10.5m" must be whole metres'),
        ("42196m", '"42196m" must be whole metres, from 10 m to 42195 m'),
        ("0.001km", '"0.001km" must be whole metres, from 10 m'),
        ("2 miles", 'write it like "90s", "1min30s" or "200m"'),
        ({"a": 1}, "a table is no length"),
        ("x" * 99, '"' + "x" * 38 + "… is no length"),
        ("a\x1b[2Jb", '"a?[2Jb" is no length'),
    ],
)
def test_a_length_that_is_none(value: object, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        quantity.extent(value)


@pytest.mark.parametrize(
    ("value", "speeds"),
    [
        ("1.5", (150, 150)),
        ("2", (200, 200)),
        ("[1.5, 2.0]", (150, 200)),
        ("1.159", (115, 115)),
        ("0.01", (1, 1)),
    ],
)
def test_speeds_are_kmh_and_never_rounded_up(value: str, speeds: tuple[int, int]) -> None:
    _, walk = program(with_step(f'{{ walk = "fwd", for = "1min", speed = {value} }}')).steps
    assert isinstance(walk, Walk)
    assert walk.speed == speeds


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ('{ walk = "fwd", for = "1min", speed = "fast" }', 'speed: "fast" is no speed: write km/h like 1.5'),
        ('{ walk = "fwd", for = "1min", speed = true }', "speed: true is no speed"),
        ('{ walk = "fwd", for = "1min", speed = [1, 2, 3] }', "speed: [1, 2, 3] is no speed"),
        ('{ walk = "fwd", for = "1min", speed = [1, "2"] }', "is no speed"),
        ('{ walk = "fwd", for = "1min", speed = nan }', "speed: nan must be above 0 and at most 100 km/h"),
        ('{ walk = "fwd", for = "1min", speed = inf }', "speed: inf must be above 0"),
        ('{ walk = "fwd", for = "1min", speed = 0 }', "speed: 0 must be above 0"),
        ('{ walk = "fwd", for = "1min", speed = [-1, 2] }', "speed: [-1, 2] must be above 0"),
        ('{ walk = "fwd", for = "1min", speed = 101 }', "speed: 101 must be above 0 and at most 100 km/h"),
        (
            '{ walk = "fwd", for = "1min", speed = 0x' + "f" * 9999 + " }",
            "speed: a number of very many digits must",
        ),
        ('{ walk = "fwd", for = "1min" }', "speed is missing"),
        ('{ walk = "fwd", speed = 1 }', "for is missing"),
        ('{ walk = "sideways", for = "1min", speed = 1 }', 'walk: "sideways" is no direction'),
        ('{ walk = 1, for = "1min", speed = 1 }', "walk: 1 is no direction"),
        ('{ walk = "fwd", for = "1min", speed = 1, incline = nan }', "incline: nan must be from -50 to 50"),
        ('{ walk = "fwd", for = "1min", speed = 1, incline = 51 }', "incline: 51 must be from -50 to 50"),
        ('{ walk = "fwd", for = "1min", speed = 1, incline = "2%" }', 'incline: "2%" is no incline'),
        ('{ walk = "fwd", for = "1min", speed = 1, incline = false }', "incline: false is no incline"),
        (
            '{ walk = "fwd", for = "1min", speed = 1, within = "2min" }',
            "within is the time limit of a distance",
        ),
        ('{ walk = "fwd", for = "x", speed = 1, within = "2min" }', 'for: "x" is no length'),
        ('{ walk = "fwd", for = "20m", speed = 1, within = 2 }', "within: 2 is no duration"),
        ('{ walk = "fwd", for = "1min", speed = 1, sped = 1 }', 'unknown key "sped": did you mean "speed"?'),
        ('{ turn = "back", for = "1min" }', 'unknown key "for"; known here: turn, cue'),
        ('{ turn = "up" }', 'turn: "up" is no direction'),
        ('{ rest = "10" }', 'rest: "10" is no duration'),
        ('{ beltoff = "200m" }', 'beltoff: "200m" is no duration'),
        ('{ rest = "10s", cue = 3 }', "cue: 3 must be printable text of 0 to 200 characters"),
        ('{ rest = "10s", cue = "a\\u001b[2Jb" }', 'cue: "a?[2Jb" must be printable text'),
        ('{ walk = "fwd", rest = "10s" }', "this one says walk and rest"),
        (
            "{ cue = 'hm' }",
            "a step says one of walk, turn, rest, beltoff, repeat; this one says none of them",
        ),
        ("3", "this one says none of them"),
        ("{ repeat = 0, steps = [{ rest = '9s' }] }", "repeat: 0 must be a whole number from 1 to 100"),
        ("{ repeat = 101, steps = [{ rest = '9s' }] }", "repeat: 101 must be a whole number from 1 to 100"),
        ("{ repeat = true, steps = [{ rest = '9s' }] }", "repeat: true must be a whole number"),
        ("{ repeat = 2.0, steps = [{ rest = '9s' }] }", "repeat: 2.0 must be a whole number"),
        ("{ repeat = 2, steps = [] }", "steps must be a list of at least one step"),
        ("{ repeat = 2 }", "steps must be a list of at least one step"),
    ],
)
def test_a_step_that_is_none_is_told_with_its_place(step: str, told: str) -> None:
    (sentence,) = mistakes(with_step(step))
    assert sentence.startswith("step 2 of 2: ") or "steps must be" in sentence
    assert told in sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = ", "not TOML: Invalid value"),
        ("a = " + "[" * 9_000, "nested too deep"),
        ("#" * 65_537, "the text is longer than 65536 characters"),
        (CONTRACT.replace("level = 1", "level = 7"), "level: 7 must be a whole number from 0 to 6"),
        (CONTRACT.replace("level = 1", "level = -1"), "level: -1 must be a whole number from 0 to 6"),
        (CONTRACT.replace("level = 1", "level = true"), "level: true must be a whole number from 0 to 6"),
        (CONTRACT.replace("level = 1", 'level = "1"'), 'level: "1" must be a whole number from 0 to 6'),
        (CONTRACT.replace("level = 1", ""), "level is missing"),
        (CONTRACT.replace("level = 1", "level = 1\nlevle = 2"), 'unknown key "levle": did you mean "level"?'),
        (CONTRACT.replace("Beginner waves", " "), 'name: " " must be printable text of 1 to 80 characters'),
        (CONTRACT.replace("Beginner waves", "x" * 81), "must be printable text of 1 to 80 characters"),
        (CONTRACT.replace('name = "Beginner waves"', ""), "name is missing"),
        (CONTRACT.replace("level = 1", 'level = 1\npurpose = "fun"'), 'purpose: "fun" must be one of knee,'),
        (CONTRACT.replace("level = 1", "level = 1\npurpose = []"), "purpose: [] must be one of knee,"),
        ('name = "x"\nlevel = 1', "steps must be a list of at least one step"),
        ('name = "x"\nlevel = 1\nsteps = 3', "steps must be a list of at least one step"),
        ('name = "x"\nlevel = 1\nsteps = [{ rest = "9s" }]', "nothing is walked"),
    ],
)
def test_a_text_that_is_no_program(text: str, told: str) -> None:
    (sentence,) = mistakes(text)
    assert told in sentence


def test_all_mistakes_are_told_at_once_with_their_places() -> None:
    assert mistakes("""
        level = "high"
        steps = [
          { walk = "up", for = "x", speed = "y" },
          { repeat = 2, steps = [{ turn = "back" }, { rest = 3 }] },
        ]""") == [
        "name is missing",
        'level: "high" must be a whole number from 0 to 6',
        'step 1 of 2: walk: "up" is no direction: write "forward" or "backward"',
        'step 1 of 2: for: "x" is no length: write it like "90s", "1min30s" or "200m"',
        'step 1 of 2: speed: "y" is no speed: write km/h like 1.5, or [1.5, 2.0] for a ramp',
        'step 2 of 2, step 2 of 2: rest: 3 is no duration: write it like "90s", "3min" or "1min30s"',
    ]


def nested(depth: int, count: int) -> str:
    step = '{ walk = "fwd", for = "9s", speed = 1 }'
    for _ in range(depth):
        step = f"{{ repeat = {count}, steps = [{step}] }}"
    return f'name = "n"\nlevel = 1\nsteps = [{step}]'


def test_repeats_nest_four_deep_and_no_deeper() -> None:
    assert len(list(program(nested(4, 2)).expanded())) == 16
    (sentence,) = mistakes(nested(5, 2))
    assert sentence.endswith("repeat is nested deeper than 4 repeats")


def test_a_program_has_at_most_500_steps_repeats_unrolled() -> None:
    steps = ",".join(['{ walk = "fwd", for = "9s", speed = 1 }'] * 5)
    text = f'name = "n"\nlevel = 1\nsteps = [{{ repeat = 100, steps = [{steps}] }}]'
    assert len(list(program(text).expanded())) == 500
    assert mistakes(nested(2, 100)) == ["the repeats make 10000 steps, more than 500"]
    (told,) = mistakes(text.removesuffix("]") + ', { rest = "9s" }]')
    assert told == "the repeats make 501 steps, more than 500"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (45, "45 s"), (180, "3 min"), (90, "1 min 30 s"), (3600, "1 h"), (3661.4, "1 h 1 min 2 s")],
)
def test_lengths_of_time_in_words(seconds: float, told: str) -> None:
    assert quantity.words(seconds) == told


@given(st.text(max_size=200))
def test_any_text_is_a_program_or_malformed(text: str) -> None:
    assert isinstance(parse_program(text), Program | Malformed)


VALUES = st.recursive(
    st.sampled_from(['"fwd"', '"9s"', '"1m"', '""', "1", "-1", "nan", "1e400", "true", "1979-05-27", "[]"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]")
        | st.dictionaries(
            st.sampled_from(["walk", "turn", "rest", "beltoff", "repeat", "steps", "for", "speed", "x"]),
            inner,
            max_size=4,
        ).map(lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}")
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["name", "level", "steps", "purpose", "y"]), VALUES))
def test_any_toml_is_a_program_or_malformed(table: dict[str, str]) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in table.items())
    assert isinstance(parse_program(text), Program | Malformed)


def test_shipped_programs_are_well_formed() -> None:
    folder = Path(__file__).parents[2] / "config" / "programs"
    assert {path.stem for path in folder.glob("*.toml")} >= {
        "familiarise",
        "waves-1",
        "waves-2",
        "steady-10",
        "knee-comfort",
        "fitness",
    }
    for path in folder.glob("*.toml"):
        assert program(path.read_text(encoding="utf-8")).description
