"""What a person may get wrong about a meter, by protocol: found before anything is connected."""

import os
from pathlib import Path
from typing import Any

import pytest

from sobre_agent.commands import check

HEAD = """organisation = "ville"
site = "salle"
node = "reader-1"
host.enabled = false
mqtt.host = "localhost"
"""


def told(folder: Path, *meters: str) -> tuple[list[str], list[str]]:
    """Problems and warnings that `check` has of these tables, without the file's name."""
    file = folder / "agent.toml"
    tables = "".join(f"[[meters]]\n{meter}\n" for meter in meters)
    file.write_text(f'{HEAD}[spool]\nfolder = "{folder}"\n{tables}', "utf-8")
    problems, warnings = check.found(file)
    return [p.removeprefix(f"{file}: ") for p in problems], [
        w.removeprefix(f"{file}: ") for w in warnings
    ]


def meter(profile: str, where: str, device: str = "m", **more: Any) -> str:
    lines = [f'device = "{device}"', f'profile = "{profile}"', where]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in more.items())])


HOST = 'host = "192.0.2.1"'
PORT = 'serial_port = "/dev/null"'


@pytest.mark.parametrize(
    ("profile", "where", "said", "protocol"),
    [
        ("eastron-sdm120", HOST, 'topic = "a/b"', "modbus"),
        ("eastron-sdm120", HOST, 'snmp.version = "1"', "modbus"),
        ("apc-rpdu2", HOST, 'topic = "a/b"', "snmp"),
        ("apc-rpdu2", HOST, 'framing = "rtu"', "snmp"),
        ("ipp-printer", HOST, "unit_id = 2", "ipp"),
        ("linky", PORT, "outlets = [1]", "tic"),
        ("dsmr-p1", PORT, "unit_id = 2", "p1"),
        ("nut-realpower", HOST, "unit_id = 2", "nut"),
        ("redfish", HOST, "serial.baud_rate = 9600", "redfish"),
        ("tasmota", HOST, 'snmp.version = "1"', "tasmota"),
        ("shelly-plug", HOST, "unit_id = 2", "shelly"),
        ("zigbee2mqtt", f'{HOST}\ntopic = "a/b"', "unit_id = 2", "zigbee2mqtt"),
    ],
)
def test_a_key_that_means_nothing_to_the_protocol_is_named(
    tmp_path: Path, profile: str, where: str, said: str, protocol: str
) -> None:
    key = said.split(" ")[0].split(".")[0]
    problems, _ = told(tmp_path, f"{meter(profile, where, rated_w=900)}\n{said}")
    assert problems == [f"meters, m: {key} means nothing to {protocol}; leave it out"]


@pytest.mark.parametrize(
    ("host", "finding"),
    [
        ("http://192.0.2.1/", "without http:// or a path"),
        (" 192.0.2.1", "give the name or address alone"),
        ("192.0.2.1:502", "say the port apart"),
    ],
)
def test_an_address_is_an_address_alone(tmp_path: Path, host: str, finding: str) -> None:
    problems, _ = told(tmp_path, meter("eastron-sdm120", f'host = "{host}"'))
    assert len(problems) == 1
    assert problems[0].startswith(f"meters[0].host: {host!r}; ")
    assert finding in problems[0]


@pytest.mark.parametrize("host", ["2001:db8::1", "::1", "pdu-1.example.org"])
def test_addresses_of_every_kind_are_taken(tmp_path: Path, host: str) -> None:
    assert told(tmp_path, meter("eastron-sdm120", f'host = "{host}"')) == ([], [])


