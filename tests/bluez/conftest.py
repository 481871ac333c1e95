"""BlueZ on a real kernel in place of the virtual radio, in real time, for the same rooms and treadmills."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ble.conftest import OpenLink, Posted, Soon, opening, posted, put_up, tread, until
from tests.ble.test_connector import connector, states
from tests.bluez.image import RELEASES, image
from tests.bluez.lab import Lab
from tests.bluez.radio import BluezRadio
from tests.scenarios.conftest import Room, marker, spec

from retrowalk.ble.errors import LinkLost, NotFound
from retrowalk.ble.link import Link

__all__ = ["connector", "marker", "posted", "put_up", "spec", "states", "tread"]

BRISK = """
name = "Short"
level = 0
steps = [
  { walk = "forward", for = "8s", speed = 1.0, cue = "Off we go" },
  { turn = "backward" },
  { walk = "backward", for = "3s", speed = 1.0 },
  { turn = "forward" },
  { walk = "forward", for = "3s", speed = 1.0 },
]
"""


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"real": asyncio.new_event_loop}


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in RELEASES]
)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A guest of that release of Debian, which bleak in all processes takes for this machine's BlueZ."""
    with Lab(image(request.param)) as lab, pytest.MonkeyPatch.context() as patch:
        for name, value in lab.environment.items():
            patch.setenv(name, value)
        yield lab


@pytest.fixture
async def radio(lab: Lab) -> AsyncIterator[BluezRadio]:
    """BlueZ has an adapter, and knows no machine."""
    lab.forget_everything()
    radio = BluezRadio(lab)
    await radio.plug_in()
    yield radio
    await radio.unplug()
    print(lab.told())  # pytest shows it with a failure


@pytest.fixture
def soon() -> Soon:
    """Waits for what must be so; how long it takes is a matter of the machine and of what else it does."""
    return until


@pytest.fixture
async def open_link(radio: BluezRadio, posted: Posted) -> AsyncIterator[OpenLink]:
    """Opens a link to the treadmill in the room; it is lost in the end: hanging up takes two seconds.

    BlueZ loses a young connection now and then, and once heard nothing for 10 s. Who needs it tries once
    more, as the connector does.
    """
    async with opening(radio, posted) as open_once:

        async def open_link(connection: int = 1, **options: Any) -> Link:
            try:
                return await open_once(connection, **options)
            except (LinkLost, NotFound) as error:
                if isinstance(error, LinkLost) and "device disconnected" not in str(error):
                    raise
                return await open_once(connection, **options)

        yield open_link
        await radio.unplug()


class BriskRoom(Room):
    """What is done in it takes as little real time as the laws allow; the computer may be slow and busy."""

    patience_s = 30.0

    def settings(self, **tables: object):
        return super().settings(**{"safety": {"countdown_s": 5}} | tables)


@pytest.fixture
async def room(radio: BluezRadio, tmp_path: Path) -> AsyncIterator[Room]:
    """A room without treadmills yet."""
    room = BriskRoom(tmp_path, radio)
    (tmp_path / "programs" / "short.toml").write_text(BRISK)
    yield room
    await room.close()
