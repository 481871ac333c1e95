"""What must survive, for one treadmill: the moving-marker, why its machine is not trusted, and why it is."""

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from retrowalk.paths import sync_folder

_MOVING, _JSON = "moving-", ".json"


def treadmill_of(file_name: str) -> str:
    """The id of the treadmill whose moving-marker is called so; '' where the file is none."""
    return file_name[len(_MOVING) : -len(_JSON)] if _is_marker(file_name) else ""


def _is_marker(file_name: str) -> bool:
    return file_name.startswith(_MOVING) and file_name.endswith(_JSON)


@dataclass(slots=True)
class Keepsakes:
    """One treadmill's files in the state folder. What writes may raise OSError.

    Whether the machine is trusted is read at once, and then known: while one treadmill connects, the belt of
    another must not wait for the disk. Nobody else changes these files as long as a daemon or a test runs.
    """

    folder: Path
    treadmill_id: str
    address: str
    """Where `park` will look for it: that of the machine, or what the config says until it is known."""
    adapter: str | None = None
    """And with which Bluetooth adapter."""
    commissioned: str | None = field(init=False)
    """The certificate of its empty-belt test; empty where it cannot be read, None where there is none."""
    quarantined: str = field(init=False)
    """Why no session may start, or ''. A file that cannot be read still says no; so does a reason that the
    disk does not take."""

    def __post_init__(self) -> None:
        self.commissioned = self._read_certificate()
        self.quarantined = self._read_distrust()

    @property
    def marker(self) -> Path:
        """The moving-marker: there, and synced, while our session may have the belt moving."""
        return self.folder / f"{_MOVING}{self.treadmill_id}{_JSON}"

    def is_at(self, address: str, adapter: str | None) -> None:
        """This machine is connected: markers name it from now on."""
        self.address, self.adapter = address, adapter or self.adapter

    def write(self, session_id: str) -> None:
        """Put the moving-marker on disk; it is whole and synced when this returns."""
        told = {"treadmill": self.treadmill_id, "address": self.address, "session": session_id}
        self._put(self.marker, told | ({"adapter": self.adapter} if self.adapter else {}))

    def remove(self) -> None:
        """Take the moving-marker away, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.marker.unlink()
            sync_folder(self.folder)

    @property
    def left_running(self) -> bool:
        """A session of a daemon that is gone may have left the belt moving."""
        return self.marker.exists()

    @property
    def left(self) -> dict[str, str]:
        """What the moving-marker tells, by the keys that `write` gives it; empty where it tells nothing."""
        try:
            told = json.loads(self.marker.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {key: str(value) for key, value in told.items()} if isinstance(told, dict) else {}

    def distrust(self, reason: str) -> None:
        """It is in quarantine from now on, whenever the disk comes to it. Waits for nothing."""
        self.quarantined = reason

    def quarantine(self, reason: str) -> None:
        """No session on this machine until it is commissioned again."""
        self.distrust(reason)
        self._put(self._distrust, {"reason": reason})

    @property
    def _distrust(self) -> Path:
        return self.folder / f"quarantine-{self.treadmill_id}.json"

    def _read_distrust(self) -> str:
        try:
            told = json.loads(self._distrust.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ""
        except (OSError, ValueError):
            return f"{self._distrust} cannot be read: commission the machine again, or delete it and restart"
        reason = told.get("reason") if isinstance(told, dict) else None
        return str(reason or "it is in quarantine")

    def commission(self, certificate: str) -> None:
        """It passed: keep its certificate, and let it out of the quarantine."""
        self._put_text(self._certificate, certificate)
        with contextlib.suppress(FileNotFoundError):
            self._distrust.unlink()
        sync_folder(self.folder)
        self.commissioned, self.quarantined = certificate, ""

    def withdraw(self) -> None:
        """It failed: what it had passed before holds no longer."""
        self.commissioned = None
        with contextlib.suppress(FileNotFoundError):
            self._certificate.unlink()
            sync_folder(self.folder)

    @property
    def _certificate(self) -> Path:
        return self.folder / f"commissioned-{self.treadmill_id}.json"

    def _read_certificate(self) -> str | None:
        try:
            return self._certificate.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return ""

    def _put(self, path: Path, told: dict[str, str]) -> None:
        self._put_text(path, json.dumps(told))

    def _put_text(self, path: Path, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".new")
        with scratch.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
        sync_folder(self.folder)
