"""The moving-marker: on disk and synced while our session may have the belt moving."""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Marker:
    """The marker of one treadmill in the state folder. All methods may raise OSError."""

    folder: Path
    treadmill_id: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder / f"moving-{self.treadmill_id}.json"

    def write(self, session_id: str, address: str) -> None:
        """Put it on disk; it is there, whole and synced, when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_suffix(".new")
        with scratch.open("w") as file:
            json.dump({"treadmill": self.treadmill_id, "address": address, "session": session_id}, file)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.path)
        self._sync_folder()

    def remove(self) -> None:
        """Take it away; nothing happens where there is none."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
            self._sync_folder()

    def read(self) -> dict[str, str] | None:
        """What it says; None where there is none. A marker that cannot be read still is one."""
        try:
            found = json.loads(self.path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def _sync_folder(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
