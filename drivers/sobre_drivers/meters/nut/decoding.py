"""What upsd answers to LIST VAR, and what its variables say of active power.

RFC 9271. VA are no W: `ups.power` and `output.power` are apparent power, and are not looked at.
"""

import math
import re
from collections.abc import Mapping
from typing import Literal

from sobre_drivers.errors import MeterError

Source = Literal["realpower", "load"]

_VARIABLE = re.compile(r'VAR (\S+) (\S+) "((?:[^"\\]|\\.)*)"')
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REFUSALS = {
    "UNKNOWN-UPS": "knows no UPS of that name; `upsc -l` lists those that it has",
    "DATA-STALE": "has lost contact with the UPS; look at its cable and driver",
    "DRIVER-NOT-CONNECTED": "has no driver running for the UPS; start it (upsdrvctl start)",
    "ACCESS-DENIED": "does not let this machine read; see LISTEN and the firewall",
}


def named(host: str) -> tuple[str, str]:
    """(UPS, host) of `ups@host`, as NUT itself writes it; the UPS is called `ups` if not said."""
    name, _, where = host.rpartition("@")
    return name or "ups", where


def is_name(name: str) -> bool:
    """Whether a UPS may be called so."""
    return _NAME.fullmatch(name) is not None


def variables(answer: str, ups: str) -> dict[str, str]:
    """The UPS's variables; MeterError if upsd says no, or what came is no such list."""
    lines = answer.splitlines()
    if lines and lines[0].startswith("ERR "):
        code = lines[0].split()[1] if len(lines[0].split()) > 1 else "?"
        raise MeterError(_REFUSALS.get(code, f"says {code[:40]!r}; see its log"))
    if not lines or lines[0] != f"BEGIN LIST VAR {ups}" or lines[-1] != f"END LIST VAR {ups}":
        raise MeterError("an answer that is no list of variables; is this a NUT server?")
    read = [_VARIABLE.fullmatch(line) for line in lines[1:-1]]
    return {
        found[2]: re.sub(r"\\(.)", r"\1", found[3])
        for found in read
        if found is not None and found[1] == ups
    }


def power_w(said: Mapping[str, str], source: Source) -> float:
    """What the UPS feeds now (W); MeterError if it does not say so in this way."""
    if source == "load":
        load, nominal_w = _number(said, "ups.load"), _number(said, "ups.realpower.nominal")
        if load is None or nominal_w is None:
            raise MeterError(
                "does not say ups.load and ups.realpower.nominal (in W; VA do not tell them); "
                "state the latter in upsd's ups.conf as override.ups.realpower.nominal"
            )
        return load / 100 * nominal_w
    for name in ("ups.realpower", "output.realpower"):
        found_w = _number(said, name)
        if found_w is not None:
            return found_w
    phases = [_number(said, f"output.L{n}.realpower") for n in (1, 2, 3)]
    known = [phase for phase in phases if phase is not None]
    if len(known) != len(phases):
        raise MeterError(
            "does not say ups.realpower; profile nut-load estimates it from the load in percent"
        )
    return sum(known)


def serial(said: Mapping[str, str]) -> str | None:
    """The UPS's serial number; None if it has none."""
    return (said.get("device.serial") or said.get("ups.serial") or "").strip() or None


def _number(said: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(said.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
