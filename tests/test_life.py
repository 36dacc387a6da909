"""A week of one PC's life, whose truth is known: what the account books is that, to the joule.

The world is consistent: whatever source tells the PC's power, it tells of the same plug. What
nobody can know is named: the minutes before a crash, and that a hibernated PC draws less than a
sleeping one.
"""

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from sobre_agent.account import CHECKPOINT_S, Account, Span
from sobre_agent.cutters import cutter_for
from sobre_drivers import settings
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.pc.chassis import LAPTOP
from sobre_drivers.pc.host import Host
from sobre_drivers.pc.parameters import FOLDER, model_of
from sobre_drivers.pc.pc_model import Linear, Utilisation
from sobre_drivers.pc.screens import ScreenModel
from sobre_drivers.sample import Instant, Sample

PARIS = ZoneInfo("Europe/Paris")
SAMPLE_S = 60
IDLE_W, FULL_W, REST_W, FACTOR = 20, 60, 10, 1.25
OFF_W, SLEEP_W = 0.5, 1.5
RANGE_UJ = 262_143_328_850
MODEL = replace(
    model_of(LAPTOP),
    off_w=OFF_W,
    sleep_w=SLEEP_W,
    utilisation=Utilisation(IDLE_W, FULL_W, 1.0, 0.5),
    powercap=Linear(REST_W, FACTOR, 0.5),
    battery=Linear(0.0, 1.0, 0.25),
    shapes=(),
    processors=(),
)
SCREEN = "pc-1/screen-1"


