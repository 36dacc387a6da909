"""What is said of a meter at its birth names neither its address nor its owner."""

from pathlib import Path

import pytest

from sobre_agent.config import AgentConfig, Meter
from sobre_agent.sources import birth_of
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import Login, SnmpAccess

SECRET = "marguerite"
BY_PORT = {"tic", "p1"}
BY_TOPIC = {"tasmota-mqtt", "zigbee2mqtt"}
WITH_LOGIN = {"dcmi", "redfish", "tasmota", "shelly", "zigbee2mqtt"}


def meter(profile: str, protocol: str, secret: Path) -> Meter:
    if protocol in BY_PORT:
        return Meter("m", profile, serial_port=f"/dev/{SECRET}", rated_w=900)
    return Meter(
        "m",
        profile,
        host=f"{SECRET}.example.org",
        topic=f"{SECRET}/plug" if profile in BY_TOPIC else "",
        rated_w=900,
        login=Login(SECRET, secret) if protocol in WITH_LOGIN else Login(),
        snmp=SnmpAccess(community_file=secret) if protocol == "snmp" else SnmpAccess(),
    )


@pytest.mark.parametrize("profile", catalog.paths())
def test_a_birth_holds_nothing_of_where_a_meter_is(profile: str, tmp_path: Path) -> None:
    secret = tmp_path / SECRET
    secret.write_text(SECRET, "utf-8")
    secret.chmod(0o600)
    config = AgentConfig("ville", "mairie", node="reader-1")
    made = meter(profile, catalog.protocol_of(catalog.find(profile)), secret)
    for each in catalog.describe(made):
        payload = birth_of(each, config).decode()
        assert SECRET not in payload
        assert each.device == "m" or each.device.startswith("m/")
