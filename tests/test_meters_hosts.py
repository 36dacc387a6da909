"""Servers, UPS and printers: found without a login, and captured without their names."""

import json
import ssl
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from ipp_bytes import meter as printer_meter
from ipp_bytes import state
from meters.pages import HOST, Pages, Question, Said, said
from services import upsd as nut
from services.upsd import Upsd
from sobre_agent.cli import main
from sobre_agent.config import Meter
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import capture_file, capturing
from sobre_drivers.meters.configured import Login
from sobre_drivers.sample import Reading

CHASSIS = "/redfish/v1/Chassis"
TAG = "CZJ12345ABC"


def read(meter: Meter) -> list[Reading]:
    with closing(catalog.driver_for(meter)) as driver:
        return list(driver.read())


def plain(readings: list[Reading]) -> list[tuple[Any, ...]]:
    return [(r.register_uj, r.power_w) for r in readings]


RESOURCES: Mapping[str, Any] = {
    CHASSIS: {"Members": [{"@odata.id": f"{CHASSIS}/{TAG}"}]},
    f"{CHASSIS}/{TAG}": {
        "Id": TAG,
        "SerialNumber": TAG,
        "AssetTag": "Bureau de Martha",
        "Manufacturer": "Acme",
        "Location": {"PostalAddress": {"Street": "12 rue Basse"}},
        "HostName": "srv-paie-01",
        "Power": {"@odata.id": f"{CHASSIS}/{TAG}/Power"},
    },
    f"{CHASSIS}/{TAG}/Power": {
        "PowerControl": [{"MemberId": "0", "Name": "srv-paie-01", "PowerConsumedWatts": 344.0}]
    },
}


def test_a_server_is_captured_without_its_names_and_read_again(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    password, out = tmp_path / "password", tmp_path / "made.json"
    password.write_text("kept to us\n", encoding="utf-8")
    password.chmod(0o600)

    def answer(asked: Question) -> Said:
        if asked.method == "POST":
            return said({}, 201, X_Auth_Token="token-9876")
        return said(RESOURCES[asked.path]) if asked.path in RESOURCES else Said(status=404)

    with Pages(answer, context) as pages:
        where = ["--profile", "redfish", "--host", HOST, "--port", str(pages.port)]
        where += ["--rated-w", "800", "--ca-file", str(tmp_path / "ca.pem")]
        login = ["--username", "monitor-sobre", "--password-file", str(password)]
        assert main(["meters", "capture", "--out", str(out), *where, *login]) == 0
        own = Login("monitor-sobre", password, tmp_path / "ca.pem")
        before = read(Meter("s", "redfish", host=HOST, port=pages.port, rated_w=800, login=own))
    text = out.read_text("utf-8").casefold()
    secrets = (TAG, "martha", "rue basse", "srv-paie", "kept to us", "token-9876", HOST)
    for secret in (*secrets, "monitor-sobre"):
        assert secret.casefold() not in text, secret
    assert "acme" in text, "what it is stays"
    _, after, _ = capturing.replay("redfish", None, capture_file.load(out))
    assert plain(after) == plain(before) == [(None, 344.0)]


@pytest.fixture
def upsd(tmp_path: Path) -> Iterator[Upsd]:
    why = nut.absent()
    if why:
        pytest.skip(why)
    made = Upsd(
        tmp_path / "nut",
        {
            "ups.serial": "40417263",
            "ups.mfr": "Acme",
            "ups.model": "UPS 1500",
            "ups.realpower": "238.5",
            "ups.load": "24.7",
            "ups.id": "ups-de-martha",
            "device.location": "salle 2",
        },
    )
    made.start()
    yield made
    made.stop()


def test_a_ups_is_found_and_captured_without_its_names(
    upsd: Upsd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, port = tmp_path / "made.json", str(upsd.port)
    scan = ["meters", "scan", "--host", HOST, "--port", port, "--protocol", "nut"]
    assert main([*scan, "--per-s", "1000"]) == 0
    (table,) = tomllib.loads(capsys.readouterr().out)["meters"]
    assert (table["profile"], table["host"]) == ("nut-realpower", f"ups@{HOST}")
    where = ["--profile", "nut-realpower", "--host", f"ups@{HOST}", "--port", port]
    words = ["--rated-w", "1000", "--values", "power=238.5W"]
    assert main(["meters", "capture", "--out", str(out), *where, *words]) == 0
    text = out.read_text("utf-8").casefold()
    for secret in ("40417263", "martha", "salle", HOST, str(tmp_path)):
        assert secret not in text, secret
    assert "ups 1500" in text
    _, (after,), _ = capturing.replay("nut-realpower", None, capture_file.load(out))
    assert (after.power_w, after.serial) == (238.5, "00000001")


@pytest.mark.parametrize(
    ("own", "profile", "sure"),
    [(True, "ipp-metered-printer", "identified"), (False, "ipp-printer", "likely")],
)
def test_a_printer_is_found_by_one_question(
    own: bool, profile: str, sure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body = b"\2\0\0\0\0\0\0\1\4" + state(3) + printer_meter(own) + b"\3"

    def answer(asked: Question) -> Said:
        return Said(body, headers={"Content-Type": "application/ipp"})

    with Pages(answer) as pages:
        scan = ["meters", "scan", "--host", HOST, "--port", str(pages.port), "--json"]
        assert main([*scan, "--protocol", "ipp", "--per-s", "1000"]) == 0
        asked = len(pages.questions)
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["matches"][0]["profile"], found["matches"][0]["sure"]) == (profile, sure)
    assert asked == 1


@pytest.mark.parametrize("protocol", ["redfish", "plug", "nut", "ipp", "snmp"])
def test_who_speaks_something_else_is_not_found(
    protocol: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Pages(lambda asked: Said(b"<html>hello</html>")) as pages:
        scan = ["meters", "scan", "--host", HOST, "--port", str(pages.port)]
        code = main([*scan, "--protocol", protocol, "--timeout-s", "0.3", "--per-s", "1000"])
    assert (code, "Nothing answers" in capsys.readouterr().out) == (1, True)
