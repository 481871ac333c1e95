"""One treadmill at the MQTT client: what is read for it, what is published for it, over all connections."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from retrowalk.clock import Wall, utc_now
from retrowalk.core.model import Emitted, Replied, Request
from retrowalk.hub import Hub, Note, Reader, State
from retrowalk.mqtt.commands import SeenIds, holds_stop, parse_command, parse_confirm, refuse
from retrowalk.mqtt.inbox import TOO_MANY, Allowance
from retrowalk.mqtt.payloads import available, event_payload, reply_payload, state_payload, urgent
from retrowalk.mqtt.topics import OFFLINE, ONLINE, Inbound, Topics
from retrowalk.settings import Treadmill

SOURCE = "mqtt"
"""The source of requests from here; an act adds a colon and the button's own name."""

Publish = Callable[..., Awaitable[None]]
"""topic, payload, qos, retain: returns when the broker has it (QoS 0: when it is sent)."""

_STATE_EVERY_S = 1.0
_NOTES_AT_ONCE = 10


class Desk:
    """What is said to and heard from MQTT for one treadmill, over all connections."""

    reader: Reader

    def __init__(
        self,
        settings: Treadmill,
        topics: Topics,
        hub: Hub,
        wall: Wall = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`steady` is the clock of the loop that speaks."""
        self.settings = settings
        self.topics = topics
        self.hub = hub
        self._wall = wall
        self._steady = steady
        self._seen = {kind: SeenIds() for kind in Inbound}
        self._allowances = {kind: Allowance() for kind in Inbound}
        self._unsent: list[Note] = []
        self._published: State | None = None
        self._available: bool | None = None
        self._next_state_at = 0.0
        self._finishing = False

    def read(self, kind: Inbound, payload: bytes, retained: bool, now: float) -> Request | Replied:
        """The request in a message, or the reply that refuses it. `now`: seconds of a steady clock."""
        if not holds_stop(payload) and not self._allowances[kind].spend(now):
            return refuse(payload, SOURCE, TOO_MANY)
        wall, seen = self._wall(), self._seen[kind]
        if kind is Inbound.COMMAND:
            return parse_command(payload, retained=retained, now=wall, seen=seen, source=SOURCE)
        return parse_confirm(
            payload,
            retained=retained,
            now=wall,
            seen=seen,
            sources=self.settings.confirm_sources,
            allow_bare=self.settings.allow_bare_confirm,
            source=SOURCE,
        )

    async def speak(self, publish: Publish) -> None:
        """Publish the state, then what the hub brings until `finish`, then what is left."""
        await self._publish_state(publish, anew=True)
        while not self._finishing:
            await self._publish_notes(publish)
            due_in = await self._publish_state(publish)
            if not self.reader.waiting:
                await self.reader.changed(due_in)
        while self._unsent or self.reader.waiting:
            await self._publish_notes(publish)
        await self._publish_state(publish, anew=True)

    def finish(self) -> None:
        """The daemon ends: `speak` comes to its end."""
        self._finishing = True
        self.reader.wake()

    async def _publish_notes(self, publish: Publish) -> None:
        """Some of the events and replies. What a dying connection did not confirm is sent again."""
        self._unsent = self._unsent or self.reader.take(_NOTES_AT_ONCE)
        await asyncio.gather(*(self._publish_note(publish, note) for note in self._unsent))
        self._unsent = []

    async def _publish_note(self, publish: Publish, note: Note) -> None:
        match note.what:
            case Emitted():
                await publish(self.topics.event, event_payload(note.what, note.time), qos=1)
            case Replied(source=source) if source.partition(":")[0] == SOURCE:
                await publish(self.topics.reply, reply_payload(note.what), qos=1)
            case Replied():
                pass  # somebody else asked

    async def _publish_state(self, publish: Publish, *, anew: bool = False) -> float | None:
        """The state, where it is due; else the seconds until it is. `anew`: whatever was published before."""
        state = self.reader.state
        snapshot = state.snapshot if state else None
        if anew or available(snapshot) != self._available:
            self._available = available(snapshot)
            payload = ONLINE if self._available else OFFLINE
            await publish(self.topics.availability, payload, qos=1, retain=True)
        if state is None or (state is self._published and not anew):
            return None
        now = self._steady()
        held_back = self._published is not None and urgent(self._published.snapshot) == urgent(state.snapshot)
        if held_back and now < self._next_state_at and not anew:
            return self._next_state_at - now
        self._published = state
        self._next_state_at = now + _STATE_EVERY_S
        await publish(self.topics.state, state_payload(state.snapshot, state.time), qos=0, retain=True)
        return None
