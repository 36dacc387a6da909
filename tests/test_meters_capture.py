"""Captures of real servers: what they must not hold, and that they read as the meter did."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from meters.pages import Pages, Question, Said, said
from meters.pseudo import Adapter
from meters.served import HOST, Capture, Served, agrees, capture
from snmp.agents import Agents, recording
from sobre_agent.cli import main
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import capture_file, capturing, masking
from sobre_drivers.meters.commissioning.capture_file import Captured
from sobre_drivers.meters.commissioning.masking import Masks
from sobre_drivers.meters.commissioning.serial_capture import frames_masked, telegrams_masked
from sobre_drivers.meters.configured import MeterSettings, SnmpAccess
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.p1.decoding import Telegrams
from sobre_drivers.meters.tic.decoding import Frames
from sobre_drivers.sample import Reading

DEADLINE_S = 20.0


def captured(out: Path, *words: str) -> int:
    return main(["meters", "capture", "--out", str(out), *words])


def read(meter: MeterSettings, folder: Path | None = None) -> tuple[list[Reading], list[Value]]:
    with closing(catalog.driver_for(meter, folder)) as driver:
        return list(driver.read()), driver.shown()


def plain(readings: list[Reading]) -> list[tuple[Any, ...]]:
    """What was read, without the number of the device."""
    return [(r.device, r.register_uj, r.power_w, r.state, r.pages) for r in readings]


def held(out: Path) -> str:
    return out.read_text(encoding="utf-8").casefold()


TEXT_SERIAL = """
maker = "Acme"
model = "12"
source = "its manual"
confirmed = "unconfirmed"
device_class = "pdu"
rated_w = 3680
function = 4
word_order = "low-first"
max_gap = 10

[serial]
address = 20
type = "text"
words = 4

