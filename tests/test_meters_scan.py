"""`sobre-agent meters scan` against real servers: what is found, how, and what is never sent."""

import json
import os
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from meters.bus import Asked, Bus
from meters.pages import Pages, Question, Said, said
from meters.pseudo import Adapter
from meters.served import HOST, Served, capture
from snmp.agents import Agents, recording
from sobre_agent.cli import main
from sobre_agent.commands import meters_scan
from sobre_agent.config import Meter
from sobre_drivers import settings
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import serial_scan
from sobre_drivers.meters.commissioning.targets import Pace, Stopped, hosts, numbers
from sobre_drivers.sample import Reading

SNMP_CAPTURES = Path(__file__).parent / "captures" / "snmp"
DEADLINE_S = 20.0


def scanned(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, what is printed for a configuration, and what is said beside it."""
    code = main(["meters", "scan", "--per-s", "1000", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def tables(printed: str) -> list[Meter]:
    """The blocks as an agent takes them."""
    found = tomllib.loads(printed).get("meters", [])
    return [settings.build(table, Meter, "scan") for table in found]


def read(meter: Meter, folder: Path | None = None) -> list[Reading]:
    with closing(catalog.driver_for(meter, folder)) as driver:
        return list(driver.read())


def test_a_meter_on_a_host_is_found_and_its_table_reads_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    served = capture("eastron-sdm120")
    with Served(served.words, served.function, unit_id=3) as server:
        port = str(server.port)
        words = ["--host", HOST, "--protocol", "modbus", "--port", port]
        code, printed, beside = scanned(capsys, *words, "--unit-ids", "2-4", "--timeout-s", "0.4")
        (meter,) = tables(printed)
        (reading,) = read(meter)
        asked = {function for function, _, _ in server.requests}
    assert (code, meter.unit_id) == (0, 3)
    # Others of its family have the same map, and nothing to tell them apart by.
    assert "eastron-sdm120" in printed
    assert reading.power_w == served.expected[""]["power_w"]
    assert reading.register_uj == served.expected[""]["register_uj"]
    assert "which is weak evidence; compare with its display" in " ".join(
        printed.replace("\n#", "").split()
    )
    assert asked <= {3, 4}, "a scan only reads"
    assert "4 requests tell who answers on 1 addresses or ports" in beside


def test_sunspec_is_identified_by_its_marker(capsys: pytest.CaptureFixture[str]) -> None:
    served = capture("sunspec-203")
    with Served(served.words, served.function) as server:
        words = ["--host", HOST, "--protocol", "modbus", "--port", str(server.port)]
        code, printed, _ = scanned(capsys, *words, "--unit-ids", "1", "--json")
    (found,) = json.loads(printed)
    assert (code, [each["profile"] for each in found["matches"]]) == (0, ["sunspec-203"])
    assert found["matches"][0]["sure"] == "identified"
    assert "SunS marker, model 203" in found["matches"][0]["why"]


IDENTIFIED = """
maker = "Acme"
model = "7"
source = "its manual"
confirmed = "unconfirmed"
device_class = "pdu"
rated_w = 3680
function = 3
word_order = "high-first"
identify = { address = 9, equals = [1717] }

[[part]]
power = { address = 0, type = "uint16", unit = "W" }
"""


@pytest.mark.parametrize(("code", "named"), [(1717, True), (1718, False)])
def test_a_model_is_identified_by_the_register_that_its_profile_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, named: bool
) -> None:
    (tmp_path / "acme-7.toml").write_text(IDENTIFIED, encoding="utf-8")
    with Served({0: [345], 9: [code]}) as server:
        words = ["--host", HOST, "--protocol", "modbus", "--port", str(server.port), "--json"]
        words += ["--unit-ids", "1", "--profiles-folder", str(tmp_path)]
        _, printed, _ = scanned(capsys, *words)
    (found,) = json.loads(printed)
    assert ("acme-7" in [each["profile"] for each in found["matches"]]) is named


def test_one_that_answers_to_every_unit_id_is_one_meter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    served = capture("eastron-sdm120")
    with Served(served.words, served.function, unit_id=0) as server:
        words = ["--host", HOST, "--protocol", "modbus", "--port", str(server.port)]
        _, printed, _ = scanned(capsys, *words, "--unit-ids", "1-6", "--json")
    (found,) = json.loads(printed)
    assert (found["where"]["unit_id"], found["also"]) == (1, [2, 3, 4, 5, 6])


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    with Adapter(tmp_path / "port") as made:
        yield made


def test_units_on_a_serial_line_are_found_with_their_setting(
    adapter: Adapter, capsys: pytest.CaptureFixture[str]
) -> None:
    served = capture("eastron-sdm630")
    held = {at + i: word for at, run in served.words.items() for i, word in enumerate(run)}

    def answer(asked: Asked) -> list[int] | None:
        if asked.function != served.function:
            return [0] * asked.count
        return [held.get(at, 0) for at in range(asked.address, asked.address + asked.count)]

    with Bus(adapter, {2: answer, 5: answer}) as bus:
        words = ["--serial-port", adapter.path, "--protocol", "modbus", "--unit-ids", "1-5"]
        code, printed, beside = scanned(
            capsys, *words, "--baud-rates", "19200", "--parities", "none", "--timeout-s", "0.1"
        )
        asked = {each.function for each in bus.asked}
    assert code == 0, beside
    (meter,) = tables(printed)
    assert (meter.unit_id, meter.serial_port) == (2, adapter.path)
    assert (meter.serial.baud_rate, meter.serial.parity) == (19200, "none")
    assert "and as unit 5 alike" in beside
    assert asked <= {3, 4}


@contextmanager
def playing(adapter: Adapter, data: bytes) -> Iterator[None]:
    """The line says this over and over, in pieces."""
    stop, dice = threading.Event(), random.Random(4)

    def play() -> None:
        while not stop.wait(0.15):
            at = 0
            while at < len(data) and not stop.is_set():
                end = at + dice.randint(20, 60)
                adapter.send(data[at:end])
                at = end

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def group(label: str, value: str) -> bytes:
    covered = f"{label} {value}".encode()
    return b"\n" + covered + b" " + bytes([(sum(covered) & 0x3F) + 0x20]) + b"\r"


FRAME = b"\x02" + group("ADCO", "012345678901") + group("BASE", "000012345") + b"\x03"
TELEGRAM = b"/XYZ5TEST\r\n\r\n1-0:1.8.1(000100.000*kWh)\r\n1-0:1.8.2(000200.000*kWh)\r\n!\r\n"


@pytest.mark.parametrize(
    ("data", "profile", "protocol"),
    [(FRAME, "linky-historique", "tic"), (TELEGRAM, "dsmr-p1-v2", "p1")],
    ids=["tic", "p1"],
)
def test_a_meter_that_speaks_by_itself_is_recognised_and_never_spoken_to(
    adapter: Adapter,
    capsys: pytest.CaptureFixture[str],
    data: bytes,
    profile: str,
    protocol: str,
) -> None:
    with playing(adapter, data):
        # What Modbus would be asked if it were.
        few = ["--unit-ids", "1", "--baud-rates", "9600", "--parities", "none"]
        code, printed, beside = scanned(capsys, "--serial-port", adapter.path, *few)
        sent = adapter.receive(0)
    (meter,) = tables(printed)
    assert (code, meter.profile, meter.serial_port) == (0, profile, adapter.path)
    assert sent == b""
    assert f"({protocol})" in beside


def test_a_silent_line_is_said_to_be_silent(
    adapter: Adapter, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_scan, "SETTINGS", serial_scan.SETTINGS[:1])
    monkeypatch.setattr(serial_scan.job, "__defaults__", (0.2, 0.1))
    code, printed, _ = scanned(capsys, "--serial-port", adapter.path, "--protocol", "listen")
    assert (code, "Nothing answers" in printed) == (1, True)
    code, _, beside = scanned(
        capsys, "--serial-port", f"{adapter.path}-not", "--protocol", "listen"
    )
    assert (code, "no such port" in beside) == (1, True)


def test_agents_are_recognised_by_what_they_call_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("apc-rpdu2", "raritan-px2", "ups-mib")
    texts = {}
    for name in names:
        objects = json.loads((SNMP_CAPTURES / f"{name}.json").read_text("utf-8"))["objects"]
        texts[name] = recording({oid: (tag, value) for oid, (tag, value) in objects.items()})
    with Agents(texts) as agents:
        for name in names:
            community = tmp_path / "community"
            community.write_text(name, encoding="utf-8")
            community.chmod(0o600)
            words = ["--host", HOST, "--protocol", "snmp", "--port", str(agents.port)]
            code, printed, beside = scanned(
                capsys, *words, "--snmp-community-file", str(community), "--timeout-s", "5"
            )
            (meter,) = tables(printed)
            assert (code, meter.profile) == (0, name), printed
            assert meter.snmp.community_file == community
            assert read(meter), "the table reads it"
            assert name not in beside.replace(f": {name}\n", ""), "a community is a secret"


def test_a_controller_is_recognised_without_a_login(capsys: pytest.CaptureFixture[str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(HOST).configure_cert(context)

    def answer(asked: Question) -> Said:
        return said({"RedfishVersion": "1.11.0", "Vendor": "Acme"})

    with Pages(answer, context) as pages:
        words = ["--host", HOST, "--protocol", "redfish", "--port", str(pages.port)]
        code, printed, _ = scanned(capsys, *words)
        questions = [(each.method, each.path) for each in pages.questions]
        headers = [each.headers for each in pages.questions]
    assert code == 0
    assert 'profile = "redfish"' in printed
    assert questions == [("GET", "/redfish/v1/")]
    assert not any("authorization" in each for each in headers)


@pytest.mark.parametrize(
    ("pages_by_path", "profile"),
    [
        ({"/shelly": {"type": "SHPLG-S", "mac": "AABBCC001122"}}, "shelly-plug"),
        ({"/shelly": {"app": "Pro4PM", "gen": 2, "mac": "AABBCC001122"}}, "shelly-pro-4pm"),
        ({"/shelly": {"app": "PlusPlugS", "gen": 2}}, "shelly-plus-plug"),
        ({"/cm?cmnd=Status%208": {"StatusSNS": {"ENERGY": {"Power": 3}}}}, "tasmota"),
        ({"/shelly": {"hello": 1}}, None),
    ],
)
def test_plugs_are_recognised(
    capsys: pytest.CaptureFixture[str], pages_by_path: dict[str, Any], profile: str | None
) -> None:
    def answer(asked: Question) -> Said:
        return said(pages_by_path[asked.path]) if asked.path in pages_by_path else Said(status=404)

    with Pages(answer) as pages:
        words = ["--host", HOST, "--protocol", "plug", "--port", str(pages.port), "--json"]
        code, printed, _ = scanned(capsys, *words)
    found = json.loads(printed)
    assert (code, [each["matches"][0]["profile"] for each in found]) == (
        (1, []) if profile is None else (0, [profile])
    )


def test_a_network_is_no_larger_than_one_can_own() -> None:
    assert hosts(["192.0.2.0/30", "192.0.2.1", "meter.example"]) == [
        "192.0.2.1",
        "192.0.2.2",
        "meter.example",
    ]
    assert len(hosts(["10.0.0.0/22"])) == 1022
    for wrong in (["10.0.0.0/21"], ["2001:db8::/64"], ["10.0.0.0/22", "10.1.0.0/22"], ["10.0/x"]):
        with pytest.raises(ConfigError, match="host: "):
            hosts(wrong)
    assert numbers(["1-3", "9"], 1, 247, "unit-ids") == [1, 2, 3, 9]
    for bad in (["0"], ["248"], ["3-1"], ["a"], ["1-"], ["1-999"]):
        with pytest.raises(ConfigError, match="unit-ids: "):
            numbers(bad, 1, 247, "unit-ids")


def test_a_range_is_not_woken_at_night(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--host", "127.0.0.0/30", "--protocol", "snmp", "--dry-run"]
    monkeypatch.setattr(meters_scan, "_working_hours", lambda: False)
    code, _, beside = scanned(capsys, *words)
    assert (code, "wakes printers that sleep; say --now" in beside) == (2, True)
    assert scanned(capsys, *words, "--now")[0] == 0
    assert scanned(capsys, "--host", HOST, *words[2:])[0] == 0, "who names one knows it"
    monkeypatch.setattr(meters_scan, "_working_hours", lambda: True)
    assert scanned(capsys, *words)[0] == 0


def test_a_dry_run_sends_nothing_and_says_how_much_it_would(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Served({0: [1]}) as server:
        words = ["--host", HOST, "--protocol", "modbus", "--port", str(server.port), "--dry-run"]
        code, printed, beside = scanned(capsys, *words)
        assert server.requests == []
    assert (code, printed) == (0, "")
    assert "248 requests tell who answers" in beside


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        ([], "name a --host, a network or a --serial-port"),
        (["--host", HOST, "--port", "502"], "one port for one --protocol"),
        (["--host", HOST, "--per-s", "0"], "per-s: 0"),
        (["--host", HOST, "--timeout-s", "0"], "timeout-s: more than 0 s"),
        (["--host", HOST, "--protocol", "listen"], "is none of this place"),
        (["--host", HOST, "--unit-ids", "300"], "unit-ids: '300'"),
        (["--host", "10.0.0.0/8", "--now"], "1024 at most"),
        (["--host", HOST, "--snmp-user", "x"], "need version = '3'"),
    ],
)
def test_what_cannot_be_scanned_is_said_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], words: list[str], finding: str
) -> None:
    code, _, beside = scanned(capsys, *words)
    assert (code, finding in beside) == (2, True), beside


def test_requests_wait_for_their_turn_and_stop_when_told() -> None:
    waits: list[float] = []
    pace = Pace(10, waits.append, lambda: 100.0)
    for _ in range(3):
        pace.turn()
    assert waits == pytest.approx([0.1, 0.2])
    assert pace.sent == 3
    pace.stop()
    with pytest.raises(Stopped):
        pace.turn()


def test_ctrl_c_shows_what_was_found_so_far() -> None:
    served = capture("eastron-sdm120")
    with Served(served.words, served.function) as server:
        command = [sys.executable, "-m", "sobre_agent", "meters", "scan", "--host", HOST]
        command += ["--protocol", "modbus", "--port", str(server.port), "--per-s", "50"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            until_s = time.monotonic() + DEADLINE_S
            while len(server.requests) < 30 and time.monotonic() < until_s:
                time.sleep(0.02)
            # It is now past its first unit, and has some two hundred to go.
            while sum(at == (3, 0, 1) for at in server.requests) < 3:
                assert time.monotonic() < until_s
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            printed, beside = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, beside
    assert "Stopped; this was found so far." in beside
    assert "eastron-sdm120" in printed
    assert tables(printed)[0].unit_id == 1
