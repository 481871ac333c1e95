"""What becomes of a guest whose tests do not end as they should."""

import os
import subprocess
import sys
import time

import psutil
import pytest
from tests.bluez.image import image

pytestmark = [pytest.mark.bluez, pytest.mark.bookworm]

BOOT = """
from tests.bluez.image import image
from tests.bluez.lab import Lab
with Lab(image("bookworm")):
    pass
"""


def test_a_guest_ends_with_the_process_that_started_it() -> None:
    """Planted: no --pdeathsig. One that is up would end even so, as nobody is at its shell."""
    image("bookworm")
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", BOOT], env=environ) as process:
        deadline = time.monotonic() + 60
        while not (guests := _guests_of(process)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    _, left = psutil.wait_procs(guests, timeout=10)
    for guest in left:
        guest.kill()
    assert not left


def _guests_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return [child for child in psutil.Process(process.pid).children() if child.name().startswith("qemu")]
