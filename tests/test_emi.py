"""Windows' energy meters; the system's answers are made up, since nothing of it runs elsewhere."""

import pytest

from fake_windows import NAMES, Fake, measured, v1, v2
from sobre_drivers.errors import MeterError
from sobre_drivers.pc import emi, windows


@pytest.fixture
def fake() -> Fake:
    return Fake()


def test_version_2_names_its_channels_and_version_1_is_one(fake: Fake) -> None:
    fake.devices = {"a": (2, v2(*NAMES), b""), "b": (1, v1("PSU_USB"), b"")}
    found = emi.channels(windows.EnergyMeters(fake))
    assert [(each.path, each.number, each.of, each.name) for each in found] == [
        *(("a", number, 4, name) for number, name in enumerate(NAMES)),
        ("b", 0, 1, "PSU_USB"),
    ]


def test_only_packages_and_their_memory_are_counted(fake: Fake) -> None:
    fake.devices = {"a": (2, v2(*NAMES), b""), "b": (1, v1("PSU_USB"), b"")}
    counted = emi.counted(emi.channels(windows.EnergyMeters(fake)))
    assert [each.name for each in counted] == ["RAPL_Package0_PKG", "RAPL_Package0_DRAM"]
    assert emi.what(counted) == "package+dram"
    fake.devices = {"a": (2, v2("RAPL_Package0_PP0", "RAPL_Package0_DRAM"), b"")}
    assert emi.counted(emi.channels(windows.EnergyMeters(fake))) == ()


def test_picowatt_hours_become_microjoules_to_the_last_one(fake: Fake) -> None:
    # 1 kWh is 1e15 pWh and 3.6e12 µJ; 10,000 pWh are 36 µJ.
    fake.devices = {"a": (2, v2(*NAMES), measured(10**15, 5, 6, 10_000, ticks=25_000_000))}
    meters = windows.EnergyMeters(fake)
    found = emi.read(meters, emi.counted(emi.channels(meters)))
    assert found["a#0"] == emi.Measured(3_600_000_000_000, 2.5)
    assert found["a#3"] == emi.Measured(36, 2.5)


@pytest.mark.parametrize(
    ("version", "metadata"),
    [
        (2, v2(*NAMES)[:90]),
        (2, v2(*NAMES, unit=1)),
        (1, v1("CPU", unit=7)),
        (3, v2(*NAMES)),
        (2, b""),
        (1, b"\0" * 10),
    ],
    ids=["cut", "other-unit", "other-unit-v1", "later-version", "empty", "short"],
)
def test_metadata_that_make_no_sense_name_nothing(
    fake: Fake, version: int, metadata: bytes
) -> None:
    fake.devices = {"a": (version, metadata, b"")}
    with pytest.raises(MeterError, match=r"^absent: "):
        emi.channels(windows.EnergyMeters(fake))


def test_a_short_answer_or_a_device_that_is_gone_is_an_error(fake: Fake) -> None:
    fake.devices = {"a": (2, v2(*NAMES), measured(1, 2))}
    meters = windows.EnergyMeters(fake)
    wanted = emi.counted(emi.channels(meters))
    with pytest.raises(MeterError, match=r"^absurd: RAPL_Package0_DRAM"):
        emi.read(meters, wanted)
    fake.devices = {}
    with pytest.raises(MeterError, match=r"^unreadable: RAPL_Package0_PKG"):
        emi.read(meters, wanted)
