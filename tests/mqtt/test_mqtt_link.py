"""Our MQTT client against real brokers, watched and commanded by an outside client."""

import asyncio
import contextlib
import json
import os
import queue
import signal
import socket
import sys
import time
from datetime import UTC, datetime, timedelta

import aiomqtt
import pytest

from blefit.units import Speed
from retrowalk.core.model import (
    Act,
    Confirm,
    Emitted,
    Offer,
    PauseSession,
    Phase,
    Replied,
    Request,
    SetCap,
    StopSession,
)
from retrowalk.hub import Hub
from retrowalk.mqtt.client import MqttLink
from retrowalk.settings import Mqtt, Settings, Treadmill


def utc(seconds_ago: float = 0) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()


# --- what is published ------------------------------------------------------------------------------------


async def test_one_who_comes_later_finds_everything_retained(broker, make_daemon, watching):
    make_daemon(broker)
    async with watching(broker) as first:
        await first.up()
        await first.json("tm/state")
    async with watching(broker) as later:
        found = {}
        while len(found) < 4:
            message = await asyncio.wait_for(anext(later.client.messages), 5)
            found[message.topic.value.partition("/")[2]] = (message.retain, message.payload)
    assert found["bridge/state"] == (True, b"online")
    assert found["tm/availability"] == (True, b"online")
    assert found["tm/state"][0]
    assert json.loads(found["tm/state"][1])["measured_speed_kmh"] == 1.47
    assert found["ha/device/retrowalk_tm/config"][0]


async def test_a_change_of_phase_fault_or_target_is_out_at_once(broker, make_daemon, watching, changed_state):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.json("tm/state")
        for changes in ({"phase": Phase.PAUSED}, {"fault": "over_cap"}, {"commanded": Speed(160)}):
            began = time.monotonic()
            daemon.hub.publish(changed_state(**changes))
            await watcher.json("tm/state")
            assert time.monotonic() - began < 0.5


async def test_everything_else_is_out_once_a_second_and_then_the_newest(
    broker, make_daemon, watching, changed_state
):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.json("tm/state")
        began = time.monotonic()
        for metre in range(200, 250):
            daemon.hub.publish(changed_state(distance_m=float(metre)))
        state = await watcher.json("tm/state")
        assert 0.5 < time.monotonic() - began < 1.5
        assert state["distance_m"] == 249


async def test_availability_follows_the_treadmill(broker, make_daemon, watching, changed_state):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.text("tm/availability", "online")
        daemon.hub.publish(changed_state(phase=Phase.DISCONNECTED, link="disconnected"))
        await watcher.text("tm/availability", "offline")


async def test_events_and_own_replies_are_out_in_order_and_not_retained(broker, make_daemon, watching):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        daemon.hub.emit(Emitted("armed"))
        daemon.hub.reply(Replied("9", "cli", "start", "accepted"))
        daemon.hub.reply(Replied("8", "mqtt:button", "confirm", "done"))
        for number in range(50):
            daemon.hub.emit(Emitted("cue", {"text": f"Schritt {number} — größer"}))
        event = await watcher.next("tm/event")
        assert not event.retain
        assert json.loads(event.payload)["type"] == "armed"
        assert await watcher.json("tm/reply") == {
            "id": "8", "command": "confirm", "outcome": "done", "reason": None,
        }  # fmt: skip
        texts = [(await watcher.json("tm/event"))["text"] for _ in range(50)]
        assert texts == [f"Schritt {number} — größer" for number in range(50)]


async def test_stop_publishes_what_is_left_and_says_offline(broker, make_daemon, watching):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        daemon.hub.emit(Emitted("completed"))
        assert await asyncio.to_thread(daemon.link.stop)
        assert (await watcher.json("tm/event"))["type"] == "completed"
        await watcher.text("tm/availability", "offline")
        await watcher.text("bridge/state", "offline")
    async with watching(broker, "bridge/state") as later:
        assert (await later.next("bridge/state")).retain


