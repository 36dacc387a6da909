"""A site with TLS: an authority, a broker that asks for certificates, and the broker's clients."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from trustme import CA

from services.mosquitto import Broker
from services.ports import HOST

WITHIN_S = 15


class Client:
    """A paho client driven by hand, so that a refusal is a return value and no thread is left."""

    def __init__(self, site: "Site", name: str, ca: CA | None, client_id: str = "") -> None:
        self.received: list[tuple[str, str]] = []
        self.connected: bool | None = None
        self._acknowledged: set[int] = set()
        self._mqtt = paho.Client(
            CallbackAPIVersion.VERSION2, client_id or name, protocol=MQTTProtocolVersion.MQTTv311
        )
        context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
        if ca is not None:
            certificate = ca.issue_cert(f"{name}.example", common_name=name)
            pair = site.folder / f"{name}.pair"
            certificate.private_key_and_cert_chain_pem.write_to_path(pair)
            context.load_cert_chain(pair)
            self.certificate = x509.load_pem_x509_certificate(
                certificate.cert_chain_pems[0].bytes()
            )
        self._mqtt.tls_set_context(context)
        self._mqtt.on_connect = self._on_connect
        self._mqtt.on_message = self._on_message
        self._mqtt.on_publish = lambda *given: self._acknowledged.add(given[2])
        self._mqtt.on_subscribe = lambda *given: self._acknowledged.add(given[2])
        self._site = site

    def _on_connect(self, *given: object) -> None:
        self.connected = not getattr(given[3], "is_failure", True)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.received.append((message.topic, message.payload.decode()))

    def connect(self) -> bool:
        """Whether the broker lets this client in."""
        self.connected = None
        try:
            self._mqtt.connect(HOST, self._site.broker.port)
        except ssl.SSLError:
            return False
        return self._until(lambda: self.connected is not None) and bool(self.connected)

    def subscribe(self, *topics: str) -> None:
        for topic in topics:
            self._acknowledge(self._mqtt.subscribe(topic, 1)[1])

    def publish(self, topic: str, text: str) -> None:
        """Return when the broker has acknowledged it, which it also does for what it drops."""
        self._acknowledge(self._mqtt.publish(topic, text, 1).mid)

    def hears(self, topic: str, text: str) -> bool:
        return self._until(lambda: (topic, text) in self.received)

    def close(self) -> None:
        self._mqtt.disconnect()

    def _acknowledge(self, number: int | None) -> None:
        assert self._until(lambda: number in self._acknowledged), "the broker did not acknowledge"

    def _until(self, done: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + WITHIN_S
        while not done():
            broken = self._mqtt.loop(0.05) != paho.MQTT_ERR_SUCCESS
            if (broken and not done()) or time.monotonic() > deadline:
                return False
        return True


@dataclass(slots=True)
class Site:
    """A broker set up from deploy/, the authority that issues its certificates, and its clients."""

    folder: Path
    broker: Broker
    ca: CA
    clients: list[Client]

    def client(self, name: str, client_id: str = "") -> Client:
        """A client with a certificate of this site's authority; not connected."""
        return self._kept(Client(self, name, self.ca, client_id))

    def stranger(self, name: str, ca: CA | None) -> Client:
        """A client with a certificate of another authority, or with none."""
        return self._kept(Client(self, name, ca))

    def collector(self) -> Client:
        """The collector, listening to everything there is."""
        collector = self.client("collector")
        assert collector.connect()
        collector.subscribe("#")
        return collector

    def revoke(
        self, *certificates: x509.Certificate, valid_for: timedelta = timedelta(days=1)
    ) -> None:
        """Write the list of revoked certificates; the broker reads it at its next start."""
        now = datetime.now(UTC)
        issuer = x509.load_pem_x509_certificate(self.ca.cert_pem.bytes())
        revoked = x509.CertificateRevocationListBuilder(
            issuer.subject, now - timedelta(hours=1), now + valid_for
        )
        for certificate in certificates:
            entry = x509.RevokedCertificateBuilder(certificate.serial_number, now)
            revoked = revoked.add_revoked_certificate(entry.build())
        key = serialization.load_pem_private_key(self.ca.private_key_pem.bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        signed = revoked.sign(key, hashes.SHA256())
        (self.folder / "crl.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _kept(self, client: Client) -> Client:
        self.clients.append(client)
        return client
