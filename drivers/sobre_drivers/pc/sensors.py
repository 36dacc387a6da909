"""Which sensors of power a PC has on its system, in the order in which they are tried.

Nothing is imported for a system that is not this one, nor for a part that is not in this PC.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from sobre_drivers.errors import MeterError

# The section of a model that takes what a sensor sees to the plug.
Part = Literal["battery", "plug", "psys", "powercap"]


class Counts(NamedTuple):
    """What energy counters say (µJ, by name), and their own clock (s) if they have one."""

    energy_uj: Mapping[str, int]
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Power:
    """A sensor that sees the whole machine: `read_w` raises MeterError, which says why not."""

    name: str
    method: str
    part: Part
    read_w: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of a part of the machine. `range_uj` is where each wraps, absent if unknown."""

    name: str
    method: str
    part: Part
    read: Callable[[], Counts]
    range_uj: Mapping[str, int | None] = field(default_factory=dict)
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Sensors:
    """All that this PC has. `absent` says why a kind of sensor is not there, by its name."""

    powers: Sequence[Power]
    counters: Counters | None
    graphics: Counters | None
    absent: Mapping[str, str]


def found(root: Path, platform: str) -> Sensors:
    """The sensors of this system; MeterError never, since what is missing says why."""
    absent: dict[str, str] = {}
    powers, counters = {"win32": _windows, "darwin": _macos}.get(platform, _linux)(root, absent)
    return Sensors(powers, counters, _graphics(root, absent), absent)


def _linux(root: Path, absent: dict[str, str]) -> tuple[list[Power], Counters | None]:
    from sobre_drivers.pc import battery, powercap

    powers = [Power("battery", "battery", "battery", lambda: battery.discharge_w(root))]
    absent["hwmon"] = "absent: no sensor sees the whole machine"
    if (root / "class" / "hwmon").is_dir():
        from sobre_drivers.pc import hwmon

        sensor = hwmon.whole(root)
        if sensor is not None:
            del absent["hwmon"]
            part: Part = "plug" if sensor.at_plug else "psys"
            powers.append(Power("hwmon", "hwmon", part, lambda: hwmon.power_w(sensor)))
    zones = powercap.counted([z for z in powercap.zones(root) if not powercap.dead(z)])
    if not zones:
        absent["powercap"] = "absent: no package or platform counter (RAPL)"
        return powers, None
    what = "+".join(dict.fromkeys(zone.name.split("-")[0] for zone in zones))
    return powers, Counters(
        "powercap",
        f"powercap {what}",
        "psys" if what == "psys" else "powercap",
        lambda: Counts({zone.key: powercap.read_uj(zone) for zone in zones}),
        {zone.key: zone.range_uj for zone in zones},
    )


def _windows(_: Path, absent: dict[str, str]) -> tuple[list[Power], Counters | None]:
    from sobre_drivers.pc import emi, windows

    api = windows.system()
    powers = [Power("battery", "battery", "battery", lambda: windows.discharge_w(api))]
    meters = windows.EnergyMeters(api)
    try:
        channels = emi.counted(emi.channels(meters))
    except MeterError as error:
        absent["emi"] = str(error)
        return powers, None
    if not channels:
        absent["emi"] = "absent: the energy meter interface shows no processor package"
        return powers, None

    def read() -> Counts:
        measured = emi.read(meters, channels)
        return Counts(
            {key: each.energy_uj for key, each in measured.items()},
            max(each.at_s for each in measured.values()),
        )

    return powers, Counters("emi", f"emi {emi.what(channels)}", "powercap", read)


def _macos(_: Path, absent: dict[str, str]) -> tuple[list[Power], Counters | None]:
    from sobre_drivers.pc import macos

    absent["powermetrics"] = "absent: macOS tells its processor's power to root only"
    return [
        Power("battery", "battery", "battery", macos.discharge_w),
        Power("smc", "system load", "psys", macos.system_load_w),
    ], None


def _graphics(root: Path, absent: dict[str, str]) -> Counters | None:
    if not (root / "bus/pci/drivers/nvidia").is_dir() and (root / "bus").is_dir():
        absent["nvml"] = "absent: no NVIDIA graphics card"
        return None
    from importlib.util import find_spec

    if find_spec("pynvml") is None:
        absent["nvml"] = "absent: where there is an NVIDIA card, pip install 'sobre[gpu]'"
        return None
    from sobre_drivers.pc.nvml import Graphics

    graphics = Graphics(root)
    return Counters(
        "nvml",
        "graphics card",
        "powercap",
        lambda: Counts(graphics.read_uj()),
        close=graphics.close,
    )