KILLED = """
import sys, time
from retrowalk.hub import Hub
from retrowalk.mqtt.client import MqttLink
from retrowalk.settings import Mqtt, Settings, Treadmill
mqtt = Mqtt(url=sys.argv[1], prefix=sys.argv[2])
settings = Settings(mqtt=mqtt, treadmills=(Treadmill(id="tm", match="*"),))
MqttLink(settings, {"tm": Hub()}, lambda *_: None).start()
time.sleep(60)
"""


async def test_the_last_will_tells_of_a_daemon_that_was_killed(broker, prefix, watching):
    async with watching(broker) as watcher:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, broker.url, prefix)
        await watcher.up(within=30)  # a process begins
        process.kill()
        await process.wait()
        await watcher.text("bridge/state", "offline")
    async with watching(broker, "bridge/state") as later:
        await later.text("bridge/state", "offline")


async def test_the_will_of_a_connection_that_was_long_lost_is_gainsaid(broker, prefix, make_daemon, watching):
    will = aiomqtt.Will(f"{prefix}/bridge/state", b"offline", qos=1, retain=True)
    with contextlib.suppress(aiomqtt.MqttError):
        async with aiomqtt.Client(broker.host, broker.port, will=will) as lost:
            make_daemon(broker)
            async with watching(broker, "bridge/state") as watcher:
                await watcher.up()
                lost._client.socket().shutdown(socket.SHUT_RDWR)  # what the broker may notice a minute later
                await watcher.text("bridge/state", "offline")
                await watcher.up()
    async with watching(broker, "bridge/state") as later:
        assert (await later.next("bridge/state")).payload == b"online"


async def test_of_two_daemons_the_one_that_stays_says_online_once_and_no_fight_begins(
    broker, make_daemon, watching
):
    daemons = [make_daemon(broker), make_daemon(broker)]
    for daemon in daemons:
        await daemon.listens()
    async with watching(broker, "bridge/state") as watcher:
        await watcher.up()
        for last, daemon in enumerate(daemons):
            await asyncio.to_thread(daemon.link.stop)
            await watcher.text("bridge/state", "offline")
            if not last:
                await watcher.up()
            with pytest.raises(TimeoutError):
                await watcher.next("bridge/state", within=1)


async def test_a_flood_of_offline_is_gainsaid_once_a_second_and_at_last(broker, make_daemon, watching):
    daemon = make_daemon(broker)
    async with watching(broker, "bridge/state") as watcher:
        await watcher.up()
        for _ in range(100):
            await watcher.publish("bridge/state", "offline", qos=0, retain=True)
        await watcher.publish("tm/command", "STOP")
        assert (await daemon.next_request()).ask == StopSession()
        said = []
        with contextlib.suppress(TimeoutError):
            while True:
                said.append((await watcher.next("bridge/state", within=1.5)).payload)
        assert said[-1] == b"online"
        assert said.count(b"online") <= 3


# --- what is asked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"id": "1", "command": "start", "program": "waves-1"}, Request("1", "mqtt", Offer("waves-1"))),
        ({"id": "2", "command": "set_cap", "kmh": 1.2}, Request("2", "mqtt", SetCap(Speed(120)))),
        ({"id": "3", "command": "stop", "time": utc(60)}, Request("3", "mqtt", StopSession())),
        ("STOP", Request("", "mqtt", StopSession())),
        ("Stop, please!", Request("", "mqtt", StopSession())),
    ],
)
async def test_a_command_reaches_the_treadmill(broker, make_daemon, watching, payload, expected):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.publish("tm/command", payload)
        assert await daemon.next_request() == expected


