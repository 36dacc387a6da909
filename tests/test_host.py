"""This PC, on file trees and clocks that the test holds in its hand."""

import logging
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from sobre_drivers.errors import MeterError
from sobre_drivers.load import Origin
from sobre_drivers.pc.host import DESKTOP, LAPTOP, Host, model_of
from sobre_drivers.sample import Instant

Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest")


class Pc:
    """A PC whose files, clocks and processor times are set by hand."""

    def __init__(self, root: Path) -> None:
        self.root, self.at_s, self.slept_s = root, 1000.0, 0.0
        self.busy_s, self.idle_s = 500.0, 5000.0
        self.processor = "a processor that no file knows"

    def now(self) -> Instant:
        return Instant(1.7e9 + self.at_s, self.at_s, self.at_s + self.slept_s)

    def cpu_times(self) -> Times:
        half = self.busy_s / 2
        # What a hypervisor stole and what guests ran must change nothing.
        return Times(half, 0.0, half, self.idle_s - 10, 10.0, 0.0, 0.0, self.at_s, self.at_s)

    def passes(self, span_s: float, load_ratio: float = 0.0) -> None:
        self.at_s += span_s
        self.busy_s += span_s * load_ratio
        self.idle_s += span_s * (1 - load_ratio)

    def write(self, path: str, text: object) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def rapl(self, energy_uj: int, key: str = "intel-rapl:0", name: str = "package-0") -> None:
        self.write(f"class/powercap/{key}/name", name)
        self.write(f"class/powercap/{key}/energy_uj", energy_uj)
        self.write(f"class/powercap/{key}/max_energy_range_uj", 262_143_328_850)

    def battery(self, status: str, power_uw: int) -> None:
        lines = ("TYPE=Battery", f"STATUS={status}", f"POWER_NOW={power_uw}")
        text = "\n".join(f"POWER_SUPPLY_{line}" for line in lines)
        self.write("class/power_supply/BAT0/uevent", text)

    def host(self, device_class: str | None = None) -> Host:
        return Host(
            "pc-1",
            device_class=device_class,
            root=self.root,
            clock=self,
            cpu_times=self.cpu_times,
            processor_name=self.processor,
        )


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    (tmp_path / "class").mkdir()
    return Pc(tmp_path)


def by_load_w(device_class: str, load_ratio: float) -> float:
    """Power (W) at a load of 10 % or more, by the formula of docs/accuracy.md."""
    curve = model_of(device_class).utilisation
    grown = curve.step + (1 - curve.step) * load_ratio**curve.exponent
    return float(curve.idle_w + (curve.max_w - curve.idle_w) * grown)


def power_w(host: Host) -> float | None:
    (reading,) = host.read()
    assert reading.device == "pc-1"
    assert reading.state == "on"
    assert reading.register_uj is None
    return reading.power_w


def test_without_any_sensor_the_load_decides(pc: Pc) -> None:
    host = pc.host(DESKTOP)
    curve = model_of(DESKTOP).utilisation
    # First by the load since the machine started.
    pc.busy_s = 1000.0
    assert power_w(host) == pytest.approx(by_load_w(DESKTOP, 1000 / 6000))
    assert power_w(host) is None
    pc.passes(60, 0.0)
    assert power_w(host) == pytest.approx(curve.idle_w)
    pc.passes(60, 1.0)
    assert power_w(host) == pytest.approx(curve.max_w)
    (described,) = host.describe()
    assert described.method == "model 2 (utilisation)"
    assert described.origin is Origin.ESTIMATED
    assert described.uncertainty_ratio == curve.uncertainty_ratio
    assert described.own


def test_counters_go_before_the_load_and_are_taken_to_the_plug(pc: Pc) -> None:
    pc.rapl(5_000_000)
    pc.rapl(1_000_000, "intel-rapl:0:0", "core")
    pc.rapl(2_000_000, "intel-rapl:0:2", "dram")
    host = pc.host(DESKTOP)
    power_w(host)
    pc.passes(60, 1.0)
    pc.rapl(5_000_000 + 60 * 20_000_000)
    pc.rapl(1_000_000 + 60 * 15_000_000, "intel-rapl:0:0", "core")
    pc.rapl(2_000_000 + 60 * 2_000_000, "intel-rapl:0:2", "dram")
    part = model_of(DESKTOP).powercap
    # 20 W of package, 2 W of memory; the 15 W of its cores are inside the package.
    assert power_w(host) == pytest.approx(part.rest_w + part.factor * 22)
    (described,) = host.describe()
    assert described.method == "powercap package+dram, model 2"
    assert described.uncertainty_ratio == part.uncertainty_ratio


