"""This PC: its power from the best that it has; and its screens, which are devices of their own.

What sees the whole machine goes before counters of its processor, and those before the model, which
sees only how busy it is. What is not there says why, and is never taken for 0 W.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sobre_drivers.clock import Clock, SystemClock
from sobre_drivers.errors import MeterError
from sobre_drivers.load import Origin
from sobre_drivers.pc import chassis, processor, sensors
from sobre_drivers.pc.chassis import DESKTOP, LAPTOP
from sobre_drivers.pc.parameters import generations, model_of
from sobre_drivers.pc.pc_model import (
    CpuTime,
    Linear,
    PcModel,
    Utilisation,
    counted_uj,
    fitted,
    load_between,
    plug_w,
    utilised_w,
)
from sobre_drivers.pc.processor import CpuTimes, cpu_times
from sobre_drivers.pc.sensors import Counters, Counts
from sobre_drivers.sample import RATED_MARGIN, UJ_PER_J, Described, Instant, Reading

if TYPE_CHECKING:
    from sobre_drivers.pc.desk import Desk

__all__ = ["DESKTOP", "LAPTOP", "CpuTimes", "Host", "Source", "cpu_times", "model_of"]

# Counters tick each millisecond, and reading them takes some: over less than this, W is noise.
_SHORTEST_S = 0.2
# Processor times count from the start of the machine.
_START = CpuTime(0.0, 0.0)
# Running on mains or having no counter is normal, and no news.
_USUAL = ("absent", "mains", "not discharging", "not told", "asleep")
# What a single good reading disproves; whether counters stand still takes two.
_PASSING = ("permission", "unreadable", "asleep")

log = logging.getLogger(__name__)


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
    counts: Counts | None
    graphics: Counts | None
    cpu: CpuTime | None


class Host:
    """The driver of this PC, state "on" while it runs, and of the screens that it tells of.

    `device_class` None: laptop or desktop is told from the chassis, else from a battery. The rest
    is the machine's own unless a test says otherwise.
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
        model: PcModel | None = None,
        processor_name: str | None = None,
        platform: str = sys.platform,
    ) -> None:
        self._device, self._cpu_times = device, cpu_times
        self._clock = SystemClock() if clock is None else clock
        self._class = device_class or chassis.detected_class(root, platform)
        kind = model_of(self._class) if model is None else model
        name = processor.name(platform=platform) if processor_name is None else processor_name
        self._model, self._fitted_to = fitted(
            kind, generations(), chassis.enclosure(root, platform), name
        )
        self._sensors = sensors.found(root, platform)
        self._has_battery = chassis.has_battery(root, platform)
        self._desk = _desk(device, root, platform)
        self._reasons: dict[str, str | None] = {**self._sensors.absent}
        self._seen: _Seen | None = None
        self._whole_w()
        self._counts(self._sensors.counters)

    def describe(self) -> Sequence[Described]:
        """This PC, by method and error of its weakest part in use, and its screens."""
        lasting = [each for each in self.sources() if each.name not in ("battery", "nvml")]
        used = next((each for each in lasting if each.reason is None), lasting[-1])
        own = Described(
            device=self._device,
            device_class=self._class,
            rated_w=self._model.rated_w,
            method=f"battery, else {used.method}" if self._has_battery else used.method,
            origin=Origin.ESTIMATED,
            uncertainty_ratio=used.uncertainty_ratio,
            off_w=self._model.off_w,
            sleep_w=self._model.sleep_w,
            own=True,
        )
        return [own, *(self._desk.describe() if self._desk else ())]

    def read(self) -> Sequence[Reading]:
        """Power in W: of this instant where a sensor sees the whole machine, else the mean since
        the last call; the first time, by the load since this PC started.

        None if the last call was only just now; MeterError if this PC tells nothing at all.
        """
        whole_w, counts = self._whole_w(), self._counts(self._sensors.counters)
        graphics, cpu = self._counts(self._sensors.graphics), self._cpu()
        before, self._seen = self._seen, _Seen(self._clock.now(), counts, graphics, cpu)
        power_w, mean = whole_w, whole_w is None
        if power_w is None and before is not None:
            power_w = self._counted_w(before, self._seen)
        if power_w is None and cpu is not None:
            load_ratio = load_between((before and before.cpu) or _START, cpu)
            if load_ratio is not None:
                power_w = utilised_w(self._model, load_ratio) + self._card_w(before, self._seen)
        if power_w is None and all(source.reason for source in self.sources()):
            reasons = (source.reason for source in self.sources())
            raise MeterError(f"{self._device}: {'; '.join(filter(None, reasons))}")
        own = Reading(self._device, power_w=power_w, state="on", mean=mean)
        return [own, *(self._desk.read() if self._desk else ())]

    def sources(self) -> tuple[Source, ...]:
        """Every way in the order in which it is tried; the first without a reason is used.

        A graphics card that counts for itself comes last: it adds to counters and to the model.
        """
        here, version = self._sensors, f"model {self._model.version}"
        named = ", ".join(("utilisation", *self._fitted_to))
        found: dict[str, tuple[str, Linear | Utilisation]] = {}
        ways = [(each.name, each.method, each.part) for each in here.powers]
        if here.counters is not None:
            ways.append((here.counters.name, here.counters.method, here.counters.part))
        for name, method, part in ways:
            found[name] = (f"{method}, {version}", getattr(self._model, part))
        found |= {name: (name, self._model.powercap) for name in here.absent if name != "nvml"}
        found["model"] = (f"{version} ({named})", self._model.utilisation)
        found["nvml"] = ("graphics card, beside", self._model.powercap)
        return tuple(
            Source(name, method, parts.uncertainty_ratio, self._reasons.get(name))
            for name, (method, parts) in found.items()
        )

    def close(self) -> None:
        """Let go of a graphics card's library; nothing else is held open between two readings."""
        if self._sensors.graphics is not None:
            self._sensors.graphics.close()

    def _whole_w(self) -> float | None:
        for sensor in self._sensors.powers:
            try:
                power_w = plug_w(getattr(self._model, sensor.part), sensor.read_w())
                self._plausible(power_w, sensor.name)
            except MeterError as error:
                self._note(sensor.name, str(error))
                continue
            self._good(sensor.name)
            return power_w
        return None

    def _counts(self, counters: Counters | None) -> Counts | None:
        if counters is None:
            return None
        name = counters.name
        try:
            counts = counters.read()
        except MeterError as error:
            self._note(name, str(error))
            return None
        # Virtual machines show counters that never leave 0.
        if not any(counts.energy_uj.values()):
            self._note(name, "stuck: the counters say 0")
            return None
        if (self._reasons.get(name) or "").startswith(_PASSING):
            self._good(name)
        return counts

    def _counted_w(self, before: _Seen, after: _Seen) -> float | None:
        counters = self._sensors.counters
        # Counters may start anew when a machine wakes; processor times merely stood still.
        if counters is None or _slept(before.at, after.at):
            return None
        part_w = _mean_w(counters, before.counts, after.counts, _span_s(before, after))
        if part_w is None:
            return None
        if part_w == 0:
            self._note(counters.name, "stuck: the counters stand still")
            return None
        power_w = plug_w(getattr(self._model, counters.part), part_w)
        # What sees the whole machine sees its graphics card too.
        power_w += self._card_w(before, after) if counters.part == "powercap" else 0.0
        try:
            self._plausible(power_w, counters.name)
        except MeterError as error:
            self._note(counters.name, str(error))
            return None
        self._good(counters.name)
        return power_w

    def _card_w(self, before: _Seen | None, after: _Seen) -> float:
        """What the graphics card adds at the plug (W); 0 where there is none that counts."""
        card = self._sensors.graphics
        if card is None or before is None or _slept(before.at, after.at):
            return 0.0
        span_s = after.at.mono_s - before.at.mono_s
        added_w = self._model.powercap.factor * (
            _mean_w(card, before.graphics, after.graphics, span_s) or 0.0
        )
        if added_w > self._model.rated_w:
            self._note(card.name, f"absurd: the graphics card says {added_w:.0f} W")
            return 0.0
        return added_w

    def _cpu(self) -> CpuTime | None:
        try:
            times = self._cpu_times()
        except OSError as error:
            self._note("model", f"unreadable: processor times ({error})")
            return None
        self._good("model")
        # Time given to guests is inside `user`; time stolen by a host was never ours.
        busy_s = sum(
            getattr(times, key, 0.0) for key in ("user", "nice", "system", "irq", "softirq")
        )
        return CpuTime(busy_s, busy_s + times.idle + getattr(times, "iowait", 0.0))

    def _plausible(self, power_w: float, source: str) -> None:
        most_w = self._model.rated_w * RATED_MARGIN
        if power_w > most_w:
            raise MeterError(f"absurd: {source} says {power_w:.0f} W, {most_w:.0f} W at most")

    def _good(self, source: str) -> None:
        """Forget why a source was not used, and say so if it was news."""
        reason = self._reasons.get(source)
        if reason is not None and not reason.startswith(_USUAL):
            log.info("%s: usable again", source)
        self._reasons[source] = None

    def _note(self, source: str, reason: str) -> None:
        """Remember why a source is not used, and say so when that changes."""
        kind = reason.partition(":")[0]
        if kind != (self._reasons.get(source) or "").partition(":")[0]:
            level = logging.DEBUG if kind in _USUAL else logging.WARNING
            log.log(level, "%s: %s", source, reason)
        self._reasons[source] = reason


def _desk(device: str, root: Path, platform: str) -> "Desk | None":
    if platform == "linux" and not (root / "class" / "drm").is_dir():
        return None
    from sobre_drivers.pc.desk import Desk

    return Desk(device, root, platform)


def _mean_w(
    counters: Counters, before: Counts | None, after: Counts | None, span_s: float
) -> float | None:
    """Mean power (W) that counters saw; None if they do not tell."""
    if before is None or after is None or span_s < _SHORTEST_S:
        return None
    energy_uj = counted_uj(before.energy_uj, after.energy_uj, counters.range_uj)
    return None if energy_uj is None else energy_uj / UJ_PER_J / span_s


def _span_s(before: _Seen, after: _Seen) -> float:
    """Time between two looks at the counters, by their own clock where they have one."""
    if before.counts and after.counts and before.counts.at_s and after.counts.at_s:
        return after.counts.at_s - before.counts.at_s
    return after.at.mono_s - before.at.mono_s


def _slept(before: Instant, after: Instant) -> bool:
    return (after.boot_s - after.mono_s) - (before.boot_s - before.mono_s) > 1.0
