import asyncio
import io
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from retrowalk.core.model import Emitted, Said
from retrowalk.hub import Hub
from retrowalk.settings import Alarm
from retrowalk.sim.loops import virtual_loop
from retrowalk.voice import OnHub, Terminal, Voice, VoiceCommand, outputs

CORD = Said("PULL THE CORD", alarm=True)


class Heard:
    """An output that remembers when what was said, on the loop's clock."""

    def __init__(self):
        self.said = []

    def say(self, said):
        self.said.append((round(asyncio.get_running_loop().time(), 1), said.text))

    def close(self):
        pass


def timeline(story) -> list[tuple[float, str]]:
    """What is heard when `story(voice)` is played, in virtual time."""
    heard = Heard()
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(story(Voice([heard])))
    return heard.said


def test_a_cue_is_said_once():
    async def story(voice):
        voice.say(Said("Speed rises to 1.8 in 5 seconds"))
        await asyncio.sleep(10)

    assert timeline(story) == [(0, "Speed rises to 1.8 in 5 seconds")]


def test_an_alarm_is_repeated_every_2_s_until_it_is_silenced():
    async def story(voice):
        voice.say(CORD)
        await asyncio.sleep(5)
        voice.silence()
        await asyncio.sleep(60)

    assert timeline(story) == [(0, CORD.text), (2, CORD.text), (4, CORD.text)]


def test_an_alarm_is_repeated_for_as_long_as_it_takes():
    async def story(voice):
        voice.say(CORD)
        await asyncio.sleep(3601)
        voice.close()

    assert timeline(story) == [(2 * number, CORD.text) for number in range(1801)]


def test_a_sentence_goes_to_every_output():
    one, other = Heard(), Heard()

    async def story():
        voice = Voice([one, other])
        voice.say(CORD)
        await asyncio.sleep(3)
        voice.close()

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(story())
    assert one.said == other.said == [(0, CORD.text), (2, CORD.text)]


def test_the_next_alarm_takes_the_place_of_the_last():
    async def story(voice):
        voice.say(CORD)
        await asyncio.sleep(3)
        voice.say(Said("Stopping", alarm=True))
        await asyncio.sleep(3)
        voice.close()

    assert timeline(story) == [(0, CORD.text), (2, CORD.text), (3, "Stopping"), (5, "Stopping")]


def test_a_cue_between_does_not_end_an_alarm():
    async def story(voice):
        voice.say(CORD)
        await asyncio.sleep(1)
        voice.say(Said("Turn"))
        await asyncio.sleep(2)

    assert timeline(story) == [(0, CORD.text), (1, "Turn"), (2, CORD.text)]


def test_after_silence_the_next_alarm_is_heard():
    async def story(voice):
        voice.say(CORD)
        voice.silence()
        await asyncio.sleep(5)
        voice.say(CORD)
        await asyncio.sleep(1)

    assert timeline(story) == [(0, CORD.text), (5, CORD.text)]


async def test_on_the_hub_a_sentence_is_an_event():
    hub = Hub()
    with hub.subscribe() as reader:
        OnHub(hub).say(CORD)
        assert [note.what for note in reader.take()] == [
            Emitted("said", {"text": "PULL THE CORD", "alarm": True})
        ]


def test_a_terminal_gets_lines_and_for_an_alarm_its_bell():
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.say(Said("Turn around"))
    terminal.close()
    again = Terminal(stream)
    again.say(CORD)
    again.close()
    assert stream.getvalue() == "> Turn around\n\a!!! PULL THE CORD !!!\n"


class HeldTerminal(io.StringIO):
    """A terminal after Ctrl-S: a write waits until it is let go."""

    def __init__(self):
        super().__init__()
        self.entered, self.let_go = threading.Event(), threading.Event()

    def write(self, text):
        self.entered.set()
        self.let_go.wait(5)
        return super().write(text)


def test_a_held_terminal_holds_up_nobody_and_shows_the_alarm_first_and_once():
    stream = HeldTerminal()
    terminal = Terminal(stream)
    terminal.say(Said("first"))
    assert stream.entered.wait(5)
    began = time.monotonic()
    for number in range(1000):
        terminal.say(Said(f"cue {number}"))
        terminal.say(CORD)
    assert time.monotonic() - began < 0.5
    stream.let_go.set()
    terminal.close()
    assert stream.getvalue() == "> first\n\a!!! PULL THE CORD !!!\n"


def test_an_alarm_that_waits_is_said_though_a_cue_comes_after_it():
    stream = HeldTerminal()
    terminal = Terminal(stream)
    terminal.say(Said("first"))
    assert stream.entered.wait(5)
    terminal.say(CORD)
    terminal.say(Said("Turn"))
    stream.let_go.set()
    terminal.close()
    assert stream.getvalue() == "> first\n\a!!! PULL THE CORD !!!\n> Turn\n"


