"""What the daemon costs while it does nothing but watch: processor, memory, and the time to its first scan.

    python benchmarks/footprint.py

Processor: a process with one simulated treadmill (4 notifications a second) and the daemon, less the same
process with a bare client in the daemon's place that takes the notifications and drops them. Memory and the
way to the first scan: a real `retrowalk run`, whose Bluetooth is a socket that is not answered.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 20.0
CONFIG = """
[mqtt]
url = "off"
[[treadmills]]
id = "tm"
address = "F2:00:00:00:18:26"
"""


def main() -> None:
    with_daemon, without = (cpu_of(how) for how in ("daemon", "bare"))
    print(
        f"processor: {with_daemon - without:.2f} % of one core "
        f"({with_daemon:.2f} % with the simulated treadmill and its radio, {without:.2f} % those alone)"
    )
    to_scan, processor, resident = real_run()
    print(f"from the command to the first scan: {to_scan:.2f} s, {processor:.2f} s of them computing")
    print(f"memory: {resident:.1f} MB resident")


def cpu_of(how: str) -> float:
    """Percent of one core that a process of this kind uses."""
    ran = subprocess.run([sys.executable, __file__, how], check=True, capture_output=True, text=True)
    return float(ran.stdout)


def real_run() -> tuple[float, float, float]:
    """Seconds until `retrowalk run` asks the Bluetooth service to look around, on the clock and of the
    processor, and its megabytes a second later.
    """
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as bus:
        folder = Path(name)
        (folder / "retrowalk.toml").write_text(CONFIG)
        bus.bind(str(folder / "bus"))
        bus.listen()
        bus.settimeout(30)
        environ = os.environ | {
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus",
            "STATE_DIRECTORY": str(folder / "state"),
            "RETROWALK_SOCKET": str(folder / "r.sock"),
        }
        command = [sys.executable, "-m", "retrowalk", "run", "--config", str(folder / "retrowalk.toml")]
        began = time.perf_counter()
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as daemon:
            connection, _ = bus.accept()
            took = time.perf_counter() - began
            ticks = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            with connection:
                time.sleep(1)
                status = Path(f"/proc/{daemon.pid}/status").read_text()
            daemon.terminate()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    processor = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return took, processor, int(found[1]) / 1024


async def busy(how: str) -> float:
    """In the child: the share of one core over SECONDS, once the treadmill is connected."""
    from retrowalk.machines import load_machine
    from retrowalk.sim.room import Room

    room = Room(load_machine("spec"))
    async with room.open():
        if how == "bare":
            return await bare(room.backend)
        with tempfile.TemporaryDirectory() as folder:
            return await daemon(room.backend, Path(folder))


async def bare(backend) -> float:
    from retrowalk.ble.link import Link
    from retrowalk.ble.scanner import find
    from retrowalk.sim.room import ADDRESS

    link = await Link.open(await find(ADDRESS, backend=backend), 1, lambda _: None, backend=backend)
    share = await share_of_a_core()
    await link.close()
    return share


async def daemon(backend, folder: Path) -> float:
    from retrowalk.app import App
    from retrowalk.settings import Settings
    from retrowalk.sim.room import ADDRESS

    treadmill = {"id": "tm", "address": ADDRESS, "machine": "spec"}
    settings = Settings.model_validate({"treadmills": (treadmill,), "paths": {"state_dir": folder}})
    app = App(settings, backend=backend, speak=lambda _: [])
    async with app.running():
        while not app.stations["tm"].controller.guard.connected:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.1)
        return await share_of_a_core()


async def share_of_a_core() -> float:
    await asyncio.sleep(2)
    began, used = time.perf_counter(), time.process_time()
    await asyncio.sleep(SECONDS)
    return (time.process_time() - used) / (time.perf_counter() - began) * 100


if __name__ == "__main__":
    if len(sys.argv) > 1:
        from retrowalk.logs import configure_logging

        configure_logging("auto", "error")
        print(asyncio.run(busy(sys.argv[1])))
    else:
        main()
