"""Each profile reads an independent dump over a real socket from a server that speaks Modbus."""

import csv
import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from meters.served import CAPTURES, HOST, Capture, Served, agrees, capture
from sobre_agent.config import Meter
from sobre_drivers.meters import catalog
from sobre_drivers.meters.kind import MeterDriver
from sobre_drivers.meters.modbus.profile import read
from sobre_drivers.sample import Reading

SHARED = Path(__file__).parents[2] / "shared" / "captures" / "modbus"
PROFILES = sorted(name for name, path in catalog.paths().items() if path.parent.name == "modbus")

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/captures is not here")


def driver(name: str, port: int, folder: Path | None = None, **more: Any) -> MeterDriver:
    meter = Meter(device="m", profile=name, host=HOST, port=port, rated_w=1_000_000.0, **more)
    return catalog.driver_for(meter, folder)


def shows(meter: MeterDriver) -> dict[tuple[str, str], float | str | None]:
    return {(each.device, each.name): each.value for each in meter.shown()}


def by_part(readings: list[Reading]) -> dict[str, Reading]:
    return {each.device.partition("/")[2]: each for each in readings}


def read_as_expected(served: Capture, folder: Path | None = None) -> None:
    with Served(served.words, served.function, beside=served.words_beside) as server:
        meter = driver(served.profile, server.port, folder)
        try:
            found = by_part(list(meter.read()))
            shown = shows(meter)
        finally:
            meter.close()
    for part, expected in served.expected.items():
        reading = found[part]
        assert agrees(reading.power_w, expected, "power_w"), part
        assert agrees(reading.register_uj, expected, "register_uj"), part
        assert reading.serial == served.serial
        for name, value in expected.get("shown", {}).items():
            within = {"within": expected.get("within", {}), name: value}
            assert agrees(shown[reading.device, name], within, name), name
    for part in found.keys() - served.expected.keys():
        assert (found[part].power_w, found[part].register_uj) == (None, None)


def test_every_profile_has_a_capture_and_every_capture_a_profile() -> None:
    assert sorted(path.stem for path in CAPTURES.glob("*.json")) == PROFILES
    assert all(capture(name).profile == name for name in PROFILES)


def test_no_two_profiles_share_a_name() -> None:
    names = [path.stem for path in catalog.OWN_FOLDER.glob("*/*.toml")]
    assert [name for name in sorted(names) if names.count(name) > 1] == []


# 1 GWh, more than the displays of these meters have room for.
MOST_WH = 1e9


def step_at(most_wh: float, unit: str) -> float:
    """By how much a float32 in that unit moves at the least, just below so much energy."""
    bits = struct.pack(">f", most_wh / {"Wh": 1, "kWh": 1000, "MWh": 1_000_000}[unit])
    below = (int.from_bytes(bits, "big") - 1).to_bytes(4, "big")
    return float(struct.unpack(">f", bits)[0] - struct.unpack(">f", below)[0])


@pytest.mark.parametrize("name", PROFILES)
def test_a_float_register_may_move_by_its_last_bit_however_much_it_has_counted(name: str) -> None:
    energies = [part.energy for part in read(catalog.find(name)).part if part.energy is not None]
    for energy in energies:
        if energy.type == "float32":
            assert energy.resolution is not None
            assert energy.resolution >= step_at(MOST_WH, energy.unit)


@pytest.mark.parametrize("name", PROFILES)
def test_profile_reads_its_capture(name: str) -> None:
    read_as_expected(capture(name))


def test_a_new_pdu_takes_one_toml_file_and_no_python(tmp_path: Path) -> None:
    (tmp_path / "acme-12.toml").write_text(
        """
maker = "Acme"
model = "12"
source = "its manual"
confirmed = "unconfirmed"
device_class = "pdu"
function = 4
word_order = "low-first"
max_registers = 20

[serial]
address = 600
type = "text"
words = 4

[[part]]
name = "outlet-{n:02d}"
count = 12
step = 10
rated_w = 2300
power = { address = 101, type = "uint16", unit = "W", scale = 0.1 }
energy = { address = 104, type = "uint32", unit = "Wh", scale = 100, modulus = 100000000 }
""",
        encoding="utf-8",
    )
    # 12 outlets: 101, 111, … hold n × 100.1 W; 104, 114, … hold 65536 × n + 7 counts of 100 Wh.
    words = {600: [0x4142, 0x2D37, 0x3700, 0x0000]}
    expected = {}
    for n in range(1, 13):
        words[101 + 10 * (n - 1)] = [1001 * n]
        words[104 + 10 * (n - 1)] = [7, n]
        expected[f"outlet-{n:02d}"] = {
            "power_w": 1001 * n / 10,
            "register_uj": (65536 * n + 7) * 360_000_000_000,
        }
    hexed = {str(at): " ".join(f"{word:04X}" for word in run) for at, run in words.items()}
    read_as_expected(Capture("acme-12", "here", 4, hexed, expected, serial="AB-77"), tmp_path)


