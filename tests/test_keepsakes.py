"""What must survive a crash is on disk when it is said to be, and says no where it cannot be read."""

import json
import locale
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrowalk.keepsakes import Keepsakes


@pytest.fixture
def keepsakes(tmp_path: Path) -> Keepsakes:
    return Keepsakes(tmp_path / "state", "home", "C0:00:00:00:00:01")


def again(keepsakes: Keepsakes) -> Keepsakes:
    """As a new process sees them."""
    return Keepsakes(keepsakes.folder, keepsakes.treadmill_id, keepsakes.address)


def test_the_marker_names_its_machine_and_session_and_outlives_the_process(keepsakes: Keepsakes) -> None:
    assert not keepsakes.left_running
    keepsakes.write("s1")
    assert again(keepsakes).left_running
    told = json.loads(keepsakes.marker.read_text())
    assert told == {"treadmill": "home", "address": "C0:00:00:00:00:01", "session": "s1"}
    assert list(keepsakes.folder.iterdir()) == [keepsakes.marker], "and leaves no scratch behind"


def test_the_marker_names_the_machine_that_is_connected_and_how_it_was_reached(tmp_path: Path) -> None:
    keepsakes = Keepsakes(tmp_path, "home", "HORIZON*", "bumble:usb:0")
    for address, adapter, told in (
        ("C0:00:00:00:00:02", None, "bumble:usb:0"),
        ("C0:00:00:00:00:03", "hci1", "hci1"),
    ):
        keepsakes.is_at(address, adapter)
        keepsakes.write("s1")
        left = {"treadmill": "home", "address": address, "session": "s1", "adapter": told}
        assert Keepsakes(tmp_path, "home", "HORIZON*").left == left


@pytest.mark.parametrize("octets", [None, b"", b"{", b"\xff", b"[]"])
def test_a_marker_that_tells_nothing_still_says_that_a_belt_may_move(
    keepsakes: Keepsakes, octets: bytes | None
) -> None:
    if octets is not None:
        keepsakes.write("s1")
        keepsakes.marker.write_bytes(octets)
    assert again(keepsakes).left == {}
    assert again(keepsakes).left_running is (octets is not None)


def test_the_marker_can_be_written_again_and_removed_twice(keepsakes: Keepsakes) -> None:
    keepsakes.write("s1")
    keepsakes.write("s2")
    assert json.loads(keepsakes.marker.read_text())["session"] == "s2"
    keepsakes.remove()
    keepsakes.remove()
    assert not again(keepsakes).left_running


def test_the_marker_of_one_treadmill_says_nothing_of_another(keepsakes: Keepsakes) -> None:
    keepsakes.write("s1")
    assert not Keepsakes(keepsakes.folder, "hall", "").left_running


