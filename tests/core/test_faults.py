"""The table of faults, and the ledger of those in force."""

import re
from pathlib import Path

import pytest

from retrowalk.core import faults
from retrowalk.core.faults import BY_ID, CORD, FAULTS, Clears, Fault, Ledger, Reaction, sentence_of

CORE = Path(faults.__file__).parent


def alarm(ledger: Ledger) -> Fault | None:
    return ledger.alarm


def latched(ledger: Ledger) -> bool:
    return ledger.latched


def test_the_table_is_ranked_by_reaction_and_has_its_alarms_first() -> None:
    assert [f.reaction for f in FAULTS] == sorted((f.reaction for f in FAULTS), reverse=True)
    assert [f.alarm for f in FAULTS] == sorted((f.alarm for f in FAULTS), reverse=True)
    assert len(BY_ID) == len(FAULTS)


def test_the_reactions_are_ranked_and_each_wins_over_the_one_before() -> None:
    ranked = [Reaction.NOTE, Reaction.HOLD, Reaction.SLOW, Reaction.PAUSE, Reaction.STOP]
    assert list(Reaction) == sorted(Reaction) == ranked


def test_every_alarm_stops_and_is_cleared_by_a_person_and_nothing_else_is() -> None:
    for fault in FAULTS:
        ledger = Ledger()
        assert ledger.raise_(fault.id, 1.0)
        assert (alarm(ledger) is fault) is latched(ledger) is (fault.clears is Clears.PERSON), fault.id
        assert fault.reaction is Reaction.STOP or not fault.alarm, fault.id


def test_a_fault_without_more_words_is_no_alarm_of_no_law() -> None:
    fault = Fault("f", "a cause", Reaction.NOTE, Clears.ITSELF, "A sentence.")
    assert (fault.alarm, fault.law) == (False, "")


@pytest.mark.parametrize(
    "fault_id",
    ["stop_ignored", "unexpected_motion", "rest_unknown", "link_lost", "telemetry_lost", "stop_unsent"],
)
def test_where_the_belt_may_run_on_the_cord_is_called_for(fault_id: str) -> None:
    assert CORD in BY_ID[fault_id].sentence


def test_every_row_has_a_law_a_cause_and_one_or_more_whole_sentences() -> None:
    for fault in FAULTS:
        assert sentence_of(fault.id) == fault.sentence
        assert fault.law, fault.id
        assert fault.cause, fault.id
        assert re.fullmatch(r"[A-Z].*[.?]", fault.sentence), fault.id


def test_every_finding_that_stops_the_belt_is_in_the_table() -> None:
    text = "".join((CORE / name).read_text() for name in ("guard.py", "watch.py"))
    named = set(re.findall(r'_stop_for\("(\w+)"', text))
    assert named
    assert named <= BY_ID.keys()


def test_every_finding_has_a_sentence_for_the_person() -> None:
    text = "".join((CORE / name).read_text() for name in ("guard.py", "watch.py", "steering.py"))
    consumed = {"rest", "ask_still", "start_key", "start_key_again", "start_key_undone", "manual"}
    named = set(re.findall(r'(?:_find\(|_REFUSED = )"(\w+)"', text)) - consumed
    assert {"moving", "incline_refused"} < named
    for finding_id in named:
        assert re.fullmatch(r"[A-Z].*[.?]", sentence_of(finding_id)), finding_id


def test_a_fault_is_raised_once_and_the_most_severe_is_shown() -> None:
    ledger = Ledger()
    assert ledger.raise_("telemetry_lost", 1.0)
    assert not ledger.raise_("telemetry_lost", 2.0)
    assert ledger.raise_("stop_ignored", 3.0)
    assert ledger.raise_("hand", 4.0)
    assert ledger.worst is BY_ID["stop_ignored"]
    assert ledger.end("stop_ignored")
    assert ledger.worst is BY_ID["telemetry_lost"]


def test_an_empty_ledger_says_nothing() -> None:
    ledger = Ledger()
    assert (ledger.worst, ledger.alarm, ledger.latched) == (None, None, False)
    assert not ledger.end("hand")
    assert not ledger.has("hand")


def test_silenced_an_alarm_is_still_in_force_and_a_new_one_sounds() -> None:
    ledger = Ledger()
    ledger.raise_("telemetry_lost", 1.0)
    assert alarm(ledger) is BY_ID["telemetry_lost"]
    ledger.silenced = True
    assert alarm(ledger) is None
    assert ledger.has("telemetry_lost")
    ledger.raise_("hand", 2.0)
    assert alarm(ledger) is None
    ledger.raise_("stop_ignored", 3.0)
    assert alarm(ledger) is BY_ID["stop_ignored"]
    ledger.silenced = True
    assert not ledger.raise_("stop_ignored", 4.0)
    assert alarm(ledger) is BY_ID["stop_ignored"], "it has happened again"


def test_what_a_person_has_to_clear_does_not_end_with_the_session() -> None:
    ledger = Ledger()
    for fault_id in ("link_lost", "safety_key", "telemetry_late"):
        ledger.raise_(fault_id, 1.0)
    assert [f.id for f in ledger.clear(Clears.SESSION, Clears.ITSELF)] == ["safety_key", "telemetry_late"]
    assert latched(ledger)
    assert [f.id for f in ledger.clear(Clears.PERSON)] == ["link_lost"]
    assert not latched(ledger)
    assert ledger.worst is None
