"""What the flight recorder must hold: everything acknowledged, and the same decisions when it is replayed."""

from collections.abc import Iterable
from pathlib import Path

from retrowalk.journal.lines import read
from retrowalk.journal.replay import replay


def lost(folder: Path, treadmill: str, accepted: Iterable[str]) -> str:
    """The first id of an accepted request that is in no file of that treadmill, or ''."""
    asked = [request_id for request_id in accepted if request_id]
    if not asked:
        return ""
    kept = "".join(path.read_text() for path in folder.glob(f"{treadmill}*"))
    return next((request_id for request_id in asked if f'"{request_id}"' not in kept), "")


def difference(folder: Path) -> str:
    """Where the core decides otherwise than it did, in words, or ''."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8", newline="\n") as lines:
            for seen in replay(read(lines)):
                if (other := seen.difference) is not None:
                    return f"{path.name} line {seen.line}: {other.recorded} became {other.now}"
    return ""
