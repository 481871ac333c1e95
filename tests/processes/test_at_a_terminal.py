"""What a terminal does to the daemon that runs in it: the belt is stopped, or its guard goes on."""

import signal
from collections.abc import Callable

import pytest
from tests.processes.world import Running, World, world

LONG = pytest.mark.long
STOP = "0801"


def stopped(room: World) -> bool:
    return STOP in room.written() and room.at_rest and not room.marker.exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, pytest.param(signal.SIGQUIT, marks=LONG)])
def test_when_its_window_is_closed_the_belt_comes_to_rest_first(number: int) -> None:
    with world() as room:
        daemon = room.walking()
        daemon.send(number)
        assert daemon.ended(30) == 0
        assert stopped(room)


def test_park_goes_on_when_its_window_is_closed() -> None:
    with world() as room:
        room.walking().kill()
        park = room.park()
        room.until(lambda: len(room.events("connected")) == 2)
        for number in (signal.SIGTSTP, signal.SIGHUP):
            park.send(number)
        assert park.ended(60) == 0
        assert stopped(room)


def suspended(room: World, daemon: Running) -> None:
    """Ctrl-Z, and what a terminal sends to those who use it from the background."""
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        daemon.send(number)


def half_a_line(room: World, daemon: Running) -> None:
    """Some words, and Ctrl-D in Enter's place."""
    room.type("oops\x04")


@pytest.mark.parametrize("act", [suspended, half_a_line])
def test_a_stop_is_obeyed_whatever_was_done_at_its_terminal(act: Callable[[World, Running], None]) -> None:
    with world() as room:
        act(room, room.walking())
        room.ask("stop")
        room.until(lambda: stopped(room))


def test_a_terminal_that_is_held_holds_up_neither_a_stop_nor_the_end() -> None:
    with world() as room:
        daemon = room.walking(logs_there=True)
        room.type("\x13")  # Ctrl-S
        room.ask("skip")  # what is told of it stands still there
        room.ask("stop")
        room.until(lambda: stopped(room))
        daemon.send(signal.SIGTERM)
        assert daemon.ended(30) == 0
