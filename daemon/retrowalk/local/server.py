"""The answering side: any number of local clients, none of which can make the belt wait."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import structlog

from retrowalk.clock import Wall, utc_now
from retrowalk.core.model import Emitted, Replied, Request, StopSession
from retrowalk.hub import Hub, Note, Reader, State
from retrowalk.mqtt.commands import MOST_OCTETS, SeenIds, holds_stop, parse_command, refuse
from retrowalk.mqtt.inbox import TOO_MANY, Allowance
from retrowalk.mqtt.payloads import event_payload, reply_payload, state_payload, urgent

log = structlog.get_logger()

Submit = Callable[[str, Request], None]
"""Puts a request into the queue of the treadmill of that id; returns at once."""

_MOST_UNREAD = 256 * 1024
"""A client that leaves this many octets unread is dropped."""


class LocalServer:
    """The control socket at `path`, for the treadmills of `hubs`. Whoever may open the socket may ask."""

    def __init__(self, path: Path, submit: Submit, hubs: Mapping[str, Hub], *, wall: Wall = utc_now) -> None:
        self._path = path
        self._submit = submit
        self._hubs = hubs
        self._wall = wall
        self._conversations: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen while the block runs. OSError where the socket cannot be made: its sentence says why."""
        server = await asyncio.start_unix_server(self._converse, sock=_bind(self._path), limit=MOST_OCTETS)
        log.info("listening for retrowalk session", socket=str(self._path))
        try:
            yield
        finally:
            server.close()
            for conversation in self._conversations:
                conversation.cancel()
            await asyncio.gather(*self._conversations, return_exceptions=True)
            self._path.unlink(missing_ok=True)

    async def serve(self) -> None:
        """Listen until cancelled."""
        async with self.listening():
            await asyncio.Event().wait()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.current_task()
        assert conversation is not None
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)
        with contextlib.ExitStack() as stack, contextlib.suppress(ConnectionError):
            stack.callback(writer.close)
            feeds = {name: stack.enter_context(hub.subscribe()) for name, hub in self._hubs.items()}
            client = _Client(writer, self._submit, feeds, self._wall)
            for name in feeds:
                stack.callback(asyncio.create_task(client.tell(name)).cancel)
            await client.listen(reader)


class _Client:
    """One conversation: what it asked for, and what it is told of each treadmill."""

    def __init__(
        self, writer: asyncio.StreamWriter, submit: Submit, feeds: Mapping[str, Reader], wall: Wall
    ) -> None:
        self._writer = writer
        self._submit = submit
        self._feeds = feeds
        self._wall = wall
        self._seen = SeenIds()
        self._allowance = Allowance()
        self._watched: set[str] = set()

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Do what the client's lines ask, until it goes or makes one longer than any command.

        The belts have their turn after each line; a lost connection loses none that was read with others.
        """
        begun = b""
        while len(begun) <= MOST_OCTETS and (octets := await reader.read(MOST_OCTETS)):
            *lines, begun = (begun + octets).split(b"\n")
            for line in lines:
                self._obey(line)
                await asyncio.sleep(0)
        if begun:
            self._obey(begun)

    async def tell(self, name: str) -> None:
        """Tell the client what becomes of its commands and, where it watches, all that happens."""
        feed, loop = self._feeds[name], asyncio.get_running_loop()
        told: State | None = None
        told_at = 0.0
        while True:
            await feed.changed(1.0)
            for note in feed.take():
                self._tell_note(name, note)
            state = feed.state
            if name not in self._watched or state is None or state is told:
                continue
            if told and urgent(state.snapshot) == urgent(told.snapshot) and loop.time() < told_at + 1.0:
                continue
            told, told_at = state, loop.time()
            self._send("state", name, self._state(name))

    def _tell_note(self, name: str, note: Note) -> None:
        match note.what:
            case Replied(id=request_id, source="cli") if request_id in self._seen:
                self._send("reply", name, reply_payload(note.what))
            case Emitted() if name in self._watched:
                self._send("event", name, event_payload(note.what, note.time))

    def _obey(self, line: bytes) -> None:
        if not holds_stop(line) and not self._allowance.spend(asyncio.get_running_loop().time()):
            self._send("reply", None, reply_payload(refuse(line, "cli", TOO_MANY)))
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        treadmill, payload = None, line
        if isinstance(message, dict):
            treadmill = message.pop("treadmill", None)
            payload = json.dumps(message).encode()
            command = message.get("command")
            if isinstance(command, str) and command in {"status", "watch"}:
                self._show(command, treadmill)
                return
        asked = parse_command(payload, retained=False, now=self._wall(), seen=self._seen, source="cli")
        if isinstance(asked, Replied):
            self._send("reply", None, reply_payload(asked))
            return
        names = self._meant(treadmill)
        if isinstance(asked.ask, StopSession):  # G3: one that names no treadmill of ours is for all of them
            names = names or list(self._feeds)
            self._seen.add(asked.id)
        elif len(names) != 1:
            self._mistake(treadmill)
            return
        for name in names:
            self._submit(name, asked)
        self._write({"kind": "sent", "id": asked.id, "treadmills": names})

    def _show(self, command: str, treadmill: object) -> None:
        names = self._meant(treadmill)
        if not names:
            self._mistake(treadmill)
        elif command == "watch":
            self._watched.update(names)
            for name in names:
                self._send("state", name, self._state(name))
        else:
            states = [{"kind": "state", "treadmill": name} | json.loads(self._state(name)) for name in names]
            self._write({"kind": "status", "states": states})

    def _state(self, name: str) -> bytes:
        state = self._feeds[name].state
        return b'{"phase": null}' if state is None else state_payload(state.snapshot, state.time)

    def _meant(self, treadmill: object) -> list[str]:
        """The treadmills of that id; all, where none is named."""
        return [name for name in self._feeds if treadmill is None or treadmill == name]

    def _mistake(self, treadmill: object) -> None:
        known = ", ".join(self._feeds)
        reason = (
            f"say which treadmill: {known}" if treadmill is None else f"no treadmill {treadmill!r}: {known}"
        )
        self._write({"kind": "error", "reason": reason})

    def _send(self, kind: str, treadmill: str | None, payload: bytes) -> None:
        self._write({"kind": kind, "treadmill": treadmill} | json.loads(payload))

    def _write(self, line: dict[str, object]) -> None:
        transport = self._writer.transport
        if transport.get_write_buffer_size() > _MOST_UNREAD:
            transport.abort()
        elif not transport.is_closing():
            self._writer.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _bind(path: Path) -> socket.socket:
    """A listening socket that its owner and group may open; one that a dead daemon left is replaced."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.is_socket():
            _make_room(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        others_stay_out = os.umask(0o117)
        try:
            listener.bind(str(path))
        finally:
            os.umask(others_stay_out)
    except OSError as error:
        raise OSError(
            error.errno, f"the control socket {path} cannot be made: {error.strerror or error}"
        ) from error
    return listener


def _make_room(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise OSError("another daemon listens there: stop it first (systemctl stop retrowalk)")
