"""What Windows says of this PC through its own libraries, to everybody: no driver, no rights.

All calls go through `Api`, which tests replace: this module has not yet met the real system.
"""

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sobre_drivers.errors import MeterError

# GUID_DEVICE_ENERGY_METER {45BD8344-7ED6-49CF-A440-C276C933B053}, as a GUID lies in memory.
_ENERGY_METER = bytes.fromhex("4483bd45d67ecf49a440c276c933b053")
_PRESENT_ONLY = 0
_GENERIC_READ = 0x80000000
_SHARE_READ_WRITE = 0x3
_OPEN_EXISTING = 3
_INVALID_HANDLE = ctypes.c_void_p(-1).value
_SYSTEM_BATTERY_STATE = 5
# SYSTEM_BATTERY_STATE: AcOnLine, BatteryPresent, Charging, Discharging, 4 spare bytes, then
# MaxCapacity, RemainingCapacity (mWh), Rate (mW, signed), EstimatedTime and two alarms.
_BATTERY = struct.Struct("<????4xIIiIII")
# BATTERY_UNKNOWN_RATE.
_UNKNOWN_RATE = -0x80000000
_ACTIVE_PATHS = 0x2
# DISPLAYCONFIG_PATH_INFO, and where its target says by which cable it is reached.
_PATH_BYTES, _MODE_BYTES, _TECHNOLOGY_AT = 72, 64, 36
# DISPLAYCONFIG_VIDEO_OUTPUT_TECHNOLOGY: LVDS, embedded DisplayPort and UDI, internal.
_OWN_PANEL = frozenset((6, 11, 13, 0x80000000))
_TICKS_PER_S = 10_000_000
# RawSMBIOSData: calling method, two versions, a revision and a length stand before the table.
_SMBIOS_HEAD = 8
_RAW_SMBIOS = int.from_bytes(b"RSMB", "big")


