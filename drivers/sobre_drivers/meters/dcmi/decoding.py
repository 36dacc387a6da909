"""What `ipmitool dcmi power reading` prints, for programs."""

import re

from sobre_drivers.errors import MeterError

_LINE = re.compile(r"\s*([^:]+?)\s*:\s+(.*?)\s*")
_WATTS = re.compile(r"(\d{1,6}) Watts?")
# By ipmitool's text; what is not here is told as it was said.
_FINDINGS = {
    "Unable to establish": "no session; check address, user, password and that IPMI over LAN is on",
    "Could not open device": "no IPMI driver on this machine; load ipmi_si and ipmi_devintf",
    "DCMI request failed because: Invalid command": "knows no DCMI; try profile redfish",
    "DCMI request failed because: Insufficient privilege": "the user may not; raise its level",
}


def lines(output: str) -> dict[str, str]:
    """What it says, by its own names."""
    read = [_LINE.fullmatch(line) for line in output.splitlines()]
    return {found[1]: found[2] for found in read if found is not None and found[2]}


def power_w(output: str) -> float:
    """Power now (W); MeterError if it is not said."""
    said = lines(output)
    watts = _WATTS.fullmatch(said.get("Instantaneous power reading", ""))
    state = said.get("Power reading state is", "not said")
    if watts is None or state != "activated":
        raise MeterError(
            f"no power reading (state: {state[:40]}); power monitoring may have to be switched on"
        )
    # The controller that answers is itself fed: 0 is how some say that they cannot measure.
    if int(watts[1]) == 0:
        raise MeterError("says 0 W while it answers; it has no power sensor, use a plug or a PDU")
    return float(watts[1])


def finding(errors: str) -> str:
    """Why ipmitool failed, with a remedy where we know one."""
    known = next((told for text, told in _FINDINGS.items() if text in errors), None)
    if known is not None:
        return known
    last = (errors.strip().splitlines() or ["ipmitool gave no reason"])[-1]
    return f"{last.strip()[:200]!r}; run `ipmitool dcmi power reading` by hand"
