"""A Windows PC's battery, screens, clocks and enclosure; the system's answers are made up."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from fake_windows import NAMES, PWH_PER_J, Fake, measured, path_info, state, table, v2
from sobre_drivers import clock
from sobre_drivers.errors import MeterError
from sobre_drivers.pc import processor, smbios, windows
from sobre_drivers.pc.chassis import DESKTOP, LAPTOP
from sobre_drivers.pc.host import Host
from sobre_drivers.pc.parameters import model_of
from sobre_drivers.sample import Instant


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()
    monkeypatch.setattr(windows, "system", lambda: made)
    return made


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


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (table(35), 35),
        (table(10 | 0x80), 10),
        (table(35)[:60], None),
        (bytes((3, 4, 0, 0)) + b"\0\0", None),
        (bytes((0, 0, 0, 0)) * 9, None),
        (bytes((127, 4, 0, 0)) + b"\0\0" + table(35), None),
        (bytes((1, 5, 9, 9, 9, 9, 9)), None),
        (b"", None),
    ],
    ids=[
        "mini-pc",
        "laptop-with-a-lock",
        "cut",
        "too-short",
        "zeros",
        "after-the-end",
        "endless-texts",
        "empty",
    ],
)
def test_the_enclosure_is_read_from_the_firmwares_own_table(raw: bytes, kind: int | None) -> None:
    assert smbios.chassis_type(raw) == kind


def test_a_windows_mini_pc_is_known_by_its_enclosure(fake: Fake, tmp_path: Path) -> None:
    fake.enclosure = 35
    pc = Pc(fake, tmp_path)
    host = Host("pc-1", root=tmp_path, clock=pc, cpu_times=pc.cpu_times, platform="win32")
    (described,) = host.describe()
    assert described.device_class == DESKTOP
    assert described.method == "model 2 (utilisation, micro, 35 W, Skylake to Comet Lake)"


def test_the_processors_name_is_in_the_registry(fake: Fake) -> None:
    assert processor.name(platform="win32") == "Intel(R) Core(TM) i5-6500T CPU @ 2.50GHz"


def test_this_is_not_windows() -> None:
    with pytest.raises(OSError, match="not Windows"):
        windows.system()