class World:
    """One PC and its screen: what they really draw (µJ, by device), and what the PC shows of it."""

    def __init__(self, root: Path, begins: str) -> None:
        self.root = root
        self.wall_s = datetime.fromisoformat(begins).replace(tzinfo=PARIS).timestamp()
        self.boot_s = self.mono_s = 0.0
        self.busy_s = self.idle_s = 0.0
        self.package_uj = 0
        self.has_counters, self.wraps = False, 0
        self.load_ratio = 0.0
        self.truth_uj = {"pc-1": 0, SCREEN: 0}
        self.spans: list[Span] = []
        self.saved: dict[str, str] = {}
        self.kept: list[Span] = []
        self.truth_at_save_uj = dict(self.truth_uj)
        self.saved_s = 0.0
        screen = settings.load(FOLDER / "monitor.toml", ScreenModel, {})
        area_in2 = screen.usual_in**2 * (16 * 9) / (16**2 + 9**2)
        self.lit_w = screen.base_w + screen.w_per_in2 * area_in2
        self.dark_w, self.off_w = screen.sleep_w, screen.off_w
        connector = root / "class/drm/card0-DP-1"
        connector.mkdir(parents=True)
        for name, text in (("status", "connected"), ("dpms", "On"), ("enabled", "enabled")):
            (connector / name).write_text(text)
        self.start()

    @property
    def plug_w(self) -> float:
        return IDLE_W + (FULL_W - IDLE_W) * self.load_ratio

    def now(self) -> Instant:
        return Instant(self.wall_s, self.mono_s, self.boot_s)

    def cpu_times(self) -> SimpleNamespace:
        return SimpleNamespace(user=self.busy_s, system=0.0, idle=self.idle_s)

    def draws(self, span_s: float, pc_w: float, screen_w: float) -> None:
        self.truth_uj["pc-1"] += round(pc_w * span_s * 1e6)
        self.truth_uj[SCREEN] += round(screen_w * span_s * 1e6)

    def runs(self, span_s: float, load_ratio: float | None = None) -> None:
        """Awake for a while, without anybody looking."""
        if load_ratio is not None:
            self.load_ratio = load_ratio
        self.wall_s += span_s
        self.boot_s += span_s
        self.mono_s += span_s
        self.busy_s += span_s * self.load_ratio
        self.idle_s += span_s * (1 - self.load_ratio)
        package_w = (self.plug_w - REST_W) / FACTOR
        counted_uj = self.package_uj + round(package_w * span_s * 1e6)
        self.wraps += counted_uj >= RANGE_UJ
        self.package_uj = counted_uj % RANGE_UJ
        self.draws(span_s, self.plug_w, self.lit_w)
        self.show()

    def works(self, minutes: int, *load_ratios: float) -> None:
        """Awake and sampled each minute; the loads take turns within each minute."""
        for _ in range(minutes):
            for load_ratio in load_ratios or (self.load_ratio,):
                self.runs(SAMPLE_S / len(load_ratios or (0,)), load_ratio)
            self.sample()

    def sleeps(self, hours: float, pc_w: float = SLEEP_W) -> None:
        self.wall_s += hours * 3600
        self.boot_s += hours * 3600
        self.draws(hours * 3600, pc_w, self.dark_w)

    def shuts_down(self) -> None:
        self.sample()
        self.save(clean=True)

    def is_off(self, hours: float) -> None:
        self.wall_s += hours * 3600
        self.boot_s = self.mono_s = self.busy_s = self.idle_s = 0.0
        self.draws(hours * 3600, OFF_W, self.off_w)

    def crashes(self) -> None:
        """Whatever was not on disk is lost."""
        self.spans = list(self.kept)

    def start(self, booting_s: float = 0.0) -> None:
        """The machine boots, then the agent starts from what it had saved."""
        shutil.rmtree(self.root / "class/powercap", ignore_errors=True)
        self.runs(booting_s, 0.75)
        self.host = Host(
            "pc-1",
            device_class=LAPTOP,
            root=self.root,
            clock=self,
            cpu_times=self.cpu_times,
            model=MODEL,
            processor_name="",
        )
        own, screen = self.host.describe()
        cutter = cutter_for("day", PARIS, WorkingHours())
        self.accounts = {
            each.device: Account(
                each,
                cutter,
                SAMPLE_S,
                json.loads(self.saved[each.device]) if self.saved else None,
            )
            for each in (own, screen)
        }
        self.sample()

    def sample(self) -> None:
        at = self.now()
        closed = [
            span
            for reading in self.host.read()
            for span in self.accounts[reading.device].take(Sample(at, reading))
        ]
        self.spans += closed
        if closed or self.boot_s - self.saved_s >= CHECKPOINT_S or not self.saved:
            self.save()

    def save(self, clean: bool = False) -> None:
        self.saved = {name: json.dumps(each.saved(clean)) for name, each in self.accounts.items()}
        self.kept, self.saved_s = list(self.spans), self.boot_s
        self.truth_at_save_uj = dict(self.truth_uj)

    def shows_counters(self) -> None:
        """RAPL, from the next start on."""
        self.has_counters = True
        self.show()

    def show(self) -> None:
        if self.has_counters:
            zone = self.root / "class/powercap/intel-rapl:0"
            if not zone.is_dir():
                zone.mkdir(parents=True)
                (zone / "name").write_text("package-0\n")
                (zone / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
            (zone / "energy_uj").write_text(f"{self.package_uj}\n")

    def unplugs(self) -> None:
        self.battery("Discharging", round(self.plug_w * 1e6))

    def plugs_in(self) -> None:
        self.battery("Charging", 30_000_000)

    def battery(self, status: str, power_uw: int) -> None:
        supply = self.root / "class/power_supply/BAT0"
        supply.mkdir(parents=True, exist_ok=True)
        words = ("TYPE=Battery", f"STATUS={status}", f"POWER_NOW={power_uw}")
        (supply / "uevent").write_text("".join(f"POWER_SUPPLY_{word}\n" for word in words))

    def booked(self, device: str = "pc-1") -> tuple[float, dict[str, int]]:
        """Energy (J) and seconds by state of all that was booked."""
        own = [span for span in self.spans if span.device == device]
        own += self.accounts[device].finish()
        states: dict[str, int] = {}
        for span in own:
            for state, seconds in (span.state_s or {}).items():
                states[state] = states.get(state, 0) + seconds
        return sum(span.energy_j for span in own), states


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, "2026-10-19T08:00")


