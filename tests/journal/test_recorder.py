"""What the recorder does with a disk that is quick, slow, full or gone; the control task never notices."""

import asyncio
import errno
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest
from structlog.testing import capture_logs

from retrowalk.belt import Belt
from retrowalk.core.bounds import SiteLimits
from retrowalk.core.controller import Controller
from retrowalk.core.guard import Guard
from retrowalk.core.model import Emitted, Lost
from retrowalk.core.offering import Setup
from retrowalk.journal import pages
from retrowalk.journal.lines import Entry, Header, Step, read
from retrowalk.journal.pages import Pages
from retrowalk.journal.recorder import EVERY_S, PATIENCE_S, Recorder
from retrowalk.journal.replay import replay
from retrowalk.journal.tape import Tape

AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
OCTETS = 9_000
"""Of all files: a file is full at a thousand, which is some steps after each header."""


class Disk:
    """Runs what may block, at once or when let; or fails in its place."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.error: OSError | None = None
        self.batches = 0

    async def __call__(self, block: Callable[[], None]) -> None:
        await self.free.wait()
        if self.error is not None:
            raise self.error
        self.batches += 1
        block()


class Desk:
    """A recorder, and a controller that is stepped by hand."""

    def __init__(self, folder: Path, *, most: int = 20_000, octets: int = 64_000_000) -> None:
        self.folder = folder / "journal"
        setup = Setup(site=SiteLimits(), find_program=lambda _: None, new_id=lambda: "s")  # type: ignore[arg-type,return-value]
        self.disk = Disk()
        self.told: list[Emitted] = []
        self.tape = Tape("tm", "test", lambda: AT, most=most)
        self.pages = Pages(self.folder, "tm", octets)
        self.recorder = Recorder(self.tape, self.pages, self.disk, self.told.append)
        belt = Belt(Guard(), self.recorder.wrote)
        self.controller = Controller(self.tape.overhear(setup), belt, left_running=False)
        self.recorder.hear(self.controller, self.recorder.wrote)
        self.now = 100.0

    def step(self, happening: Lost | None = None, *, session: bool = False) -> None:
        self.now += 0.25
        self.recorder.came(happening, self.now)
        if happening is not None:
            self.controller.feed(happening, self.now)
        self.controller.act(self.now)
        self.recorder.did(tuple(self.controller.effects()), self.now, session=session)

    async def steps(self, number: int, *, session: bool = False) -> None:
        for _ in range(number):
            self.step(Lost(9, "somebody else's, which changes nothing"), session=session)
            await asyncio.sleep(0.25)

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*"))

    def entries(self) -> list[Entry]:
        found: list[Entry] = []
        for path in self.files:
            with path.open(newline="") as lines:
                found += [entry for _, entry in read(lines)]
        return found

    def times(self) -> list[float]:
        return [entry.t for entry in self.entries() if isinstance(entry, Step)]

    def headers(self) -> list[Header]:
        return [entry for entry in self.entries() if isinstance(entry, Header)]

    def decided_the_same(self) -> bool:
        passed = list(replay(enumerate(self.entries(), 1)))
        return all(seen.snapshot or isinstance(seen.entry, Header) for seen in passed)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.recorder.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.pages.close()


async def test_nothing_waits_longer_than_a_second(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        for _ in range(40):
            await desk.steps(1)
            await asyncio.sleep(0)
            kept = desk.times()[-1] if desk.files else 0.0
            assert desk.now - kept <= 1.0 or desk.now < 101.1
        assert desk.disk.batches <= 40 * 0.25 / EVERY_S + 1  # in batches, not each by itself


async def test_what_is_closed_is_complete(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.steps(7)
        await desk.recorder.close()
        assert len(desk.times()) == 7
        assert desk.decided_the_same()


async def test_a_reply_goes_when_its_request_is_kept(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        out: list[float] = []
        desk.disk.free.clear()
        desk.step()
        desk.recorder.once_kept(lambda: out.append(desk.times()[-1]), desk.now)
        await asyncio.sleep(0.5)
        assert out == []
        desk.disk.free.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert out == [desk.now]


async def test_a_reply_asked_for_while_the_disk_is_busy_waits_for_the_next_batch(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        desk.disk.free.clear()
        await desk.steps(1)
        desk.step()
        late = desk.now
        out: list[bool] = []
        desk.recorder.once_kept(lambda: out.append(late in desk.times()), desk.now)
        desk.disk.free.set()
        await asyncio.sleep(0.1)
        assert out == [True]


async def test_a_disk_that_does_not_answer_holds_a_reply_for_a_second_at_most(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        desk.disk.free.clear()
        out: list[float] = []
        desk.step()
        asked = desk.now
        desk.recorder.once_kept(lambda: out.append(desk.now), desk.now)
        await desk.steps(2)
        desk.recorder.once_kept(lambda: out.append(desk.now - 0.5), desk.now)
        await desk.steps(10)
        assert len(out) == 2
        assert PATIENCE_S <= min(out) - asked <= max(out) - asked <= 1.0


async def test_a_disk_that_says_no_holds_no_reply(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        desk.disk.error = OSError(errno.ENOSPC, "No space left on device")
        out: list[bool] = []
        desk.step()
        desk.recorder.once_kept(lambda: out.append(True), desk.now)
        await asyncio.sleep(0.01)
        assert out == [True]


async def test_a_full_disk_is_said_once_and_nothing_is_lost(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.steps(8)
        desk.disk.error = OSError(errno.ENOSPC, "No space left on device")
        with capture_logs() as logs:
            await desk.steps(40)
        assert [entry["log_level"] for entry in logs] == ["warning"]
        assert [(e.type, e.fields["id"], e.fields["detail"]) for e in desk.told] == [
            ("note", "journal_stuck", "No space left on device")
        ]
        desk.disk.error = None
        await desk.steps(8)
        assert desk.now - desk.times()[-1] <= 1.0
        await desk.recorder.close()
        assert [e.fields["id"] for e in desk.told] == ["journal_stuck", "journal_kept"]
        assert len(desk.times()) == 56
        assert len(desk.files) == 1
        assert desk.decided_the_same()


async def test_what_came_while_the_disk_was_failing_comes_after_what_it_did_not_take(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.steps(8)
        desk.disk.free.clear()
        await desk.steps(8)
        desk.disk.error = OSError(errno.EIO, "Input/output error")
        desk.disk.free.set()
        await asyncio.sleep(0)
        desk.disk.error = None
        await desk.recorder.close()
        assert desk.times() == [100.25 + n / 4 for n in range(16)]


async def test_the_end_waits_for_what_is_on_its_way_to_the_disk(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.steps(8)
        desk.disk.free.clear()
        desk.step()
        desk.recorder.once_kept(lambda: None, desk.now)
        await asyncio.sleep(0.1)
        ending = asyncio.create_task(desk.recorder.close())
        await asyncio.sleep(0.1)
        desk.disk.free.set()
        await ending
        await asyncio.sleep(0.1)
        assert len(desk.files) == 1
        assert desk.times() == [100.25 + n / 4 for n in range(9)]


async def test_a_file_that_cannot_be_begun_repeats_nothing_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Desk(tmp_path, octets=OCTETS) as desk:
        await desk.steps(40)
        refused: list[object] = []

        def no_room(*_: object) -> int:
            refused.append(_)
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr(pages.os, "open", no_room)
            while not refused:
                await desk.steps(1)
        await desk.recorder.close()
        assert desk.times() == sorted(set(desk.times()))
        assert desk.times()[-1] == desk.now


async def test_a_disk_that_is_full_when_a_file_begins_has_one_file_more_and_not_one_a_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _octets: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder, header = tmp_path / "journal", Header(version="1", treadmill="tm", t=0.0, at=AT)
    written = Pages(folder, "tm", OCTETS)
    written.append([header])
    with monkeypatch.context() as there:
        there.setattr(pages.os, "write", full)
        for _ in range(5):
            with pytest.raises(OSError, match="No space left"):
                written.append([header])
    written.append([header])
    assert [file.stat().st_size > 0 for file in folder.iterdir()] == [True, True]


async def test_memory_is_bounded_and_the_gap_is_told(tmp_path: Path) -> None:
    async with Desk(tmp_path, most=50) as desk:
        await desk.steps(8)
        desk.disk.error = OSError(errno.EIO, "Input/output error")
        for _ in range(500):
            await desk.steps(1)
            assert desk.tape.waiting <= 52
        desk.disk.error = None
        await desk.steps(8)
        await desk.recorder.close()
        first, second = desk.headers()
        assert first.lost == 0
        assert second.lost + len(desk.times()) == 516
        assert len(desk.files) == 2
        assert desk.decided_the_same()


async def test_a_write_that_breaks_off_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(file: int, octets: bytes) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(file, octets[: room[0]])
        room[0] -= done
        return done

    room = [3000]
    monkeypatch.setattr(pages.os, "write", half)
    async with Desk(tmp_path) as desk:
        await desk.steps(40)
        assert 2000 < desk.files[0].stat().st_size <= 3000
        room[0] = 1_000_000
        await desk.recorder.close()
        assert len(desk.times()) == 40
        assert desk.decided_the_same()


async def test_the_oldest_files_go_and_the_rest_can_be_decided(tmp_path: Path) -> None:
    async with Desk(tmp_path, octets=160_000) as desk:
        await desk.steps(4000)
        await desk.recorder.close()
        assert sum(path.stat().st_size for path in desk.files) <= 160_000
        assert 5 <= len(desk.files) <= 9
        assert desk.files[0].name != "tm-000001.jsonl"
        assert all(header.state for header in desk.headers())
        assert len(desk.times()) > 500
        assert desk.decided_the_same()


async def test_files_of_the_present_session_stay(tmp_path: Path) -> None:
    async with Desk(tmp_path, octets=OCTETS) as desk:
        await desk.steps(100)
        began = desk.now
        await desk.steps(150, session=True)
        assert desk.times()[0] <= began + 0.25
        assert sum(path.stat().st_size for path in desk.files) > OCTETS
        await desk.steps(100)
        await desk.recorder.close()
        assert desk.times()[0] > began


async def test_files_of_other_treadmills_and_of_earlier_daemons(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    others = [folder / name for name in ("tm-2-000001.jsonl", "tm-notes.jsonl", "other-000009.jsonl")]
    for path in (*others, folder / "tm-000041.jsonl"):
        path.write_text("x" * OCTETS)
    async with Desk(tmp_path, octets=OCTETS) as desk:
        await desk.steps(10)
        await desk.recorder.close()
    ours = [path for path in desk.files if path not in others]
    assert len(desk.files) == len(ours) + 3
    assert ours[0].name == "tm-000042.jsonl"


@pytest.mark.parametrize("octets", [64_000_000, OCTETS])
async def test_the_disk_itself_has_what_a_session_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, octets: int
) -> None:
    synced: list[float] = []
    sync = os.fsync

    def counted(file: int) -> None:
        if stat.S_ISREG(os.fstat(file).st_mode):
            synced.append(desk.now)
            assert desk.times()[-1] == desk.now
        sync(file)

    async with Desk(tmp_path, octets=octets) as desk:
        await desk.steps(20)
        monkeypatch.setattr(pages.os, "fsync", counted)
        await desk.steps(20)
        assert synced == []
        await desk.steps(40, session=True)
        gaps = [after - before for before, after in pairwise([*synced, desk.now])]
        assert 9 <= len(synced) <= 14
        assert max(gaps) <= 1.0


async def test_what_a_bug_keeps_from_being_written_is_a_gap_that_is_told(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.recorder.flush()
        desk.step()
        desk.step()
        desk.tape.put_back([None])  # type: ignore[list-item]  # what no line can be made of
        with pytest.raises(AttributeError):
            await desk.recorder.flush()
        await desk.steps(4)
        await desk.recorder.close()
        (header,) = desk.headers()
        assert header.lost == 4  # with the one after it, for which there is no controller to begin with
        assert len(desk.times()) == 3
        assert desk.decided_the_same()
