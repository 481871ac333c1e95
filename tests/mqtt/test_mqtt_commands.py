import json
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blefit.units import Speed
from retrowalk.core.model import (
    AckFault,
    Act,
    Confirm,
    Lease,
    Offer,
    PauseSession,
    Replied,
    Request,
    ResumeSession,
    SetCap,
    Skip,
    StopSession,
)
from retrowalk.mqtt.commands import SeenIds, holds_stop, parse_command, parse_confirm
from retrowalk.mqtt.payloads import rfc3339

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    return rfc3339(NOW - timedelta(seconds=seconds))


def command(payload, *, retained=False, seen=None):
    octets = json.dumps(payload).encode() if isinstance(payload, dict) else payload
    return parse_command(octets, retained=retained, now=NOW, seen=SeenIds() if seen is None else seen)


def confirm(payload, *, retained=False, seen=None, sources=("button",), allow_bare=False):
    octets = json.dumps(payload).encode() if isinstance(payload, dict) else payload
    return parse_confirm(
        octets,
        retained=retained,
        now=NOW,
        seen=SeenIds() if seen is None else seen,
        sources=sources,
        allow_bare=allow_bare,
    )


@pytest.mark.parametrize(
    ("payload", "ask"),
    [
        ({"command": "start", "program": "waves-1"}, Offer("waves-1")),
        ({"command": "start", "program": "waves-1", "walker": "ann"}, Offer("waves-1", "ann")),
        ({"command": "start", "program": "waves-1", "walker": None}, Offer("waves-1")),
        ({"command": "pause"}, PauseSession()),
        ({"command": "resume"}, ResumeSession()),
        ({"command": "skip"}, Skip()),
        ({"command": "stop"}, StopSession()),
        ({"command": "set_cap", "kmh": 1.5}, SetCap(Speed(150))),
        ({"command": "set_cap", "kmh": 1}, SetCap(Speed(100))),
        ({"command": "set_cap", "kmh": 1.999}, SetCap(Speed(199))),  # never rounded up
        ({"command": "lease"}, Lease()),
        ({"command": "ack_fault"}, AckFault()),
    ],
)
@pytest.mark.parametrize("timing", [{}, {"time": ago(4.9)}, {"time": ago(-4.9)}, {"expires": ago(-60)}])
def test_each_command_of_the_contract_is_understood(payload, ask, timing):
    assert command({"id": "7", **payload, **timing}) == Request("7", "mqtt", ask)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "this is not JSON: EOF while parsing a value at line 1 column 0"),
        (b"start", "this is not JSON: expected value at line 1 column 1"),
        (b"\xff\xfe{}", "this is not JSON: expected value at line 1 column 1"),
        (b"[" * 4000, "this is not JSON: recursion limit exceeded at line 1 column 202"),
        (b"[]", "this is not a JSON object"),
        (b'"pause"', "this is not a JSON object"),
        (b"{}", "the key command is missing"),
        (
            b'{"id":"7","command":"strat"}',
            "the command strat is not known: take 'start', 'set_cap', 'pause', ",
        ),
        (b'{"command":"pause"}', "the key id is missing"),
        (b'{"id":"7","command":"start"}', "the key program is missing"),
        (b'{"id":"7","command":"set_cap"}', "the key kmh is missing"),
        (b'{"id":"7","command":"pause","speed":3}', "the key speed is not known here"),
        (
            b'{"id":"7","command":"pause",' + b",".join(b'"k%d":1' % n for n in range(200)) + b"}",
            "the key k0 is ",
        ),
        (b'{"id":7,"command":"pause"}', "id cannot be 7: input should be a valid string"),
        (b'{"id":"","command":"pause"}', 'id cannot be "": string should have at least 1 character'),
        (b'{"id":"7","command":"set_cap","kmh":"2"}', 'kmh cannot be "2": input should be a valid number'),
        (b'{"id":"7","command":"set_cap","kmh":true}', "kmh cannot be true: input should be a valid number"),
        (b'{"id":"7","command":"set_cap","kmh":NaN}', "kmh cannot be NaN: input should be a finite number"),
        (b'{"id":"7","command":"set_cap","kmh":1e999}', "kmh cannot be Infinity: input should be a finite "),
        (b'{"id":"7","command":"set_cap","kmh":-1}', "kmh cannot be -1: input should be greater than or equ"),
        (b'{"id":"7","command":"pause","time":"noon"}', 'time cannot be "noon": input should be a valid dat'),
        (b'{"id":"7","command":"pause","time":"2026-03-01T12:00:00"}', "time cannot be"),
        (b'{"id":"7","command":"pause","pad":"' + b"x" * 5000 + b'"}', "5037 octets are too many"),
    ],
)
def test_a_malformed_command_is_refused_in_one_sentence(payload, reason):
    refused = command(payload)
    assert isinstance(refused, Replied)
    assert refused.outcome == "refused"
    assert refused.reason.startswith(reason)
    assert "\n" not in refused.reason
    assert len(refused.reason) < 300


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"time": ago(5.5)}, "it is late: its time is 6 s ago, 5 s is allowed"),
        ({"time": ago(86400)}, "it is late: its time is 86400 s ago, 5 s is allowed"),
        ({"time": "2026-03-01T12:59:00+01:00"}, "it is late: its time is 60 s ago, 5 s is allowed"),
        ({"time": "0001-01-01T00:00:00Z"}, "it is late"),
        ({"time": ago(3600), "expires": ago(-3600)}, "it is late: its time is 3600 s ago"),
        ({"expires": ago(3)}, "it is late: it expired 3 s ago"),
        ({"time": ago(1), "expires": ago(0.5)}, "it is late: it expired 0 s ago"),
        ({"time": ago(-30)}, "its time is 30 s ahead of the clock here"),
    ],
)
def test_a_late_command_is_refused(payload, reason):
    refused = command({"id": "7", "command": "pause"} | payload)
    assert refused == Replied("7", "mqtt", "pause", "refused", refused.reason)
    assert refused.reason.startswith(reason)


