"""The air between virtual radios: Bumble's link, and what it lacks of a real one."""

from bumble import hci
from bumble.controller import AdvertisingSet, Controller, LegacyAdvertiser
from bumble.core import PhysicalTransport
from bumble.device import Device
from bumble.host import Host
from bumble.link import LocalLink
from bumble.ll import AdvertisingPdu
from bumble.transport.common import AsyncPipeSink


class Antenna(Controller):
    """A controller that can give up connecting, and whose link can be lost."""

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Ends a pending connection as the Core specification says (Vol 4, Part E, 7.8.13).

        Bumble's own does nothing, and one attempt on an absent machine would block all later ones.
        """
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_link_acl_data(
        self, sender_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """Takes a packet in; one that was under way when its link was lost is lost with it."""
        if sender_address in self.le_connections:
            super().on_link_acl_data(sender_address, transport, data)


class Air(LocalLink):
    """Carries packets between the radios within reach of each other.

    All of them have random static addresses: Bumble's link takes no other for the sender of data.
    """

    async def device(self, name: str, address: str) -> tuple[Device, Antenna]:
        """A new host on a new controller of that address, powered on."""
        antenna = Antenna(name, link=self)
        host = Host(antenna, AsyncPipeSink(antenna))
        device = Device(name=name, address=hci.Address(address), host=host)
        await device.power_on()
        return device, antenna

    def send_advertising_pdu(self, sender_controller: Controller, packet: AdvertisingPdu) -> None:
        """Advertises to all others; a radio out of reach is not heard."""
        if sender_controller in self.controllers:
            super().send_advertising_pdu(sender_controller, packet)

    def scan_response(self, address: hci.Address) -> bytes:
        """What the radio of that address answers to an active scan.

        Bumble's link carries the advertisement alone, and repeats it as the answer.
        """
        for controller in self.controllers:
            advertisers: list[LegacyAdvertiser | AdvertisingSet] = [controller.le_legacy_advertiser]
            advertisers += controller.advertising_sets.values()
            for advertiser in advertisers:
                if advertiser.enabled and advertiser.address == address:
                    return bytes(advertiser.scan_response_data)
        return b""

    def cut(self, controller: Controller) -> None:
        """Loses all links of that radio without a word; both ends notice by time-out, here at once."""
        for connection in list(controller.le_connections.values()):
            peer = self.find_le_controller(connection.peer_address)
            if peer and (other_end := peer.le_connections.get(connection.self_address)):
                peer.on_le_disconnected(other_end, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
            controller.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
