"""From a STOP published at the broker to the treadmill's queue, in a flood of 200 other commands a second.

    python benchmarks/mqtt_stop.py

One line for each broker that can be embedded here.
"""

import asyncio
import json
import statistics
import threading
import time

import aiomqtt

from retrowalk.core.model import Request, StopSession
from retrowalk.hub import Hub
from retrowalk.mqtt.broker import BrokerKind, EmbeddedBroker, available_brokers
from retrowalk.mqtt.client import MqttLink
from retrowalk.settings import Mqtt, Settings, Treadmill

STOPS = 100
FLOOD_PER_S = 200
COMMAND = "retrowalk/tm/command"


def main() -> None:
    for kind in available_brokers():
        took = sorted(asyncio.run(measure(kind)))
        print(
            f"mqtt stop over {kind}: median {statistics.median(took) * 1000:.2f} ms, "
            f"99 % {took[int(len(took) * 0.99) - 1] * 1000:.2f} ms, worst {took[-1] * 1000:.2f} ms "
            f"({len(took)} stops among {FLOOD_PER_S} commands a second)"
        )


async def measure(kind: BrokerKind) -> list[float]:
    """Seconds from publish to submit, for each stop."""
    heard: list[float] = []
    came = threading.Event()

    def submit(_treadmill: str, request: Request) -> None:
        if request.ask == StopSession():
            heard.append(time.perf_counter())
            came.set()

    with EmbeddedBroker(kind=kind) as broker:
        settings = Settings(mqtt=Mqtt(url=broker.url), treadmills=(Treadmill(id="tm", match="*"),))
        link = MqttLink(settings, {"tm": Hub()}, submit)
        link.start()
        took = []
        async with aiomqtt.Client(broker.host, broker.port) as client:
            await until_online(client)
            flood = asyncio.create_task(flood_forever(client))
            for _ in range(STOPS):
                await asyncio.sleep(0.01)
                came.clear()
                began = time.perf_counter()
                await client.publish(COMMAND, "STOP")
                await asyncio.to_thread(came.wait, 5)
                took.append(heard[-1] - began)
            flood.cancel()
        link.stop()
    return took


async def until_online(client: aiomqtt.Client) -> None:
    await client.subscribe("retrowalk/bridge/state")
    async for message in client.messages:
        if message.payload == b"online":
            return


async def flood_forever(client: aiomqtt.Client) -> None:
    number = 0
    due = time.perf_counter()
    while True:
        number += 1
        await client.publish(COMMAND, json.dumps({"id": str(number), "command": "lease"}))
        due += 1 / FLOOD_PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


if __name__ == "__main__":
    main()