@pytest.mark.shared
@needs_shared
def test_sunspec_profile_reads_the_real_meter() -> None:
    dump = json.loads((SHARED / "dump_sunspec203_solaredge_meter.json").read_text("utf-8"))
    head = {int(offset): value & 0xFFFF for offset, value in dump["registers"].items()}
    # The excerpt ends at offset 31; the scale factor of energy stands behind it.
    model = [head.get(offset, 0) for offset in range(107)]
    model[1], model[54] = 105, 0x8000
    words = {40000: [0x5375, 0x6E53], 40002: model, 40109: [0xFFFF, 0]}
    with Served(words) as server:
        meter = driver("sunspec-203", server.port)
        (reading,), shown = meter.read(), shows(meter)
        meter.close()
    real = dump["expected"]
    assert reading.power_w == real["P_W"]
    assert reading.register_uj is None
    assert shown["m", "current"] == real["I_total_A"]
    assert shown["m", "voltage"] == real["U_LN_V"]
    assert shown["m", "frequency"] == real["f_Hz"]
    assert (shown["m", "power_l2"], shown["m", "power_l3"]) == (real["P_L2_W"], real["P_L3_W"])


@pytest.mark.shared
@needs_shared
def test_eastron_profiles_read_the_makers_own_answer() -> None:
    frames = json.loads((SHARED / "worked_rtu_frames.json").read_text("utf-8"))
    answer = bytes.fromhex(frames[0]["response"])[3:7]
    words = [int.from_bytes(answer[:2], "big"), int.from_bytes(answer[2:], "big")]
    with Served({0: words}, function=4) as server:
        for name, what in (("eastron-sdm120", "voltage"), ("eastron-sdm630", "voltage_l1")):
            meter = driver(name, server.port)
            volts = shows(meter)["m", what]
            meter.close()
            assert volts == pytest.approx(frames[0]["expect"]["U_L1_V"], abs=1e-4)


# The maps have no others; what holds those are their captures, of which each address is typed as
# the maker's document has it.
MAPS = {
    "eastron-sdm120": "Eastron SDM120",
    "eastron-sdm630": "Eastron SDM630",
    "schneider-iem3155": "Schneider iEM3000 series (iEM3155/3255/3355)",
    "abb-b21": "ABB B23/B24 (A/B series)",
    "abb-b23": "ABB B23/B24 (A/B series)",
    "abb-b24": "ABB B23/B24 (A/B series)",
    "carlo-gavazzi-em340": "Carlo Gavazzi EM330/EM340/ET340",
    "raritan-px": "Raritan PX2/PX3 rack PDU",
    "sunspec-201": "SunSpec model 201",
    "sunspec-203": "SunSpec model 203",
}
QUANTITY = {
    "power": ("P_active", "inlet1_P_active", "outlet1_P_active", "W"),
    "energy": ("E_import", "TotWhImp"),
}
TO_BASE: dict[str, Fraction | int] = {"kW": 1000, "kWh": 1000, "mW": Fraction(1, 1000)}


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize("name", sorted(MAPS))
def test_every_address_stands_in_the_register_maps(name: str) -> None:
    with (SHARED / "register_maps.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["meter"] == MAPS[name]]
    profile = read(catalog.find(name))
    for part in profile.part:
        for quantity, register in part.registers().items():
            there = [row for row in rows if int(row["address"]) == register.address]
            assert there, f"{quantity} at {register.address}"
            row = there[0]
            if quantity in QUANTITY:
                assert row["quantity"] in QUANTITY[quantity]
            kind = {"acc32": "uint32"}.get(row["type"], row["type"])
            assert register.type == kind, quantity
            assert (register.function or profile.function) == int(row["function"])
            if row["word_order"] != "-":
                order = "low-first" if row["word_order"].startswith("little") else "high-first"
                assert (register.word_order or profile.word_order) == order
            ours = Fraction(repr(register.scale)) * TO_BASE.get(register.unit, 1)
            if row["multiply_by"].startswith("10^"):
                factor = row["multiply_by"].removeprefix("10^")
                scales = {r["quantity"]: int(r["address"]) for r in rows}
                assert register.scale_exponent == scales[factor]
            else:
                assert ours == Fraction(row["multiply_by"]) * TO_BASE.get(row["unit"], 1), quantity


def test_the_example_in_the_readme_is_read_as_it_says(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[1] / "drivers" / "README.md").read_text(encoding="utf-8")
    # The first of each language is about Modbus.
    blocks = reversed(readme.split("```"))
    fenced = {block.partition("\n")[0]: block.partition("\n")[2] for block in blocks}
    (tmp_path / "acme-pdu-12.toml").write_text(fenced["toml"], encoding="utf-8")
    read_as_expected(Capture(**json.loads(fenced["json"])), tmp_path)
