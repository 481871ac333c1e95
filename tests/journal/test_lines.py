"""What is written into a journal is what is read out of it, whatever came and went."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blefit.units import Speed
from retrowalk.core.model import (
    AckFault,
    Act,
    Characteristic,
    Confirm,
    Connected,
    DropLink,
    Emitted,
    Lease,
    Lost,
    Machine,
    Mark,
    Marked,
    Notified,
    Offer,
    PauseSession,
    Quarantine,
    Replied,
    Request,
    ResumeSession,
    Said,
    SetCap,
    Skip,
    StopSession,
    Unmark,
    Written,
)
from retrowalk.journal.lines import Frame, Header, JournalError, Step, read, written
from retrowalk.journal.values import Unknown
from retrowalk.programs import program_files, read_program

AT = datetime(2026, 11, 21, 7, 0, 0, 250_000, tzinfo=UTC)
HEADER = Header(version="0.1.0", treadmill="tm", t=1.5, at=AT, setup={"is": "x"}, left_running=True, lost=3)

numbers = st.integers(0, 2**40)
texts = st.text(max_size=20)
speeds = st.integers(0, 2000).map(Speed)
machines = st.builds(
    Machine,
    id=texts,
    name=texts,
    minimum=speeds,
    maximum=speeds,
    increment=speeds,
    deceleration=st.none() | numbers,
    start_delay_s=st.floats(0, 60),
    quarantined=texts,
)
asks = st.one_of(
    st.builds(Offer, texts, st.none() | texts, st.none() | st.floats(0, 1e6)),
    st.builds(Confirm, st.none() | st.sampled_from(Act)),
    st.builds(SetCap, speeds),
    *map(st.builds, (PauseSession, ResumeSession, Skip, StopSession, Lease, AckFault)),
)
happenings = st.one_of(
    st.builds(Connected, numbers, machines),
    st.builds(Lost, numbers, texts),
    st.builds(Notified, numbers, st.sampled_from(Characteristic), st.binary(max_size=40)),
    st.builds(Written, numbers, numbers, texts, st.none() | st.integers(0, 255)),
    st.builds(Marked, texts, texts),
    st.builds(Request, texts, texts, asks),
)
fields = st.dictionaries(texts, st.none() | st.booleans() | numbers | st.floats(allow_nan=False) | texts)
effects = st.one_of(
    st.builds(Emitted, texts, fields),
    st.builds(Replied, texts, texts, texts, texts, texts),
    st.builds(Said, texts, st.booleans()),
    st.builds(Mark, texts),
    st.builds(Unmark),
    st.builds(Quarantine, texts),
    st.builds(DropLink, texts),
    st.builds(Unknown, texts),
)
programs = st.sampled_from([read_program(name) for name in program_files()]) | texts
steps = st.builds(
    Step,
    st.floats(0, 1e7),
    st.just(AT),
    st.none() | happenings,
    programs=st.lists(programs, max_size=1).map(tuple),
    ids=st.lists(texts, max_size=1).map(tuple),
    frames=st.lists(st.builds(Frame, numbers, numbers, st.binary(max_size=5)), max_size=2).map(tuple),
    effects=st.lists(effects, max_size=3).map(tuple),
    bug=st.just("") | texts,
)


@given(st.lists(steps, max_size=6))
def test_what_is_written_is_read(entries: list[Step]) -> None:
    lines = list(written([HEADER, *entries]))
    assert all(line.endswith("\n") and json.loads(line) for line in lines)
    assert [entry for _, entry in read(lines)] == [HEADER, *entries]


def test_ticks_in_a_row_share_a_line() -> None:
    ticks = [Step(t, AT) for t in (1.0, 1.25, 1.5)]
    lines = list(written([HEADER, *ticks, Step(1.6, AT, Lost(1, "")), ticks[0]]))
    assert len(lines) == 4
    assert lines[1] == '{"ticks":[1.0,1.25,1.5],"at":"2026-11-21T07:00:00.250Z"}\n'
    assert [number for number, _ in read(lines)] == [1, 2, 2, 2, 3, 4]


def test_what_cannot_be_kept_is_told_and_costs_nothing_else() -> None:
    odd = Emitted("odd", {"when": AT})
    (_, step) = (entry for _, entry in read(written([HEADER, Step(2.0, AT, effects=(odd,))])))
    assert isinstance(step, Step)
    assert step.effects == (Unknown(repr(odd)),)


WHOLE = list(written([HEADER, Step(2.0, AT, Lost(1, "the radio failed")), Step(3.0, AT, Marked("s"))]))


@pytest.mark.parametrize("cut", range(1, len(WHOLE[-1])))
def test_a_torn_last_line_is_left_out(cut: int) -> None:
    assert len(list(read([*WHOLE[:-1], WHOLE[-1][:-cut]]))) == 2


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "the file is empty"),
        (["hello\n"], "line 1 is damaged (JSONDecodeError: Expecting value: line 1 column 1 (char 0))"),
        (["[]\n"], "line 1: this is no JSON object"),
        (['{"a": 1}\n'], "line 1: this is no journal of retrowalk: its first line is no header"),
        ([WHOLE[0], WHOLE[1][:40] + "\n", WHOLE[2]], "line 2 is damaged"),
        ([WHOLE[0], '{"t": 1.0}\n'], "line 2 is damaged (KeyError: 'at')"),
        (
            ['{"retrowalk_journal": 2, "version": "9.0"}\n'],
            "line 1: the journal has a format that this version cannot read: retrowalk 9.0 has written it",
        ),
        (
            [WHOLE[0], WHOLE[1].replace('"t"', '"weather":"fine","t"')],
            "line 2: this version knows no 'weather' there",
        ),
        (
            [WHOLE[0], WHOLE[1].replace('"Lost"', '"Found"')],
            "line 2: this version knows no 'Found'",
        ),
        (
            [WHOLE[0], WHOLE[1].replace('"Lost"', '"os.system"')],
            "line 2: this version knows no 'os.system'",
        ),
        (
            [WHOLE[0], WHOLE[1].replace('"Lost"', '"core.controller.Protocol"')],
            "line 2: this version knows no 'core.controller.Protocol'",
        ),
        ([WHOLE[0], WHOLE[1].replace('"why"', '"because"')], "line 2: Lost.__init__() got an unexpected"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(lines: list[str], sentence: str) -> None:
    with pytest.raises(JournalError) as caught:
        list(read(lines))
    assert str(caught.value).startswith(sentence)