def test_the_platforms_counter_has_its_own_parameters(pc: Pc) -> None:
    pc.rapl(5_000_000)
    pc.rapl(9_000_000, "intel-rapl:1", "psys")
    host = pc.host(LAPTOP)
    power_w(host)
    pc.passes(10)
    pc.rapl(9_000_000 + 10 * 8_000_000, "intel-rapl:1", "psys")
    part = model_of(LAPTOP).psys
    assert power_w(host) == pytest.approx(part.rest_w + part.factor * 8)
    assert host.describe()[0].method == "powercap psys, model 2"


def test_over_a_moment_counters_are_noise_and_the_load_decides(pc: Pc) -> None:
    pc.rapl(5_000_000)
    host = pc.host(DESKTOP)
    power_w(host)
    pc.passes(0.1, 0.5)
    pc.rapl(5_000_000 + 9_000_000)
    assert power_w(host) == pytest.approx(by_load_w(DESKTOP, 0.5))


def test_a_platform_counter_that_nobody_feeds_leaves_the_packages(pc: Pc) -> None:
    pc.rapl(5_000_000)
    pc.rapl(0, "intel-rapl:1", "psys")
    assert pc.host(LAPTOP).describe()[0].method == "powercap package, model 2"


def test_a_discharging_battery_goes_before_all_and_mains_takes_it_away(pc: Pc) -> None:
    pc.battery("Discharging", 9_000_000)
    pc.rapl(5_000_000)
    host = pc.host()
    assert power_w(host) == pytest.approx(9.0)
    assert host.describe()[0].method == "battery, else powercap package, model 2"
    assert host.describe()[0].device_class == LAPTOP
    pc.passes(60)
    pc.battery("Charging", 30_000_000)
    pc.rapl(5_000_000 + 60 * 4_000_000)
    part = model_of(LAPTOP).powercap
    assert power_w(host) == pytest.approx(part.rest_w + part.factor * 4)
    reasons = {source.name: source.reason for source in host.sources()}
    assert (reasons["battery"] or "").startswith("not discharging")
    assert reasons["powercap"] is None


def set_no_range(pc: Pc) -> None:
    pc.write("class/powercap/intel-rapl:0/max_energy_range_uj", "")


@pytest.mark.parametrize(
    ("after_uj", "before_host", "rapl_w"),
    [
        (1_000_000, lambda pc: None, 1_328_850 / 60 / 1e6),
        (1_000_000, set_no_range, None),
        (262_143_000_000, lambda pc: None, None),
        (255_000_000_000, lambda pc: None, None),
    ],
    ids=["wrap", "wrap-without-range", "stuck", "reset-that-looks-like-a-wrap-of-4-kW"],
)
def test_a_counter_that_goes_back_makes_neither_a_spike_nor_a_negative(
    pc: Pc, after_uj: int, before_host: Callable[[Pc], None], rapl_w: float | None
) -> None:
    pc.rapl(262_143_000_000)
    before_host(pc)
    host = pc.host(DESKTOP)
    power_w(host)
    pc.passes(60, 0.5)
    pc.write("class/powercap/intel-rapl:0/energy_uj", after_uj)
    part = model_of(DESKTOP).powercap
    expected_w = by_load_w(DESKTOP, 0.5) if rapl_w is None else part.rest_w + part.factor * rapl_w
    assert power_w(host) == pytest.approx(expected_w)


