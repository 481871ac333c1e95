"""Recorded sessions: what a file may hold, what reading gives, and how a recorded machine plays them."""

import json
import math
from pathlib import Path

import pytest

from blefit.ftms.feature import Feature
from blefit.ftms.ranges import SpeedRange
from blefit.registry import decode_json
from retrowalk.sim.model.attributes import Properties
from retrowalk.sim.model.emissions import Answer, Client, LinkLoss, Notification
from retrowalk.sim.model.quirks import Answers
from retrowalk.sim.model.trace import Event, Trace
from retrowalk.sim.model.traced import Traced
from retrowalk.sim.trace import TraceError, load

CAPTURES = Path(__file__).parents[1] / "captures"
TRACES = {trace.id: trace for trace in load(CAPTURES / "traces.json")}
US = Client(1)
DATA, STATUS, CONTROL = 0x2ACD, 0x2ADA, 0x2AD9


def event(at: float, kind: str, char: str | None, octets: str = "") -> Event:
    return Event(at, kind, char, bytes.fromhex(octets))


SHORT = Trace(
    "short",
    "Maker / Tread 1",
    (
        event(0, "read_req", "2AD4"),
        event(0.1, "read_rsp", None, "64 00 58 02 32 00"),
        event(0.2, "read_rsp", None, "01"),
        event(0.3, "write_req", "2ACD.cccd", "01 00"),
        event(0.4, "write_rsp", None),
        event(1, "notify", "2ACD", "00 00 64 00"),
        event(2, "notify", "2AD3", "00 0d"),
        event(3, "write_req", "2AD9", "08 01"),
        event(3, "indicate", "2AD9", "80 08 01"),
        event(4, "notify", "2ADA", "02 01"),
        event(4, "notify", "FFF1", "00"),
        event(4, "notify", "0000fff6-0000-1000-8000-00805f9b34fc", "00"),
        event(5, "notify", "2ACD", "00 00 00 00"),
    ),
)


def listened(traced: Traced, *numbers: int) -> None:
    traced.connect(US)
    for number in numbers or (DATA, STATUS, CONTROL, 0x2AD3):
        traced.subscribe(US, number, enabled=True)


# --- the file -----------------------------------------------------------------------------------------


def test_the_captured_sessions_are_there_with_their_names_in_the_air() -> None:
    assert {trace.id: (trace.name, len(trace.events)) for trace in TRACES.values()} == {
        "urevo_e1l_kinomap": ("URTM041", 216),
        "citysports_initial": ("CITYSPORTS-Linker", 255),
        "citysports_second": ("CITYSPORTS-Linker", 426),
    }


GOOD = {"t": 0, "kind": "notify", "char": "2ACD", "hex": "00"}


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([], r"the whole: found \[\]"),
        ({"a": {"events": []}}, "a, events: "),
        ({"a": {"device": "x"}}, "a, events: .*required"),
        (
            {"a": {"events": [GOOD, GOOD | {"hex": "0g"}]}},
            "a, events, no. 2, hex: found '0g': allowed are octets",
        ),
        ({"a": {"events": [GOOD | {"t": "soon"}]}}, "a, events, no. 1, t: found 'soon'"),
        ({"a": {"events": [{"kind": "notify"}]}}, "a, events, no. 1, t: "),
    ],
)
def test_a_file_that_cannot_be_played_says_where_and_why(tmp_path, told, sentence) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(told))
    with pytest.raises(TraceError, match=sentence):
        load(path)


