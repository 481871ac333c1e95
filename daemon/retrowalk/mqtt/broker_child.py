"""The child process of the embedded broker: it becomes mosquitto, or runs amqtt. Not for people.

python -m retrowalk.mqtt.broker_child mosquitto BINARY < CONFIG_FILE
python -m retrowalk.mqtt.broker_child amqtt HOST PORT
"""

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """SIGKILL for this process when the thread that started it is gone, however. Only Linux can do it."""
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


def _run_mosquitto(binary: str) -> NoReturn:
    _leave_root()
    _die_with_parent()
    os.execv(binary, [binary, "-c", "/dev/stdin"])  # noqa: S606 - the binary that find_mosquitto found


async def _run_amqtt(host: str, port: str) -> None:
    from amqtt.broker import Broker  # type: ignore[import-untyped]  # it has no types
    from amqtt.session import Session  # type: ignore[import-untyped]  # it has no types

    class PatientBroker(Broker):  # type: ignore[misc]  # its base is untyped
        """amqtt 0.12 hands a new client what others subscribed to, and breaks if one subscribes meanwhile."""

        async def _publish_retained_messages_for_subscription(
            self, subscription: tuple[str, int], session: Session
        ) -> None:
            subscribed = self._subscriptions.get(subscription[0], ())
            if any(known.client_id == session.client_id for known, _ in subscribed):
                await super()._publish_retained_messages_for_subscription(subscription, session)

    broker = PatientBroker(
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
        case ["mosquitto", binary]:
            _run_mosquitto(binary)
        case ["amqtt", host, port]:
            _die_with_parent()
            asyncio.run(_run_amqtt(host, port))
        case _:
            sys.exit("retrowalk.mqtt.broker_child is started by retrowalk itself")


if __name__ == "__main__":
    _main(sys.argv[1:])
