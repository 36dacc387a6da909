"""This PC: its power from the best that it has, in the order battery, counters, model.

The battery sees the whole machine while it discharges, the counters see the processor's real power,
the model sees only how busy it is. What is not there says why, and is never taken for 0 W.
"""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sobre_drivers import battery, powercap, settings
from sobre_drivers.clock import Clock, SystemClock
from sobre_drivers.errors import MeterError
from sobre_drivers.load import Origin
from sobre_drivers.pc_model import (
    CpuTime,
    Linear,
    PcModel,
    Utilisation,
    counted_uj,
    load_between,
    plug_w,
    utilised_w,
)
from sobre_drivers.sample import RATED_MARGIN, UJ_PER_J, Described, Instant, Reading

LAPTOP, DESKTOP = "workstation.laptop", "workstation.desktop"

# DMTF DSP0134 (SMBIOS), table of enclosure types: portable to sub-notebook, tablet to detachable.
_LAPTOP_CHASSIS = frozenset(("8", "9", "10", "14", "30", "31", "32"))
_DESKTOP_CHASSIS = frozenset(("3", "4", "5", "6", "7", "13", "15", "16", "24", "35", "36"))
# Counters tick each millisecond, and reading them takes some: over less than this, W is noise.
_SHORTEST_S = 0.2
# Processor times count from the start of the machine.
_START = CpuTime(0.0, 0.0)

log = logging.getLogger(__name__)


class CpuTimes(NamedTuple):
    """Seconds that all processors spent in each state since this PC started (proc(5), "cpu")."""

    user: float
    nice: float
    system: float
    idle: float
    iowait: float
    irq: float
    softirq: float


def cpu_times(proc: Path = Path("/proc")) -> Any:
    """What this PC's processors did, as psutil names it; OSError where that cannot be told.

    Linux says it in one line, for which psutil would weigh 1.7 MB all year.
    """
    if sys.platform != "linux":
        import psutil

        try:
            return psutil.cpu_times()
        except psutil.Error as error:
            raise OSError(str(error)) from error
    with (proc / "stat").open("rb") as file:
        words = file.readline().split()
    ticks = words[1 : len(CpuTimes._fields) + 1]
    told = words[:1] == [b"cpu"] and all(map(bytes.isdigit, ticks))
    if not told or len(ticks) < len(CpuTimes._fields):
        raise OSError(f"{proc}/stat: its first line tells no processor times")
    second = os.sysconf("SC_CLK_TCK")
    return CpuTimes(*(int(count) / second for count in ticks))


@dataclass(frozen=True, slots=True)
class Source:
    """One way of knowing this PC's power; `reason` says why it cannot be used, None if it can.

    `uncertainty_ratio` is the stated error (95 %) of what it gives.
    """

    name: str
    method: str
    uncertainty_ratio: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    at: Instant
    counters: Mapping[str, int] | None
    cpu: CpuTime | None


