import subprocess

import pytest

from retrowalk.mqtt.address import Address
from retrowalk.mqtt.broker import BrokerError
from retrowalk.settings import Mqtt


@pytest.mark.parametrize(
    ("url", "host", "port", "encrypted"),
    [
        ("mqtt://broker.local", "broker.local", 1883, False),
        ("mqtt://broker.local:1884", "broker.local", 1884, False),
        ("mqtts://broker.local", "broker.local", 8883, True),
        ("mqtts://broker.local:1", "broker.local", 1, True),
        ("mqtt://[::1]:1884", "::1", 1884, False),
    ],
)
def test_a_url_says_where_and_how(url, host, port, encrypted):
    address = Address.of(url, Mqtt())
    assert (address.host, address.port, address.tls is not None) == (host, port, encrypted)


def test_a_broker_over_tls_must_prove_its_name():
    tls = Address.of("mqtts://broker.local", Mqtt()).tls
    assert tls.check_hostname
    assert tls.verify_mode.name == "CERT_REQUIRED"


def test_a_ca_of_ones_own_takes_the_place_of_the_systems(tmp_path):
    ca = tmp_path / "ca.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ours"]
    try:
        subprocess.run([*made, "-keyout", tmp_path / "ca.key", "-out", ca], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    settings = Mqtt(tls_ca=ca, tls_cert=ca, tls_key=tmp_path / "ca.key")
    trusted = Address.of("mqtts://broker.local", settings).tls.get_ca_certs()
    assert [dict(part[0] for part in one["subject"])["commonName"] for one in trusted] == ["ours"]


@pytest.mark.parametrize("written", [None, "no certificate"])
def test_tls_files_that_cannot_be_used_are_said_in_one_sentence(tmp_path, written):
    bad = tmp_path / "bad.pem"
    if written:
        bad.write_text(written)
    with pytest.raises(BrokerError, match=rf"^mqtt.tls_ca: {bad} is no CA certificate to use: .+$"):
        Address.of("mqtts://broker.local", Mqtt(tls_ca=bad))
    with pytest.raises(
        BrokerError, match=r"^mqtt.tls_cert and mqtt.tls_key: .+ are no certificate with its key: "
    ):
        Address.of("mqtts://broker.local", Mqtt(tls_cert=bad, tls_key=bad))