def test_a_repeated_id_is_refused_until_a_thousand_others_came():
    seen = SeenIds()
    pause = {"id": "7", "command": "pause"}
    assert isinstance(command(pause, seen=seen), Request)
    assert command(pause, seen=seen).reason == "the id '7' was used before: give each command its own"
    for number in range(1000):
        command({"id": f"n{number}", "command": "lease"}, seen=seen)
    assert isinstance(command(pause, seen=seen), Request)
    assert len(seen) == 1000


@pytest.mark.parametrize(
    "asked",
    [
        {"command": "start", "program": "waves-1"},
        {"command": "set_cap", "kmh": 1.5},
        *({"command": name} for name in ("pause", "resume", "skip", "lease", "ack_fault")),
    ],
    ids=lambda asked: asked["command"],
)
def test_nothing_but_a_stop_is_obeyed_late_or_a_second_time(asked):
    seen = SeenIds()
    assert isinstance(command({"id": "7", "time": ago(60)} | asked, seen=seen), Replied)
    assert isinstance(command({"id": "7"} | asked, seen=seen), Request)
    assert isinstance(command({"id": "7"} | asked, seen=seen), Replied)


def test_the_id_of_a_stop_is_used_up_for_all_but_a_stop():
    seen = SeenIds()
    assert isinstance(command({"id": "7", "command": "stop"}, seen=seen), Request)
    assert command({"id": "7", "command": "pause"}, seen=seen).reason.startswith("the id '7' was used before")
    assert isinstance(command({"id": "7", "command": "stop"}, seen=seen), Request)


