"""Registers → values, exactly; what the meter does not say is None."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from sobre_drivers.meters import units
from sobre_drivers.meters.modbus import decoding
from sobre_drivers.meters.modbus.blocks import Block, merged
from sobre_drivers.meters.modbus.profile import Energy, Kind, Power, Register, WordOrder

HIGH: WordOrder = "high-first"
LOW: WordOrder = "low-first"


@pytest.mark.parametrize(
    ("kind", "order", "words", "value"),
    [
        ("uint16", HIGH, "FFFF", 65535),
        ("int16", HIGH, "FFFF", -1),
        ("int16", HIGH, "8000", -32768),
        ("uint32", HIGH, "0001 0002", 65538),
        ("uint32", LOW, "0002 0001", 65538),
        ("int32", HIGH, "FFFF FFFE", -2),
        ("int32", LOW, "FFFE FFFF", -2),
        ("uint64", HIGH, "FFFF FFFF FFFF FFFF", 18446744073709551615),
        ("uint64", LOW, "0004 0003 0002 0001", 281483566841860),
        ("int64", HIGH, "FFFF FFFF FFFF FFFF", -1),
        # 4366 3333 is 230.2 in single precision; 65.25 is exact in both.
        ("float32", HIGH, "4366 3333", Fraction("230.1999969482421875")),
        ("float32", LOW, "8000 4282", Fraction("65.25")),
        ("float64", HIGH, "4050 5000 0000 0000", Fraction("65.25")),
        ("float64", LOW, "0000 0000 5000 4050", Fraction("65.25")),
        ("float32", HIGH, "0000 0000", 0),
        ("float32", HIGH, "8000 0000", 0),
    ],
)
def test_registers_are_the_number_they_stand_for(
    kind: Kind, order: WordOrder, words: str, value: Fraction
) -> None:
    read = [int(word, 16) for word in words.split()]
    assert decoding.number(read, Register(0, kind), order) == value


@pytest.mark.parametrize(
    ("register", "words"),
    [
        (Register(0, "float32"), "7FC0 0000"),
        (Register(0, "float32"), "FFC0 0000"),
        (Register(0, "float32"), "7F80 0000"),
        (Register(0, "float32"), "FF80 0000"),
        (Register(0, "float64"), "7FF8 0000 0000 0000"),
        (Register(0, "float64"), "FFF0 0000 0000 0000"),
        (Register(0, "int32", not_available=(0x7FFFFFFF,)), "7FFF FFFF"),
        (Register(0, "int32", not_available=(0x7FFFFFFF,), word_order=LOW), "FFFF 7FFF"),
        (Register(0, "int16", not_available=(0x8000, 0)), "8000"),
        (Register(0, "int16", not_available=(0x8000, 0)), "0000"),
    ],
    ids=["nan", "nan-", "inf", "inf-", "nan64", "inf64", "abb", "abb-low-first", "one-of", "two"],
)
def test_not_available_is_none_and_never_zero(register: Register, words: str) -> None:
    assert decoding.number([int(word, 16) for word in words.split()], register, HIGH) is None


@pytest.mark.parametrize(
    ("options", "words", "joules"),
    [
        ({"type": "uint32", "unit": "Wh"}, [0xFFFF, 0xFFFF], Decimal(4294967295) * 3600),
        ({"type": "uint64", "unit": "kWh", "scale": 0.01}, [0, 0, 0, 1], Decimal(36000)),
        (
            {"type": "uint64", "unit": "kWh", "scale": 0.001},
            [0, 0x7048, 0x860D, 0xDF79],
            Decimal(123456789012345) * 3600,
        ),
        ({"type": "uint32", "unit": "Wh", "scale": 10}, [0, 3], Decimal(108000)),
        ({"type": "uint32", "unit": "MWh", "scale": 0.1}, [0, 1], Decimal(360000000)),
        ({"type": "uint16", "unit": "kJ"}, [7], Decimal(7000)),
        ({"type": "uint16", "unit": "J", "scale": 0.3}, [7], Decimal("2.1")),
        ({"type": "uint16", "unit": "J", "offset": 0.5}, [1], Decimal("1.5")),
        ({"type": "float32", "unit": "kWh", "resolution": 0.01}, [0x3F80, 0], Decimal(3600000)),
    ],
)
def test_energy_is_exact_to_the_microjoule(
    options: dict[str, Any], words: list[int], joules: Decimal
) -> None:
    register = Energy(address=0, **options)
    value = decoding.number(words, register, HIGH)
    assert value is not None
    assert decoding.energy_uj(value, register) == int(joules * 1_000_000)


def test_a_total_below_zero_is_no_total() -> None:
    register = Energy(0, "int32", unit="Wh")
    value = decoding.number([0xFFFF, 0xFFFF], register, HIGH)
    assert value == -1
    assert decoding.energy_uj(value, register) is None


@pytest.mark.parametrize(
    ("register", "count_uj", "modulus_uj"),
    [
        (Energy(0, "uint32", unit="Wh"), 3_600_000_000, None),
        (
            Energy(0, "uint16", unit="kWh", scale=0.01, modulus=65536),
            36_000_000_000,
            65536 * 36_000_000_000,
        ),
        (
            Energy(0, "float32", unit="kWh", resolution=0.01, modulus=100000),
            36_000_000_000,
            100000 * 3_600_000_000_000,
        ),
        (Energy(0, "uint16", unit="J", scale=1e-9), 1, None),
    ],
    ids=["unknown-modulus", "two-bytes", "float", "finer-than-a-microjoule"],
)
def test_count_and_modulus_are_in_microjoules(
    register: Energy, count_uj: int, modulus_uj: int | None
) -> None:
    assert units.count_uj(register) == count_uj
    assert units.modulus_uj(register) == modulus_uj


@pytest.mark.parametrize(
    ("unit", "power_w"), [("W", 12.5), ("kW", 12500.0), ("mW", 0.0125)], ids=str
)
def test_power_is_in_watts(unit: Any, power_w: float) -> None:
    assert decoding.power_w(Fraction(25, 2), Power(0, "uint16", unit=unit)) == power_w


@pytest.mark.parametrize(
    ("word", "power_of_ten"),
    [(0, 0), (1, 1), (0xFFFE, -2), (10, 10), (11, None), (0x8000, None), (0x7FFF, None)],
)
def test_a_scale_factor_without_sense_is_none(word: int, power_of_ten: int | None) -> None:
    assert decoding.exponent(word) == power_of_ten


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([0x4142, 0x4300], "ABC"),
        ([0x2041, 0x4220], "AB"),
        ([0, 0], None),
        ([0x2020, 0x2020], None),
        ([0xFFFF, 0xFFFF], None),
        ([0x410A, 0x4200], None),
        ([0x0053, 0x0054, 0x0033, 0x0000], "ST3"),
        ([0x00FF, 0x0041], None),
    ],
    ids=[
        "ends-at-nul",
        "blanks",
        "empty",
        "only-blanks",
        "no-ascii",
        "line-break",
        "one-a-register",
        "no-ascii-one-a-register",
    ],
)
def test_a_text_is_printable_or_none(words: list[int], text: str | None) -> None:
    assert decoding.text(words) == text


@pytest.mark.parametrize(
    ("wanted", "most", "gap", "requests"),
    [
        ([(3, 0, 2), (3, 2, 2)], 125, 0, [(3, 0, 4)]),
        ([(3, 2, 2), (3, 0, 2), (3, 0, 2)], 125, 0, [(3, 0, 4)]),
        ([(3, 0, 2), (3, 3, 2)], 125, 0, [(3, 0, 2), (3, 3, 2)]),
        ([(3, 0, 2), (3, 3, 2)], 125, 1, [(3, 0, 5)]),
        ([(3, 0, 2), (4, 2, 2)], 125, 9, [(3, 0, 2), (4, 2, 2)]),
        ([(3, 0, 4), (3, 2, 1)], 125, 0, [(3, 0, 4)]),
        ([(3, 0, 4), (3, 4, 4), (3, 8, 4)], 8, 0, [(3, 0, 8), (3, 8, 4)]),
        ([(3, 0, 4), (3, 4, 4)], 7, 0, [(3, 0, 4), (3, 4, 4)]),
        ([], 125, 0, []),
    ],
    ids=[
        "neighbours",
        "any-order",
        "a-gap-splits",
        "a-gap-bridged",
        "functions-apart",
        "one-inside-another",
        "as-long-as-allowed",
        "never-through-a-value",
        "nothing",
    ],
)
def test_neighbours_are_read_together(
    wanted: list[tuple[int, int, int]],
    most: int,
    gap: int,
    requests: list[tuple[int, int, int]],
) -> None:
    made = merged([Block(*each) for each in wanted], most, gap)
    assert made == tuple(Block(*each) for each in requests)
