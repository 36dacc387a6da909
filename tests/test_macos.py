"""What macOS says: its answers are made up after `ioreg`, since nothing of it runs elsewhere."""

import ctypes
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sobre_drivers.errors import MeterError
from sobre_drivers.pc import macos, processor
from sobre_drivers.pc.chassis import DESKTOP, LAPTOP
from sobre_drivers.pc.host import Host
from sobre_drivers.pc.parameters import model_of

BATTERY = {
    "ExternalConnected": False,
    "IsCharging": False,
    "Voltage": 12_000,
    "InstantAmperage": 2**64 - 700,
    "Amperage": 2**64 - 900,
}
ON_MAINS = BATTERY | {"ExternalConnected": True, "InstantAmperage": 0}


def test_what_discharges_is_the_machines_power() -> None:
    assert macos.discharge_w(lambda: BATTERY) == pytest.approx(8.4)
    assert macos.discharge_w(lambda: BATTERY | {"InstantAmperage": -700}) == pytest.approx(8.4)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({}, "absent"),
        (ON_MAINS, "mains"),
        (BATTERY | {"InstantAmperage": 0}, "not discharging"),
        (BATTERY | {"InstantAmperage": 1500}, "not discharging"),
        ({"ExternalConnected": False, "Voltage": 12_000}, "absent"),
        (BATTERY | {"Voltage": "twelve"}, "absent"),
        (BATTERY | {"InstantAmperage": 2**70}, "absent"),
    ],
    ids=["no-battery", "mains", "resting", "charging", "no-current", "text", "absurd"],
)
def test_otherwise_it_says_why_not(told: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(MeterError, match=f"^{reason}: "):
        macos.discharge_w(lambda: told)


@pytest.mark.parametrize(
    ("telemetry", "reason"),
    [(None, "absent"), ({"SystemLoad": 0}, "absurd"), ({"SystemPowerIn": 9000}, "absent")],
    ids=["intel", "zero", "without-load"],
)
def test_a_mac_that_does_not_tell_its_power_is_not_0_w(telemetry: object, reason: str) -> None:
    with pytest.raises(MeterError, match=f"^{reason}: "):
        macos.system_load_w(lambda: ON_MAINS | {"PowerTelemetryData": telemetry})


def test_a_tool_that_fails_is_unreadable() -> None:
    def broken() -> Mapping[str, Any]:
        raise OSError("ioreg: not found")

    with pytest.raises(MeterError, match=r"^unreadable: .*ioreg"):
        macos.discharge_w(broken)
    assert not macos.battery_present(broken)


class Graphics:
    """CoreGraphics with some screens: (built in, asleep)."""

    def __init__(self, *displays: tuple[bool, bool], code: int = 0) -> None:
        self.displays, self.code = displays, code

    def CGGetOnlineDisplayList(self, most: int, ids: Any, count: Any) -> int:
        for number in range(len(self.displays)):
            ids[number] = number
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint32))[0] = len(self.displays)
        return self.code

    def CGDisplayIsBuiltin(self, number: int) -> bool:
        return self.displays[number][0]

    def CGDisplayIsAsleep(self, number: int) -> bool:
        return self.displays[number][1]


def test_screens_are_told_without_the_built_in_one() -> None:
    seen = Graphics((True, False), (False, False), (False, True))
    assert macos.screens(seen) == (True, False)


def test_without_a_desktop_screens_are_not_told() -> None:
    with pytest.raises(MeterError, match=r"^not told: "):
        macos.screens(Graphics(code=1000))


def test_a_mac_takes_its_load_on_mains_and_its_battery_off_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = dict(ON_MAINS) | {"PowerTelemetryData": {"SystemLoad": 11_400}}
    for name in ("discharge_w", "system_load_w", "battery_present"):
        original = getattr(macos, name)
        monkeypatch.setattr(macos, name, lambda original=original: original(lambda: told))
    monkeypatch.setattr(macos, "processor_name", lambda: "Apple M3")
    monkeypatch.setattr(macos, "screens", lambda: (True,))
    host = Host(
        "pc-1",
        root=tmp_path,
        cpu_times=lambda: SimpleNamespace(user=1.0, system=0.0, idle=1000.0),
        platform="darwin",
    )
    own, screen = host.describe()
    assert own.device_class == LAPTOP
    assert own.method == "battery, else system load, model 2"
    assert screen.device == "pc-1/screen-1"
    part = model_of(LAPTOP).psys
    assert host.read()[0].power_w == pytest.approx(part.rest_w + part.factor * 11.4)
    told.update(BATTERY)
    assert host.read()[0].power_w == pytest.approx(8.4)
    reasons = {source.name: source.reason for source in host.sources()}
    assert (reasons["powermetrics"] or "").startswith("absent: macOS tells")


def test_a_mac_without_a_battery_is_a_desktop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(macos, "smart_battery", dict)
    monkeypatch.setattr(macos, "battery_present", lambda: False)
    monkeypatch.setattr(macos, "processor_name", lambda: "Apple M2")
    monkeypatch.setattr(macos, "screens", lambda: ())
    host = Host(
        "pc-1",
        root=tmp_path,
        cpu_times=lambda: SimpleNamespace(user=1.0, system=0.0, idle=1000.0),
        platform="darwin",
    )
    assert host.describe()[0].device_class == DESKTOP
    assert processor.name(platform="darwin") == "Apple M2"