def test_a_held_terminal_does_not_hold_up_the_end():
    stream = HeldTerminal()
    terminal = Terminal(stream)
    terminal.say(CORD)
    assert stream.entered.wait(5)
    began = time.monotonic()
    terminal.close()
    assert time.monotonic() - began < 2
    stream.let_go.set()


def test_of_many_cues_that_wait_the_newest_are_said():
    stream = HeldTerminal()
    terminal = Terminal(stream)
    terminal.say(Said("first"))
    assert stream.entered.wait(5)
    for number in range(100):
        terminal.say(Said(f"cue {number}"))
    stream.let_go.set()
    terminal.close()
    assert stream.getvalue().splitlines() == ["> first", *(f"> cue {number}" for number in range(92, 100))]


def test_a_cue_that_waited_too_long_is_not_said_any_more():
    now = [0.0]
    stream = HeldTerminal()
    terminal = Terminal(stream, clock=lambda: now[0])
    terminal.say(Said("first"))
    assert stream.entered.wait(5)
    terminal.say(Said("stale"))
    now[0] = 5.1
    terminal.say(Said("fresh"))
    stream.let_go.set()
    terminal.close()
    assert stream.getvalue() == "> first\n> fresh\n"


def test_an_alarm_that_waited_long_is_said_all_the_same_if_it_is_the_newest():
    now = [0.0]
    stream = HeldTerminal()
    terminal = Terminal(stream, clock=lambda: now[0])
    terminal.say(Said("first"))
    assert stream.entered.wait(5)
    terminal.say(Said("Stopping", alarm=True))
    terminal.say(CORD)
    now[0] = 60.0
    stream.let_go.set()
    terminal.close()
    assert stream.getvalue() == "> first\n\a!!! PULL THE CORD !!!\n"


def test_a_line_is_out_at_once():
    ours, theirs = os.pipe()
    with open(ours, "rb", buffering=0) as shown, open(theirs, "w") as stream:  # noqa: PTH123 - no path
        terminal = Terminal(stream)
        terminal.say(CORD)
        assert select.select([shown], [], [], 5)[0], "it is in a buffer"
        terminal.close()


class Moody(io.StringIO):
    """A terminal that takes only every other line."""

    def __init__(self, error):
        super().__init__()
        self.asked, self._error = 0, error

    def write(self, text):
        self.asked += 1
        if self.asked % 2:
            raise self._error
        return super().write(text)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("I/O on closed file")])
def test_a_terminal_that_is_gone_is_no_trouble_and_gets_the_next_line(error):
    stream = Moody(error)
    terminal = Terminal(stream)
    terminal.say(CORD)
    deadline = time.monotonic() + 5
    while not stream.asked and time.monotonic() < deadline:
        time.sleep(0.005)
    terminal.say(CORD)
    terminal.close()
    assert stream.getvalue() == "\a!!! PULL THE CORD !!!\n"


# --- a voice command --------------------------------------------------------------------------------------

SPEAKER = """
import sys, time
book, seconds, text = sys.argv[1:]
with open(book, "a") as file:
    file.write(text + "\\n")
time.sleep(float(seconds))
with open(book, "a") as file:
    file.write(text + " (to its end)\\n")
"""


class Speaker:
    """A voice command that writes what it begins and what it finishes into a book."""

    def __init__(self, book: Path, seconds: float, *, through: Sequence[str] = (), **how):
        self.book = book
        self.book.touch()
        command = [*through, sys.executable, "-c", SPEAKER, str(book), str(seconds)]
        self.voice = VoiceCommand(command, **how)

    def lines(self) -> list[str]:
        return self.book.read_text().splitlines()

    def wait_for(self, line: str) -> None:
        deadline = time.monotonic() + 5
        while line not in self.lines():
            assert time.monotonic() < deadline, f"{line!r} was not said, but {self.lines()}"
            time.sleep(0.005)


@pytest.fixture
def speaker(tmp_path):
    made = []

    def make(seconds: float = 0, **how) -> Speaker:
        made.append(Speaker(tmp_path / "said", seconds, **how))
        return made[-1]

    yield make
    for one in made:
        one.voice.close()


def test_the_sentence_is_the_last_argument_and_no_shell_reads_it(speaker):
    spoken = speaker()
    spoken.voice.say(Said('Turn; "around" $HOME'))
    spoken.wait_for('Turn; "around" $HOME')


@pytest.mark.parametrize(
    ("text", "spoken_text"), [("toes \ud800 heel", "toes ? heel"), ("toes \0 heel", "toes   heel")]
)
def test_what_the_command_cannot_be_given_costs_a_character_and_no_alarm(speaker, text, spoken_text):
    """Where the locale is not UTF-8 that is every arrow and every accent."""
    spoken = speaker()
    spoken.voice.say(Said(text))
    spoken.wait_for(spoken_text)
    spoken.voice.say(CORD)
    spoken.wait_for(CORD.text)


