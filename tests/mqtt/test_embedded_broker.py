import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from retrowalk.mqtt.broker import BrokerError, EmbeddedBroker, available_brokers


def is_gone(pid: int, within: float = 5) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def accepts(broker: EmbeddedBroker) -> bool:
    try:
        socket.create_connection((broker.host, broker.port), timeout=1).close()
    except OSError:
        return False
    return True


def test_it_listens_when_start_returns_and_no_more_when_stop_returns(own_broker):
    assert own_broker.url == f"mqtt://127.0.0.1:{own_broker.port}"
    assert accepts(own_broker)
    own_broker.stop()
    assert not accepts(own_broker)
    assert own_broker.pid is None


def test_ctrl_c_is_not_for_it_the_last_offline_has_to_get_through(broker):
    assert os.getpgid(broker.pid) != os.getpgid(0)


def test_it_starts_again_on_the_port_that_it_had(own_broker):
    url = own_broker.url
    own_broker.stop()
    assert own_broker.start() == url
    assert accepts(own_broker)


def test_a_broker_that_was_killed_is_started_again_on_its_port(own_broker):
    killed = own_broker.pid
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while own_broker.pid in {None, killed} or not accepts(own_broker):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_listens_on_loopback_only(broker):
    own_addresses = socket.gethostbyname_ex(socket.gethostname())[2]
    for address in {address for address in own_addresses if not address.startswith("127.")}:
        with pytest.raises(OSError, match=r"refused|unreachable"):
            socket.create_connection((address, broker.port), timeout=1)


def test_a_taken_port_is_said_in_one_sentence(broker):
    with pytest.raises(BrokerError) as told:
        EmbeddedBroker(port=broker.port).start()
    assert str(told.value) == (
        f"the embedded broker cannot listen on 127.0.0.1:{broker.port} (Address already in use): "
        "end the program that uses this port, or choose another port"
    )


def test_a_broker_that_is_not_installed_is_said_with_the_fix(monkeypatch):
    monkeypatch.setattr("retrowalk.mqtt.broker.available_brokers", lambda: ())
    with pytest.raises(
        BrokerError, match=r"^no MQTT broker to embed is installed: run `apt install mosquitto`"
    ):
        EmbeddedBroker().start()


def test_stop_is_harmless_when_it_never_started():
    EmbeddedBroker().stop()


PARENT = """
import sys, time
from retrowalk.mqtt.broker import EmbeddedBroker
broker = EmbeddedBroker(kind=sys.argv[1])
broker.start()
print(broker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
@pytest.mark.parametrize("kind", available_brokers())
def test_it_dies_with_its_parent_even_by_kill_9(kind):
    with subprocess.Popen([sys.executable, "-c", PARENT, kind], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert is_gone(child)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root must leave root")
def test_mosquitto_does_not_run_as_root_nor_need_a_folder_that_others_may_read(tmp_path, monkeypatch):
    if "mosquitto" not in available_brokers():
        pytest.skip("mosquitto is not installed")
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with EmbeddedBroker(kind="mosquitto") as broker, open(f"/proc/{broker.pid}/status") as status:  # noqa: PTH123 - both in one with
        uids = next(line for line in status if line.startswith("Uid:")).split()[1:]
    assert "0" not in uids