[[part]]
power = { address = 8, type = "uint32", unit = "W" }
energy = { address = 10, type = "uint32", unit = "Wh" }
"""
# "AB-4711" and, between what the profile reads, the name of whoever ordered it.
OWNER = "MARTHA"
WORDS = {
    8: [345, 0, 7, 1],
    12: [int.from_bytes(OWNER[at : at + 2].encode(), "big") for at in range(0, 6, 2)],
    15: [0, 0, 0, 0, 0],
    20: [0x4142, 0x2D34, 0x3731, 0x3100],
}


def test_a_modbus_capture_holds_no_secret_and_reads_as_the_meter(tmp_path: Path) -> None:
    (tmp_path / "acme-12.toml").write_text(TEXT_SERIAL, encoding="utf-8")
    out = tmp_path / "acme-12.json"
    with Served(WORDS, 4) as server:
        where = ["--profile", "acme-12", "--profiles-folder", str(tmp_path), "--host", HOST]
        words = ["--values", "power=345W", "energy=65.543kWh"]
        assert captured(out, *where, "--port", str(server.port), *words) == 0
        meter = Meter("m", "acme-12", host=HOST, port=server.port)
        before, shown_before = read(meter, tmp_path)
    text = held(out)
    for secret in ("ab-4711", "4142 2d34 3731", "martha", "4d41 5254"):
        assert secret not in text
    made = Capture(**json.loads(out.read_text("utf-8")))
    assert made.expected[""]["power_w"] == 345
    assert made.expected[""]["register_uj"] == 65_543 * 3_600_000_000
    with Served(made.words, made.function) as server:
        meter = Meter("m", "acme-12", host=HOST, port=server.port)
        after, shown_after = read(meter, tmp_path)
    assert plain(after) == plain(before)
    assert before[0].serial == "AB-4711"
    assert after[0].serial == made.serial == "XX-0001"
    told = {each.name: each.value for each in shown_after if each.name != "serial"}
    assert told == {each.name: each.value for each in shown_before if each.name != "serial"}


@pytest.mark.parametrize(
    "name", ["schneider-iem3155", "sunspec-203", "sobre-demo-pdu", "eastron-sdm630"]
)
def test_a_capture_of_a_profile_is_that_of_its_dump(tmp_path: Path, name: str) -> None:
    dump = capture(name)
    out = tmp_path / "made.json"
    with Served(dump.words, dump.function, beside=dump.words_beside) as server:
        where = ["--profile", name, "--host", HOST, "--port", str(server.port)]
        assert captured(out, *where) == 0
    if dump.serial is not None:
        assert dump.serial not in held(out)
        number = int(dump.serial) if dump.serial.isdigit() else 0
        assert f"{number >> 16:04x} {number & 0xFFFF:04x}" not in held(out)
    made = Capture(**json.loads(out.read_text("utf-8")))
    meter, readings, _ = capturing.replay(name, None, capture_file.load(out))
    by_part = {each.device.removeprefix(meter.device).lstrip("/"): each for each in readings}
    for part, expected in dump.expected.items():
        assert by_part[part].power_w == expected["power_w"]
        assert by_part[part].register_uj == expected["register_uj"]
    assert made.profile == name


def test_a_range_of_a_meter_without_a_profile_is_captured_with_its_texts_masked(
    tmp_path: Path,
) -> None:
    out, hide = tmp_path / "new.json", tmp_path / "hide"
    hide.write_text("20260007\n", encoding="utf-8")
    texts = [int.from_bytes(b"Bureau de Martha"[at : at + 2], "big") for at in range(0, 16, 2)]
    with Served({0: [1, 2, 3], 30: texts, 50: [7]}) as server:
        where = ["--host", HOST, "--port", str(server.port), "--registers", "0-59"]
        assert captured(out, *where, "--hide", str(hide)) == 0
    made = json.loads(out.read_text("utf-8"))
    assert made["registers"]["0"] == "0001 0002 0003"
    assert made["registers"]["50"] == "0007"
    assert "4d61 7274 6861" not in held(out)
    assert bytes.fromhex(made["registers"]["30"].replace(" ", "")) == b"XXXXXX XX XXXXX1"


# What stands in a real PDU: names of people, places and machines.
SECRETS = {
    "1.3.6.1.2.1.1.4.0": ("4", "martha@commune.example"),
    "1.3.6.1.2.1.1.5.0": ("4", "pdu-mairie-03"),
    "1.3.6.1.2.1.1.6.0": ("4", "Mairie, salle 2"),
}


def test_an_snmp_capture_holds_no_name_and_reads_as_the_agent(tmp_path: Path) -> None:
    folder = Path(__file__).parent / "captures" / "snmp"
    dump = json.loads((folder / "raritan-px2.json").read_text("utf-8"))
    objects = {oid: tuple(pair) for oid, pair in dump["objects"].items()} | SECRETS
    objects["1.3.6.1.2.1.1.1.0"] = ("4", "Acme PDU pdu-mairie-03 at 10.20.30.40, rev 2")
    out = tmp_path / "made.json"

    def meter(port: int) -> Meter:
        access = SnmpAccess(community_file=community)
        return Meter("m", "raritan-px2", host=HOST, port=port, snmp=access, timeout_s=10)

    community = tmp_path / "community"
    community.write_text("kept-to-us", encoding="utf-8")
    community.chmod(0o600)
    with Agents({"kept-to-us": recording(objects)}) as agents:
        where = ["--profile", "raritan-px2", "--host", HOST, "--port", str(agents.port)]
        where += ["--timeout-s", "10"]
        assert captured(out, *where, "--snmp-community-file", str(community)) == 0
        before, _ = read(meter(agents.port))
    text = held(out)
    secrets = ["martha", "mairie", "salle", "10.20.30.40", "kept-to-us", HOST]
    secrets += [str(before[0].serial).casefold()] if before[0].serial else []
    for secret in secrets:
        assert secret not in text, secret
    assert "acme pdu xxx-xxxxxx-0" in text, "what it is stays"
    made = json.loads(out.read_text("utf-8"))
    again = {oid: tuple(pair) for oid, pair in made["objects"].items()}
    with Agents({"kept-to-us": recording(again)}) as agents:
        after, _ = read(meter(agents.port))
    assert plain(after) == plain(before)
    assert before, "it was read at all"


def test_a_walk_without_a_profile_masks_every_text(tmp_path: Path) -> None:
    objects: dict[str, tuple[str, object]] = {
        **SECRETS,
        "1.3.6.1.2.1.1.2.0": ("6", "1.3.6.1.4.1.99999.1"),
        "1.3.6.1.2.1.2.2.1.6.1": ("4x", "9c8e99aabbcc"),
        "1.3.6.1.2.1.4.20.1.1.10.20.30.40": ("64", "10.20.30.40"),
        "1.3.6.1.2.1.4.20.1.3.10.20.30.40": ("64", "255.255.255.0"),
        "1.3.6.1.4.1.99999.1.1.0": ("4", "Serveur de Martha"),
        "1.3.6.1.4.1.99999.1.2.0": ("4", "230.1"),
        "1.3.6.1.4.1.99999.1.3.0": ("66", 4_000_000_000),
    }
    community, out = tmp_path / "community", tmp_path / "made.json"
    community.write_text("new-pdu", encoding="utf-8")
    community.chmod(0o600)
    with Agents({"new-pdu": recording(objects)}) as agents:
        where = ["--host", HOST, "--port", str(agents.port), "--timeout-s", "10"]
        where += ["--walk", "1.3.6.1.2.1", "1.3.6.1.4.1.99999"]
        assert captured(out, *where, "--snmp-community-file", str(community)) == 0
    made = json.loads(out.read_text("utf-8"))["objects"]
    text = held(out)
    for secret in ("martha", "mairie", "salle", "10.20.30.40", "9c8e99aabbcc", "new-pdu"):
        assert secret not in text, secret
    assert made["1.3.6.1.4.1.99999.1.2.0"] == ["4", "230.1"]
    assert made["1.3.6.1.4.1.99999.1.3.0"] == ["66", 4_000_000_000]
    assert made["1.3.6.1.2.1.1.2.0"] == ["6", "1.3.6.1.4.1.99999.1"]


def group(label: str, value: str) -> bytes:
    covered = f"{label} {value}".encode()
    return b"\n" + covered + b" " + bytes([(sum(covered) & 0x3F) + 0x20]) + b"\r"


def standard(*fields: str) -> bytes:
    covered = "\t".join(fields).encode() + b"\t"
    return b"\n" + covered + bytes([(sum(covered) & 0x3F) + 0x20]) + b"\r"


WRONG = group("ADCO", "987654321098")[:-2] + b"!\r"
HISTORIQUE = b"\x02" + group("ADCO", "012345678901") + WRONG + group("BASE", "000012345") + b"\x03"
STANDARD = (
    b"\x02"
    + standard("ADSC", "041761234567")
    + standard("EAST", "000012345")
    + standard("PRM", "14295224261882")
    + standard("MSG1", "VOTRE COMPTEUR MARTHA           ")
    + b"\x03"
)


@pytest.mark.parametrize(
    ("data", "profile", "secrets"),
    [
        (HISTORIQUE, "linky-historique", ["012345678901", "987654321098"]),
        (STANDARD, "linky-standard", ["041761234567", "14295224261882", "MARTHA"]),
    ],
    ids=["historique", "standard"],
)
def test_frames_are_masked_with_checksums_that_are_right(
    data: bytes, profile: str, secrets: list[str]
) -> None:
    masks = Masks()
    text = frames_masked(b"\n" + secrets[0].encode() + b" half\r\x03" + data + data, masks)
    for secret in secrets:
        assert secret not in text
    (before, _), (first, second) = Frames().feed(data + data), Frames().feed(text.encode())
    assert first == second
    assert first.rejected == 0
    assert [each.label for each in first.groups] == [each.label for each in before.groups]
    assert first.said("BASE") == before.said("BASE")
    assert first.said("EAST") == before.said("EAST")
    assert masking.leaked(text, masks.secrets) == []


def crc(body: bytes) -> bytes:
    """CRC-16/ARC by its definition, bit by bit."""
    value = 0
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return body + f"{value:04X}\r\n".encode()


TELEGRAM = crc(
    b"/XYZ5ACME\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(260124120000W)\r\n"
    b"0-0:96.1.1(4B384547303034303436333935353037)\r\n1-0:1.8.1(000100.123*kWh)\r\n"
    b"1-0:1.8.2(000200.000*kWh)\r\n1-0:1.7.0(01.193*kW)\r\n"
    b"0-0:96.13.0(4D41525448412053544F5020)\r\n0-1:24.1.0(003)\r\n"
    b"0-1:96.1.0(3232323241424344313233343536373839)\r\n"
    b"0-1:24.2.1(260124120000W)(12785.123*m3)\r\n!"
)


def test_telegrams_are_masked_with_a_crc_that_is_right() -> None:
    masks = Masks()
    spoilt = TELEGRAM.replace(b"01.193", b"01.194")
    text = telegrams_masked(spoilt + TELEGRAM, masks)
    for secret in ("4B38454730", "K8EG", "3232323241", "4D415254"):
        assert secret not in text
    (before,) = Telegrams().feed(TELEGRAM)
    (after,) = Telegrams().feed(text.encode())
    assert after.checked
    masked = {"0-0:96.1.1", "0-0:96.13.0", "0-1:96.1.0"}
    assert {k: v for k, v in after.objects.items() if k not in masked} == {
        k: v for k, v in before.objects.items() if k not in masked
    }
    assert masks.masked() == "equipment (3)"


@contextmanager
def playing(adapter: Adapter, data: bytes) -> Iterator[None]:
    stop = threading.Event()

    def play() -> None:
        while not stop.wait(0.005):
            adapter.send(data)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("data", "profile", "secret", "energy_wh"),
    [
        (STANDARD, "linky-standard", "041761234567", 12_345),
        (TELEGRAM, "dsmr-p1", "4B384547303034303436333935353037", 300_123),
    ],
    ids=["tic", "p1"],
)
def test_a_serial_meter_is_captured_and_read_again(
    tmp_path: Path, data: bytes, profile: str, secret: str, energy_wh: int
) -> None:
    out = tmp_path / "made.json"
    with Adapter(tmp_path / "port") as adapter, playing(adapter, data):
        where = ["--profile", profile, "--serial-port", adapter.path, "--listen-s", "0.3"]
        assert captured(out, *where, "--values", f"energy={energy_wh}Wh") == 0
    assert secret.casefold() not in held(out)
    _, (reading,), _ = capturing.replay(profile, None, capture_file.load(out))
    assert reading.register_uj == energy_wh * 3_600_000_000


@pytest.mark.parametrize(
    ("profile", "answers", "secrets"),
    [
        (
            "shelly-plug",
            {
                "/status": {
                    "mac": "AABBCC001122",
                    "wifi_sta": {"ssid": "Mairie", "ip": "10.2.3.4"},
                    "name": "Bureau de Martha",
                    "meters": [{"power": 12.5, "is_valid": True, "total": 600}],
                }
            },
            ["aabbcc001122", "mairie", "10.2.3.4", "martha"],
        ),
        (
            "tasmota",
            {
                "/cm?cmnd=Status%208": {
                    "StatusSNS": {
                        "Time": "2026-01-24T12:00:00",
                        "ENERGY": {"Power": 7, "Total": 1.234, "Today": 0.1},
                        "Host": "martha-pc",
                    }
                }
            },
            ["martha"],
        ),
    ],
    ids=["shelly", "tasmota"],
)
def test_a_plug_is_captured_without_its_names(
    tmp_path: Path, profile: str, answers: Mapping[str, Any], secrets: list[str]
) -> None:
    out = tmp_path / "made.json"

    def answer(asked: Question) -> Said:
        return said(answers[asked.path]) if asked.path in answers else Said(status=404)

    with Pages(answer) as pages:
        where = ["--profile", profile, "--host", HOST, "--port", str(pages.port)]
        assert captured(out, *where) == 0
        before, _ = read(Meter("capture", profile, host=HOST, port=pages.port, rated_w=2500))
    for secret in (*secrets, HOST):
        assert secret not in held(out)
    _, after, _ = capturing.replay(profile, None, capture_file.load(out))
    assert plain(after) == plain(before)


def test_what_is_stated_must_be_what_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump = capture("sobre-demo-pdu")
    out = tmp_path / "made.json"
    with Served(dump.words, dump.function) as server:
        where = ["--profile", "sobre-demo-pdu", "--host", HOST, "--port", str(server.port)]
        words = ["--values", "power=1410W", "outlet-01.power=34.3W", "outlet-99.power=1W"]
        assert captured(out, *where, *words) == 1
        told = capsys.readouterr().out
        assert "outlet-01: power_w is 34.3 ± 0.1, and the profile reads 342.96" in told
        assert "outlet-99: expected, and the profile has no such part" in told
        assert "itself" not in told
        assert captured(out, *where) == 2, "a capture that is there stays"
        assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        ([], "name a --profile, a --config, --registers or --walk"),
        (["--registers", "0-9", "--walk", "1.3"], "name a --profile"),
        (["--profile", "abb-b23", "--host", HOST, "--values", "power"], "power=1410W or"),
        (["--profile", "abb-b23", "--host", HOST, "--values", "power=3VA"], "has unit 'VA'"),
        (["--registers", "0-70000", "--host", HOST], "registers: '0-70000'"),
        (["--registers", "0", "--host", HOST, "--hide", "not-there"], "not-there: cannot be read"),
        (["--profile", "nut", "--host", HOST], "profile 'nut' is not known"),
        (
            ["--profile", "zigbee2mqtt", "--host", HOST, "--topic", "a/#", "--rated-w", "9"],
            "topic is 'a/#'",
        ),
    ],
)
def test_a_wrong_option_of_capture_is_told(
    tmp_path: Path, words: list[str], finding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captured(tmp_path / "out.json", *words) == 2
    assert finding in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_nothing_is_written_while_a_secret_stands_in_it(tmp_path: Path) -> None:
    masks = Masks()
    masks.stand_in("serial number", "AB-4711")
    for how in ("of ab-4711", "41422d34373131", "4142 2D34 3731"):
        with pytest.raises(ConfigError, match="not written, 1 of what should be masked") as refused:
            capture_file.write(tmp_path / "x.json", Captured("p", how, {}), masks)
        assert "4711" not in str(refused.value)
    assert not (tmp_path / "x.json").exists()


def test_a_stand_in_is_the_same_for_the_same_and_another_for_others() -> None:
    masks = Masks()
    assert masks.stand_in("serial", "AS1234567890") == "XX0000000001"
    assert masks.stand_in("serial", "AS1234567891") == "XX0000000002"
    assert masks.stand_in("serial", "AS1234567890") == "XX0000000001"
    assert masks.stand_in("name", "martha") == "XXXXX1"
    assert masks.stand_in("serial", "00000001") != "00000001"
    assert masks.everywhere("as1234567890 at 10.0.0.1, 00:11:22:aa:bb:cc") == (
        "XX0000000001 at 00.0.0.1, 00:00:01:XX:XX:XX"
    )


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("[1]", "no JSON object"),
        ("{", "not JSON"),
        ('{"profile": "abb-b23"}', "'how' is missing"),
        ('{"profile": "x", "how": "y", "expected": {"": 3}}', "needs a table for each part"),
        ('{"profile": "x", "how": "y", "expected": {}}', "'registers' is missing"),
        (
            '{"profile": "x", "how": "y", "expected": {}, "function": 3, '
            '"registers": {"0": "xyz"}}',
            "registers.0 is no run of hexadecimal words",
        ),
        (
            '{"profile": "x", "how": "y", "expected": {}, "registers": {}, "function": 7}',
            "'function' is 7",
        ),
    ],
)
def test_a_wrong_capture_is_refused(
    tmp_path: Path, text: str, finding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "made.json"
    path.write_text(text, encoding="utf-8")
    profile = catalog.find("abb-b23")
    assert main(["meters", "check", str(profile), "--capture", str(path)]) == 2
    assert finding in capsys.readouterr().err


def test_check_holds_a_profile_against_a_capture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = catalog.find("sobre-demo-pdu")
    dump = Path(__file__).parent / "captures" / "sobre-demo-pdu.json"
    assert main(["meters", "check", str(profile), "--capture", str(dump)]) == 0
    assert "read as expected" in capsys.readouterr().out
    wrong = tmp_path / "sobre-demo-pdu.toml"
    text = profile.read_text("utf-8")
    other = text.replace('word_order = "high-first"', 'word_order = "low-first"')
    assert other != text
    wrong.write_text(other, encoding="utf-8")
    assert main(["meters", "check", str(wrong), "--capture", str(dump)]) == 1
    assert "the meter itself: power_w is 1410.10400390625, and the profile reads" in (
        capsys.readouterr().out
    )


def test_a_capture_with_its_displays_values_is_a_test_where_it_is_dropped(tmp_path: Path) -> None:
    dump = capture("sobre-demo-pdu")
    out = tmp_path / "made.json"
    with Served(dump.words, dump.function) as server:
        where = ["--profile", "sobre-demo-pdu", "--host", HOST, "--port", str(server.port)]
        # Its display shows 1410.1 W and 2142.83 kWh.
        assert captured(out, *where, "--values", "power=1410.1W", "energy=2142.83kWh") == 0
    made = Capture(**json.loads(out.read_text("utf-8")))
    _, (reading, *_), _ = capturing.replay("sobre-demo-pdu", None, capture_file.load(out))
    assert agrees(reading.power_w, made.expected[""], "power_w")
    assert agrees(reading.register_uj, made.expected[""], "register_uj")
    assert not agrees(1410.3, made.expected[""], "power_w")
    assert not agrees(None, made.expected[""], "power_w")
