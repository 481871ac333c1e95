"""The embedded broker: a private child process on loopback, for the demo and for users without a broker.

Mosquitto where it is installed (MQTT 5), else amqtt (MQTT 3.1.1). Never in this process: a broker that is
busy must not take time from the belt. It ends with its parent, however that ends.

    python -m retrowalk.mqtt.broker amqtt HOST PORT
    python -m retrowalk.mqtt.broker mosquitto BINARY CONFIG_FILE

is what the child runs; not for people.
"""

import asyncio
import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NoReturn, Self

BrokerKind = Literal["mosquitto", "amqtt"]

_PR_SET_PDEATHSIG = 1


class BrokerError(Exception):
    """The embedded broker could not be started; the text is one sentence for a person."""


def find_mosquitto() -> Path | None:
    """Where mosquitto is: Debian puts it where the PATH of a plain user does not look."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])
    found = shutil.which("mosquitto", path=path)
    return Path(found) if found else None


def available_brokers() -> tuple[BrokerKind, ...]:
    """The brokers that can be embedded here, the preferred one first."""
    found: list[BrokerKind] = []
    if find_mosquitto():
        found.append("mosquitto")
    if importlib.util.find_spec("amqtt"):
        found.append("amqtt")
    return tuple(found)


class EmbeddedBroker:
    """One broker on `host`:`port` (0: any free one), open to everybody on this machine, keeping nothing.

    `start` from the main thread: on Linux the child dies with the thread that started it.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1", kind: BrokerKind | None = None) -> None:
        self.host = host
        self.port = port
        self.kind = kind
        self._child: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def url(self) -> str:
        """Where it listens; valid after `start`."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The child's process id, while it lives."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self, timeout: float = 10.0) -> str:
        """Start the child, wait until it accepts connections, return its url.

        Raises BrokerError where the port is taken, no broker is installed, or it is not up in `timeout` s.
        """
        kinds = available_brokers()
        kind = self.kind or next(iter(kinds), None)
        if kind is None or kind not in kinds:
            raise BrokerError(
                f"no {kind or 'MQTT broker'} to embed is installed: run `apt install mosquitto`, or install "
                "retrowalk[demo], or set mqtt.url to a broker elsewhere"
            )
        self.kind = kind
        self.port = _claim(self.host, self.port)
        self._folder = tempfile.TemporaryDirectory(prefix="retrowalk-broker-")
        folder = Path(self._folder.name)
        with (folder / "stderr").open("wb") as stderr:  # a file: nobody would empty a pipe
            self._child = subprocess.Popen(  # noqa: S603 - our own module, a number and a file of ours
                [sys.executable, "-P", "-m", "retrowalk.mqtt.broker", *self._arguments(kind, folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is for us: the last `offline` still has to get through
            )
        try:
            self._await(self._child, folder / "stderr", timeout)
        except BrokerError:
            self.stop()
            raise
        return self.url

    def stop(self, timeout: float = 3.0) -> None:
        """End the child; harmless when it is not running."""
        child, self._child = self._child, None
        if child:
            child.terminate()
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _arguments(self, kind: BrokerKind, folder: Path) -> list[str]:
        if kind == "amqtt":
            return ["amqtt", self.host, str(self.port)]
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {self.host}\nallow_anonymous true\npersistence false\n"
            "log_dest stderr\nlog_type error\nconnection_messages false\nset_tcp_nodelay true\n"
        )
        folder.chmod(0o755)  # no secret in it, and started by root mosquitto runs as a user who must read it
        return ["mosquitto", str(find_mosquitto()), str(config)]

    def _await(self, child: subprocess.Popen[bytes], stderr: Path, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if child.poll() is not None:
                said = stderr.read_text(errors="replace").strip().splitlines()
                raise BrokerError(
                    f"the embedded {self.kind} ended at once: {said[-1] if said else 'no word why'}"
                )
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
                return
            time.sleep(0.01)
        raise BrokerError(
            f"the embedded {self.kind} did not listen on {self.host}:{self.port} within {timeout:g} s"
        )


def _claim(host: str, port: int) -> int:
    """`port`, or for 0 a free one, seen to be free just now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BrokerError(
                f"the embedded broker cannot listen on {host}:{port} ({error.strerror}): "
                "end the program that uses this port, or choose another port"
            ) from None
        return int(probe.getsockname()[1])


# --- in the child ----------------------------------------------------------------------------------------


def _die_with_parent() -> None:
    """SIGKILL for this process when its parent is gone, kill -9 included. Only Linux can do it."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent or parent == 1:
        sys.exit(0)


def _leave_root() -> None:
    """Become an ordinary user: mosquitto would do it itself, but that undoes `_die_with_parent`."""
    if os.geteuid() != 0:
        return
    for name in ("mosquitto", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            return


def _run_mosquitto(binary: str, config: str) -> NoReturn:
    _leave_root()
    _die_with_parent()
    os.execv(binary, [binary, "-c", config])  # noqa: S606 - the binary that find_mosquitto found


async def _run_amqtt(host: str, port: str) -> None:
    from amqtt.broker import Broker  # type: ignore[import-untyped]

    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await broker.shutdown()


def _main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["mosquitto", binary, config]:
            _run_mosquitto(binary, config)
        case ["amqtt", host, port]:
            _die_with_parent()
            asyncio.run(_run_amqtt(host, port))
        case _:
            sys.exit("retrowalk.mqtt.broker is started by retrowalk itself")


if __name__ == "__main__":
    _main(sys.argv[1:])
