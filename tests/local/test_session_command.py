"""`retrowalk session` against a real control socket."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from blefit.units import Speed
from retrowalk import cli
from retrowalk.core.model import (
    AckFault,
    Act,
    Ask,
    Emitted,
    Offer,
    PauseSession,
    ResumeSession,
    SetCap,
    Skip,
    StopSession,
)

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("argv", "ask"),
    [
        (["start", "waves-1"], Offer("waves-1")),
        (["start", "waves-1", "--walker", "ann"], Offer("waves-1", "ann")),
        (["pause"], PauseSession()),
        (["resume"], ResumeSession()),
        (["skip"], Skip()),
        (["stop"], StopSession()),
        (["ack"], AckFault()),
        (["cap", "1.55"], SetCap(Speed(155))),
        (["stop", "--treadmill", "home"], StopSession()),
    ],
)
def test_each_subcommand_asks_for_one_thing_and_prints_the_reply(
    argv: list[str], ask: Ask, daemon, capsys: Captured
) -> None:
    assert cli.main(["session", *argv]) == 0
    ((treadmill, request),) = daemon.requests
    assert (treadmill, request.source, request.ask) == ("home", "cli", ask)
    assert capsys.readouterr().out == f"home: {argv[0]} accepted\n"


def test_a_refusal_is_one_line_on_stderr_and_exit_4(daemon, capsys: Captured) -> None:
    daemon.answers = [("refused", "the belt is not at rest")]
    assert cli.main(["session", "start", "waves-1"]) == 4
    captured = capsys.readouterr()
    assert captured.err == "retrowalk: home: start refused: the belt is not at rest\n"
    assert captured.out == ""


def test_wait_waits_for_the_end_and_a_failure_is_exit_1(daemon, capsys: Captured) -> None:
    daemon.answers = [("accepted", ""), ("done", "")]
    assert cli.main(["session", "stop", "--wait"]) == 0
    assert capsys.readouterr().out == "home: stop accepted\nhome: stop done\n"
    daemon.answers = [("accepted", ""), ("failed", "the belt does not slow down")]
    assert cli.main(["session", "stop", "--wait"]) == 1
    assert "stop failed: the belt does not slow down" in capsys.readouterr().err


def test_json_is_one_object_a_line_and_nothing_else(daemon, capsys: Captured) -> None:
    assert cli.main(["session", "stop", "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["treadmill"], told["outcome"], captured.err) == ("home", "accepted", "")


def test_a_stop_goes_to_every_treadmill_unless_one_is_named(daemon_of_two, capsys: Captured) -> None:
    assert cli.main(["session", "stop"]) == 0
    assert sorted(name for name, _ in daemon_of_two.requests) == ["attic", "home"]
    assert sorted(capsys.readouterr().out.splitlines()) == ["attic: stop accepted", "home: stop accepted"]
    assert cli.main(["session", "stop", "--treadmill", "attic"]) == 0
    assert [name for name, _ in daemon_of_two.requests[2:]] == ["attic"]


def test_a_stop_for_a_treadmill_that_does_not_exist_stops_them_all(daemon_of_two) -> None:
    assert cli.main(["session", "stop", "--treadmill", "hmoe"]) == 0
    assert len(daemon_of_two.requests) == 2


@pytest.mark.parametrize("argv", [["pause"], ["start", "waves-1"], ["cap", "1"]])
def test_everything_else_needs_to_know_which_treadmill(
    argv: list[str], daemon_of_two, capsys: Captured
) -> None:
    assert cli.main(["session", *argv]) == 2
    assert capsys.readouterr().err == "retrowalk: say which treadmill: home, attic\n"
    assert cli.main(["session", *argv, "--treadmill", "cellar"]) == 2
    assert capsys.readouterr().err == "retrowalk: no treadmill 'cellar': home, attic\n"
    assert daemon_of_two.requests == []


def test_status_is_one_line_a_treadmill(daemon_of_two, walking, capsys: Captured) -> None:
    daemon_of_two.hubs["home"].publish(walking(152))
    assert cli.main(["session", "status"]) == 0
    home, attic = capsys.readouterr().out.splitlines()
    assert home.startswith(
        "home: walking backward · 1.5 km/h (cap 2.0) · step 2 of 7, 0:45 left · next: 60 s"
    )
    assert attic == "attic: nothing is known yet"
    assert cli.main(["session", "status", "--treadmill", "home", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measured_speed_kmh"] == 1.52


def test_a_fault_and_what_is_awaited_are_in_the_status(daemon, walking, capsys: Captured) -> None:
    state = walking(0)._replace(fault="link_lost", awaiting=Act.STILL, link="scanning", measured=None)
    daemon.hubs["home"].publish(state)
    assert cli.main(["session", "status"]) == 0
    told = capsys.readouterr().out
    assert "waiting at the machine for: still" in told
    assert "FAULT: link_lost" in told
    assert "link: scanning" in told
    assert "km/h (cap" not in told


@pytest.fixture
def watcher(daemon):
    """`retrowalk session watch` as a process, told to watch."""
    command = [sys.executable, "-m", "retrowalk", "session", "watch"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "home: nothing is known yet\n"
    yield process
    process.kill()
    process.communicate()


def test_watch_prints_states_and_events_as_they_come(daemon, walking, watcher) -> None:
    daemon.hubs["home"].publish(walking(152))
    assert watcher.stdout.readline().startswith("home: walking backward · 1.5 km/h (cap 2.0)")
    daemon.hubs["home"].emit(Emitted("step_started", {"step_index": 3, "cue": None}))
    assert watcher.stdout.readline() == "home: step started: step_index 3\n"


def test_watch_ends_with_130_when_interrupted(watcher) -> None:
    watcher.send_signal(2)
    assert watcher.wait(5) == 130
    assert watcher.stderr.read().strip() == ""


def test_without_a_daemon_every_subcommand_says_so_and_exits_3(socket_file: Path, capsys: Captured) -> None:
    for argv in (["stop"], ["status"], ["watch"], ["start", "waves-1"]):
        assert cli.main(["session", *argv]) == 3
        told = capsys.readouterr().err
        assert told.startswith(f"retrowalk: no daemon is running here (nobody listens at {socket_file})")
        assert told.count("\n") == 1


def test_a_daemon_that_does_not_answer_is_told_within_the_time_out(
    socket_file: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket_file.parent.mkdir()
    monkeypatch.setattr("retrowalk.local.client.ANSWER_WITHIN_S", 0.05)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(socket_file))
        deaf.listen()
        assert cli.main(["session", "stop"]) == 3
    assert capsys.readouterr().err == "retrowalk: the daemon has not answered within 0.05 s\n"


def test_no_act_at_the_machine_can_be_told_from_a_shell(daemon, capsys: Captured) -> None:
    assert cli.main(["session", "confirm", "start"]) == 2
    assert "No such command 'confirm'" in capsys.readouterr().err
    assert daemon.requests == []


def test_stop_costs_less_than_150_milliseconds(daemon) -> None:
    argv = [
        sys.executable,
        "-c",
        "import sys; from retrowalk.cli import main; sys.exit(main())",
        "session",
        "stop",
    ]

    def processor_time() -> float:  # what else this machine does is not what is measured
        before = os.times()
        subprocess.run(argv, check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(processor_time() for _ in range(5)) < 0.15
