"""Which key and which line does what to the simulated treadmill, in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from retrowalk.cli.panel import press
from retrowalk.cli.simulate import act
from retrowalk.sim.exhibit import TreadmillExhibit, exhibit
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.script import parse_script
from retrowalk.terminal import in_lines


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[TreadmillExhibit, list[str]]]:
    """A treadmill that stands there, and what is done to it."""
    acts: list[str] = []

    def tell(event: dict[str, Any]) -> None:
        if event["event"] == "act" and event["done"]:
            acts.append(event["act"])

    async with exhibit(Treadmill(), "F2:00:00:00:18:26", ["local"], tell, asyncio.Event()) as one:
        assert isinstance(one, TreadmillExhibit)
        yield one, acts


@pytest.mark.parametrize(
    ("keys", "acts"),
    [
        ("s", ["start"]),
        ("x", ["stop"]),
        ("p", ["pause"]),
        ("+-", ["faster", "slower"]),
        ("kkk", ["key-out", "key-in", "key-out"]),
        ("www", ["step-off", "step-on", "step-off"]),
        ("rrr", ["away", "back", "away"]),
        ("ud", ["steeper", "flatter"]),
        ("ooo", ["power-off", "power-on", "power-off"]),
        ("bbb", ["face-backward", "face-forward", "face-backward"]),
        ("lll", ["clip-on", "clip-off", "clip-on"]),
        ("c", ["cut"]),
        ("q", ["quit"]),
        ("?\n ", []),
    ],
)
async def test_a_key_does_what_the_panel_says_and_some_take_it_back(keys: str, acts: list[str]) -> None:
    async with shown() as (one, done):
        press(one, keys)
        assert done == acts


async def test_a_line_is_an_act_when_it_is_whole() -> None:
    async with shown() as (one, done):
        took = in_lines(partial(act, one))
        for part in ("st", "op\nspeed 2", ".5\n\nst"):
            took(part)
        assert done == ["stop", "speed 2.5"]


async def test_a_script_is_done_by_its_times_whatever_the_order_of_its_lines() -> None:
    async with shown() as (one, done):
        await one.follow(parse_script("0.2 stop\n0 start\n0.1 step-off"))
        assert done == ["start", "step-off", "stop"]
