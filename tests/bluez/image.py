"""The guest: Debian's kernel, dbus-daemon and bluetoothd as one initramfs, and next to nothing else.

Made from Debian's packages without root, in a folder that is kept; `python -m tests.bluez.image` makes it for
every release, or says what is missing. Nothing is installed, and apt's own state is not touched.
"""

import hashlib
import lzma
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

RELEASES = ("bookworm", "trixie")
"""Debian 12: BlueZ 5.66 on Linux 6.1. Debian 13: BlueZ 5.82 on Linux 6.12."""

_HERE = Path(__file__).parent
_KEPT = _HERE.parent.parent / "build" / "bluez"
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "gcc": "gcc libc6-dev",
    "setpriv": "util-linux",
    "zstd": "zstd",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
}
_PACKAGES = ("linux-image-amd64", "dbus-daemon", "bluez", "busybox-static")
_PROGRAMS = ("usr/bin/dbus-daemon", "usr/libexec/bluetooth/bluetoothd")
_SETTINGS = ("etc/dbus-1", "usr/share/dbus-1", "etc/bluetooth")
_LIBRARIES = "lib/x86_64-linux-gnu"
_LOADER = "lib64/ld-linux-x86-64.so.2"
_MODULES = (
    *("virtio_pci", "virtio_console", "virtio_net", "virtio_rng"),
    # What the kernel's and bluetoothd's own cryptography asks for by name, so that no depends= tells it:
    *("ecb", "cmac", "ctr", "ccm", "sha512_generic", "drbg", "ecdh_generic", "algif_hash", "algif_skcipher"),
    *("bluetooth", "hci_vhci"),
)
_USERS = "root:x:0:0::/:/bin/sh\nmessagebus:x:100:100::/:/bin/false\n"
_GROUPS = "root:x:0:\nmessagebus:x:100:\nbluetooth:x:101:\n"


class MissingError(Exception):
    """What this machine lacks, as a sentence with what to do."""


@dataclass(frozen=True, slots=True)
class Image:
    """What QEMU boots."""

    kernel: Path
    initramfs: Path


def missing() -> str:
    """What this machine lacks for it, as a sentence; empty if nothing."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"BlueZ in a guest needs Linux on x86-64, and this is {sys.platform} on {platform.machine()}"
    packages = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    packages += [] if _KEYRING.exists() else ["debian-archive-keyring"]
    if not packages:
        return ""
    return f"missing here: install with `apt-get install --no-install-recommends {' '.join(packages)}`"


def image(release: str) -> Image:
    """The guest of that release of Debian, made where it is not kept. Raises MissingError."""
    if lacking := missing():
        raise MissingError(lacking)
    sources = (Path(__file__), *sorted((_HERE / "guest").iterdir()))
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    folder = _KEPT / f"{release}-{version}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            _make(release, Path(scratch), made)
            made.rename(folder)
    return Image(folder / "vmlinux", folder / "initramfs")


def _make(release: str, scratch: Path, made: Path) -> None:
    tree = scratch / "tree"
    for package in _download(release, scratch / "apt"):
        if package.name.startswith(("lib", "linux-image", "dbus", "bluez", "busybox")):
            subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    (made / "vmlinux").write_bytes(_unpacked(kernel.read_bytes()))
    bridge = scratch / "bridge"
    source = _HERE / "guest" / "bridge.c"
    subprocess.run(["gcc", "-Os", "-Wall", "-Wextra", "-Werror", "-static", "-o", bridge, source], check=True)
    files = {"init": (_HERE / "guest" / "init").read_bytes(), "bin/bridge": bridge.read_bytes()}
    files["bin/busybox"] = _at(tree, "usr/bin/busybox").read_bytes()
    files |= {"etc/passwd": _USERS.encode(), "etc/group": _GROUPS.encode()}
    for name in _PROGRAMS:
        files[f"bin/{Path(name).name}"] = _at(tree, name).read_bytes()
    for library in _libraries(tree):
        files[f"{_LIBRARIES}/{library.name}"] = library.read_bytes()
    files[_LOADER] = _at(tree, _LOADER).read_bytes()
    for setting in _SETTINGS:
        found = (tree / setting).rglob("*") if (tree / setting).exists() else ()
        files |= {str(file.relative_to(tree)): file.read_bytes() for file in found if file.is_file()}
    modules = list(_modules(tree))
    files |= {f"modules.d/{name}": octets for name, octets in modules}
    files["modules"] = "".join(f"/modules.d/{name}\n" for name, _ in modules).encode()
    (made / "initramfs").write_bytes(b"".join(_cpio(files)))


def _download(release: str, apt: Path) -> list[Path]:
    """The packages and all they depend on, as on a machine where nothing is installed."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_MIRROR} {release} main\n")
    settings = {
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
    }
    command = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in settings.items())]
    _run([*command, "update"])
    _run([*command, "install", "--download-only", "--yes", "--no-install-recommends", *_PACKAGES])
    return sorted((apt / "cache" / "archives").glob("*.deb"))