class Host:
    """The driver of this PC: one device, its power at the plug in W, state "on" while it runs.

    `device_class` None: laptop or desktop is told from the chassis, else from a battery. `root`,
    `clock` and `cpu_times` are the machine's own unless a test says otherwise.
    """

    name = "host"

    def __init__(
        self,
        device: str,
        *,
        device_class: str | None = None,
        root: Path = Path("/sys"),
        clock: Clock | None = None,
        cpu_times: Callable[[], Any] = cpu_times,
    ) -> None:
        self._device, self._root, self._cpu_times = device, root, cpu_times
        self._clock = SystemClock() if clock is None else clock
        self._class = device_class or detected_class(root)
        self._model = model_of(self._class)
        self._zones = powercap.counted([z for z in powercap.zones(root) if not _dead(z)])
        self._has_battery = battery.present(root)
        self._reasons: dict[str, str | None] = dict.fromkeys(("battery", "powercap", "model"))
        self._seen: _Seen | None = None
        self._discharge_w()
        self._counters()

    def describe(self) -> Sequence[Described]:
        """This PC as one device; method and error are those of its weakest part in use."""
        lasting = [source for source in self.sources() if source.name != "battery"]
        used = next((source for source in lasting if source.reason is None), lasting[-1])
        method = f"battery, else {used.method}" if self._has_battery else used.method
        return [
            Described(
                device=self._device,
                device_class=self._class,
                rated_w=self._model.rated_w,
                method=method,
                origin=Origin.ESTIMATED,
                uncertainty_ratio=used.uncertainty_ratio,
                off_w=self._model.off_w,
                sleep_w=self._model.sleep_w,
                own=True,
            )
        ]

    def read(self) -> Sequence[Reading]:
        """The power since the last call, in W; the first time, by the load since this PC started.

        None if the last call was only just now; MeterError if this PC tells nothing at all.
        """
        discharge_w, counters, cpu = self._discharge_w(), self._counters(), self._cpu()
        before, self._seen = self._seen, _Seen(self._clock.now(), counters, cpu)
        power_w, mean = discharge_w, discharge_w is None
        if power_w is None and before is not None:
            power_w = self._counted_w(before, self._seen)
        if power_w is None and cpu is not None:
            load_ratio = load_between((before and before.cpu) or _START, cpu)
            power_w = None if load_ratio is None else utilised_w(self._model, load_ratio)
        if power_w is None and all(self._reasons.values()):
            raise MeterError(f"{self._device}: {'; '.join(filter(None, self._reasons.values()))}")
        return [Reading(self._device, power_w=power_w, state="on", mean=mean)]

    def sources(self) -> tuple[Source, ...]:
        """Every way in the order in which it is tried; the first without a reason is used."""
        model, version = self._model, f"model {self._model.version}"
        counted = "+".join(dict.fromkeys(zone.name.split("-")[0] for zone in self._zones)) or "RAPL"
        by: dict[str, tuple[str, Linear | Utilisation]] = {
            "battery": (f"battery, {version}", model.battery),
            "powercap": (f"powercap {counted}, {version}", self._linear()),
            "model": (f"{version} (utilisation)", model.utilisation),
        }
        return tuple(
            Source(name, method, part.uncertainty_ratio, self._reasons[name])
            for name, (method, part) in by.items()
        )

    def close(self) -> None:
        """Nothing is held open between two readings."""

    def _discharge_w(self) -> float | None:
        try:
            power_w = plug_w(self._model.battery, battery.discharge_w(self._root))
            self._plausible(power_w, "battery")
        except MeterError as error:
            self._note("battery", str(error))
            return None
        self._reasons["battery"] = None
        return power_w

    def _counters(self) -> Mapping[str, int] | None:
        if not self._zones:
            self._note("powercap", "absent: no package or platform counter (RAPL)")
            return None
        try:
            counters = {zone.key: powercap.read_uj(zone) for zone in self._zones}
        except MeterError as error:
            self._note("powercap", str(error))
            return None
        # Virtual machines show counters that never leave 0.
        if not any(counters.values()):
            self._note("powercap", "stuck: the counters say 0")
            return None
        if (self._reasons["powercap"] or "").startswith(("permission", "unreadable")):
            log.info("powercap: readable again")
            self._reasons["powercap"] = None
        return counters

    def _counted_w(self, before: _Seen, after: _Seen) -> float | None:
        span_s = after.at.mono_s - before.at.mono_s
        if before.counters is None or after.counters is None or span_s < _SHORTEST_S:
            return None
        # Counters may start anew when a machine wakes; processor times merely stood still.
        if _slept(before.at, after.at):
            return None
        ranges_uj = {zone.key: zone.range_uj for zone in self._zones}
        energy_uj = counted_uj(before.counters, after.counters, ranges_uj)
        if energy_uj is None:
            return None
        if energy_uj == 0:
            self._note("powercap", "stuck: the counters stand still")
            return None
        power_w = plug_w(self._linear(), energy_uj / UJ_PER_J / span_s)
        try:
            self._plausible(power_w, "powercap")
        except MeterError as error:
            self._note("powercap", str(error))
            return None
        self._reasons["powercap"] = None
        return power_w

    def _cpu(self) -> CpuTime | None:
        try:
            times = self._cpu_times()
        except OSError as error:
            self._note("model", f"unreadable: processor times ({error})")
            return None
        self._reasons["model"] = None
        # Time given to guests is inside `user`; time stolen by a host was never ours.
        busy_s = sum(
            getattr(times, key, 0.0) for key in ("user", "nice", "system", "irq", "softirq")
        )
        return CpuTime(busy_s, busy_s + times.idle + getattr(times, "iowait", 0.0))

    def _linear(self) -> Linear:
        whole = any(zone.name == "psys" for zone in self._zones)
        return self._model.psys if whole else self._model.powercap

    def _plausible(self, power_w: float, source: str) -> None:
        most_w = self._model.rated_w * RATED_MARGIN
        if power_w > most_w:
            raise MeterError(f"absurd: {source} says {power_w:.0f} W, {most_w:.0f} W at most")

    def _note(self, source: str, reason: str) -> None:
        """Remember why a source is not used, and say so when that changes."""
        kind = reason.partition(":")[0]
        if kind != (self._reasons[source] or "").partition(":")[0]:
            # Running on mains or having no counter is normal, and no news.
            usual = kind in ("absent", "mains", "not discharging")
            log.log(logging.DEBUG if usual else logging.WARNING, "%s: %s", source, reason)
        self._reasons[source] = reason


def detected_class(root: Path = Path("/sys")) -> str:
    """Laptop or desktop, from the enclosure's type; where that is missing, from a battery."""
    try:
        chassis = (root / "class" / "dmi" / "id" / "chassis_type").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        chassis = ""
    if chassis in _LAPTOP_CHASSIS or chassis in _DESKTOP_CHASSIS:
        return LAPTOP if chassis in _LAPTOP_CHASSIS else DESKTOP
    if battery.present(root):
        return LAPTOP
    if (root / "class").is_dir():
        return DESKTOP
    # Where there is no file tree to ask, the system may still know of a battery.
    import psutil

    ask = getattr(psutil, "sensors_battery", None)
    told = None if ask is None else ask()
    return DESKTOP if told is None else LAPTOP


def model_of(device_class: str) -> PcModel:
    """The parameters of a class of PC, from their file; any other class is taken for a desktop."""
    name = "laptop" if device_class == LAPTOP else "desktop"
    return settings.load(Path(__file__).parent / "pc_models" / f"{name}.toml", PcModel, {})


def _dead(zone: powercap.Zone) -> bool:
    """Whether a platform's counter says 0, as on boards that do not feed it."""
    try:
        return zone.name == "psys" and powercap.read_uj(zone) == 0
    except MeterError:
        return False


def _slept(before: Instant, after: Instant) -> bool:
    return (after.boot_s - after.mono_s) - (before.boot_s - before.mono_s) > 1.0