async def test_of_two_treadmills_each_is_asked_and_heard_by_its_own_topics(broker, prefix, watching):
    names = ("one", "two")
    treadmills = tuple(Treadmill(id=name, match="*") for name in names)
    settings = Settings(mqtt=Mqtt(url=broker.url, prefix=prefix), treadmills=treadmills)
    hubs = {name: Hub() for name in names}
    asked = queue.Queue()
    link = MqttLink(settings, hubs, lambda *what: asked.put(what))
    link.start()
    async with watching(broker) as watcher:
        await watcher.up()
        for name in names:
            await watcher.publish(f"{name}/command", "STOP")
            assert await asyncio.to_thread(asked.get, timeout=5) == (name, Request("", "mqtt", StopSession()))
            hubs[name].reply(Replied(name, "mqtt", "stop", "done"))
            assert (await watcher.json(f"{name}/reply"))["id"] == name
            await watcher.publish(f"{name}/command", {"id": f"bad-{name}", "command": "strat"})
            assert (await watcher.json(f"{name}/reply"))["id"] == f"bad-{name}"
    assert await asyncio.to_thread(link.stop)


async def test_whoever_is_told_online_is_heard(broker, prefix, watching):
    """Every topic is subscribed to before: of many treadmills the last one, too."""
    treadmills = tuple(Treadmill(id=f"t{number}", match="*") for number in range(40))
    settings = Settings(mqtt=Mqtt(url=broker.url, prefix=prefix, discovery=False), treadmills=treadmills)
    asked = queue.Queue()
    link = MqttLink(settings, {one.id: Hub() for one in treadmills}, lambda *what: asked.put(what))
    async with watching(broker, "bridge/state") as watcher:
        link.start()
        await watcher.up()
        await watcher.publish("t39/confirm", "STOP", qos=0)
        stop = Request("", "mqtt", StopSession())
        assert await asyncio.to_thread(asked.get, timeout=5) == ("t39", stop)
    assert await asyncio.to_thread(link.stop)


async def test_a_refused_command_gets_one_reply_and_goes_no_further(broker, make_daemon, watching):
    daemon = make_daemon(broker)
    pause = {"id": "1", "command": "pause"}
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.publish("tm/command", pause)
        assert (await daemon.next_request()).ask == PauseSession()
        for payload, request_id, reason in (
            (pause, "1", "the id '1' was used before"),
            (pause | {"id": "2", "time": utc(60)}, "2", "it is late"),
            (pause | {"id": "3", "expires": utc(1)}, "3", "it is late"),
            (pause | {"id": "4", "now": True}, "4", "the key now is not known here"),
            ("pause", None, "this is not JSON"),
            ("", None, "this is not JSON"),
        ):
            await watcher.publish("tm/command", payload)
            reply = await watcher.json("tm/reply")
            assert (reply["id"], reply["outcome"]) == (request_id, "refused")
            assert reply["reason"].startswith(reason)
        assert daemon.asked.empty()


@pytest.mark.parametrize("payload", ["STOP", '{"id":"1","command":"start","program":"waves-1"}'])
async def test_a_command_left_retained_at_the_broker_is_refused(broker, make_daemon, watching, payload):
    async with watching(broker, "tm/reply") as watcher:
        await watcher.publish("tm/command", payload, retain=True)
        daemon = make_daemon(broker)
        reply = await watcher.json("tm/reply")
        assert reply["outcome"] == "refused"
        assert "retain" in reply["reason"]
        await watcher.publish("tm/command", b"", retain=True)  # cleared: no command, and no reply
        await watcher.publish("tm/command", {"id": "2", "command": "pause"})
        assert (await daemon.next_request()).id == "2"


async def test_a_retained_command_is_known_live_over_mqtt_5(broker, make_daemon, watching):
    if broker.kind != "mosquitto":
        pytest.skip("amqtt speaks MQTT 3.1.1, where a live message does not say that it is retained")
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.publish("tm/command", {"id": "1", "command": "pause"}, retain=True)
        assert "retain" in (await watcher.json("tm/reply"))["reason"]
        assert daemon.asked.empty()