def test_no_file_and_no_json_are_said_too(tmp_path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        load(tmp_path / "none.json")
    (tmp_path / "half.json").write_text("{")
    with pytest.raises(TraceError, match="is no JSON"):
        load(tmp_path / "half.json")


def test_times_begin_at_0_events_are_in_order_and_what_is_not_known_is_carried(tmp_path) -> None:
    path = tmp_path / "t.json"
    events = [GOOD | {"t": 107.5}, {"t": 105, "kind": "MTU_REQ", "char": None, "hex": "b900", "note": "?"}]
    path.write_text(json.dumps({"a": {"device": "", "events": [*events, {"t": 106, "kind": "disconnect"}]}}))
    (trace,) = load(path)
    assert [(one.at, one.kind) for one in trace.events] == [
        (0, "mtu_req"),
        (1, "disconnect"),
        (2.5, "notify"),
    ]
    assert trace.name == "recorded treadmill"
    assert [one.kind for one in trace.sent] == ["disconnect", "notify"]


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_everything_captured_decodes_and_says_what_it_is_known_to_say(trace) -> None:
    known = {
        (row["characteristic"], bytes.fromhex(row["hex"])): row["decoded"]
        for row in json.loads((CAPTURES / "vectors.json").read_text(encoding="utf-8"))
    }
    checked = 0
    for sent in trace.sent:
        (told,) = decode_json(sent.characteristic, [sent.payload])
        stated = known.get((sent.characteristic, sent.payload), {})
        for key in stated.keys() & told.keys() - set(stated.get("vendor_na_fields", [])):
            assert told[key] == (stated[key] or None if key == "heart_rate_bpm" else stated[key])
            checked += 1
    assert checked > 0


# --- what it says -------------------------------------------------------------------------------------


def test_an_answer_belongs_to_the_read_before_it_and_to_no_other_request() -> None:
    assert SHORT.value(0x2AD4, 0.0) == bytes.fromhex("640058023200")
    assert {number for _, number, _ in SHORT.values} == {0x2AD4, DATA, STATUS, CONTROL, 0x2AD3, 0xFFF1}


def test_it_plays_its_notifications_at_their_times_to_who_subscribed() -> None:
    traced = Traced(SHORT, now=10.0)
    assert traced.next_due == math.inf
    traced.advance(12.0)
    listened(traced)
    assert traced.next_due == 13.0
    assert traced.advance(12.99) == []
    assert traced.advance(13.0) == [Notification(US, DATA, bytes.fromhex("00006400"))]
    later = traced.advance(16.5)
    assert [type(one) for one in later] == [Notification, Answer, Notification]
    assert traced.advance(17.0) == [Notification(US, DATA, bytes(4))]
    assert (traced.over, traced.next_due) == (True, math.inf)


def test_faster_and_again_and_at_once() -> None:
    traced = Traced(SHORT, times=2, speedup=2.0, at_once=True)
    listened(traced, DATA)
    seen = []
    for tick in range(110):
        seen += [(tick / 20, one.payload[2]) for one in traced.advance(tick / 20)]
    assert seen == [(0.5, 0x64), (2.5, 0), (3.0, 0x64), (5.0, 0)]
    assert traced.over


def test_a_disconnect_is_a_link_loss_and_it_goes_on() -> None:
    cut = Trace(
        "cut", "x", (event(0, "notify", "2ACD"), event(1, "disconnect", None), event(2, "notify", "2ACD"))
    )
    traced = Traced(cut, at_once=True)
    listened(traced)
    traced.advance(0.5)
    assert traced.advance(1.0) == [LinkLoss()]
    traced.disconnect(US)
    assert traced.advance(1.5) == []
    listened(traced)
    assert len(traced.advance(2.0)) == 1


def test_what_is_written_to_it_is_kept_answered_and_changes_nothing() -> None:
    traced = Traced(SHORT)
    listened(traced)
    assert traced.write(US, b"\x08\x01", 0.5) is None
    assert traced.advance(0.5) == [Answer(US, b"\x80\x08\x01")]
    assert traced.written == [(0.5, b"\x08\x01")]
    assert traced.next_due == 1.0


# --- its attributes -----------------------------------------------------------------------------------


def read(traced: Traced, number: int) -> bytes:
    (one,) = [one for content in traced.services().values() for one in content if one.number == number]
    assert one.value is not None
    return one.value()


def test_reading_gives_what_it_held_at_that_moment_or_a_plausible_default() -> None:
    traced = Traced(SHORT, at_once=True)
    assert read(traced, 0x2AD4) == bytes.fromhex("640058023200")
    assert Feature.decode(read(traced, 0x2ACC))
    traced.advance(5.0)
    assert read(traced, 0x2AD3) == b"\x00\x0d"
    bare = Traced(Trace("bare", "x", (event(0, "notify", "2ACD", "00000000"),)))
    assert SpeedRange.decode(read(bare, 0x2AD4)).minimum == 100
    assert read(bare, 0x2AD3) == b""


@pytest.mark.parametrize(
    ("name", "takes", "answers"),
    [
        ("urevo_e1l_kinomap", Properties.WRITE_WITHOUT_RESPONSE | Properties.NOTIFY, Answers.NOTIFICATION),
        ("citysports_second", Properties.WRITE | Properties.INDICATE, Answers.INDICATION),
    ],
)
def test_its_control_point_takes_and_answers_as_it_was_seen_to(name, takes, answers) -> None:
    traced = Traced(TRACES[name])
    (control,) = [one for one in traced.services()[0x1826] if one.number == CONTROL]
    assert control.properties == takes
    assert traced.quirks.control.answers is answers


def test_what_else_it_sends_is_in_its_own_service() -> None:
    heart = Trace(
        "h",
        "x",
        (event(0, "notify", "2A37", "0050"), event(0, "read_req", "2A24"), event(0, "read_rsp", None, "41")),
    )
    services = Traced(heart).services()
    assert [one.number for one in services[0x180D]] == [0x2A37]
    assert [one.number for one in services[0x180A]] == [0x2A24]