class Api(Protocol):
    """The system calls in use; each raises OSError with Windows' own code."""

    def interface_paths(self, guid: bytes) -> Sequence[str]: ...

    def control(self, path: str, code: int, size: int) -> bytes: ...

    def power_information(self, level: int, size: int) -> bytes: ...

    def active_displays(self) -> bytes: ...

    def unbiased_ticks(self) -> int: ...

    def registry_text(self, key: str, name: str) -> str: ...

    def firmware_table(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class EnergyMeters:
    """The devices of the energy meter interface, for `sobre_drivers.pc.emi`."""

    api: Api

    def paths(self) -> Sequence[str]:
        """Their names; none on a PC without the interface."""
        return self.api.interface_paths(_ENERGY_METER)

    def ask(self, path: str, code: int, size: int) -> bytes:
        """One answer of at most `size` bytes; OSError if the device refuses or is gone."""
        return self.api.control(path, code, size)


def battery_present(api: Api) -> bool:
    """Whether this PC has a battery."""
    try:
        return bool(_battery(api)[1])
    except MeterError:
        return False


def discharge_w(api: Api) -> float:
    """Power (W) drawn from all batteries; MeterError says why it is not the machine's power."""
    mains, present, charging, discharging, _, _, rate_mw, *_ = _battery(api)
    if not present:
        raise MeterError("absent: no battery in this machine")
    if mains:
        raise MeterError("mains: on mains the battery says nothing of the machine")
    if charging or not discharging:
        raise MeterError("not discharging: the battery rests")
    if rate_mw == _UNKNOWN_RATE:
        raise MeterError("absent: this battery does not tell its rate")
    if rate_mw == 0:
        raise MeterError("absurd: 0 W while discharging; the firmware has no figure yet")
    return abs(int(rate_mw)) / 1000


def screens(api: Api) -> int:
    """How many lit screens are no panel of this PC's own; MeterError where that is not told.

    A service has no desktop: Windows refuses to tell it.
    """
    try:
        paths = api.active_displays()
    except OSError as error:
        raise MeterError(f"not told: screens, to a program without a desktop ({error})") from error
    seen = (
        struct.unpack_from("<I", paths, at + _TECHNOLOGY_AT)[0]
        for at in range(0, len(paths) - _PATH_BYTES + 1, _PATH_BYTES)
    )
    return sum(technology not in _OWN_PANEL for technology in seen)


def awake_s(api: Api) -> float:
    """Seconds that this PC was awake since it started: asleep and hibernated do not count."""
    return api.unbiased_ticks() / _TICKS_PER_S


def smbios(api: Api) -> bytes:
    """The raw SMBIOS table; empty if Windows does not show it."""
    try:
        return api.firmware_table()[_SMBIOS_HEAD:]
    except OSError:
        return b""


def processor_name(api: Api | None = None) -> str:
    """What the processor calls itself; empty if the registry does not say."""
    key = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    try:
        return (api or system()).registry_text(key, "ProcessorNameString").strip()
    except OSError:
        return ""


@cache
def system() -> Api:
    """Windows itself; OSError anywhere else."""
    loader = getattr(ctypes, "WinDLL", None)
    if loader is None:
        raise OSError("this is not Windows")
    return _Windows(loader)


def _battery(api: Api) -> tuple[Any, ...]:
    try:
        return _BATTERY.unpack(api.power_information(_SYSTEM_BATTERY_STATE, _BATTERY.size))
    except (OSError, struct.error) as error:
        raise MeterError(f"unreadable: battery ({error})") from error


class _Windows:
    """The calls themselves."""

    def __init__(self, loader: Any) -> None:
        self._kernel = loader("kernel32", use_last_error=True)
        self._kernel.CreateFileW.restype = ctypes.c_void_p
        self._kernel.CreateFileW.argtypes = (
            *(ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p),
            *(ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p),
        )
        self._kernel.DeviceIoControl.argtypes = (
            *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32),
            *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p),
        )
        self._kernel.CloseHandle.argtypes = (ctypes.c_void_p,)
        self._manager, self._power = loader("cfgmgr32"), loader("powrprof")
        self._user = loader("user32")

    def interface_paths(self, guid: bytes) -> Sequence[str]:
        length = ctypes.c_uint32()
        sized = self._manager.CM_Get_Device_Interface_List_SizeW
        _answered(sized(ctypes.byref(length), guid, None, _PRESENT_ONLY))
        names = ctypes.create_unicode_buffer(length.value)
        listed = self._manager.CM_Get_Device_Interface_ListW
        _answered(listed(guid, None, names, length, _PRESENT_ONLY))
        return [name for name in "".join(names[:]).split("\0") if name]

    def control(self, path: str, code: int, size: int) -> bytes:
        handle = self._kernel.CreateFileW(
            path, _GENERIC_READ, _SHARE_READ_WRITE, None, _OPEN_EXISTING, 0, None
        )
        if handle in (None, _INVALID_HANDLE):
            raise self._failure()
        try:
            answer, told = ctypes.create_string_buffer(size), ctypes.c_uint32()
            if not self._kernel.DeviceIoControl(
                handle, code, None, 0, answer, size, ctypes.byref(told), None
            ):
                raise self._failure()
        finally:
            self._kernel.CloseHandle(handle)
        return answer.raw[: told.value]

    def power_information(self, level: int, size: int) -> bytes:
        answer = ctypes.create_string_buffer(size)
        _answered(self._power.CallNtPowerInformation(level, None, 0, answer, size))
        return answer.raw

    def active_displays(self) -> bytes:
        paths, modes = ctypes.c_uint32(), ctypes.c_uint32()
        counts = (ctypes.byref(paths), ctypes.byref(modes))
        _answered(self._user.GetDisplayConfigBufferSizes(_ACTIVE_PATHS, *counts))
        held = ctypes.create_string_buffer(paths.value * _PATH_BYTES)
        unused = ctypes.create_string_buffer(modes.value * _MODE_BYTES)
        asked = self._user.QueryDisplayConfig
        _answered(asked(_ACTIVE_PATHS, counts[0], held, counts[1], unused, None))
        return held.raw[: paths.value * _PATH_BYTES]

    def unbiased_ticks(self) -> int:
        ticks = ctypes.c_uint64()
        if not self._kernel.QueryUnbiasedInterruptTime(ctypes.byref(ticks)):
            raise self._failure()
        return ticks.value

    def firmware_table(self) -> bytes:
        ask = self._kernel.GetSystemFirmwareTable
        size = ask(_RAW_SMBIOS, 0, None, 0)
        answer = ctypes.create_string_buffer(size or 1)
        if not size or ask(_RAW_SMBIOS, 0, answer, size) != size:
            raise self._failure()
        return answer.raw

    def registry_text(self, key: str, name: str) -> str:
        import importlib

        winreg = importlib.import_module("winreg")
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
            return str(winreg.QueryValueEx(opened, name)[0])

    def _failure(self) -> OSError:
        code = ctypes.get_last_error() if hasattr(ctypes, "get_last_error") else 0
        return OSError(code, f"Windows error {code}")


def _answered(code: int) -> None:
    """These calls return 0 or their own error."""
    if code != 0:
        raise OSError(code, f"Windows error {code & 0xFFFFFFFF:#x}")