def _run(command: Sequence[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise MissingError(f"Debian's packages could not be had from {_MIRROR}: {ran.stderr.strip()}")


def _at(tree: Path, name: str) -> Path:
    """That file; some packages of Debian 12 have it where it was before /bin and /lib moved to /usr."""
    places = (tree / name, tree / name.removeprefix("usr/"), tree / "usr" / name)
    return next(place for place in places if place.exists())


def _unpacked(kernel: bytes) -> bytes:
    """The ELF file in a bzImage: QEMU starts it as it is, and the guest saves two seconds of unpacking.

    The place of what is packed is in the header (Documentation/arch/x86/boot.rst: setup_sects,
    payload_offset, payload_length); its last four octets are the length of what it unpacks to.
    """
    setup_sectors = kernel[0x1F1] or 4
    offset, length = (int.from_bytes(kernel[at : at + 4], "little") for at in (0x248, 0x24C))
    start = (setup_sectors + 1) * 512 + offset
    packed = kernel[start : start + length - 4]
    if packed.startswith(b"\xfd7zXZ"):
        return lzma.decompress(packed)
    return subprocess.run(["zstd", "-dc"], input=packed, stdout=subprocess.PIPE, check=True).stdout


def _libraries(tree: Path) -> list[Path]:
    """What the programs are linked with, as the tree's own loader finds it there."""
    path = f"{tree}/usr/{_LIBRARIES}:{tree}/{_LIBRARIES}"
    command = [_at(tree, _LOADER), "--library-path", path, "--list"]
    told = "".join(
        subprocess.run([*command, _at(tree, name)], capture_output=True, text=True, check=True).stdout
        for name in _PROGRAMS
    )
    return sorted({Path(found) for found in re.findall(r"=> (\S+)", told)})


def _modules(tree: Path) -> Iterator[tuple[str, bytes]]:
    """The modules and those they depend on, in an order in which they can be loaded."""
    files = {
        file.name.partition(".")[0].replace("-", "_"): file
        for lib in (tree / "lib", tree / "usr" / "lib")
        for file in lib.glob("modules/*/kernel/**/*.ko*")
    }
    done = set[str]()

    def load(name: str) -> Iterator[tuple[str, bytes]]:
        if name in done or name not in files:  # what is not there is built in
            return
        done.add(name)
        octets = files[name].read_bytes()
        if files[name].suffix == ".xz":
            octets = lzma.decompress(octets)
        if depends := re.search(rb"\0depends=([\w,-]+)\0", octets):
            for other in depends[1].decode().split(","):
                yield from load(other.replace("-", "_"))
        yield f"{name}.ko", octets

    for name in _MODULES:
        yield from load(name)


def _cpio(files: dict[str, bytes]) -> Iterator[bytes]:
    """An archive in the kernel's format (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    folders = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    entries = [
        (folder, stat.S_IFDIR | 0o755, b"") for folder in (*sorted(folders), "dev", "proc", "run", "sys")
    ]
    entries += [(name, stat.S_IFREG | 0o755, octets) for name, octets in files.items()]
    for number, (name, mode, octets) in enumerate((*entries, ("TRAILER!!!", 0, b""))):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(octets), 0, 0, 0, 0, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        yield header + bytes(-len(header) % 4) + octets + bytes(-len(octets) % 4)


def _make_all() -> str | None:
    """Every release's; what went wrong, if anything did."""
    for release in RELEASES:
        started = time.monotonic()
        try:
            made = image(release)
        except MissingError as error:
            return f"test-bluez: {error}"
        megabytes = (made.kernel.stat().st_size + made.initramfs.stat().st_size) / 1e6
        print(f"guest of Debian {release}: {megabytes:.0f} MB, {time.monotonic() - started:.1f} s")
    return None


if __name__ == "__main__":
    sys.exit(_make_all())
