"""Windows' energy meters, battery and screens: answers of the system are made up here, byte by byte
after Microsoft's headers, since nothing of this can run on another system."""

import struct
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from sobre_drivers import clock, emi, processor, windows
from sobre_drivers.chassis import DESKTOP, LAPTOP
from sobre_drivers.errors import MeterError
from sobre_drivers.host import Host
from sobre_drivers.parameters import model_of
from sobre_drivers.sample import Instant

NAMES = ("RAPL_Package0_PKG", "RAPL_Package0_PP0", "RAPL_Package0_PP1", "RAPL_Package0_DRAM")
PWH_PER_J = 1e12 / 3600


def v1(name: str, unit: int = 0) -> bytes:
    """EMI_METADATA_V1."""
    text = (name + "\0").encode("utf-16-le")
    head = struct.pack("<I32s32sHH", unit, "Maker".encode("utf-16-le"), b"", 3, len(text))
    return head + text


def v2(*names: str, unit: int = 0) -> bytes:
    """EMI_METADATA_V2 with its EMI_CHANNEL_V2s."""
    found = struct.pack("<32s32sHH", "Maker".encode("utf-16-le"), b"", 1, len(names))
    for name in names:
        text = (name + "\0").encode("utf-16-le")
        found += struct.pack("<IH", unit, len(text)) + text
    return found


def measured(*energies_pwh: int, ticks: int = 0) -> bytes:
    return b"".join(struct.pack("<QQ", energy, ticks) for energy in energies_pwh)


class Fake:
    """Windows as far as it is asked: `devices` by path as (version, metadata, measurement)."""

    def __init__(self) -> None:
        self.devices: dict[str, tuple[int, bytes, bytes]] = {}
        self.battery = state(mains=True, present=False)
        self.displays: bytes | OSError = b""
        self.ticks = 0

    def interface_paths(self, guid: bytes) -> Sequence[str]:
        assert guid.hex() == "4483bd45d67ecf49a440c276c933b053"
        return list(self.devices)

    def control(self, path: str, code: int, size: int) -> bytes:
        if path not in self.devices:
            raise OSError(2, "no such device")
        version, metadata, measurement = self.devices[path]
        answers = {
            0x224000: struct.pack("<H", version),
            0x224004: struct.pack("<I", len(metadata)),
            0x224008: metadata,
            0x22400C: measurement,
        }
        # A buffer that is too small is refused, not filled in part.
        if len(answers[code]) > size:
            raise OSError(122, "the data area is too small")
        return answers[code]

    def power_information(self, level: int, size: int) -> bytes:
        assert (level, size) == (5, 32)
        return self.battery

    def active_displays(self) -> bytes:
        if isinstance(self.displays, OSError):
            raise self.displays
        return self.displays

    def unbiased_ticks(self) -> int:
        return self.ticks

    def registry_text(self, key: str, name: str) -> str:
        assert name == "ProcessorNameString"
        return "Intel(R) Core(TM) i5-6500T CPU @ 2.50GHz "


def state(
    *,
    mains: bool = False,
    present: bool = True,
    charging: bool = False,
    discharging: bool = True,
    rate_mw: int = -8_250,
) -> bytes:
    """SYSTEM_BATTERY_STATE."""
    flags = (mains, present, charging, discharging)
    return struct.pack("<????4xIIiIII", *flags, 50_000, 40_000, rate_mw, 0, 0, 0)


def path_info(*technologies: int) -> bytes:
    """DISPLAYCONFIG_PATH_INFOs: source of 20 bytes, then adapter, id and mode before the cable."""
    return b"".join(
        bytes(20) + bytes(16) + struct.pack("<I", each) + bytes(32) for each in technologies
    )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()
    monkeypatch.setattr(windows, "system", lambda: made)
    return made


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


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (state(present=False), "absent"),
        (state(mains=True), "mains"),
        (state(charging=True, discharging=False, rate_mw=9000), "not discharging"),
        (state(discharging=False, rate_mw=0), "not discharging"),
        (state(rate_mw=0), "absurd"),
        (state(rate_mw=-0x80000000), "absent"),
        (b"\0", "unreadable"),
    ],
    ids=["none", "mains", "charging", "resting", "zero", "unknown-rate", "short"],
)
def test_a_battery_says_why_not_and_never_0_w(fake: Fake, told: bytes, reason: str) -> None:
    fake.battery = told
    with pytest.raises(MeterError, match=f"^{reason}: "):
        windows.discharge_w(fake)


