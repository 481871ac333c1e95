"""The daemon's embedded broker is where other programs look for one, if that place is free."""

import socket

import pytest

from retrowalk.app import embedded_broker
from retrowalk.mqtt.broker import available_brokers

pytestmark = pytest.mark.skipif(not available_brokers(), reason="no broker can be embedded here")


def test_it_takes_the_port_it_should_and_where_that_is_taken_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        beside = embedded_broker(port)
    try:
        assert beside.port != port
        there = embedded_broker(port)
        assert there.port == port
        there.stop()
    finally:
        beside.stop()
