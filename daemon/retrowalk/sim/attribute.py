"""The attributes of simulated devices, as Bumble's GATT server wants them."""

from collections.abc import Callable
from typing import Any

from bumble.att import (
    ATT_READ_NOT_PERMITTED_ERROR,
    ATT_WRITE_NOT_PERMITTED_ERROR,
    ATT_Error,
    ATT_Handle_Value_Notification,
)
from bumble.core import UUID
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue

from retrowalk.sim.model import attributes


def _unwritable(_connection: Connection, _octets: bytes) -> None:
    raise ATT_Error(ATT_WRITE_NOT_PERMITTED_ERROR)


def attribute(
    one: attributes.Characteristic, on_write: Callable[[Connection, bytes], Any] = _unwritable
) -> Characteristic[bytes]:
    """That characteristic; `on_write` may be asynchronous, and raises ATT_Error to refuse."""

    def read(_connection: Connection) -> bytes:
        if one.value is None:
            raise ATT_Error(ATT_READ_NOT_PERMITTED_ERROR)
        return one.value()

    return Characteristic(
        UUID.from_16_bits(one.number),
        Characteristic.Properties(one.properties),
        # Bumble looks at no permission and leaves a read without a function unanswered: both are given.
        Characteristic.READABLE | Characteristic.WRITEABLE,
        CharacteristicValue(read=read, write=on_write if one.properties & attributes.TAKES else _unwritable),
    )


def notify(device: Device, connection: Connection, source: Characteristic[bytes], payload: bytes) -> None:
    """Sends a notification at once, asked for or not: who is subscribed is the model's to know."""
    pdu = ATT_Handle_Value_Notification(attribute_handle=source.handle, attribute_value=payload)
    device.gatt_server.send_gatt_pdu(connection, bytes(pdu))
