"""The files of one treadmill's journal: numbered, appended to, the oldest dropped. All of it may block."""

import os
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

from retrowalk.journal.lines import Entry, Header, Step, written
from retrowalk.paths import sync_folder

MEGABYTE = 1_000_000
SHARE = 8
"""A file is full at so small a part of what all may take: dropping the oldest loses little."""


class Pages:
    """What is written so far, and where the next entry goes. A new file begins with each header."""

    def __init__(self, folder: Path, treadmill: str, most_octets: int) -> None:
        """`most_octets`: of all files of this treadmill; more only where one session alone takes more."""
        self._folder, self._treadmill, self._most = folder, treadmill, most_octets
        self._file: int | None = None
        self._number = 0
        self._good = 0
        """So many octets of the present file are whole lines."""
        self._session_from: int | None = None
        """The number of the file in which the present session began."""
        self._synced = 0

    @property
    def full(self) -> bool:
        """It is time for a new file."""
        return self._good * SHARE >= self._most

    def append(self, chapter: list[Entry]) -> None:
        """Write all of them, or raise OSError. Only the first may be a header."""
        if isinstance(chapter[0], Header) and self._good:  # one that a full disk left empty is new enough
            self.close()
        octets = "".join(written(chapter)).encode()
        file = self._open() if self._file is None else self._file
        os.ftruncate(file, self._good)  # what a full disk left of the last attempt
        os.lseek(file, self._good, os.SEEK_SET)
        done = 0
        while done < len(octets):
            done += os.write(file, octets[done:])
        self._good += done
        self._note_session(chapter)

    def sync(self) -> None:
        """What was appended is on the disk itself when this returns."""
        if self._file is not None and self._synced < self._good:
            os.fsync(self._file)
            self._synced = self._good

    def close(self) -> None:
        """No more for the present file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _note_session(self, chapter: list[Entry]) -> None:
        last = chapter[-1]
        if isinstance(last, Step):
            on = any(isinstance(entry, Step) and entry.session for entry in chapter)
            self._session_from = (self._session_from or self._number) if on else None

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        files = dict(self._files())
        number = max(self._number, *files, 0) + 1
        path = self._folder / f"{self._treadmill}-{number:06d}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._number, self._good, self._synced = number, 0, 0
        sync_folder(self._folder)
        self._drop_oldest(files)
        return self._file

    def _drop_oldest(self, files: dict[int, Path]) -> None:
        sizes = {number: path.stat().st_size for number, path in files.items()}
        room = self._most - self._most // SHARE
        spare = takewhile(lambda number: number < (self._session_from or self._number), sorted(files))
        for number in spare:
            if sum(sizes.values()) <= room:
                break
            files[number].unlink(missing_ok=True)
            del sizes[number]

    def _files(self) -> Iterator[tuple[int, Path]]:
        for path in self._folder.glob(f"{self._treadmill}-*.jsonl"):
            number = path.stem.removeprefix(f"{self._treadmill}-")
            if number.isdecimal():
                yield int(number), path


def chapters(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The same, cut before each header."""
    chapter: list[Entry] = []
    for entry in entries:
        if chapter and isinstance(entry, Header):
            yield chapter
            chapter = []
        chapter.append(entry)
    if chapter:
        yield chapter
