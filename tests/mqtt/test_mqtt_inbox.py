import asyncio
from dataclasses import dataclass

import pytest
from aiomqtt import ProtocolVersion

from retrowalk.hub import Hub
from retrowalk.mqtt.client import MqttLink
from retrowalk.mqtt.inbox import Allowance, Inbox


@dataclass
class Message:
    payload: bytes


def read_all(inbox):
    return [inbox.get_nowait().payload for _ in range(inbox.qsize())]


def test_a_stop_goes_ahead_of_all_that_waits():
    inbox = Inbox()
    for payload in (b"one", b"two", b'{"command":"stop"}', b"three"):
        inbox.put_nowait(Message(payload))
    assert read_all(inbox) == [b'{"command":"stop"}', b"one", b"two", b"three"]


def test_a_full_inbox_takes_a_stop_in_the_place_of_the_newest_and_nothing_else():
    inbox = Inbox(maxsize=2)
    inbox.put_nowait(Message(b"one"))
    inbox.put_nowait(Message(b"two"))
    with pytest.raises(asyncio.QueueFull):
        inbox.put_nowait(Message(b"three"))
    inbox.put_nowait(Message(b"STOP"))
    assert read_all(inbox) == [b"STOP", b"one"]


def test_an_inbox_full_of_stops_takes_another():
    inbox = Inbox(maxsize=2)
    for _ in range(5):
        inbox.put_nowait(Message(b"STOP"))
    assert read_all(inbox) == [b"STOP", b"STOP"]


async def test_our_client_s_messages_wait_there(settings_for):
    link = MqttLink(settings_for("mqtt://127.0.0.1:1"), {"tm": Hub()}, lambda *_: None)
    inbox = link._client(ProtocolVersion.V5)._queue
    assert isinstance(inbox, Inbox)
    assert inbox.maxsize


def test_the_allowance_is_so_many_at_once_then_so_many_a_second():
    allowance = Allowance(at_once=3, per_second=10)
    assert [allowance.spend(0.0) for _ in range(4)] == [True, True, True, False]
    assert not allowance.spend(0.05)
    assert not allowance.spend(0.06), "asking more often earns nothing"
    assert allowance.spend(0.11)
    assert not allowance.spend(0.12)


def test_the_allowance_does_not_pile_up():
    allowance = Allowance(at_once=3, per_second=10)
    allowance.spend(0.0)
    assert [allowance.spend(3600.0) for _ in range(4)] == [True, True, True, False]