def test_what_is_written_is_synced_the_file_first_and_then_its_folder(
    keepsakes: Keepsakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    folder = keepsakes.folder

    def sync(fd: int) -> None:
        path = Path(f"/proc/self/fd/{fd}").resolve()
        if path != folder.resolve():
            json.loads(path.read_text())  # it is whole: a sync of what is still in a buffer keeps nothing
        synced.append(path.name)

    monkeypatch.setattr("os.fsync", sync)
    keepsakes.write("s1")
    keepsakes.remove()
    assert synced == ["moving-home.new", "state", "state"]


def test_what_is_taken_away_is_synced_too(keepsakes: Keepsakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is back after a power cut is one that was withdrawn."""
    keepsakes.quarantine("it ran too fast")
    left: list[list[str]] = []

    def sync(_fd: int) -> None:
        left.append(sorted(path.name for path in keepsakes.folder.iterdir()))

    monkeypatch.setattr("os.fsync", sync)
    keepsakes.commission("passed")
    assert left[-1] == ["commissioned-home.json"]
    keepsakes.withdraw()
    assert left[-1] == []


def test_a_quarantine_holds_for_the_next_process(keepsakes: Keepsakes) -> None:
    assert keepsakes.quarantined == ""
    keepsakes.quarantine("it ran too fast")
    assert keepsakes.quarantined == again(keepsakes).quarantined == "it ran too fast"


def test_a_machine_is_distrusted_before_anything_is_written(keepsakes: Keepsakes) -> None:
    keepsakes.distrust("it ran too fast")
    assert keepsakes.quarantined == "it ran too fast"
    assert again(keepsakes).quarantined == ""


def test_a_quarantine_holds_while_the_disk_takes_its_time(
    keepsakes: Keepsakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []
    monkeypatch.setattr("os.fsync", lambda _fd: held.append(keepsakes.quarantined))
    keepsakes.quarantine("it ran too fast")
    assert set(held) == {"it ran too fast"}


def test_a_quarantine_that_is_no_file_still_says_no(keepsakes: Keepsakes) -> None:
    (keepsakes.folder / "quarantine-home.json").mkdir(parents=True)
    assert "cannot be read" in again(keepsakes).quarantined


@pytest.mark.parametrize("octets", [b"", b"{", b"\xff", b"[]", b"{}"])
def test_a_quarantine_that_cannot_be_read_still_says_no(keepsakes: Keepsakes, octets: bytes) -> None:
    keepsakes.quarantine("it ran too fast")
    (keepsakes.folder / "quarantine-home.json").write_bytes(octets)
    assert again(keepsakes).quarantined != ""


def test_a_quarantine_that_the_disk_does_not_take_holds_as_long_as_the_process(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    keepsakes = Keepsakes(tmp_path / "state", "home", "")
    with pytest.raises(OSError, match="exists"):
        keepsakes.quarantine("it ran too fast")
    assert keepsakes.quarantined == "it ran too fast"


def test_whoever_deletes_a_quarantine_frees_the_machine_for_the_next_process(keepsakes: Keepsakes) -> None:
    keepsakes.quarantine("it ran too fast")
    (keepsakes.folder / "quarantine-home.json").unlink()
    assert (keepsakes.quarantined, again(keepsakes).quarantined) == ("it ran too fast", "")


@pytest.fixture
def ascii_only() -> Iterator[None]:
    """The locale of a service that is given none."""
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    yield
    locale.setlocale(locale.LC_CTYPE, before)


@pytest.mark.usefixtures("ascii_only")
def test_what_is_kept_of_a_machine_does_not_depend_on_the_locale(keepsakes: Keepsakes) -> None:
    keepsakes.commission('{"name": "走步机"}')
    keepsakes.write("s1")
    keepsakes.marker.write_bytes(keepsakes.marker.read_bytes().replace(b"s1", "上午".encode()))
    assert again(keepsakes).commissioned == '{"name": "走步机"}'
    assert again(keepsakes).left["session"] == "上午"
    (keepsakes.folder / "quarantine-home.json").write_bytes('{"reason": "太快"}'.encode())
    assert again(keepsakes).quarantined == "太快"


def test_whether_a_machine_is_trusted_is_asked_of_the_disk_once(keepsakes: Keepsakes) -> None:
    keepsakes.commission("passed")
    keepsakes.quarantine("it ran too fast")
    known = again(keepsakes)
    shutil.rmtree(keepsakes.folder)
    assert (known.commissioned, known.quarantined) == ("passed", "it ran too fast")


def test_a_certificate_lets_out_of_the_quarantine_and_is_withdrawn_for_good(keepsakes: Keepsakes) -> None:
    keepsakes.quarantine("it ran too fast")
    keepsakes.commission("passed")
    for known in (keepsakes, again(keepsakes)):
        assert (known.quarantined, known.commissioned) == ("", "passed")
    keepsakes.withdraw()
    assert keepsakes.commissioned is again(keepsakes).commissioned is None


def test_what_the_disk_does_not_let_go_is_told_and_a_withdrawn_certificate_is_none(
    keepsakes: Keepsakes,
) -> None:
    for stuck in ("commissioned-home.json", "moving-home.json"):
        (keepsakes.folder / stuck).mkdir(parents=True)
    keepsakes.commissioned = "passed"
    for let_go in (keepsakes.withdraw, keepsakes.remove):
        with pytest.raises(OSError, match="directory"):
            let_go()
    assert keepsakes.commissioned is None


def test_a_certificate_that_cannot_be_read_is_not_one_that_was_never_there(keepsakes: Keepsakes) -> None:
    assert keepsakes.commissioned is None
    keepsakes.commission("passed")
    (keepsakes.folder / "commissioned-home.json").write_bytes(b"\xff")
    assert again(keepsakes).commissioned == ""


def test_a_certificate_that_the_disk_does_not_take_leaves_the_quarantine(keepsakes: Keepsakes) -> None:
    keepsakes.quarantine("it ran too fast")
    (keepsakes.folder / "commissioned-home.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        keepsakes.commission("passed")
    assert again(keepsakes).quarantined == keepsakes.quarantined == "it ran too fast"