async def test_a_paired_button_confirms_and_others_do_not(broker, make_daemon, watching):
    daemon = make_daemon(broker, confirm_sources=("hall",), allow_bare_confirm=True)
    act = {"act": "ok", "time": utc()}
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.publish("tm/confirm", act | {"id": "1", "source": "phone"})
        assert (await watcher.json("tm/reply"))["outcome"] == "refused"
        await watcher.publish("tm/confirm", act | {"id": "2", "source": "hall"})
        assert await daemon.next_request() == Request("2", "mqtt:hall", Confirm(Act.OK))
        await watcher.publish("tm/confirm", "CONFIRM")
        assert await daemon.next_request() == Request("", "mqtt", Confirm(None))


async def test_without_confirm_sources_the_confirm_topic_is_refused(broker, make_daemon, watching):
    daemon = make_daemon(broker, allow_bare_confirm=True)
    async with watching(broker) as watcher:
        await watcher.up()
        await watcher.publish("tm/confirm", "CONFIRM")
        assert "confirm_sources" in (await watcher.json("tm/reply"))["reason"]
        assert daemon.asked.empty()


async def test_a_stop_in_a_flood_of_commands_is_heard_at_once(broker, make_daemon, watching):
    daemon = make_daemon(broker)
    async with watching(broker, "bridge/state") as watcher:
        await watcher.up()
        flood = asyncio.create_task(_flood(watcher, per_second=200, seconds=1.0))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await watcher.publish("tm/command", "STOP", qos=0)
        while (await daemon.next_request()).ask != StopSession():
            pass
        assert time.monotonic() - began < 0.25
        await flood


async def _flood(watcher, per_second: int, seconds: float) -> None:
    for number in range(int(per_second * seconds)):
        await watcher.publish("tm/command", {"id": f"f{number}", "command": "lease"}, qos=0)
        await asyncio.sleep(1 / per_second)


async def test_a_bug_in_taking_a_command_ends_no_stop(broker, prefix, settings_for, watching):
    asked = queue.Queue()

    def submit(_: str, request: Request) -> None:
        assert request.ask == StopSession(), "the bug"
        asked.put(request)

    link = MqttLink(settings_for(broker.url), {"tm": Hub()}, submit, first_pause_s=0.05)
    async with watching(broker, "bridge/state") as watcher:
        link.start()
        await watcher.up()
        await watcher.publish("tm/command", {"id": "1", "command": "pause"})
        await watcher.text("bridge/state", "offline")
        await watcher.up()
        await watcher.publish("tm/command", "STOP")
        assert (await asyncio.to_thread(asked.get, timeout=5)).ask == StopSession()
    assert await asyncio.to_thread(link.stop)


async def test_more_commands_than_are_good_for_the_belt_are_refused(broker, make_daemon, watching):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        for number in range(300):
            await watcher.publish("tm/command", {"id": f"f{number}", "command": "lease"}, qos=0)
        reply = await watcher.json("tm/reply")
        assert reply["reason"].startswith("these are too many commands at once")
        await watcher.publish("tm/command", "STOP")
        while (await daemon.next_request()).ask != StopSession():
            pass


async def test_what_is_far_too_large_stays_with_the_broker(broker, make_daemon, watching):
    """It would be gathered in the daemon's memory, up to 256 MB of it."""
    if broker.kind != "mosquitto":
        pytest.skip("amqtt passes on whatever it is given")
    async with watching(broker) as watcher:
        await watcher.publish("tm/command", b"x" * 3_000_000, retain=True)
        daemon = make_daemon(broker)
        await watcher.up()
        for qos in (0, 1):
            await watcher.publish("tm/command", b"x" * 2_000_000, qos=qos)
        await watcher.publish("tm/command", b"x" * 900_000)
        await watcher.publish("tm/command", b"x" * 900_000 + b" stop")
        assert "900000 octets are too many" in (await watcher.json("tm/reply"))["reason"]
        assert (await daemon.next_request()).ask == StopSession()
        assert daemon.link.connected
        await watcher.publish("tm/command", b"", retain=True)


# --- brokers come and go ----------------------------------------------------------------------------------