def test_counters_say_nothing_of_a_sleep_and_the_next_sample_is_right(pc: Pc) -> None:
    pc.rapl(5_000_000)
    host = pc.host(DESKTOP)
    power_w(host)
    pc.passes(60, 0.0)
    pc.slept_s += 3600
    pc.rapl(9_000_000_000)
    assert power_w(host) == pytest.approx(model_of(DESKTOP).utilisation.idle_w)
    pc.passes(60)
    pc.rapl(9_000_000_000 + 60 * 3_000_000)
    part = model_of(DESKTOP).powercap
    assert power_w(host) == pytest.approx(part.rest_w + part.factor * 3)


def test_counters_of_a_virtual_machine_that_stay_at_0_are_not_0_w(pc: Pc) -> None:
    pc.rapl(0)
    host = pc.host(DESKTOP)
    assert host.describe()[0].method == "model 2 (utilisation)"
    power_w(host)
    pc.passes(60, 0.0)
    assert power_w(host) == pytest.approx(model_of(DESKTOP).utilisation.idle_w)
    reasons = {source.name: source.reason for source in host.sources()}
    assert (reasons["powercap"] or "").startswith("stuck")


def test_what_is_forbidden_or_gone_is_said_once_and_again_when_it_is_back(
    pc: Pc, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pc.rapl(5_000_000)
    host = pc.host(DESKTOP)
    power_w(host)
    counter = pc.root / "class/powercap/intel-rapl:0/energy_uj"
    counter.unlink()
    for _ in range(5):
        pc.passes(60, 0.0)
        assert power_w(host) == pytest.approx(model_of(DESKTOP).utilisation.idle_w)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "unreadable" in caplog.text
    for counted_uj in (6_000_000, 186_000_000):
        pc.rapl(counted_uj)
        pc.passes(60, 0.0)
        last_w = power_w(host)
    part = model_of(DESKTOP).powercap
    assert last_w == pytest.approx(part.rest_w + part.factor * 3)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_absent_hardware_is_no_news(pc: Pc, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host = pc.host(DESKTOP)
    power_w(host)
    assert caplog.records == []
    assert [
        (source.name, (source.reason or "").partition(":")[0]) for source in host.sources()
    ] == [
        ("battery", "absent"),
        ("hwmon", "absent"),
        ("powercap", "absent"),
        ("model", ""),
        ("nvml", "absent"),
    ]


def test_an_absurd_battery_is_set_aside_and_said_once(
    pc: Pc, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pc.battery("Discharging", 900_000_000)
    host = pc.host(LAPTOP)
    power_w(host)
    pc.passes(60, 0.0)
    assert power_w(host) == pytest.approx(model_of(LAPTOP).utilisation.idle_w)
    assert (host.sources()[0].reason or "").startswith("absurd")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    pc.passes(60, 0.0)
    pc.battery("Discharging", 9_000_000)
    assert power_w(host) == pytest.approx(9.0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_pc_that_tells_nothing_at_all_is_an_error_with_every_reason(pc: Pc) -> None:
    def broken() -> Times:
        raise OSError("no /proc")

    host = Host(
        "pc-1",
        device_class=DESKTOP,
        root=pc.root,
        clock=pc,
        cpu_times=broken,
        processor_name="",
    )
    with pytest.raises(MeterError, match=r"pc-1: absent: .*; absent: .*; unreadable: .*no /proc"):
        host.read()
    assert host.describe()[0].method == "model 2 (utilisation)"


def test_a_server_may_be_measured_as_one(pc: Pc) -> None:
    (described,) = pc.host("server").describe()
    assert described.device_class == "server"


def test_this_very_machine_tells_something_plausible() -> None:
    host = Host("pc-1")
    host.read()
    described = host.describe()[0]
    assert 0 < described.rated_w <= 1600
    assert described.uncertainty_ratio
    # Two readings at once have no load between them; the second must still be no error.
    reading = host.read()[0]
    assert reading.power_w is None or 0 < reading.power_w <= described.rated_w * 1.1


def test_the_driver_loads_nothing_heavy() -> None:
    heavy = ("asyncio", "subprocess", "platform", "email", "ssl", "socket", "importlib.metadata")
    program = (
        "import sys, psutil; before = set(sys.modules); import sobre_drivers.pc.host;"
        f"print([m for m in {heavy} if m in sys.modules and m not in before])"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
