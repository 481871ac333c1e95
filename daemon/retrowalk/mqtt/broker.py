"""The embedded broker: a private child process on loopback, for the demo and for users without a broker.

Mosquitto where it is installed (MQTT 5), else amqtt (MQTT 3.1.1). Never in this process: a broker that is
busy must not take time from the belt. It is started again where it ends, and ends with us, however we end.
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Literal, Self

import structlog

BrokerKind = Literal["mosquitto", "amqtt"]

log = structlog.get_logger(__name__)

_MOSQUITTO_CONF = """\
listener {port} {host}
allow_anonymous true
persistence false
message_size_limit 1048576
log_dest stderr
log_type error
connection_messages false
set_tcp_nodelay true
"""

_PAUSE_S = 1.0
"""Before a broker that ended is started again."""


class BrokerError(Exception):
    """The broker cannot be had as configured; the text is one sentence for a person."""


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

    `kind` None: the best that is installed.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1", kind: BrokerKind | None = None) -> None:
        self.host = host
        self.port = port
        self.kind = kind
        self._child: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()

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
        self._stopping.clear()
        first: Future[None] = Future()
        self._keeper = threading.Thread(
            target=self._keep_running, args=(kind, timeout, first), name="mqtt-broker", daemon=True
        )
        self._keeper.start()
        first.result()
        return self.url

    def stop(self, timeout: float = 3.0) -> None:
        """End the child; harmless when it is not running."""
        self._stopping.set()
        deadline = time.monotonic() + timeout
        while self._keeper and self._keeper.is_alive():
            child = self._child
            if child and time.monotonic() < deadline:
                child.terminate()
            elif child:
                child.kill()
            self._keeper.join(0.1)
        self._keeper = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _keep_running(self, kind: BrokerKind, timeout: float, first: Future[None]) -> None:
        """One child after the other until `stop`; `first` is done when the first is up, or could not be."""
        while not self._stopping.is_set():
            with tempfile.TemporaryFile() as stderr:  # a file: nobody would empty a pipe
                try:
                    child = self._spawn(kind, stderr)
                    self._await(child, stderr, timeout)
                except BrokerError as error:
                    if not first.done():
                        first.set_exception(error)
                        return
                    log.warning("the embedded broker does not start; trying again", why=str(error))
                else:
                    if not first.done():
                        first.set_result(None)
                    status = child.wait()
                    if not self._stopping.is_set():
                        log.warning("the embedded broker ended; starting it again", status=status)
            self._stopping.wait(_PAUSE_S)

    def _spawn(self, kind: BrokerKind, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        with tempfile.TemporaryFile() as stdin:
            if kind == "mosquitto":
                arguments = [str(find_mosquitto())]
                stdin.write(_MOSQUITTO_CONF.format(host=self.host, port=self.port).encode())
                stdin.flush()
                os.fchmod(stdin.fileno(), 0o644)  # started by root, mosquitto reads it as another user
            else:
                arguments = [self.host, str(self.port)]
            self._child = subprocess.Popen(  # noqa: S603 - our own module, and what find_mosquitto found
                [sys.executable, "-P", "-m", "retrowalk.mqtt.broker_child", kind, *arguments],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is for us: the last `offline` still has to get through
            )
        return self._child

    def _await(self, child: subprocess.Popen[bytes], stderr: IO[bytes], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if child.poll() is not None:
                stderr.seek(0)
                said = stderr.read().decode(errors="replace").strip().splitlines()
                why = said[-1] if said else "no word why"
                raise BrokerError(f"the embedded {self.kind} ended at once: {why}")
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
                return
            time.sleep(0.01)
        child.kill()
        child.wait()
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
