"""The air between virtual radios: Bumble's link, and what it lacks of a real one."""

import asyncio

from bumble import hci
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.device import Device
from bumble.host import Host
from bumble.link import LocalLink
from bumble.ll import AdvertisingPdu, AdvExtInd, AdvInd
from bumble.transport.common import AsyncPipeSink

_RSSI_DBM = -50
_TIMEOUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR


class NearHost(Host):
    """A host in the process of its controller: what L2CAP sends needs no HCI packets between the two.

    They cost more time than all of GATT. Commands and events go by HCI, and data keep their turn among them.
    """

    def __init__(self, antenna: "Antenna") -> None:
        super().__init__(antenna, AsyncPipeSink(antenna))
        self._antenna = antenna

    def send_acl_sdu(self, connection_handle: int, sdu: bytes) -> None:
        """Sends it, in the turn after this one."""
        asyncio.get_running_loop().call_soon(self._antenna.send_sdu, connection_handle, sdu)

    def take_sdu(self, connection_handle: int, sdu: bytes) -> None:
        """It has come in; on a link that is gone, nobody wants it."""
        if (connection := self.connections.get(connection_handle)) is not None:
            connection.on_acl_pdu(sdu)


class Antenna(Controller):
    """A controller that resets, scans and gives up connecting as a real one does, and can lose its link."""

    link: "Air"
    # The Linux kernel expects more of a controller with these than Bumble's has (google/bumble#841).
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY
    )

    def on_hci_reset_command(self, command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Forgets all it did for its host (Core, Vol 4, Part E, 7.3.2); the other ends notice a time-out."""
        self.pending_le_connection = None
        self.le_scan_enable = False
        self.le_legacy_advertiser.stop()
        connections, self.le_connections = self.le_connections, {}
        for connection in connections.values():
            self.link.forsake(connection)
        return super().on_hci_reset_command(command)

    def on_advertising_pdu(self, pdu: AdvInd | AdvExtInd) -> None:
        """Reports it while scanning, with the answer to an active scan; connects where that was asked for.

        Bumble's own repeats the advertisement as the answer.
        """
        kinds = hci.HCI_LE_Advertising_Report_Event.EventType
        if self.le_scan_enable:
            self._report(kinds.ADV_IND, pdu.advertiser_address, pdu.data)
            if self.le_scan_type:
                self._report(
                    kinds.SCAN_RSP, pdu.advertiser_address, self.link.scan_response(pdu.advertiser_address)
                )
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(
        self,
        kind: hci.HCI_LE_Advertising_Report_Event.EventType,
        address: hci.Address,
        data: bytes,
    ) -> None:
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind, address_type=address.address_type, address=address, data=data, rssi=_RSSI_DBM
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

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
        link, host = self.le_connections.get(sender_address), self.host
        if link is not None and isinstance(host, NearHost):
            asyncio.get_running_loop().call_soon(host.take_sdu, link.handle, data)
        elif link is not None:
            super().on_link_acl_data(sender_address, transport, data)

    def send_sdu(self, connection_handle: int, sdu: bytes) -> None:
        """What a near host sends."""
        if (link := self.find_connection_by_handle(connection_handle)) is not None:
            link.on_acl_pdu(sdu)


class Air(LocalLink):
    """Carries packets between the radios within reach of each other."""

    controllers: set[Controller]

    async def device(self, name: str, address: str) -> tuple[Device, Antenna]:
        """A new host on a new controller of that random static address, powered on."""
        antenna = Antenna(name, link=self)
        device = Device(name=name, address=hci.Address(address), host=NearHost(antenna))
        await device.power_on()
        return device, antenna

    def send_advertising_pdu(self, sender_controller: Controller, packet: AdvertisingPdu) -> None:
        """Advertises to all others; a radio out of reach is not heard."""
        if sender_controller in self.controllers:
            super().send_advertising_pdu(sender_controller, packet)

    def scan_response(self, address: hci.Address) -> bytes:
        """What the radio of that address answers to an active scan."""
        for controller in self.controllers:
            advertiser = controller.le_legacy_advertiser
            if advertiser.enabled and advertiser.address == address:
                return bytes(advertiser.scan_response_data)
        return b""

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Carries data over a link; Bumble's own knows only links between random addresses."""
        receiver = self.find_le_controller(destination_address)
        link = sender_controller.le_connections.get(destination_address)
        if receiver is not None and link is not None:
            asyncio.get_running_loop().call_soon(
                receiver.on_link_acl_data, link.self_address, transport, data
            )

    def cut(self, controller: Controller) -> None:
        """Loses all links of that radio without a word; both ends notice by time-out, here at once."""
        for connection in list(controller.le_connections.values()):
            controller.on_le_disconnected(connection, _TIMEOUT)
            self.forsake(connection)

    def forsake(self, connection: Connection) -> None:
        """One end of a link is gone: the other notices by time-out, here at once."""
        peer = self.find_le_controller(connection.peer_address)
        if peer is not None and (other_end := peer.le_connections.get(connection.self_address)):
            peer.on_le_disconnected(other_end, _TIMEOUT)