@pytest.mark.parametrize(
    ("first", "second", "doubled"),
    [
        (("eastron-sdm120", HOST), ("eastron-sdm120", HOST), True),
        (("eastron-sdm120", HOST), ("eastron-sdm120", f"{HOST}\nunit_id = 2"), False),
        (("apc-rpdu2", HOST), ("apc-rpdu2", f"{HOST}\nport = 1161"), False),
        (("apc-rpdu2", HOST), ("apc-rpdu2", f'{HOST}\nsnmp.version = "1"'), False),
        (("apc-rpdu2", HOST), ("eastron-sdm120", HOST), False),
        (("eastron-sdm120", HOST), ("eastron-sdm120", f"{HOST}\nport = 502"), True),
        (("linky", PORT), ("linky", PORT), True),
        (
            ("zigbee2mqtt", f'{HOST}\ntopic = "z/1"'),
            ("zigbee2mqtt", f'{HOST}\ntopic = "z/1"'),
            True,
        ),
        (
            ("zigbee2mqtt", f'{HOST}\ntopic = "z/1"'),
            ("zigbee2mqtt", f'{HOST}\ntopic = "z/2"'),
            False,
        ),
        (
            ("redfish", f'{HOST}\nparts = [{{ name = "1" }}]'),
            ("redfish", f'{HOST}\nparts = [{{ name = "2" }}]'),
            False,
        ),
    ],
    ids=[
        "modbus",
        "unit",
        "port",
        "access",
        "protocols",
        "stated",
        "serial",
        "topic",
        "topics",
        "chassis",
    ],
)
def test_two_meters_at_one_place_would_count_twice(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str], doubled: bool
) -> None:
    tables = [
        meter(*each, device=name, rated_w=900) for each, name in ((first, "a"), (second, "b"))
    ]
    problems, _ = told(tmp_path, *tables)
    assert [p.partition(";")[0] for p in problems] == (
        ["meters, b: is where a is, so that its energy would count twice"] if doubled else []
    )


@pytest.mark.parametrize(("profile", "chained"), [("raritan-px2", True), ("apc-ups", False)])
def test_the_second_of_a_chain_needs_a_profile_of_chains(
    tmp_path: Path, profile: str, chained: bool
) -> None:
    problems, _ = told(tmp_path, meter(profile, HOST, unit_id=2))
    assert [p.partition(";")[0] for p in problems] == (
        [] if chained else ["meters, m: unit_id is 2"]
    )


def test_an_authority_is_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("an authority\n", "utf-8")
    more = f'login.ca_file = "{tmp_path}/ca.pem"'
    problems, _ = told(tmp_path, f"{meter('redfish', HOST, rated_w=900)}\n{more}")
    assert problems == [
        f"meters, m: login.ca_file {tmp_path}/ca.pem holds no certificate; give the authority's, "
        "in PEM"
    ]


def test_one_serial_port_speaks_one_language(tmp_path: Path) -> None:
    problems, _ = told(
        tmp_path,
        meter("linky", PORT, "a"),
        meter("eastron-sdm120", PORT, "b"),
    )
    assert len(problems) == 1
    assert problems[0].startswith("meters, b: serial_port: tic is spoken on /dev/null")


def test_a_port_that_is_not_there_is_told_and_stops_nothing(tmp_path: Path) -> None:
    """Its adapter may be plugged in later; the other meters need not wait for that."""
    problems, warnings = told(tmp_path, meter("linky", f'serial_port = "{tmp_path}/tty"'))
    assert problems == []
    assert warnings == [
        f"meters, m: serial_port: {tmp_path}/tty is not there; plug its adapter in, or correct the "
        "path"
    ]


def test_a_port_that_may_not_be_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = tmp_path / "tty"
    port.touch()
    allowed = os.access

    # (Who runs the tests may be root, whom no mode keeps out.)
    def access(path: Path, mode: int) -> bool:
        return path != port and allowed(path, mode)

    monkeypatch.setattr(os, "access", access)
    _, warnings = told(tmp_path, meter("linky", f'serial_port = "{port}"'))
    assert len(warnings) == 1
    assert "may not be opened; put the agent's user into the port's group (dialout)" in warnings[0]


@pytest.mark.parametrize(("sample_s", "often"), [(600, False), (2400, False), (10, True)])
def test_a_printer_that_is_asked_often_is_told(tmp_path: Path, sample_s: int, often: bool) -> None:
    problems, warnings = told(tmp_path, meter("printer", HOST, sample_s=sample_s))
    assert problems == []
    assert [w.partition(";")[0] for w in warnings] == (
        ["meters, m: sample_s: 10 s may keep it from sleeping"] if often else []
    )
