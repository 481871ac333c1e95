"""`retrowalk demo` as a process: its exit codes, what it shows, what is seen of it over MQTT, how it ends."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import aiomqtt
import pytest
from tests.ports import free_port

from retrowalk.mqtt.broker import available_brokers

from .conftest import LONG, SHORT

needs_broker = pytest.mark.skipif(not available_brokers(), reason="no broker can be embedded here")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    (tmp_path / "short.toml").write_text(SHORT)
    (tmp_path / "long.toml").write_text(LONG)
    return tmp_path


def demo(*argv: object) -> list[str]:
    return [sys.executable, "-m", "retrowalk", "demo", *map(str, argv)]


def told(*argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(demo(*argv), capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.mark.parametrize(
    ("machine", "program", "code", "sentence"),
    [
        ("spec", "short", 0, "completed, the belt is at rest."),
        ("start-toggles", "short", 0, "completed, the belt is at rest."),
        ("silent-when-stopped", "short", 0, "completed, the belt is at rest."),
        ("slow-start", "short", 0, "completed, the belt is at rest."),
        ("mph", "short", 1, "the belt ran faster than it was told."),
        ("ignores-stop", "short", 1, "PULL THE CORD. The belt does not obey Stop."),
        ("drops-link", "long", 1, "The Bluetooth link is lost"),
        ("runaway", "long", 1, "Stopping: the belt"),
    ],
)
def test_the_exit_code_tells_how_it_went(programs, machine, program, code, sentence) -> None:
    argv = ("--program", programs / f"{program}.toml", "--speedup", 150, "--machine", machine, "--headless")
    ran = told(*argv)
    assert ran.returncode == code
    assert sentence in ran.stdout
    assert "the belt is at rest" in ran.stdout
    errors = ran.stderr.splitlines()
    assert len(errors) == (1 if code else 0)
    assert all(line.startswith("retrowalk: not completed. ") and sentence in line for line in errors)


def test_a_program_the_machine_refuses_is_told_on_stderr_too_and_exit_4(tmp_path) -> None:
    (tmp_path / "fast.toml").write_text(SHORT.replace("1.0", "4.5"))
    ran = told("--program", tmp_path / "fast.toml", "--headless")
    assert ran.returncode == 4
    assert "is above the cap" in ran.stdout
    assert ran.stderr.startswith("retrowalk: refused: ")
    assert len(ran.stderr.splitlines()) == 1


SLOW_DISK = """
import os, sys, time
sync = os.fsync
def slowly(file):
    time.sleep(0.5)
    sync(file)
