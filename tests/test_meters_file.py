"""Meters in a spreadsheet: read strictly, with line and column of each mistake."""

from pathlib import Path

import pytest

from sobre_agent.config import AgentConfig, load
from sobre_drivers.errors import ConfigError

AGENT = """
organisation = "ville"
site = "cdc"
node = "reader-1"
meters_file = "meters.csv"
[host]
enabled = false
"""


def loaded(folder: Path, table: str | bytes, more: str = "") -> AgentConfig:
    (folder / "agent.toml").write_text(AGENT + more, "utf-8")
    data = table if isinstance(table, bytes) else table.encode()
    (folder / "meters.csv").write_bytes(data)
    return load(folder / "agent.toml")


def problems(folder: Path, table: str | bytes, more: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, table, more)
    return [each.removeprefix(f"{folder}/") for each in caught.value.problems]


def test_a_line_is_a_meter_beside_those_of_the_configuration(tmp_path: Path) -> None:
    table = """# our racks
device,profile,host,port,outlets,rated_w,load,snmp.version,serial.stop_bits

pdu-a1,raritan-px,192.0.2.1,1502,1-3 7,3680.5,hour,,
"pdu-a2",raritan-px,192.0.2.2,,,,,1,2
"""
    inline = '[[meters]]\ndevice = "own"\nprofile = "raritan-px"\nhost = "192.0.2.9"\n'
    own, first, second = loaded(tmp_path, table, inline).meters
    assert own.device == "own"
    assert (first.device, first.port, first.outlets) == ("pdu-a1", 1502, (1, 2, 3, 7))
    assert (first.rated_w, first.load, first.snmp.version) == (3680.5, "hour", "2c")
    assert (second.device, second.port, second.outlets) == ("pdu-a2", None, ())
    assert (second.snmp.version, second.serial.stop_bits) == ("1", 2)


@pytest.mark.parametrize(
    "table",
    [
        "device;profile;host\nm;raritan-px;192.0.2.1\n",
        "sep=;\ndevice;profile;host\nm;raritan-px;192.0.2.1;;;\n",
        "\ufeffdevice,profile,host\r\nm,raritan-px,192.0.2.1\r\n,,\r\n",
    ],
    ids=["semicolon", "excel", "mark-and-crlf"],
)
def test_what_spreadsheets_make_is_taken(tmp_path: Path, table: str) -> None:
    (meter,) = loaded(tmp_path, table).meters
    assert (meter.device, meter.profile, meter.host) == ("m", "raritan-px", "192.0.2.1")


HEAD = "device,profile,host,port,outlets,load\n"
WRONG: dict[str, tuple[str | bytes, list[str]]] = {
    "unknown-column": (
        "device,profil,host\nm,x,y\n",
        ["meters.csv: unknown key 'profil'; did you mean 'profile'?"],
    ),
    "parts-are-no-column": (
        "device,profile,host,parts\nm,x,y,z\n",
        ["meters.csv: unknown key 'parts'; did you mean 'port'?"],
    ),
    "column-twice": (
        "device,profile,host,host\n",
        ["meters.csv: columns ['host'] stand there twice; keep one of each"],
    ),
    "no-columns": (
        "# nothing\n",
        ["meters.csv: no line with the names of the columns; begin with device,profile"],
    ),
    "cells": (
        f"{HEAD}m1,x,192.0.2.1,5o2,,\n\nm2,x,192.0.2.1,,1-x,\nm3,x,192.0.2.1,,,weekly\nm4,x,,,,\n",
        [
            "meters.csv, line 2: 'port' is '5o2'; a whole number is needed",
            "meters.csv, line 4: 'outlets' is '1-x'; numbers such as 1-8 12 are needed",
            "meters.csv, line 5: 'load' is 'weekly'; choose one of 'minute', 'ten-minutes', "
            "'hour', 'day'",
            "meters.csv, line 6: host: empty; name the address, the serial_port or the topic",
        ],
    ),
    "missing": (f"{HEAD}m1,,192.0.2.1,,,\n", ["meters.csv, line 2: 'profile' is missing; add it"]),
    "device-twice": (
        f"{HEAD}m1,x,192.0.2.1,,,\nm1,x,192.0.2.2,,,\n",
        ["meters.csv, line 3: device 'm1' stands in line 2 already"],
    ),
    "too-many-cells": (
        f"{HEAD}m1,x,192.0.2.1,,1,minute,2\n",
        [
            "meters.csv, line 2: 7 cells for 6 columns; put a text that holds the delimiter in "
            '"quotes"'
        ],
    ),
    "quotes": (f'{HEAD}"m1,x\n', ["meters.csv, line 2: unexpected end of data; see its quotes"]),
    "latin-1": (
        "device,profile\npdu-\xe9,x\n".encode("latin-1"),
        ["meters.csv: not UTF-8; save it as CSV UTF-8"],
    ),
    "underscored-number": (
        f"{HEAD}m1,x,192.0.2.1,1_5,,\n",
        ["meters.csv, line 2: 'port' is '1_5'; a whole number is needed"],
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_is_told_with_line_and_column(tmp_path: Path, what: str) -> None:
    table, told = WRONG[what]
    assert problems(tmp_path, table) == told


def test_a_file_that_is_wrong_everywhere_is_wrong_once(tmp_path: Path) -> None:
    table = HEAD + "".join(f"m{n},x,192.0.2.1,x,,\n" for n in range(200))
    told = problems(tmp_path, table)
    assert len(told) == 51
    assert told[-1] == "meters.csv: and 150 more mistakes; correct these first"


def test_a_device_of_both_places_is_refused(tmp_path: Path) -> None:
    inline = '[[meters]]\ndevice = "m1"\nprofile = "raritan-px"\nhost = "192.0.2.9"\n'
    (told,) = problems(tmp_path, f"{HEAD}m1,x,192.0.2.1,,,\n", inline)
    assert "device ['m1'] twice" in told


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, b"#" * (4 * 1024 * 1024 + 1)) == [
        "meters.csv: more than 4194304 bytes; use several readers"
    ]
    (tmp_path / "meters.csv").unlink()
    with pytest.raises(ConfigError, match="create it or name another meters_file"):
        load(tmp_path / "agent.toml")


def test_thousands_of_meters_fit(tmp_path: Path) -> None:
    rows = "".join(f"pdu-{n:04d},raritan-px,192.0.2.1,,1-24,\n" for n in range(3000))
    assert len(loaded(tmp_path, HEAD + rows).meters) == 3000
