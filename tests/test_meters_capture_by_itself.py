"""Captures of printers by IPP, of plugs that publish by themselves, and of servers by DCMI."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ipp_bytes import encoded, meter, number, state
from meters.bmc import Bmc
from meters.secret import secret
from services import unpacked
from services.mosquitto import Broker
from sobre_agent.cli import main
from sobre_drivers.meters.commissioning import capture_file, capturing
from sobre_drivers.sample import Reading

HOST = "127.0.0.1"
TEXT, URI = 0x41, 0x45
SERIAL = "VNB3K12345"
ANSWER = (
    b"\2\0\0\0\0\0\0\1\4"
    + state(3, "standby")
    + number("printer-up-time", 5000)
    + number("printer-state-change-time", 4100)
    + number("printer-impressions-completed", 812)
    + encoded(TEXT, "printer-make-and-model", f"Acme 12 {SERIAL}".encode())
    + encoded(TEXT, "printer-device-id", f"MFG:Acme;MDL:12;SN:{SERIAL};LOC:Mairie;".encode())
    + encoded(URI, "printer-uuid", b"urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427")
    + encoded(URI, "printer-uri-supported", b"ipp://imprimante-martha.mairie.example/ipp")
)


def captured(out: Path, *words: str) -> int:
    return main(["meters", "capture", "--out", str(out), *words])


def replayed(profile: str, out: Path) -> Reading:
    _, (reading,), shown = capturing.replay(profile, None, capture_file.load(out))
    assert shown
    return reading


class _Printer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        answer = ANSWER + (meter(True) if b"power-state-monitor-col" in asked else b"") + b"\3"
        self.send_response(200)
        self.send_header("Content-Type", "application/ipp")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def printer() -> Iterator[int]:
    """Its port."""
    server = HTTPServer((HOST, 0), _Printer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("profile", "register_uj", "power_w"),
    [("ipp-printer", None, 4.0), ("ipp-metered-printer", 123 * 3_600_000_000_000, 38.0)],
)
def test_a_printer_is_captured_without_its_names(
    tmp_path: Path, printer: int, profile: str, register_uj: int | None, power_w: float
) -> None:
    out = tmp_path / "made.json"
    where = ["--profile", profile, "--host", HOST, "--port", str(printer)]
    assert captured(out, *where) == 0
    text = out.read_text("utf-8").casefold()
    for named in (SERIAL, "1b4e28ba", "martha", "mairie", HOST):
        assert named.casefold() not in text
    held = json.loads(out.read_text("utf-8"))["attributes"]
    assert held["printer-make-and-model"][0].startswith("Acme 12 ")
    assert held["printer-device-id"][0].startswith("MFG:Acme;MDL:12;SN:")
    reading = replayed(profile, out)
    assert (reading.state, reading.pages) == ("sleep", 812)
    assert (reading.register_uj, reading.power_w) == (register_uj, power_w)
    assert reading.serial is not None
    assert len(reading.serial) == len(SERIAL)


ZIGBEE = {
    "power": 12.5,
    "energy": 3.47,
    "device": {"friendlyName": "bureau-martha", "ieeeAddr": "0x00158d0001a2b3c4"},
}
TASMOTA = {
    "Time": "2026-11-24T09:00:00",
    "ENERGY": {"TotalStartTime": "2025-01-08T10:12:30", "Total": 3.47, "Today": 0.1, "Power": 12.5},
    "Host": "martha-pc",
}


@contextmanager
def published(broker: Broker, topic: str, message: Mapping[str, Any]) -> Iterator[None]:
    """Publish as a plug does, only much oftener."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect(broker.host, broker.port)
    client.loop_start()
    ended = threading.Event()

    def say() -> None:
        while not ended.wait(0.02):
            client.publish(topic, json.dumps(message))

    thread = threading.Thread(target=say)
    thread.start()
    yield
    ended.set()
    thread.join()
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize(
    ("profile", "message"),
    [("zigbee2mqtt", ZIGBEE), ("tasmota-mqtt", TASMOTA)],
    ids=["zigbee2mqtt", "tasmota"],
)
def test_what_a_plug_publishes_is_captured_without_its_names(
    broker: Broker, tmp_path: Path, profile: str, message: dict[str, Any]
) -> None:
    out, topic = tmp_path / "made.json", "mairie/bureau-martha"
    where = ["--profile", profile, "--host", broker.host, "--port", str(broker.port)]
    with published(broker, topic, message):
        assert captured(out, *where, "--topic", topic, "--rated-w", "2500", "--listen-s", "1") == 0
    text = out.read_text("utf-8").casefold()
    for named in ("martha", "mairie", "00158d0001a2b3c4", "2025-01-08"):
        assert named not in text
    reading = replayed(profile, out)
    assert (reading.power_w, reading.register_uj) == (12.5, 3470 * 3_600_000_000)


def test_a_plug_that_says_nothing_is_named(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--profile", "zigbee2mqtt", "--host", broker.host, "--port", str(broker.port)]
    words = [*where, "--topic", "a/b", "--rated-w", "2500", "--listen-s", "0.1"]
    assert captured(tmp_path / "made.json", *words) == 1
    assert "says nothing within 0.1 s; is the topic right?" in capsys.readouterr().err


def test_a_server_is_captured_as_its_tool_prints_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "made.json"
    tool = unpacked.program("ipmi", "ipmitool")
    if tool is None:
        pytest.skip("no ipmitool: `python3 tests/services/fetch.py ipmi` says why")
    for name, value in tool.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(tool.path).parent}{os.pathsep}{os.environ['PATH']}")
    with Bmc(b"s3cret", 214) as controller:
        where = ["--profile", "dcmi", "--host", HOST, "--port", str(controller.port)]
        who = ["--username", "sobre", "--password-file", str(secret(tmp_path))]
        assert captured(out, *where, *who, "--rated-w", "800", "--values", "power=214W") == 0
    text = out.read_text("utf-8")
    assert "214 Watts" in text
    assert HOST not in text
    assert replayed("dcmi", out).power_w == 214.0


@pytest.mark.parametrize(
    ("profile", "body", "finding"),
    [
        ("ipp-printer", {"attributes": {"printer-state": 3}}, "a list of values"),
        ("zigbee2mqtt", {"messages": []}, "one at least"),
        ("tasmota-mqtt", {"pages": {}}, "'messages' is missing"),
        ("tasmota", {"messages": [TASMOTA]}, "'pages' is missing"),
        ("dcmi", {"lines": "214 Watts"}, "a list of texts"),
    ],
)
def test_a_capture_of_another_form_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    profile: str,
    body: dict[str, Any],
    finding: str,
) -> None:
    path = tmp_path / "made.json"
    path.write_text(json.dumps({"profile": profile, "how": "", "expected": {}, **body}), "utf-8")
    model = next(Path(capture_file.__file__).parents[1].glob(f"profiles/*/{profile}.toml"))
    assert main(["meters", "check", str(model), "--capture", str(path)]) == 2
    assert finding in capsys.readouterr().err