os.fsync = slowly
from retrowalk import cli
raise SystemExit(cli.main(sys.argv[1:]))
"""


def test_a_slow_disk_takes_no_time_of_a_session_that_runs_faster(programs) -> None:
    argv = demo("--program", programs / "short.toml", "--speedup", 150, "--headless")[3:]
    ran = subprocess.run(
        [sys.executable, "-c", SLOW_DISK, *argv], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("--program", "nonsense"), "there is no program and no file 'nonsense': the programs are balance,"),
        (("--machine", "nonsense"), "nonsense"),
        (("--speedup", "fast"), "'fast' is not a number"),
        (("--speedup", "1000"), "1000"),
        (("--mqtt-port", "70000"), "70000"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(argv, sentence) -> None:
    ran = told(*argv)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert sentence in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@needs_broker
def test_a_port_that_is_taken_is_one_sentence_and_exit_3(port) -> None:
    with socket.create_server(("127.0.0.1", port)):
        ran = told("--mqtt-port", port)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert f"127.0.0.1:{port}" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_reader_that_goes_is_no_error(programs) -> None:
    command = demo("--program", programs / "short.toml", "--speedup", 150, "--headless")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline().startswith("Short, 150 times")
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(60) == 0


async def seen_until_the_end(
    port: int, running: subprocess.Popen[str], on_message=lambda *_: None
) -> list[tuple[str, str]]:
    """All an outside client sees of the demo. What `on_message` returns is published as a command."""
    seen: list[tuple[str, str]] = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            async with aiomqtt.Client("127.0.0.1", port) as client:
                await client.subscribe("retrowalk/#", qos=1)
                async for message in client.messages:
                    topic = message.topic.value.removeprefix("retrowalk/")
                    seen.append((topic, message.payload.decode()))
                    if command := on_message(*seen[-1]):
                        await client.publish("retrowalk/demo/command", command)
        except aiomqtt.MqttError:
            if seen or running.poll() is not None:
                break  # the broker has gone with the demo
            await asyncio.sleep(0.02)
    return seen


@needs_broker
def test_an_outside_client_sees_it_begin_go_on_and_end(programs, port) -> None:
    command = demo("--program", programs / "short.toml", "--speedup", 60, "--mqtt-port", port, "--headless")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        seen = asyncio.run(seen_until_the_end(port, running))
        assert running.wait(20) == 0
    availability = [text for topic, text in seen if topic == "demo/availability"]
    assert (availability[0], availability[-1]) in {("online", "offline"), ("offline", "offline")}
    assert "online" in availability
    assert [text for topic, text in seen if topic == "bridge/state"][-1] == "offline"
    states = [text for topic, text in seen if topic == "demo/state"]
    assert any('"phase":"walking"' in state and '"direction":"backward"' in state for state in states)
    events = "".join(text for topic, text in seen if topic == "demo/event")
    kinds = re.findall(r'"type":"(\w+)"', events)
    assert [kind for kind in kinds if kind in {"started", "turn", "completed"}] == [
        "started",
        "turn",
        "turn",
        "completed",
    ]


@needs_broker
def test_a_start_of_somebody_else_is_refused_and_does_not_end_the_demo(programs, port) -> None:
    command = demo("--program", programs / "short.toml", "--speedup", 60, "--mqtt-port", port, "--headless")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        asked = []

        def ask_once(topic: str, text: str) -> str | None:
            if topic != "demo/state" or '"phase":"walking"' not in text or asked:
                return None
            asked.append('{"id": "offer", "command": "start", "program": "waves-1"}')
            return asked[0]

        seen = asyncio.run(seen_until_the_end(port, running, ask_once))
        assert running.wait(20) == 0
    (reply,) = [text for topic, text in seen if topic == "demo/reply"]
    assert '"outcome":"refused","reason":"a session is on already: stop it first"' in reply


@needs_broker
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_belt_and_then_everything(programs, port, number, code) -> None:
    command = demo("--program", programs / "long.toml", "--speedup", 20, "--mqtt-port", port, "--headless")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        interrupted = []

        def interrupt(topic: str, text: str) -> None:
            if topic == "demo/state" and '"measured_speed_kmh":1' in text and not interrupted:
                interrupted.append(text)
                running.send_signal(number)

        seen = asyncio.run(seen_until_the_end(port, running, interrupt))
        assert interrupted
        output, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (code, "")
    assert "Long on spec: interrupted; the belt is at rest.\n  time " in output
    states = [text for topic, text in seen if topic == "demo/state"]
    assert '"measured_speed_kmh":0' in states[-1]
    assert [text for topic, text in seen if topic == "bridge/state"][-1] == "offline"
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), 1):
        pass


def on_a_terminal(command: list[str], columns: int) -> str:
    """What it draws on a terminal so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environ = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "24"}
    drawn = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as running:
        os.close(theirs)
        with contextlib.suppress(OSError):  # the other end is closed
            while octets := os.read(ours, 65536):
                drawn += octets
        assert running.wait(30) == 0
    os.close(ours)
    return drawn.decode()


@pytest.mark.parametrize("columns", [60, 120])
def test_the_live_view_fits_and_does_not_jump(programs, columns) -> None:
    drawn = on_a_terminal(demo("--program", programs / "short.toml", "--speedup", 50), columns)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn).replace("\r", "\n")
    frames = re.findall(r"╭.*?╯", plain, re.DOTALL)
    lines = [[line for line in frame.splitlines() if line] for frame in frames]
    assert len(frames) > 5
    assert {len(frame) for frame in lines} == {len(lines[0])}
    assert {len(line) for frame in lines for line in frame} == {min(columns, 100)}
    whole = "\n".join(frames)
    for word in ("WALKING", "▼ backward", "km/h", "cap 1.0", "3 of 5", "walked", "Off we go"):
        assert word in whole
