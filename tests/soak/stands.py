"""The treadmills of a world on its radio, light or full, behind one face; and what is written to them."""

from pathlib import Path
from random import Random
from typing import Protocol

from tests.soak.world import Place, Table

from retrowalk.ble.backend import Backend
from retrowalk.machines import load_machine
from retrowalk.sim.interference import Interference
from retrowalk.sim.light import LightRadio
from retrowalk.sim.machines import quirks_of
from retrowalk.sim.model.emissions import Client, Emission
from retrowalk.sim.model.treadmill import Treadmill
from retrowalk.sim.peripheral import Peripheral
from retrowalk.sim.radio import Radio


class Sight(Protocol):
    """Who watches a machine."""

    def look(self, now: float) -> None: ...
    def frame(self, octets: bytes, now: float) -> None: ...
    def took(self, octets: bytes, error: int | None, now: float) -> None: ...
    def unlinked(self, now: float) -> None: ...


class Machine(Treadmill):
    """A simulated treadmill that shows itself, at every advance and at every frame, before and after."""

    sight: Sight | None = None

    def advance(self, now: float) -> list[Emission]:
        emissions = super().advance(now)
        if self.sight is not None:
            self.sight.look(now)
        return emissions

    def write(self, client: Client, octets: bytes, now: float) -> int | None:
        assert self.sight is not None
        self._run_until(now)
        self.sight.frame(octets, now)
        error = super().write(client, octets, now)
        self.sight.took(octets, error, now)
        return error

    def disconnect(self, client: Client) -> None:
        super().disconnect(client)
        if self.sight is not None:
            self.sight.unlinked(self.now)


class Stand(Protocol):
    """One machine's place on the radio."""

    def cut(self) -> None: ...
    def move_away(self) -> None: ...
    def bring_back(self) -> None: ...
    def power_off(self) -> None: ...
    def power_on(self) -> None: ...
    @property
    def is_connected(self) -> bool: ...


class Ether(Protocol):
    """A radio with machines on it."""

    backend: Backend

    async def put(self, machine: Machine, name: str, address: str) -> Stand: ...
    def unplug(self) -> None: ...
    def plug_in(self) -> None: ...
    async def close(self) -> None: ...


class FullEther:
    """Bumble: every octet goes through GATT, ATT, L2CAP and HCI."""

    def __init__(self, interference: Interference) -> None:
        self._radio = Radio(interference=interference)
        self._open: list[Peripheral] = []
        self.backend = self._radio.backend
        self.unplug, self.plug_in = self._radio.unplug, self._radio.plug_in

    async def put(self, machine: Machine, name: str, address: str) -> Stand:
        device = await self._radio.peripheral_device(name, address)
        peripheral = Peripheral(machine, device, lambda: self._radio.cut(device))
        await peripheral.start()
        self._open.append(peripheral)
        return _FullStand(self._radio, peripheral, machine)

    async def close(self) -> None:
        for peripheral in self._open:
            await peripheral.stop()


class _FullStand:
    def __init__(self, radio: Radio, peripheral: Peripheral, machine: Machine) -> None:
        self._radio = radio
        self._peripheral = peripheral
        self._machine = machine

    def cut(self) -> None:
        self._radio.cut(self._peripheral.device)

    def move_away(self) -> None:
        self._radio.move_away(self._peripheral.device)

    def bring_back(self) -> None:
        self._radio.bring_back(self._peripheral.device)

    def power_off(self) -> None:
        self.move_away()
        self._machine.switch_off()

    def power_on(self) -> None:
        self._machine.switch_on()
        self.bring_back()

    @property
    def is_connected(self) -> bool:
        return bool(self._peripheral.device.connections)


class LightEther:
    """The light transport: no packets, no stack."""

    def __init__(self, interference: Interference) -> None:
        self._radio = LightRadio(interference=interference)
        self.backend = self._radio.backend
        self.unplug, self.plug_in = self._radio.unplug, self._radio.plug_in

    async def put(self, machine: Machine, name: str, address: str) -> Stand:  # noqa: ARG002  it knows its name
        return self._radio.put(machine, address)

    async def close(self) -> None:
        pass


def machine_file(folder: Path, place: Place) -> Path:
    """The place's machine as a file of `config/treadmills/`."""
    path = folder / f"{place.id}.toml"
    head = (
        f'name = "{place.id}"\nabout = "drawn"\nsource = "the soak"\n[match]\nnames = ["retrowalk drawn"]\n'
    )
    path.write_text(head + "".join(_toml(name, table) for name, table in place.machine.items()))
    return path


def machine_of(path: Path, seed: str) -> Machine:
    """The simulated machine of that file."""
    return Machine(quirks_of(load_machine(path)), chance=Random(seed))  # noqa: S311  (noise of a simulation)


def _toml(name: str, table: Table) -> str:
    lines = "".join(f"{key} = {_value(value)}\n" for key, value in table.items())
    return f"[{name}]\n{lines}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_value(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