def test_what_discharges_is_the_machines_power(fake: Fake) -> None:
    fake.battery = state()
    assert windows.discharge_w(fake) == 8.25
    assert windows.battery_present(fake)


@pytest.mark.parametrize(
    ("technologies", "count"),
    [((), 0), ((0x80000000,), 0), ((11, 5), 1), ((10, 5, 6), 2)],
    ids=["none", "own-panel", "panel-and-hdmi", "two-beside-lvds"],
)
def test_screens_are_counted_without_the_own_panel(
    fake: Fake, technologies: tuple[int, ...], count: int
) -> None:
    fake.displays = path_info(*technologies)
    assert windows.screens(fake) == count


def test_a_service_without_a_desktop_is_not_told_of_screens(fake: Fake) -> None:
    fake.displays = OSError(5, "access denied")
    with pytest.raises(MeterError, match=r"^not told: "):
        windows.screens(fake)


def test_time_asleep_is_no_time_awake(fake: Fake) -> None:
    fake.ticks = 36_000_000_000
    assert windows.awake_s(fake) == 3600
    assert clock.awake_s("win32") == 3600


class Pc:
    """A Windows PC whose counters and clock are set by hand."""

    def __init__(self, fake: Fake, root: Path) -> None:
        self.fake, self.root, self.at_s = fake, root, 1000.0
        self.used_j = 500.0

    def now(self) -> Instant:
        return Instant(1.7e9 + self.at_s, self.at_s, self.at_s)

    def passes(self, span_s: float, package_w: float) -> None:
        self.at_s += span_s
        self.used_j += span_s * package_w
        energy = round(self.used_j * PWH_PER_J)
        self.fake.devices = {
            "a": (2, v2(*NAMES), measured(energy, 0, 0, 0, ticks=int(self.at_s * 1e7)))
        }

    def cpu_times(self) -> SimpleNamespace:
        return SimpleNamespace(user=1.0, system=0.0, idle=self.at_s)


def test_a_windows_pc_takes_its_meters_before_the_model_and_its_battery_first(
    fake: Fake, tmp_path: Path
) -> None:
    pc = Pc(fake, tmp_path)
    pc.passes(0, 0)
    fake.displays = path_info(0x80000000, 5)
    fake.battery = state(mains=True)
    host = Host("pc-1", root=tmp_path, clock=pc, cpu_times=pc.cpu_times, platform="win32")
    own, screen = host.describe()
    assert own.device_class == LAPTOP
    assert own.method == "battery, else emi package+dram, model 2"
    assert (screen.device, screen.device_class) == ("pc-1/screen-1", "monitor")
    host.read()
    pc.passes(60, 6.0)
    reading, lit = host.read()
    part = model_of(LAPTOP).powercap
    assert reading.power_w == pytest.approx(part.rest_w + part.factor * 6.0, abs=1e-4)
    assert lit.state == "on"
    fake.battery = state(rate_mw=-7_000)
    pc.passes(60, 6.0)
    assert host.read()[0].power_w == 7.0


def test_a_windows_pc_without_meters_says_so_and_takes_the_model(
    fake: Fake, tmp_path: Path
) -> None:
    pc = Pc(fake, tmp_path)
    host = Host("pc-1", root=tmp_path, clock=pc, cpu_times=pc.cpu_times, platform="win32")
    (described,) = host.describe()
    assert described.device_class == DESKTOP
    assert described.method == "model 2 (utilisation, 35 W, Skylake to Comet Lake)"
    reasons = {source.name: source.reason for source in host.sources()}
    assert (reasons["emi"] or "").startswith("absent: no energy meter interface")


def test_the_processors_name_is_in_the_registry(fake: Fake) -> None:
    assert processor.name(platform="win32") == "Intel(R) Core(TM) i5-6500T CPU @ 2.50GHz"


def test_this_is_not_windows() -> None:
    with pytest.raises(OSError, match="not Windows"):
        windows.system()
