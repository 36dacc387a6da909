"""What a laptop's battery gives while it discharges: then, and only then, the whole machine.

On mains the same figure is what flows into the battery, or 0: it says nothing of the machine.
"""

from pathlib import Path

from sobre_drivers.errors import MeterError

_MAINS = ("Mains", "USB", "USB_C", "USB_PD", "Wireless")


def present(root: Path = Path("/sys")) -> bool:
    """Whether this machine itself has a battery; a mouse's or a UPS's does not count."""
    return any(_is_battery(supply) for supply in _supplies(root))


def discharge_w(root: Path = Path("/sys")) -> float:
    """Power (W) drawn from all batteries; MeterError says why it is not the machine's power."""
    supplies = _supplies(root)
    batteries = [supply for supply in supplies if _is_battery(supply)]
    if not batteries:
        raise MeterError("absent: no battery in this machine")
    if any(s.get("TYPE") in _MAINS and s.get("ONLINE") == "1" for s in supplies):
        raise MeterError("mains: on mains the battery says nothing of the machine")
    states = sorted({battery.get("STATUS", "Unknown") for battery in batteries})
    discharging = [battery for battery in batteries if battery.get("STATUS") == "Discharging"]
    if not discharging or "Charging" in states:
        raise MeterError(f"not discharging: the battery is {', '.join(states)}")
    power_w = sum(map(_power_w, discharging))
    if power_w <= 0:
        # Firmware says 0 for some seconds after the plug is pulled; no machine runs on 0 W.
        raise MeterError("absurd: 0 W while discharging; the firmware has no figure yet")
    return power_w


def _power_w(battery: dict[str, str]) -> float:
    power_uw = _number(battery.get("POWER_NOW"))
    if power_uw is not None:
        return power_uw / 1e6
    current_ua = _number(battery.get("CURRENT_NOW"))
    voltage_uv = _number(battery.get("VOLTAGE_NOW"))
    if current_ua is None or voltage_uv is None:
        name = battery.get("NAME", "battery")
        raise MeterError(f"absent: {name} tells neither its power nor current and voltage")
    return current_ua * voltage_uv / 1e12


def _number(text: str | None) -> float | None:
    # Some drivers count what leaves the battery as negative.
    digits = (text or "").removeprefix("-")
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None


def _is_battery(supply: dict[str, str]) -> bool:
    return (
        supply.get("TYPE") == "Battery"
        and supply.get("PRESENT", "1") == "1"
        and supply.get("SCOPE") != "Device"
    )


def _supplies(root: Path) -> list[dict[str, str]]:
    try:
        folders = sorted((root / "class" / "power_supply").iterdir())
    except OSError:
        return []
    return [_supply(folder) for folder in folders]


def _supply(folder: Path) -> dict[str, str]:
    """The properties of a supply as its `uevent` names them; one file tells nearly all."""
    found = {"NAME": folder.name}
    for line in _text(folder / "uevent").splitlines():
        key, _, value = line.partition("=")
        found[key.removeprefix("POWER_SUPPLY_")] = value.strip()
    # Kernels before 5.8 leave the type out of `uevent`, some drivers more than that.
    if "TYPE" not in found:
        kind = _text(folder / "type")
        found["TYPE"] = kind or ("Battery" if "STATUS" in found else "Mains")
    if found["TYPE"] == "Battery" and "STATUS" not in found:
        for key in ("status", "present", "power_now", "current_now", "voltage_now"):
            value = _text(folder / key)
            if value:
                found[key.upper()] = value
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
