"""Where the broker is, and how it is spoken to: from the url and the settings."""

import ssl
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from retrowalk.mqtt.broker import BrokerError
from retrowalk.settings import Mqtt


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's host and port; `tls` None: in the clear."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def of(cls, url: str, settings: Mqtt) -> Self:
        """mqtt:// or mqtts://; BrokerError where the TLS files of the settings cannot be used."""
        parts = urlsplit(url)
        tls = _tls_context(settings) if parts.scheme == "mqtts" else None
        return cls(parts.hostname or "", parts.port or (8883 if tls else 1883), tls)


def _tls_context(settings: Mqtt) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except OSError as error:
        raise BrokerError(
            f"mqtt.tls_ca: {settings.tls_ca} is no CA certificate to use: {_why(error)}"
        ) from None
    if settings.tls_cert and settings.tls_key:
        try:
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
        except OSError as error:
            raise BrokerError(
                f"mqtt.tls_cert and mqtt.tls_key: {settings.tls_cert} and {settings.tls_key} "
                f"are no certificate with its key: {_why(error)}"
            ) from None
    return context


def _why(error: OSError) -> str:
    return error.strerror or str(error)
