"""What InfluxDB 2.x needs once: an organisation, buckets, and two tokens of which each does half.

Doing it again finds what is there and changes nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import influxdb_client

from sobre_collector.store.influx.v2 import translated

# Most of its functions and classes have no types.
library: Any = influxdb_client

ADMIN = "sobre-admin"
READS, WRITES = "sobre: reads", "sobre: writes"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The secrets of one organisation."""

    reads: str
    writes: str


@dataclass(frozen=True, slots=True)
class Server:
    """Where an InfluxDB 2.x is."""

    url: str
    timeout_s: float
    ca_file: Path | None = None

    def client(self, token: str | None) -> Any:
        """A client with a token, or without."""
        certificates = None if self.ca_file is None else str(self.ca_file)
        timeout_ms = round(self.timeout_s * 1000)
        return library.InfluxDBClient(
            self.url, token or "", timeout=timeout_ms, ssl_ca_cert=certificates
        )


def unclaimed(server: Server) -> bool:
    """Whether nobody has set this InfluxDB up: whoever comes first becomes its administrator."""
    with translated(server.url), server.client(None) as client:
        return bool(library.SetupService(client.api_client).get_setup().allowed)


def claim(server: Server, org: str, bucket: str, password: str) -> str:
    """Become administrator of an unclaimed InfluxDB; the token."""
    request = library.OnboardingRequest(username=ADMIN, password=password, org=org, bucket=bucket)
    with translated(server.url), server.client(None) as client:
        answer = library.SetupService(client.api_client).post_setup(onboarding_request=request)
        return str(answer.auth.token)


def ensure_org(server: Server, admin_token: str, org: str) -> str:
    """The organisation's id; it is made if it is not there."""
    with translated(server.url), server.client(admin_token) as client:
        organisations = client.organizations_api()
        # Asked for by name, one that is not there is an error.
        for found in organisations.find_organizations(limit=100):
            if found.name == org:
                return str(found.id)
        return str(organisations.create_organization(name=org).id)


def ensure_tokens(server: Server, admin_token: str, org_id: str) -> Tokens:
    """The organisation's two tokens; each is made if it is not there or is switched off."""
    buckets = library.PermissionResource(type="buckets", org_id=org_id)
    itself = library.PermissionResource(type="orgs", id=org_id)
    wanted = {
        READS: [library.Permission("read", buckets), library.Permission("read", itself)],
        WRITES: [library.Permission("write", buckets)],
    }
    found: dict[str, str] = {}
    with translated(server.url), server.client(admin_token) as client:
        authorizations = client.authorizations_api()
        for known in authorizations.find_authorizations(org_id=org_id):
            if known.description in wanted and known.status == "active" and known.token:
                found[known.description] = str(known.token)
        for description, permissions in wanted.items():
            if description not in found:
                request = library.Authorization(
                    org_id=org_id, permissions=permissions, description=description
                )
                made = authorizations.create_authorization(authorization=request)
                found[description] = str(made.token)
    return Tokens(found[READS], found[WRITES])
