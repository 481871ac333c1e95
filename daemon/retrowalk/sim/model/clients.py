"""Who is connected, what each has subscribed, and what waits to be sent to them."""

from collections.abc import Collection

from retrowalk.sim.model.emissions import Client, Emission, LinkLoss, Notification


class Clients:
    """The clients of one machine, by the order in which they came. False while nobody is connected."""

    def __init__(self) -> None:
        self._subscriptions: dict[Client, set[int]] = {}
        self._waiting: list[Emission] = []

    def __len__(self) -> int:
        return len(self._subscriptions)

    def connect(self, client: Client) -> None:
        """A client is there, with nothing subscribed."""
        self._subscriptions[client] = set()

    def disconnect(self, client: Client) -> None:
        """A client is gone: what waits for it is dropped."""
        self._subscriptions.pop(client, None)
        self._waiting = [
            sent for sent in self._waiting if isinstance(sent, LinkLoss) or sent.client != client
        ]

    def subscribe(self, client: Client, characteristic: int, enabled: bool) -> None:
        """Its CCCD was written, of the characteristic with that 16-bit number."""
        wanted = self._subscriptions[client]
        (wanted.add if enabled else wanted.discard)(characteristic)

    def subscribers(self, characteristic: int) -> list[Client]:
        """Those who have subscribed it."""
        return [client for client, wanted in self._subscriptions.items() if characteristic in wanted]

    def everybody_but(self, client: Client | None) -> Collection[Client]:
        """All who are connected, without one of them."""
        return self._subscriptions.keys() - {client}

    def notify(self, characteristic: int, payload: bytes, to: Collection[Client] | None = None) -> None:
        """Put a notification in line for the subscribers, for those of `to` alone where it is given."""
        for client in self.subscribers(characteristic):
            if to is None or client in to:
                self.send(Notification(client, characteristic, payload))

    def send(self, *emissions: Emission) -> None:
        """Put these in line."""
        self._waiting += emissions

    def take(self) -> list[Emission]:
        """What waits, each once, in order."""
        waiting, self._waiting = self._waiting, []
        return waiting