def test_a_refused_command_may_come_again_with_its_id():
    seen = SeenIds()
    assert isinstance(command({"id": "7", "command": "pause", "time": ago(60)}, seen=seen), Replied)
    assert isinstance(command({"id": "7", "command": "pause", "time": ago(0)}, seen=seen), Request)


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (b'{"id":"7","command":"start","program":"waves-1"}', ("7", "start")),
        (b'{"id":"7","command":"stop"}', ("7", "stop")),
        (b"STOP", ("", "")),
        (b"nonsense", ("", "")),
    ],
)
def test_a_retained_command_is_refused_whatever_it_says(payload, named):
    refused = command(payload, retained=True)
    assert (refused.id, refused.command) == named
    assert refused.reason == "a retained command is not accepted: publish it without retain"


@pytest.mark.parametrize(
    "payload",
    [
        b"STOP",
        b" STOP\n",
        b"stop",
        b"Stop!",
        b"please stop now",
        b'"STOP"',
        b"\xffstop",
        b'{"command":"stop"}',
        b'{"id":"7","command":"stop","why":"tired"}',
        b'{"id":7,"command":"stop"}',
        b'{"id":"7","command":"STOP"',
        b'{"command":"stop","pad":"' + b"x" * 100_000 + b'"}',
        b'{"id":"7","command":"stop","time":"2020-01-01T00:00:00Z"}',
        b'{"id":"7","command":"stop","expires":"2020-01-01T00:00:00Z"}',
        b'{"id":"used","command":"stop"}',
    ],
)
@pytest.mark.parametrize("read", [command, confirm, partial(confirm, sources=())])
def test_g3_a_fresh_stop_is_obeyed_late_repeated_malformed_or_on_the_wrong_topic(read, payload):
    seen = SeenIds()
    seen.add("used")
    request = read(payload, seen=seen)
    assert isinstance(request, Request)
    assert request.ask == StopSession()


@pytest.mark.parametrize("around", [65536, 131072])
@pytest.mark.parametrize(
    ("word", "holds"),
    [(b" stop ", True), (b"\xffSToP", True), (b"nonstop", False), (b"stopped", False), (b"sto p", False)],
)
def test_a_long_payload_is_searched_as_a_whole(around, word, holds):
    for begin in range(around - 10, around + 10):
        assert holds_stop(b" " * begin + word + b" " * 70_000) is holds
        assert holds_stop(b" " * begin + word) is holds


def test_a_long_payload_does_not_keep_the_belts_thread_waiting():
    search = threading.Thread(target=holds_stop, args=(bytes(64_000_000),))
    waits, last = [], time.monotonic()
    search.start()
    while search.is_alive():
        time.sleep(0.001)
        waits.append(time.monotonic() - last)
        last += waits[-1]
    assert max(waits) < 0.25


def test_a_malformed_stop_keeps_its_id_for_the_reply():
    assert command(b'{"id":"7","command":"stop","why":"tired"}').id == "7"


@pytest.mark.parametrize(
    "payload", [b"unstoppable", b"stopped", b"non_stop", b'{"id":"7","command":"stopp"}']
)
def test_a_word_that_only_contains_stop_is_no_stop(payload):
    assert isinstance(command(payload), Replied)


def test_a_valid_command_that_mentions_stop_is_what_it_says():
    assert command({"id": "7", "command": "start", "program": "stop and go"}).ask == Offer("stop and go")
    late = command({"id": "7", "command": "start", "program": "stop and go", "time": ago(60)})
    assert isinstance(late, Replied)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_whatever_arrives_is_answered(payload):
    assert isinstance(command(payload), Request | Replied)
    assert isinstance(confirm(payload), Request | Replied)


@given(
    st.dictionaries(
        st.sampled_from(["id", "command", "program", "walker", "kmh", "time", "expires", "more"]),
        st.sampled_from(["start", "set_cap", "7", ago(0), ago(60), 1.5, -1, None, True, [], {}, "x" * 300]),
    )
)
def test_nothing_but_a_whole_command_is_obeyed(payload):
    asked = command(payload)
    if isinstance(asked, Request):
        assert payload["command"] in {"start", "set_cap"}
        assert payload["id"] == asked.id
    else:
        assert asked.outcome == "refused"
        assert asked.reason