def test_a_week_of_work_sleep_crash_battery_and_travel_is_booked_to_the_joule(
    world: World,
) -> None:
    # Monday: work that comes and goes within each minute, lunch asleep, the night asleep.
    world.works(240, 0.0, 0.9, 0.1)
    world.runs(25)
    world.sleeps(1)
    world.runs(35)
    world.sample()
    world.works(300, 0.25)
    world.sleeps(13)
    # Tuesday: booted anew with counters, which wrap within the first hours.
    world.shuts_down()
    world.is_off(0.1)
    world.shows_counters()
    world.start(booting_s=40)
    assert world.host.describe()[0].method.startswith("powercap package")
    wraps = world.wraps
    world.works(300, 0.5, 1.0)
    assert world.wraps > wraps
    # On the train home on battery, and back on mains.
    world.works(5, 0.2)
    world.unplugs()
    world.works(90)
    world.plugs_in()
    world.works(30, 0.4)
    world.shuts_down()
    world.is_off(14)
    # Wednesday: a flight. Its passenger sets the clock by hand, and back at home again.
    world.start(booting_s=30)
    world.works(60, 0.3)
    world.wall_s += 7 * 3600
    world.works(180, 0.3)
    world.sleeps(2)
    world.works(60, 0.6)
    world.wall_s -= 7 * 3600
    world.works(60, 0.6)
    world.shuts_down()
    world.is_off(15)
    # Thursday: the power fails some minutes after the last checkpoint; three hours in the dark.
    world.start(booting_s=30)
    world.works(195, 0.5)
    world.crashes()
    since_save_s = world.boot_s - world.saved_s
    assert 0 < since_save_s < CHECKPOINT_S
    world.is_off(3)
    dark_s = CHECKPOINT_S - since_save_s
    unknown_uj = {
        device: world.truth_uj[device]
        - world.truth_at_save_uj[device]
        - round((3 * 3600 - dark_s) * watts * 1e6)
        for device, watts in (("pc-1", OFF_W), (SCREEN, world.off_w))
    }
    world.start(booting_s=50)
    world.works(120, 0.1)
    # Friday: hibernated overnight, then "shut down" by a fast start-up: no boot time changes.
    world.sleeps(12, pc_w=OFF_W)
    world.works(480, 0.35)
    world.sleeps(10, pc_w=OFF_W)
    world.works(60, 0.35)
    hibernated_s = 22 * 3600
    # Off over the weekend on which the clocks go back, until Monday morning.
    world.shuts_down()
    world.is_off(64)
    world.start(booting_s=60)
    world.works(30, 0.0)

    over_uj = {"pc-1": round((SLEEP_W - OFF_W) * hibernated_s * 1e6), SCREEN: 0}
    for device in ("pc-1", SCREEN):
        energy_j, states = world.booked(device)
        known_uj = world.truth_uj[device] - unknown_uj[device] + over_uj[device]
        assert abs(energy_j - known_uj / 1e6) <= 1.0, device
        assert states["unknown"] == pytest.approx(CHECKPOINT_S, abs=2)
        assert states["sleep"] == pytest.approx((1 + 13 + 2 + 22) * 3600, abs=2)
        assert states["off"] == pytest.approx((0.1 + 14 + 15 + 3 + 64) * 3600 - dark_s, abs=2), (
            device
        )


def test_the_day_of_25_hours_is_one_day_and_loses_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, "2026-10-24T22:00")
    world.works(28 * 60, 0.5)
    energy_j, _ = world.booked()
    assert energy_j == 28 * 3600 * 40
    sunday = datetime(2026, 10, 25, tzinfo=PARIS).timestamp()
    monday = datetime(2026, 10, 26, tzinfo=PARIS).timestamp()
    own = [s for s in world.spans if s.device == "pc-1" and sunday < s.end <= monday]
    assert sum(span.span_s for span in own) == 25 * 3600


def test_the_day_of_23_hours_is_one_day_and_invents_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, "2027-03-27T22:00")
    world.works(26 * 60, 0.5)
    assert world.booked()[0] == 26 * 3600 * 40
    sunday = datetime(2027, 3, 28, tzinfo=PARIS).timestamp()
    monday = datetime(2027, 3, 29, tzinfo=PARIS).timestamp()
    own = [s for s in world.spans if s.device == "pc-1" and sunday < s.end <= monday]
    assert sum(span.span_s for span in own) == 23 * 3600


def test_a_day_at_work_and_a_night_off_is_far_from_mean_times_24_hours(world: World) -> None:
    world.works(480, 0.5)
    world.shuts_down()
    world.is_off(16)
    world.start()
    energy_j, states = world.booked()
    assert energy_j == 8 * 3600 * 40 + 16 * 3600 // 2
    assert states == {"on": 8 * 3600, "off": 16 * 3600}
    assert energy_j < 0.4 * 24 * 3600 * 40


def test_a_mean_is_booked_over_its_own_minute(world: World) -> None:
    """Half of each power of two minutes would be another sum."""
    world.works(1, 1.0)
    world.works(1, 0.0)
    world.works(1, 1.0)
    energy_j, _ = world.booked()
    assert energy_j == 60 * (60 + 20 + 60)


def test_an_agent_that_was_stopped_for_long_says_that_it_knows_nothing_of_it(world: World) -> None:
    world.works(60, 0.5)
    world.runs(1800)
    world.sample()
    energy_j, states = world.booked()
    assert energy_j == 3600 * 40
    assert states == {"on": 3600, "unknown": 1800}


def test_without_counters_a_sensor_that_dies_costs_nothing_but_accuracy(world: World) -> None:
    world.shuts_down()
    world.is_off(0.5)
    world.shows_counters()
    world.start(booting_s=60)
    world.works(60, 0.25)
    world.has_counters = False
    (world.root / "class/powercap/intel-rapl:0/energy_uj").write_text("lots\n")
    world.works(60, 0.25)
    energy_j, states = world.booked()
    assert energy_j == pytest.approx(world.truth_uj["pc-1"] / 1e6, abs=1.0)
    assert "unknown" not in states
