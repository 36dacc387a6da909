"""Whether the broker answers, without speaking MQTT: a second connection under the agent's name
would throw the running agent out."""

import socket
import ssl
from datetime import UTC, datetime

from sobre_agent.config import Mqtt
from sobre_agent.mqtt import tls_context

TIMEOUT_S = 5.0
EXPIRES_SOON_DAYS = 30


def reached(mqtt: Mqtt) -> tuple[bool, str]:
    """Whether a TCP (and TLS) connection succeeds, and what was seen."""
    where = f"{mqtt.host}:{mqtt.tcp_port}"
    try:
        with socket.create_connection((mqtt.host, mqtt.tcp_port), TIMEOUT_S) as plain:
            if not mqtt.encrypted:
                return True, f"{where} answers, without TLS"
            with tls_context(mqtt).wrap_socket(plain, server_hostname=mqtt.host) as wrapped:
                left = _days_left(wrapped)
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message
        return False, f"{where}: its certificate is not accepted ({why}); see mqtt.ca_file and host"
    except (OSError, ValueError) as error:
        finding = getattr(error, "strerror", None) or error
        return False, f"{where}: {finding}; see mqtt.host, mqtt.port and the firewall"
    soon = f", valid for {left} days only" if left < EXPIRES_SOON_DAYS else ""
    return True, f"{where} answers with {wrapped_name(mqtt)}{soon}"


def wrapped_name(mqtt: Mqtt) -> str:
    """How the connection is protected, in words."""
    return "TLS and our certificate" if mqtt.certificate_file else "TLS"


def _days_left(wrapped: ssl.SSLSocket) -> int:
    certificate = wrapped.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return int((ends - datetime.now(UTC).timestamp()) // 86_400)