async def test_it_comes_back_when_the_broker_does_and_brings_what_happened_meanwhile(
    own_broker, make_daemon, watching
):
    daemon = make_daemon(own_broker, first_pause_s=0.5)  # time for the watcher to be there first
    async with watching(own_broker) as watcher:
        await watcher.up()
    own_broker.stop()
    await daemon.listens(False)
    daemon.hub.emit(Emitted("held"))
    own_broker.start()
    async with watching(own_broker) as watcher:
        assert (await watcher.json("tm/event"))["type"] == "held"
        await watcher.publish("tm/command", {"id": "1", "command": "pause"})
        assert (await daemon.next_request()).id == "1"


async def test_a_command_sent_while_the_daemon_was_away_is_not_delivered_later(broker, make_daemon, watching):
    daemon = make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
        await asyncio.to_thread(daemon.link.stop)
        await watcher.publish("tm/command", {"id": "1", "command": "pause"})
        again = make_daemon(broker)
        await watcher.up()
        await watcher.publish("tm/command", {"id": "2", "command": "pause"})
        assert (await again.next_request()).id == "2"


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1:1", "mqtt://no-such-host.invalid"])
def test_without_a_broker_nothing_waits_and_stop_is_quick(url, walking, settings_for):
    hub = Hub()
    link = MqttLink(settings_for(url), {"tm": hub}, lambda *_: None)
    began = time.monotonic()
    link.start()
    for _ in range(1000):
        hub.publish(walking)
        hub.emit(Emitted("cue"))
    assert link.stop()
    assert time.monotonic() - began < 1
    assert not link.connected


def test_a_broker_that_never_answers_does_not_hold_up_stop(settings_for):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
        link = MqttLink(settings_for(url), {"tm": Hub()}, lambda *_: None)
        link.start()
        began = time.monotonic()
        assert link.stop()
        assert time.monotonic() - began < 1


async def test_mqtt_5_where_the_broker_speaks_it_else_3_1_1(broker, make_daemon, watching, capsys):
    make_daemon(broker)
    async with watching(broker) as watcher:
        await watcher.up()
    expected = {"mosquitto": "V5", "amqtt": "V311"}[broker.kind]
    assert expected in capsys.readouterr().out


async def test_each_connection_is_tried_in_mqtt_5_first(settings_for):
    """Who keeps to 3.1.1 for once refused does not see what is retained any more."""
    asked = []

    async def refuse_5(reader, writer):
        connect = await reader.read(1024)
        asked.append(connect[connect.index(b"MQTT") + 4])
        writer.write(b"\x20\x03\x00\x84\x00" if asked[-1] == 5 else b"\x20\x02\x00\x00")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse_5, "127.0.0.1", 0) as server:
        url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        link = MqttLink(settings_for(url), {"tm": Hub()}, lambda *_: None, first_pause_s=0.05)
        link.start()
        async with asyncio.timeout(10):
            while len(asked) < 4:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        assert await asyncio.to_thread(link.stop)
    assert asked[:4] == [5, 4, 5, 4]


async def test_two_daemons_on_one_broker_do_not_throw_each_other_out(broker, make_daemon, watching):
    one, other = make_daemon(broker), make_daemon(broker)
    async with watching(broker) as watcher:
        await one.listens()
        await other.listens()
        await watcher.publish("tm/command", {"id": "1", "command": "pause"})
        assert (await one.next_request()).id == (await other.next_request()).id == "1"


async def test_a_broker_that_hangs_holds_up_neither_the_publisher_nor_stop(own_broker, make_daemon, walking):
    daemon = make_daemon(own_broker)
    await daemon.listens()
    os.kill(own_broker.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(1000):
            daemon.hub.publish(walking)
            daemon.hub.emit(Emitted("cue"))
        assert time.monotonic() - began < 0.5
        assert not daemon.link.stop(timeout=0.2)
        assert time.monotonic() - began < 1
    finally:
        os.kill(own_broker.pid, signal.SIGCONT)
