"""A profile that is wrong stops at the file, with its key and what to do."""

from pathlib import Path

import pytest

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.catalog import OWN_FOLDER
from sobre_drivers.meters.modbus import profile

GOOD = """
maker = "Acme"
model = "One"
source = "its manual"
confirmed = "unconfirmed"
device_class = "pdu"
function = 3
word_order = "high-first"
max_registers = 50

[serial]
address = 0
type = "text"
words = 4

[[part]]
name = "outlet-{n:02d}"
count = 8
step = 6
power = { address = 16, type = "float32", unit = "W" }
energy = { address = 18, type = "uint32", unit = "Wh", modulus = 4294967296 }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "acme.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_profile_is_read_with_its_defaults(tmp_path: Path) -> None:
    read = profile.read(write(tmp_path, GOOD))
    (part,) = read.part
    assert part.energy is not None
    assert (part.count, part.first, part.energy.modulus) == (8, 1, 1 << 32)
    assert (read.max_gap, read.rated_w, read.uncertainty_ratio) == (0, None, None)


@pytest.mark.parametrize(
    ("was", "now", "key", "finding"),
    [
        ("maker =", "makr =", "'makr'", "did you mean 'maker'?"),
        ("address = 16", "adress = 16", "'part[0].power.adress'", "did you mean 'address'?"),
        ("words = 4", "wrods = 4", "'serial.wrods'", "did you mean 'words'?"),
        ('source = "its manual"', "", "'source'", "missing"),
        ("address = 16, ", "", "'part[0].power.address'", "missing"),
        ('type = "float32"', 'type = "float"', "part[0].power.type", "choose one of"),
        ('type = "float32"', "type = 32", "part[0].power.type", "choose one of"),
        ('type = "float32"', 'type = "text"', "part[0].power.type", "serial number"),
        ('unit = "Wh"', 'unit = "Ws"', "part[0].energy.unit", "choose one of"),
        ('unit = "W"', 'unit = "VA"', "part[0].power.unit", "choose one of"),
        ("function = 3", "function = 2", "function", "choose one of 3, 4"),
        ("high-first", "big", "word_order", "'low-first'"),
        ("unconfirmed", "surely", "confirmed", "'two-sources'"),
        ('class = "pdu"', 'class = "rack"', "device_class", "choose one of"),
        ("address = 16", 'address = "16"', "part[0].power.address", "whole number"),
        ("address = 16", "address = true", "part[0].power.address", "whole number"),
        ("address = 16", "address = 65535", "part[0].power.address", "0 to 65535"),
        ("address = 16", "address = -1", "part[0].power.address", "0 to 65535"),
        ("step = 6", "step = 9400", "part 'outlet-{n:02d}'", "0 to 65535"),
        ("step = 6", "step = 2", "part", "overlap at register 18"),
        ("step = 6", "", "part[0].count", "step"),
        ("address = 18", "address = 17", "part", "overlap at register 17"),
        ("address = 18", "address = 2", "serial number", "overlap at register 2"),
        ("outlet-{n:02d}", "outlet", "part[0].count", "{n:02d}"),
        ("outlet-{n:02d}", "outlet-{n.x}", "part[0].name", "small letters"),
        ("outlet-{n:02d}", "Outlet {n}", "part[0].name", "small letters"),
        ("count = 8", "count = 0", "part[0].count", "1 to 1000"),
        ("count = 8", "count = 100000", "part[0].count", "1 to 1000"),
        ("modulus = 4294967296", "modulus = 4294967297", "part[0].energy.modulus", "at the latest"),
        ("modulus = 4294967296", "modulus = 0", "part[0].energy.modulus", "leave it out"),
        ("modulus = 4294967296", "scale = -1", "part[0].energy.scale", "upwards"),
        ("modulus = 4294967296", "scale = 0", "part[0].energy.scale", "leave it out"),
        ("modulus = 4294967296", "scale = nan", "part[0].energy.scale", "finite"),
        ("modulus = 4294967296", "scale_exponent = 90", "part[0].energy.resolution", "missing"),
        (
            "modulus = 4294967296",
            "not_available = [0x1FFFFFFFF]",
            "part[0].energy.not_available",
            "does not fit uint32",
        ),
        ('"uint32"', '"float32"', "part[0].energy.resolution", "missing"),
        ("words = 4", "", "serial.words", "text"),
        ("max_registers = 50", "max_registers = 126", "max_registers", "1 to 125"),
        ("max_registers = 50", "max_registers = 1", "max_registers", "too few for power"),
        ("max_registers = 50", "max_gap = 200", "max_gap", "0 to 124"),
        ("max_registers = 50", "rated_w = 0", "rated_w", "above 0 W"),
        ("[[part]]", "[part]", "part", "a list is needed"),
        ('unit = "W" }', 'unit = "W"', "acme.toml", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(
    tmp_path: Path, was: str, now: str, key: str, finding: str
) -> None:
    assert was in GOOD
    path = write(tmp_path, GOOD.replace(was, now, 1))
    with pytest.raises(ConfigError) as caught:
        profile.read(path)
    line = next(line for line in caught.value.problems if key in line)
    assert str(path) in line
    assert finding in line


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("maker", "makr").replace('"uint32"', '"uint33"').replace("step", "stop")
    with pytest.raises(ConfigError) as caught:
        profile.read(write(tmp_path, text))
    assert len(caught.value.problems) >= 4


def test_without_power_and_energy_a_part_measures_nothing(tmp_path: Path) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(("power", "energy")))
    with pytest.raises(ConfigError, match="power is missing, and so is energy"):
        profile.read(write(tmp_path, text))


def test_a_name_stands_once(tmp_path: Path) -> None:
    more = '[[part]]\nname = "outlet-03"\npower = { address = 90, type = "int16" }\n'
    with pytest.raises(ConfigError, match=r"part names \['outlet-03'\] occur twice"):
        profile.read(write(tmp_path, GOOD + more))


def test_outlets_are_numbered_and_moved_on(tmp_path: Path) -> None:
    read = profile.read(write(tmp_path, GOOD.replace("count = 8", "count = 3\nfirst = 9")))
    assert [(name, moved) for name, _, moved in profile.devices(read)] == [
        ("outlet-09", 0),
        ("outlet-10", 6),
        ("outlet-11", 12),
    ]


@pytest.mark.parametrize(
    "path", sorted(OWN_FOLDER.glob("modbus/*.toml")), ids=lambda path: path.stem
)
def test_our_own_profiles_say_where_they_are_from(path: Path) -> None:
    read = profile.read(path)
    assert len(read.source) > 20
    assert read.confirmed != "unconfirmed" or read.note