def test_a_sentence_does_not_become_an_option(speaker):
    spoken = speaker()
    spoken.voice.say(Said("--version"))
    spoken.wait_for("version")


def test_a_voice_command_does_not_take_what_is_typed(tmp_path):
    """Enter at the machine is an act, and for the daemon alone."""
    said = tmp_path / "said"
    read_all = "import sys; sys.stdin.read(); open(sys.argv[1], 'w').write(sys.argv[2])"
    ours, theirs = os.pipe()
    before = os.dup(0)
    os.dup2(ours, 0)
    try:
        voice = VoiceCommand([sys.executable, "-c", read_all, str(said)])
        voice.say(Said("Turn"))
        deadline = time.monotonic() + 5
        while not said.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        assert said.exists()
    finally:
        os.dup2(before, 0)
        for fd in (ours, theirs, before):
            os.close(fd)
        voice.close()


def test_an_alarm_that_comes_while_a_cue_is_on_its_way_cuts_it_short(speaker, monkeypatch):
    spoken = speaker(seconds=60)
    begin = subprocess.Popen

    def overtaken(*args, **how):
        monkeypatch.undo()
        child = begin(*args, **how)
        spoken.voice.say(CORD)
        return child

    monkeypatch.setattr(subprocess, "Popen", overtaken)
    spoken.voice.say(Said("a long cue"))
    spoken.wait_for(CORD.text)


@pytest.mark.parametrize("through", [(), ("sh", "-c", '"$@"; true', "sh")], ids=["itself", "what it started"])
def test_an_alarm_cuts_a_cue_short_and_drops_those_that_wait(speaker, capsys, through):
    spoken = speaker(seconds=0.5, through=through)
    spoken.voice.say(Said("a long cue"))
    spoken.wait_for("a long cue")
    spoken.voice.say(Said("another cue"))
    spoken.voice.say(CORD)
    spoken.wait_for(CORD.text)
    spoken.voice.close()
    assert spoken.lines() == ["a long cue", CORD.text, CORD.text + " (to its end)"]
    assert "check voice_command" not in capsys.readouterr().out, "that was no trouble"


def test_an_alarm_is_not_cut_short_by_its_repeat(speaker):
    spoken = speaker(seconds=0.2)
    spoken.voice.say(CORD)
    spoken.wait_for(CORD.text)
    spoken.voice.say(CORD)
    spoken.wait_for(CORD.text + " (to its end)")


def test_closing_ends_what_is_being_spoken(speaker):
    spoken = speaker(seconds=60)
    spoken.voice.say(CORD)
    spoken.wait_for(CORD.text)
    _, child = spoken.voice._speaking
    spoken.voice.close()
    assert child.wait(5) == -signal.SIGKILL


def test_a_command_that_does_not_end_is_killed_and_the_next_is_heard(speaker, capsys):
    spoken = speaker(seconds=60, longest_s=0.2)
    spoken.voice.say(Said("one"))
    spoken.wait_for("one")
    spoken.voice.say(Said("two"))
    spoken.wait_for("two")
    assert "one (to its end)" not in spoken.lines()
    assert "spoke for more than 0.2 s and was killed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "told"),
    [(["/no/such/voice"], "No such file or directory"), (["false"], "it ended with exit status 1")],
)
def test_a_command_that_does_not_work_is_told_once(command, told, capsys):
    voice = VoiceCommand(command)
    for text in ("one", "two"):
        voice.say(Said(text))
    voice.close()
    lines = [line for line in capsys.readouterr().out.splitlines() if "check voice_command" in line]
    assert len(lines) == 1
    assert told in lines[0]


def test_a_command_that_could_not_be_run_is_run_again(speaker, monkeypatch):
    spoken, begin = speaker(), subprocess.Popen
    failures = [OSError(2, "No such file or directory") for _ in range(2)]

    def moody(*args, **how):
        if failures:
            raise failures.pop()
        return begin(*args, **how)

    monkeypatch.setattr(subprocess, "Popen", moody)
    for text in ("one", "two", "three"):
        spoken.voice.say(Said(text))
    spoken.wait_for("three")


def test_the_outputs_are_those_of_the_settings():
    alarm = Alarm(outputs=("terminal", "voice", "mqtt", "page"), voice_command=("true",))
    made = outputs(alarm, Hub(), io.StringIO())
    assert [type(output) for output in made] == [Terminal, VoiceCommand, OnHub]
    assert outputs(Alarm(outputs=()), Hub()) == []
    for alone in ("mqtt", "page"):
        assert [type(output) for output in outputs(Alarm(outputs=(alone,)), Hub())] == [OnHub]
    for output in made:
        output.close()
