"""Which Bluetooth the commands that drive treadmills use."""

from dataclasses import dataclass, field

import click

from retrowalk.ble.backend import Backend

_BUMBLE = "bumble:"


@dataclass(frozen=True, slots=True)
class _Bluetooth(Backend):
    """The system's; for an adapter called `bumble:<transport>` the controller there, by Bumble's host."""

    _dongles: dict[str, Backend] = field(default_factory=dict)

    def on(self, adapter: str) -> Backend:
        if not adapter.startswith(_BUMBLE):
            return Backend(hci=adapter)
        if adapter not in self._dongles:
            from retrowalk.sim.dongle import Dongle  # Bumble, which few have and few need

            self._dongles[adapter] = Dongle(adapter.removeprefix(_BUMBLE)).backend
        return self._dongles[adapter]


def bluetooth(adapter: str | None = None) -> Backend:
    """For one event loop; on that adapter, as a treadmill's `adapter` names it."""
    return _Bluetooth() if adapter is None else _Bluetooth().on(adapter)


adapter_option = click.option(
    "--adapter", metavar="NAME", help='The Bluetooth adapter, such as hci1 or "bumble:usb:0".'
)
"""Of a command that needs no configuration to know one."""
