"""What macOS says of this Mac without root: its battery, its screens, its processor's name.

The power of the processor's parts needs root there (`powermetrics`) and is left alone. This module
has not yet met the real system.
"""

import ctypes
import ctypes.util
import plistlib
import subprocess
from collections.abc import Callable, Mapping
from typing import Any
from xml.parsers.expat import ExpatError

from sobre_drivers.errors import MeterError

_ASK_BATTERY = ("/usr/sbin/ioreg", "-r", "-n", "AppleSmartBattery", "-a")
_WITHIN_S = 5.0
_MOST_SCREENS = 16

Properties = Mapping[str, Any]


def smart_battery() -> Properties:
    """What the battery's controller says; empty on a Mac without one; OSError if not asked."""
    try:
        done = subprocess.run(_ASK_BATTERY, capture_output=True, timeout=_WITHIN_S, check=True)
        found = plistlib.loads(done.stdout) if done.stdout.strip() else []
    except (subprocess.SubprocessError, ExpatError, ValueError) as error:
        raise OSError(f"ioreg: {error}") from error
    return found[0] if isinstance(found, list) and found else {}


def battery_present(ask: Callable[[], Properties] = smart_battery) -> bool:
    """Whether this Mac has a battery."""
    try:
        return bool(ask())
    except OSError:
        return False


def discharge_w(ask: Callable[[], Properties] = smart_battery) -> float:
    """Power (W) drawn from the battery; MeterError says why it is not the machine's power."""
    told = _asked(ask)
    if told.get("ExternalConnected") is True:
        raise MeterError("mains: on mains the battery says nothing of the machine")
    millivolts = _number(told.get("Voltage"))
    milliamperes = _number(told.get("InstantAmperage", told.get("Amperage")))
    if millivolts is None or milliamperes is None:
        raise MeterError("absent: this battery tells neither its current nor its voltage")
    if milliamperes >= 0:
        raise MeterError("not discharging: the battery rests")
    return -milliamperes * millivolts / 1e6


def system_load_w(ask: Callable[[], Properties] = smart_battery) -> float:
    """Power (W) of the whole machine behind its supply, which Apple silicon tells on mains too."""
    telemetry = _asked(ask).get("PowerTelemetryData")
    load_mw = _number(telemetry.get("SystemLoad")) if isinstance(telemetry, Mapping) else None
    if load_mw is None:
        raise MeterError("absent: this Mac does not tell its power")
    if load_mw <= 0:
        raise MeterError(f"absurd: a running Mac says {load_mw / 1000:g} W")
    return load_mw / 1000


def screens(graphics: Any = None) -> tuple[bool, ...]:
    """For each screen that is not built in, whether it is lit; MeterError where none is told."""
    library = _library("CoreGraphics") if graphics is None else graphics
    ids, count = (ctypes.c_uint32 * _MOST_SCREENS)(), ctypes.c_uint32()
    if library is None or library.CGGetOnlineDisplayList(_MOST_SCREENS, ids, ctypes.byref(count)):
        raise MeterError("not told: screens, to a program without a desktop")
    found = [ids[number] for number in range(min(count.value, _MOST_SCREENS))]
    outside = [each for each in found if not library.CGDisplayIsBuiltin(each)]
    return tuple(not library.CGDisplayIsAsleep(each) for each in outside)


def processor_name(libc: Any = None) -> str:
    """What the processor calls itself; empty if the kernel does not say."""
    library = _library("c") if libc is None else libc
    text, size = ctypes.create_string_buffer(128), ctypes.c_size_t(128)
    key = b"machdep.cpu.brand_string"
    if library is None or library.sysctlbyname(key, text, ctypes.byref(size), None, 0):
        return ""
    return text.value.decode("utf-8", errors="replace")


def _asked(ask: Callable[[], Properties]) -> Properties:
    try:
        told = ask()
    except OSError as error:
        raise MeterError(f"unreadable: battery ({error})") from error
    if not told:
        raise MeterError("absent: no battery in this machine")
    return told


def _number(value: Any) -> float | None:
    """A signed number; ioreg shows a negative one as its 64-bit two's complement."""
    if type(value) is not int or not -(2**63) <= value < 2**64:
        return None
    return float(value - 2**64 if value >= 2**63 else value)


def _library(name: str) -> Any:
    path = ctypes.util.find_library(name)
    return None if path is None else ctypes.CDLL(path)
