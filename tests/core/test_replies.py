"""The answers by themselves: which request gets which word, and that none gets two."""

import pytest

from blefit.units import Speed
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
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
from retrowalk.core.replies import Replies, command_name


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (Offer("p"), "start"),
        (PauseSession(), "pause"),
        (ResumeSession(), "resume"),
        (Skip(), "skip"),
        (StopSession(), "stop"),
        (SetCap(Speed(100)), "set_cap"),
        (Lease(), "lease"),
        (AckFault(), "ack_fault"),
        (Confirm(Act.OK), "confirm"),
    ],
)
def test_a_command_has_its_name_of_the_contract(ask: Ask, name: str) -> None:
    assert command_name(ask) == name


def test_each_request_is_answered_and_each_accepted_one_ends_once() -> None:
    told: list[Replied] = []
    replies = Replies(told.append)
    replies.refuse(Request("1", "mqtt", Offer("p")), "no")
    replies.accept(Request("2", "cli", Skip()), done=True)
    replies.accept(Request("3", "cli", StopSession()), done=False)
    replies.accept(Request("4", "cli", StopSession()), done=False)
    replies.accept(Request("5", "page", PauseSession()), done=False)
    replies.accept(Request("6", "page", ResumeSession()), done=False)
    for _ in range(2):
        replies.done(StopSession, PauseSession)
        replies.failed("over", ResumeSession, StopSession)
    assert told == [
        Replied("1", "mqtt", "start", "refused", "no"),
        Replied("2", "cli", "skip", "accepted"),
        Replied("2", "cli", "skip", "done"),
        Replied("3", "cli", "stop", "accepted"),
        Replied("4", "cli", "stop", "accepted"),
        Replied("5", "page", "pause", "accepted"),
        Replied("6", "page", "resume", "accepted"),
        Replied("3", "cli", "stop", "done"),
        Replied("4", "cli", "stop", "done"),
        Replied("5", "page", "pause", "done"),
        Replied("6", "page", "resume", "failed", "over"),
    ]
