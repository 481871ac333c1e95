"""The suite is played in this process in virtual time, or against another one:

    pytest tests/conformance --transport process                     each machine as a `retrowalk simulate`
    pytest tests/conformance --transport tcp-client:127.0.0.1:7780   the treadmill in reach of that adapter

A second `--transport` is a second adapter there. What the machine does not have, and what needs somebody
at its console or one more adapter, is skipped.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.lab import Lab, Process, Sim, at, in_process

from retrowalk.sim.loops import virtual_loop

EVERYTHING: Sim = {
    "link": {"connections": 3},
    "telemetry": {
        "fields": [
            "average_speed", "total_distance", "inclination", "elevation_gain", "pace", "energy",
            "heart_rate", "metabolic_equivalent", "elapsed_time", "remaining_time", "force_on_belt",
        ],
    },
    "control": {
        "goals": [
            "resistance", "power", "heart_rate", "expended_energy", "step_number", "stride_number",
            "distance", "training_time", "time_in_two_hr_zones", "time_in_three_hr_zones",
            "time_in_five_hr_zones",
        ],
    },
}  # fmt: skip
"""A treadmill with all that the specification lets one have."""

Scene = Callable[[Lab], Awaitable[None]]
Play = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--transport",
        action="append",
        help="tests/conformance: `process`, or where the machine under test is; twice with two adapters",
    )


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Sim], Process]]:
    """A process for each machine that is asked for, alive until the end."""
    alive: dict[str, Process] = {}

    def process(changes: Sim) -> Process:
        key = json.dumps(changes)
        if key not in alive:
            alive[key] = Process(_written(tmp_path_factory.mktemp("machine") / "conform.toml", changes))
        return alive[key]

    yield process
    for one in alive.values():
        one.end()


@pytest.fixture
def play(request: pytest.FixtureRequest, tmp_path: Path, simulated: Callable[[Sim], Process]) -> Play:
    """`play(scene)` with a machine that has everything; `play(scene, control={...})` with changes to it.

    A machine that is only met cannot be changed: such scenes are skipped there.
    """
    asked = request.config.getoption("--transport", default=None) or []
    transports = [one for one in asked if one != "process"]

    def played(scene: Scene, **changes: dict[str, Any]) -> None:
        if transports and changes:
            pytest.skip("needs a machine of its own")
        elif transports:
            _run(scene, at(transports))
        elif asked:
            machine = simulated(changes)
            _run(scene, at(machine.transports, machine.act))
        else:
            _run(scene, in_process(_written(tmp_path / "conform.toml", changes)), virtual_loop)

    return played


def _run(
    scene: Scene,
    place: AbstractAsyncContextManager[Lab],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    async def main() -> None:
        async with place as lab:
            await scene(lab)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


def _written(path: Path, changes: Sim) -> Path:
    """The machine's file: lists, texts and numbers look alike in JSON and in TOML."""
    lines = ['name = "conform"', 'about = "Under test."', 'source = "none"']
    lines += ["[match]", 'names = ["retrowalk conform"]']
    for table in {**EVERYTHING, **changes}:
        lines.append(f"[sim.{table}]")
        keys = EVERYTHING.get(table, {}) | changes.get(table, {})
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    path.write_text("\n".join(lines))
    return path
