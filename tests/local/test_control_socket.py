"""The control socket takes anything from anybody who may open it, and keeps its manners."""

import asyncio
import json
import socket
import stat
from pathlib import Path

import pytest

from retrowalk.core.model import PauseSession, StopSession
from retrowalk.hub import Hub
from retrowalk.local.client import DaemonClient, DaemonError
from retrowalk.local.server import LocalServer


def exchange(path: Path, line: bytes, answers: int = 1) -> list[dict]:
    """Send octets, read so many lines."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(line)
        with client.makefile("rb") as lines:
            return [json.loads(lines.readline()) for _ in range(answers)]


def test_only_owner_and_group_may_open_it(daemon, socket_file: Path) -> None:
    assert stat.S_IMODE(socket_file.stat().st_mode) == 0o660
    assert stat.S_IMODE(socket_file.parent.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize(
    "line",
    [
        b"STOP\n",
        b"please stop!\n",
        b'{"command": "stop"}\n',
        b'{"command": "stop", "id": 7, "x": 1}\n',
        b'"stop"\n',
        b'{"command": "stop", "id": "1", "treadmill": ["home"]}\n',
        b'{"command": "stop", "id": "1", "treadmill": {"home": true}}\n',
        b'{"command": ["stop"]}\n',
        b"stop! " + b"x" * 5000 + b"\n",
        b"stop! " + b"x" * 50_000,
    ],
)
def test_a_stop_is_obeyed_however_badly_it_is_put(line: bytes, daemon_of_two, socket_file: Path) -> None:
    (sent,) = exchange(socket_file, line)
    assert sent["treadmills"] == ["home", "attic"]
    assert [request.ask for _, request in daemon_of_two.requests] == [StopSession(), StopSession()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense\n", "this is not JSON"),
        (b"[]\n", "not a JSON object"),
        (b'{"id": "1"}\n', "the key command is missing"),
        (b'{"id": "1", "command": "fly"}\n', "the command fly is not known"),
        (
            b'{"id": "1", "command": "confirm", "act": "start", "source": "cli"}\n',
            "the command confirm is not",
        ),
        (b'{"id": "1", "command": "set_cap", "kmh": NaN}\n', "kmh"),
        (b'{"id": "1", "command": "pause", "treadmill": ["home"]}\n', "no treadmill ['home']"),
        (b'{"id": "1", "command": ["watch"]}\n', "command"),
        (b"[" * 4000 + b"\n", "this is not JSON"),
        (b"x" * 5000 + b"\n", "a message has at most 4096"),
        (b"x" * 50_000, "a message has at most 4096"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    line: bytes, reason: str, daemon, socket_file: Path
) -> None:
    (told,) = exchange(socket_file, line)
    assert reason in told["reason"]
    assert daemon.requests == []


def test_an_id_is_used_once(daemon, socket_file: Path) -> None:
    line = b'{"id": "1", "command": "pause"}\n'
    told = exchange(socket_file, line + line, 3)
    assert [line.get("outcome") for line in told if line["kind"] == "reply"].count("refused") == 1
    assert [request.ask for _, request in daemon.requests] == [PauseSession()]


def test_a_client_hears_only_of_its_own_commands(daemon, socket_file: Path) -> None:
    with DaemonClient([socket_file]) as one, DaemonClient([socket_file]) as other:
        own = one.ask("pause")
        others = other.ask("skip")
        for client, request_id in ((one, own), (other, others)):
            told = [next(client.listen()) for _ in range(2)]
            assert {line["id"] for line in told} == {request_id}


def test_a_client_that_does_not_read_is_dropped_and_disturbs_nobody(
    daemon, walking, socket_file: Path
) -> None:
    with DaemonClient([socket_file]) as deaf:
        with pytest.raises(DaemonError, match="broke off"):
            list(map(deaf.ask, ["status"] * 50_000))
        with DaemonClient([socket_file]) as other:
            other.ask("stop")
            assert next(other.listen())["kind"] == "sent"
    assert [request.ask for _, request in daemon.requests] == [StopSession()]


async def test_the_belts_have_their_turn_after_each_line_of_many(tmp_path: Path) -> None:
    path, turn, asked_in = tmp_path / "r.sock", 0, []
    async with LocalServer(path, lambda *_: asked_in.append(turn), {"home": Hub()}).listening():
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b"STOP\n" * 1000)
        while len(asked_in) < 1000:
            await asyncio.sleep(0)
            turn += 1
        writer.close()
    assert len(set(asked_in)) == 1000


async def test_a_stop_is_obeyed_though_the_client_is_gone_before_what_it_asked_first_is_answered(
    tmp_path: Path,
) -> None:
    path, asked = tmp_path / "r.sock", []
    async with LocalServer(path, lambda _, request: asked.append(request.ask), {"home": Hub()}).listening():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b'{"command": "status"}\nx\nSTOP\n')
        async with asyncio.timeout(5):
            while not asked:  # noqa: ASYNC110 - it is told by no event
                await asyncio.sleep(0.01)
    assert asked == [StopSession()]


def test_too_many_commands_are_refused_and_a_stop_among_them_is_not(daemon, socket_file: Path) -> None:
    pauses = [b'{"id": "%d", "command": "pause"}\n' % number for number in range(1000)]
    reasons = set()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(socket_file))
        client.sendall(b"".join(pauses) + b'{"id": "last", "command": "stop"}\n')
        with client.makefile("rb") as lines:
            while (told := json.loads(lines.readline())).get("id") != "last":
                reasons.add(told.get("reason"))
    assert "these are too many commands at once: send fewer in a second" in reasons
    *asked, last = [request.ask for _, request in daemon.requests]
    assert last == StopSession()
    assert 200 <= asked.count(PauseSession()) < 500


def test_the_daemon_ends_at_once_though_somebody_watches(daemon_stopping, socket_file: Path) -> None:
    with DaemonClient([socket_file]) as watcher:
        watcher.ask("watch")
        assert next(watcher.listen())["kind"] == "state"
        daemon_stopping()
        with pytest.raises(DaemonError, match="the daemon has ended"):
            next(watcher.listen())
    assert not socket_file.exists()


async def test_a_socket_that_a_dead_daemon_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "r.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with LocalServer(path, lambda *_: None, {"home": Hub()}).listening():
        assert (await asyncio.to_thread(exchange, path, b'{"command": "status"}\n'))[0]["kind"] == "status"


async def test_a_second_daemon_is_told_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "r.sock"
    async with LocalServer(path, lambda *_: None, {}).listening():
        with pytest.raises(OSError, match=r"r\.sock cannot be made: another daemon listens there"):
            async with LocalServer(path, lambda *_: None, {}).listening():
                pass
        assert path.is_socket()


async def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(OSError, match=r"control socket .* cannot be made"):
        async with LocalServer(tmp_path / "run" / "r.sock", lambda *_: None, {}).listening():
            pass


async def test_a_path_too_long_for_a_socket_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be made: AF_UNIX path too long"):
        async with LocalServer(tmp_path / ("x" * 120), lambda *_: None, {}).listening():
            pass
