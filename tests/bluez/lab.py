"""A guest in QEMU with a real BlueZ on a real kernel, whose adapter and whose D-Bus are here.

bleak runs on this side, as ever: `environment` is all that it is told. What is on the air around the adapter
is decided on this side, too (`tests.bluez.radio`).
"""

import socket
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Self

from tests.bluez.image import Image
from tests.ports import free_port

_UP_WITHIN_S = 240.0
_ANSWERS_WITHIN_S = 60.0
_KERNEL = (
    "console=ttyS0 quiet panic=-1 mitigations=off nokaslr random.trust_cpu=on cryptomgr.notests=1 "
    # On a busy host its check of the timer panics, and its measuring of the TSC fails: the clock was seen
    # to run too fast, and BlueZ's time-outs with it.
    "no_timer_check clocksource=hpet"
)


class Lab:
    """One guest, up while the block runs: `with Lab(image(release)) as lab:`.

    Software emulation only: neither root nor hardware virtualisation is needed.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._folder = tempfile.TemporaryDirectory(prefix="bluez-")

    @property
    def hci(self) -> str:
        """Bumble's name of the way to the guest: whoever opens it is its adapter, until it is closed."""
        return f"unix-client:{self._folder.name}/hci"

    @property
    def environment(self) -> dict[str, str]:
        """What makes bleak, in any process of this machine, talk to the guest's bluetoothd."""
        return {
            "DBUS_SYSTEM_BUS_ADDRESS": f"tcp:host=127.0.0.1,port={self._dbus_port}",
            "BLEAK_DBUS_AUTH_UID": "0",  # the guest knows nobody but root
        }

    def __enter__(self) -> Self:
        try:
            self._boot()
        except OSError as error:  # on a very busy host a kernel may panic at boot, or hang
            warnings.warn(f"a guest is booted again: {error!r} {error.__notes__}", stacklevel=2)
            self._boot()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._off()
        self._folder.cleanup()

    def sh(self, words: str) -> str:
        """Runs a line of shell in the guest; what it printed. AssertionError where it fails."""
        self._shell.sendall(words.encode() + b"\n")
        told = ""
        while not (line := self._lines.readline()).startswith("= "):
            assert line, "the guest is gone"
            told += line
        assert line == "= 0\n", f"{words}: {told}"
        return told

    def kill_bluetoothd(self) -> None:
        """As kill -9 does."""
        self.sh("killall -9 bluetoothd; while pidof bluetoothd; do usleep 5000; done; true")

    def start_bluetoothd(self) -> None:
        """As the service manager does when it died."""
        self.sh("bluetoothd -n >>/run/bluetoothd.log 2>&1 &")

    def restart_system_bus(self) -> None:
        """dbus-daemon dies, bluetoothd with it, and both are started again."""
        self.sh("killall dbus-daemon; while pidof bluetoothd; do usleep 5000; done; true")
        self.sh("rm -f /run/dbus/pid; dbus-daemon --system")
        self.start_bluetoothd()

    def forget_everything(self) -> None:
        """What bluetoothd remembers of machines, for the time when it has no adapter."""
        self.sh("rm -rf /var/lib/bluetooth/*")

    def told(self) -> str:
        """What the guest's kernel and bluetoothd had to say since it was asked before."""
        return self.sh("dmesg -c; cat /run/bluetoothd.log; : >/run/bluetoothd.log")

    def _boot(self) -> None:
        folder = Path(self._folder.name)
        self._dbus_port = free_port()
        with (folder / "qemu.log").open("w") as log:
            self._qemu = subprocess.Popen(self._command(folder), stdout=log, stderr=log)
        self._shell = socket.socket(socket.AF_UNIX)
        try:
            self._connect_shell(folder / "shell")
            self._shell.settimeout(_UP_WITHIN_S)
            self._lines = self._shell.makefile("r", errors="replace")
            if self._lines.readline() != "up\n":
                raise ConnectionError("it ended")
            self._shell.settimeout(_ANSWERS_WITHIN_S)
        except BaseException as error:
            error.add_note((folder / "qemu.log").read_text())
            self._off()
            raise

    def _off(self) -> None:
        self._qemu.kill()
        self._qemu.wait()
        self._shell.close()

    def _command(self, folder: Path) -> list[str]:
        network = f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self._dbus_port}-10.0.2.15:5000"
        ports = [
            word
            for name in ("hci", "shell")
            for word in (
                *("-chardev", f"socket,id={name},path={folder}/{name},server=on,wait=off"),
                *("-device", f"virtserialport,chardev={name},name={name}"),
            )
        ]
        return [
            *("setpriv", "--pdeathsig", "KILL"),  # it ends with this process, however that ends
            *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-serial", "stdio", "-M", "q35", "-accel", "tcg,tb-size=64", "-cpu", "qemu64,+rdrand"),
            *("-smp", "1", "-m", "128"),
            *("-kernel", str(self._image.kernel), "-initrd", str(self._image.initramfs), "-append", _KERNEL),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci", *ports),
            *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
        ]

    def _connect_shell(self, path: Path) -> None:
        deadline = time.monotonic() + _UP_WITHIN_S
        while True:
            try:
                self._shell.connect(str(path))
            except OSError:  # QEMU has not made it yet
                if self._qemu.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
