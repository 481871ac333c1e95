"""What is told of a machine that stands somewhere for others, and of the people at it."""

import asyncio
from pathlib import Path

from retrowalk.machines import load_machine
from retrowalk.sim.exhibit import Event, exhibit
from retrowalk.sim.loops import virtual_loop
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.script import Act, parse_script

DOCUMENT = Path(__file__).parents[2] / "docs/simulate.md"


def played(script: str, seconds: float) -> list[Event]:
    """All that is told of the `spec` machine while that is done to it, in virtual time."""
    told: list[Event] = []

    async def main() -> None:
        machine = Treadmill(quirks_of(load_machine("spec")))
        async with exhibit(machine, "F2:00:00:00:18:26", ["local"], told.append, asyncio.Event()) as shown:
            await shown.follow(parse_script(script))
            await asyncio.sleep(seconds)

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(main())
    return told


def fields(told: list[Event], event: str, *names: str) -> list[tuple[object, ...]]:
    """Of the events of that name, each state once."""
    return list(dict.fromkeys(tuple(one[name] for name in names) for one in told if one["event"] == event))


def test_the_walker_of_the_document_is_carried_back_until_the_cord_stops_the_belt() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    script = document.partition("# the belt is faster than he is\n")[2].partition("```")[0]
    told = played(script, 20)
    assert fields(told, "walker", "on_belt", "facing", "cord_clipped") == [(True, "backward", True)]
    assert 0.98 < max(place for (place,) in fields(told, "walker", "position_m")) < 1.3
    assert fields(told, "belt", "motion", "key_out")[-1] == ("stopped", True)
    assert [one["display"] for one in told if one["event"] == "belt"][-1] == "SAFETY KEY"


def test_without_mains_it_is_off_the_air() -> None:
    async def main() -> None:
        machine, over = Treadmill(quirks_of(load_machine("spec"))), asyncio.Event()
        async with exhibit(machine, "F2:00:00:00:18:26", ["local"], lambda _: None, over) as shown:
            heard = []
            for act in ("power-off", "power-on"):
                shown.do(Act(act), "person")
                await asyncio.sleep(0.1)
                heard.append(shown.peripheral.device.is_advertising)
            assert heard == [False, True]

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(main())


def test_the_mains_switch_darkens_the_console_and_stops_the_belt_until_it_is_back() -> None:
    told = played("1 incline 3\n2 start\n8 power-off\n9 start\n12 power-on\n13 start\n", 7)
    acts = [(round(one["t"], 2), one["done"]) for one in told if one["event"] == "act"]
    assert acts == [(at, True) for at in (1, 2, 8, 9, 12, 13)]
    motions = fields(told, "belt", "motion")
    assert motions == [("stopped",), ("countdown",), ("running",)]
    dark = [one for one in told if one["event"] == "belt" and one["display"] == ""]
    assert dark[-1]["speed_kmh"] == 0
    assert 8 <= dark[0]["t"] < 12
    assert [one["display"] for one in told if one["event"] == "belt"][-1].startswith("0.8 km/h  ")


def test_what_a_walker_can_do_and_weighs_is_set() -> None:
    script = "0 weigh 60\n0 fastest 2\n0 step-off\n1 step-on\n2 face-forward\n3 clip-on\n4 clip-off\n"
    told = played(script, 1)
    states = fields(told, "walker", "on_belt", "facing", "cord_clipped")
    assert states == [
        (False, None, False), (True, None, False), (True, "forward", False), (True, "forward", True),
    ]  # fmt: skip
