"""`retrowalk simulate` as a process: what is done to it, what it tells, how it ends."""

import asyncio
import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrowalk import cli
from retrowalk.ble.link import Link
from retrowalk.ble.scanner import find
from retrowalk.cli.bluetooth import bluetooth
from retrowalk.cli.panel import sentence
from retrowalk.core.model import Characteristic, Happening, Notified
from retrowalk.sim.script import ACTS, VALUES, Act, ScriptError, Step, parse_act, parse_script

CAPTURED = str(Path(__file__).parents[1] / "captures/traces.json")
COMMAND = [sys.executable, "-m", "retrowalk", "simulate"]


def test_what_people_do_at_it_is_done_and_told(tmp_path: Path) -> None:
    script = tmp_path / "acts"
    script.write_text("0.1 start  # the console's key\n0.3 key-out\n0.5 quit\n")
    ran = subprocess.run(
        [*COMMAND, "--json", "--script", str(script)],
        input="step-off\naway\nstpo\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert events[0]["event"] == "on_air"
    done = [(event["by"], event["act"], event["done"]) for event in events if event["event"] == "act"]
    assert sorted(done[:2]) == [("stdin", "away", True), ("stdin", "step-off", True)]
    assert done[2:] == [
        (*act, True) for act in (("script", "start"), ("script", "key-out"), ("script", "quit"))
    ]
    motions = [(event["motion"], event["key_out"]) for event in events if event["event"] == "belt"]
    assert motions == [("stopped", False), ("countdown", False), ("stopped", True)]
    assert ran.stderr == "retrowalk: 'stpo' is no act: did you mean stop?\n"
    assert ran.returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_when_it_is_told(number: int, code: int) -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        told = process.stdout.readline()
        process.send_signal(number)
        assert process.wait(10) == code
    assert told.endswith("  retrowalk spec (F2:00:00:00:18:26) is on the air: local\n")


@contextlib.contextmanager
def recorded(*argv: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A recorded machine on the air, and the adapter to reach it by."""
    command = [*COMMAND, "--transport", "tcp-server:127.0.0.1:0", "--json", "--trace", *argv]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        on_air = json.loads(process.stdout.readline())
        try:
            yield process, f"bumble:{on_air['transport'].replace('server', 'client')}"
        finally:
            process.kill()


async def test_a_recorded_machine_says_to_another_process_what_it_said(tmp_path: Path) -> None:
    said = ["0000640000", "00006e0000", "0000000000"]
    events = [{"t": i / 10, "kind": "notify", "char": "2ACD", "hex": one} for i, one in enumerate(said)]
    trace = tmp_path / "trace.json"
    trace.write_text(json.dumps({"s": {"device": "Maker / TM1", "events": events}}))
    heard: list[Happening] = []
    with recorded(str(trace)) as (process, adapter):
        backend = bluetooth(adapter)
        link = await Link.open(await find("TM1", 10, backend), 1, heard.append, backend=backend)
        async with asyncio.timeout(10):
            while len(heard) < 1 + len(said):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        link.write(1, bytes.fromhex("0801"))
        async with asyncio.timeout(10):
            while Notified(1, Characteristic.CONTROL_POINT, bytes.fromhex("800801")) not in heard:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        await link.close()
        await asyncio.sleep(0.2)  # it looks 20 times a second whether its recording is over
        out, _ = await asyncio.to_thread(process.communicate, "start\ncut\nquit\n", 10)
    assert heard[1:4] == [Notified(1, Characteristic.TREADMILL_DATA, bytes.fromhex(one)) for one in said]
    told = [json.loads(line) for line in out.splitlines()]
    # "waiting" may have come with the first line, and been read with it.
    assert [one["state"] for one in told if one["event"] == "trace"][-2:] == ["playing", "over"]
    assert [one["hex"] for one in told if one["event"] == "written"] == ["0801"]
    acts = [(one["act"], one["done"]) for one in told if one["event"] == "act"]
    assert acts == [("start", False), ("cut", True), ("quit", True)]
    assert process.returncode == 0


def test_a_captured_machine_is_found_by_the_adapter_that_is_given_and_by_that_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "retrowalk.toml"
    monkeypatch.setenv("RETROWALK_CONFIG", str(config))
    address = "F2:00:00:00:18:26"
    with recorded(CAPTURED, "--session", "citysports_second") as (_, adapter):
        config.write_text("")
        assert cli.main(["scan", "--seconds", "1", "--adapter", adapter, "--json"]) == 0
        assert cli.main(["inspect", address, "--adapter", adapter, "--json"]) == 0
        config.write_text(f'[[treadmills]]\nid = "tm"\naddress = "{address}"\nadapter = "{adapter}"\n')
        assert cli.main(["inspect", "tm", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["name"] for one in told] == ["CITYSPORTS-Linker"] * 3


def test_on_a_terminal_there_is_a_panel_with_keys() -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(COMMAND, stdin=its, stdout=its, stderr=its)
    os.close(its)
    for keys, shown in ((b"s", b"clients"), (b"k", b"keyboard: start"), (b"kq", b"PULLED")):
        expect(ours, shown)
        os.write(ours, keys)
    assert process.wait(10) == 0
    os.close(ours)


def expect(terminal: int, text: bytes) -> bytes:
    """All that is shown until the text is, 20 s at most."""
    seen = b""
    deadline = time.monotonic() + 20
    while text not in seen:
        assert select.select([terminal], [], [], deadline - time.monotonic())[0], seen
        seen += os.read(terminal, 65536)
    return seen


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["--transport", "vhci", "--transport", "usb:0"], 2, "usb:0 goes alone: only where other programs"),
        (["--transport", "tcp-cleint:1"], 2, "there is no transport 'tcp-cleint': did you mean tcp-client?"),
        (["--transport", "tcp-client:127.0.0.1:1"], 3, "cannot be opened: nobody listens there"),
        (["--transport", "vhci:/nowhere"], 3, "there is no /nowhere: load the kernel module"),
        (["--transport", "hci-socket:99"], 3, "hci-socket:99 cannot be opened: "),
        (["--machine", "spek"], 2, "there is no machine 'spek': did you mean spec?"),
        (["--trace", "/nowhere/t.json"], 2, "/nowhere/t.json cannot be read: "),
        (["--trace", __file__], 2, "is no JSON: "),
        (["--trace", CAPTURED, "--session", "x"], 2, "holds no session 'x': it has urevo_e1l_kinomap, "),
        (["--trace", CAPTURED, "--machine", "spec"], 2, "give --trace or --machine"),
        (["--session", "x"], 2, "--session is one of a --trace file"),
        (["--script", "/nowhere/acts"], 2, "/nowhere/acts cannot be read: "),
        (["--script", __file__], 2, "is no time: write seconds and an act, such as 20 stop"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    argv: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["simulate", *argv]) == code
    lines = capsys.readouterr().err.splitlines()
    assert told in lines[0]
    assert all(line.startswith("retrowalk: ") for line in lines)


def test_a_script_is_lines_of_seconds_and_acts() -> None:
    text = "# a session by hand\n20 stop\n\n  1.5\tspeed   2.5 # faster\n0 start\n"
    assert parse_script(text) == [
        Step(0, Act("start")),
        Step(1.5, Act("speed", 2.5)),
        Step(20, Act("stop")),
    ]


def test_every_act_can_be_written() -> None:
    written = [f"{name} {VALUES[name][3]}" if name in VALUES else name for name in ACTS]
    assert [str(parse_act(act)) for act in written] == written


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("start", "line 1: 'start' is no time"),
        ("-1 start", "line 1: '-1' is no time"),
        ("nan start", "line 1: 'nan' is no time"),
        ("1", "line 1: '' is no act: known are start,"),
        ("1 start now", "line 1: start takes nothing after it, found 'now'"),
        ("1 speed", "line 1: speed takes one number of km/h"),
        ("1 speed inf", "line 1: speed takes one number of km/h"),
        ("1 speed 31", "line 1: speed takes one number of km/h"),
        ("1 weigh 1", "line 1: weigh takes one number of kg from 20 to 250: weigh 60"),
        ("1 start\n2 strat\n3 keyout", "line 2: 'strat' is no act: did you mean start?\nline 3: 'keyout'"),
    ],
)
def test_a_script_that_cannot_be_read_is_told_line_by_line(line: str, told: str) -> None:
    with pytest.raises(ScriptError) as refused:
        parse_script(line)
    assert told in str(refused.value)


def test_a_refused_write_is_told_with_its_error() -> None:
    event = {"event": "written", "client": 1, "hex": "07", "op_name": "start_or_resume", "att_error": 0xFE}
    assert sentence(event) == "client 1 wrote 07 (start_or_resume), refused with ATT error fe"


def test_a_recording_is_told_in_words() -> None:
    event = {"event": "trace", "session": "morning", "seconds": 81.5, "state": "waiting"}
    assert sentence(event) == "morning, 82 s: begins when somebody listens"


def test_the_acts_of_the_document_are_those_of_the_code() -> None:
    document = (Path(__file__).parents[2] / "docs/simulate.md").read_text()
    table = document[document.index("| act | what |") :].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = {parse_act(act).name for cell in cells for act in cell.split("`")[1::2]}
    assert named == set(ACTS)