# --- the confirm topic ------------------------------------------------------------------------------------

PRESS = {"id": "b1", "act": "ok", "source": "button", "time": ago(1)}


@pytest.mark.parametrize("act", list(Act))
def test_an_act_of_a_paired_button_is_passed_on_with_its_name(act):
    assert confirm(PRESS | {"act": act.value}) == Request("b1", "mqtt:button", Confirm(act))


@pytest.mark.parametrize(
    ("payload", "how", "reason"),
    [
        (PRESS, {"sources": ()}, "this treadmill has no confirm_sources in its config"),
        (b"CONFIRM", {"sources": (), "allow_bare": True}, "this treadmill has no confirm_sources"),
        (b"CONFIRM", {}, "a bare CONFIRM is not allowed for this treadmill"),
        (b"confirm", {"allow_bare": True}, "this is not JSON"),
        (
            PRESS | {"source": "phone"},
            {},
            "the source 'phone' is not one of this treadmill's confirm_sources",
        ),
        (PRESS | {"source": "phone"}, {"allow_bare": True}, "the source 'phone' is not one of"),
        (PRESS | {"source": "stop button"}, {}, "the source 'stop button' is not one of"),
        (PRESS | {"source": "button 2"}, {}, "the source 'button 2' is not one of"),
        (PRESS | {"act": "go"}, {}, "act cannot be \"go\": input should be 'start', 'still', 'facing', 'ok'"),
        (PRESS | {"time": ago(6)}, {}, "it is late"),
        (PRESS | {"expires": ago(1)}, {}, "it is late"),
        (PRESS | {"time": ago(6), "expires": ago(-60)}, {}, "it is late"),
        (PRESS | {"time": ago(-6)}, {}, "its time is 6 s ahead of the clock here"),
        (PRESS | {"command": "start"}, {}, "the key command is not known here"),
        ({"id": "b1", "act": "ok", "source": "button"}, {}, "the key time is missing"),
        ({"act": "ok", "source": "button", "time": ago(1)}, {}, "the key id is missing"),
        (b"[]", {}, "this is not a JSON object"),
        (PRESS, {"retained": True}, "a retained act is not accepted"),
        (b"CONFIRM", {"retained": True, "allow_bare": True}, "a retained act is not accepted"),
        (b"stop", {"retained": True}, "a retained act is not accepted"),
    ],
)
def test_an_act_that_may_be_nobodys_is_refused(payload, how, reason):
    refused = confirm(payload, **how)
    assert isinstance(refused, Replied)
    assert (refused.command, refused.outcome) == ("confirm", "refused")
    assert refused.reason.startswith(reason)


@pytest.mark.parametrize("act", list(Act))
def test_an_act_counts_once(act):
    seen, press = SeenIds(), PRESS | {"act": act.value}
    assert confirm(press | {"time": ago(60)}, seen=seen).reason.startswith("it is late")
    assert isinstance(confirm(press, seen=seen), Request)
    assert confirm(press, seen=seen).reason.startswith("the id 'b1' was used before")


@pytest.mark.parametrize("refused", [{"time": ago(60)}, {"source": "phone"}, {"act": "go"}])
def test_a_refused_act_may_come_again_with_its_id(refused):
    seen = SeenIds()
    assert isinstance(confirm(PRESS | refused, seen=seen), Replied)
    assert isinstance(confirm(PRESS, seen=seen), Request)


def test_a_bare_confirm_answers_what_is_awaited_where_the_config_allows_it():
    assert confirm(b"CONFIRM", allow_bare=True) == Request("", "mqtt", Confirm(None))


def test_a_program_called_stop_does_not_make_a_late_start_a_stop():
    assert isinstance(command({"id": "7", "command": "start", "program": "stop", "expires": ago(1)}), Replied)
