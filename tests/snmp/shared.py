"""What real walks mean, as another program reads them: LibreNMS' expectations, by its own words."""

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

SHARED = Path(__file__).parents[3] / "shared" / "captures"
POWER = SHARED / "snmp-power" / "librenms"
PRINTERS = SHARED / "snmp-printers" / "librenms"
WALKS = (POWER, SHARED / "snmp-power" / "snmpsim-data", PRINTERS, SHARED / "snmp-ident")

Quantity = Literal["power", "power_consumed"]


@dataclass(frozen=True)
class Case:
    """A walk, the profile that reads it, and what its parts are in LibreNMS' words.

    `power` and `energy` are patterns of descriptions by part of ours; what is described by one is
    added up. In a part's name and in its pattern `<n>` stands for a number.
    """

    walk: str
    profile: str
    power: dict[str, str]
    energy: dict[str, str]
    unit_id: int = 1

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.walk} by {self.profile}, unit {self.unit_id}"


CASES = (
    Case("apc_ap8853", "apc-rpdu2", {"": "Power, Total"}, {"": "Energy since .*"}),
    Case("apc_apdu9959eu3", "apc-rpdu2", {"": "Power, Total"}, {"": "Energy since .*"}),
    Case("apc-epdu_epdu1116s", "apc-easy-pdu", {"": "Power"}, {"": "Consumed Power"}),
    Case("apc_isx-pdu", "apc-isx-pdu", {"": "Real Power - Total"}, {}),
    Case("apc_smart1500", "apc-ups", {"": "Active Power"}, {}),
    Case(
        "raritan-pdu_px3",
        "raritan-px2",
        {"": "I1", "outlet-<n>": "<n>(?: .*)?"},
        {"": "I1", "outlet-<n>": "<n>(?: .*)?"},
    ),
    Case("raritan-pdu", "raritan-px1", {"": "OUTLET.*", "outlet-<n>": "OUTLET<n>"}, {}),
    Case("eatonpdu_2", "eaton-epdu", {"": "Input Feed L1", "outlet-<n>": "Outlet A<n>: .*"}, {}),
    Case(
        "sentry3_3phase",
        "servertech-sentry3",
        {
            "": "System Total Power",
            "infeed-1": "TowerA_InfeedA",
            "infeed-2": "TowerA_InfeedB",
            "infeed-3": "TowerA_InfeedC",
        },
        {},
    ),
    Case("sentry4_switched8i", "servertech-sentry4", {"cord-1": "Cord, Master_Cord_A, .*"}, {}),
    Case("sentry4_switched8i", "servertech-sentry4", {"cord-1": "Cord, Link1_Cord_A, .*"}, {}, 2),
    Case("vertiv-pdu_mg02e4w1", "vertiv-geist", {"": "Total Power"}, {"": "Total Energy"}),
    Case("enlogic-pdu_v2", "enlogic-pdu", {"": "Active power #1"}, {}),
    Case(
        "hpe-mapdu_pdu2",
        "hpe-mapdu",
        {"": "Total Input Power", "outlet-<n>": "Outlet L1-<n> Power"},
        {},
    ),
    Case("hpe-pdumm", "hpe-pdu-management-module", {"pdu-1": "PDU 1", "pdu-2": "PDU 2"}, {}),
    Case(
        "panduit",
        "panduit-smartzone",
        {"": "Input power"}
        | {f"breaker-{n:02d}": f"Breaker B{n + 2}. Output" for n in range(1, 7)},
        {},
    ),
    Case("schleifenbauer", "schleifenbauer", {"": ".*"}, {"": ".*"}),
    *(
        Case(
            "conteg-pdu",
            "conteg-pdu",
            {"": f"PDU-{n} \\S+ Total Wattage", "outlet-<n>": f"PDU-{n} \\(.*\\) Port-<n> .*"},
            {"": f"PDU-{n} .* \\(Not Resetable\\)"},
            n,
        )
        for n in range(1, 7)
    ),
    Case("gude-epc_1202", "gude-1202", {"": "Active Power"}, {"": "Active Energy"}),
    Case("cyberpower_pdu81005", "cyberpower-pdu", {"": "PDU Active Power 1"}, {}),
    Case("e3meter", "e3meter-ips", {"": "Power L[123]"}, {}),
    Case("poweralert_pdu", "tripp-lite-pdu", {"": "Output"}, {}),
    Case("janitza_generic", "janitza-umg604", {}, {"": "L1-L3"}),
    Case("netvision-rfc", "ups-mib", {"": "Output"}, {}),
    Case("deltaups_rfc1628string", "ups-mib", {"": "Output Phase 1"}, {}),
    Case("netmanplus_204", "ups-mib", {"": "Output Phase .*"}, {}),
    Case("eaton-mgeups_9px", "eaton-mge-ups", {"": "Output"}, {}),
)

# Powers and energies that LibreNMS expects of these walks and nobody reads here, and why.
INPUT = "a UPS settles what it feeds; what it draws is only shown, since few measure it"
PHASE = "a phase of what is read as a whole"
NOT_READ = {
    "apc_isx-pdu": {"Apparent Power.*": "VA", "Real Power - Phase .": PHASE},
    "conteg-pdu": {r".* \(Resetable\)": "the register beside it cannot be reset"},
    "cyberpower": {".*": "a UPS whose only active power stands where its maker's PDUs have theirs"},
    "cyberpower_pdu81005": {"PDU Active Power 2": "the same power again, at its second bank"},
    "deltaups_rfc1628string": {"Bypass.*": INPUT},
    "eaton-mgeups_9px": {"Input|Bypass": INPUT},
    "enlogic-pdu_v2": {"Input Phase .*": PHASE},
    "gude-epc_1202": {"Apparent Power": "VA"},
    "hpe-mapdu_pdu2": {"Input Phase 1 Power": PHASE},
    "janitza_generic": {
        "L[1-4]": PHASE,
        "SUM L1-3": "three sums of one name (W, var, VA): held by its OID in a test of its own",
        "L1-L3 Reactive": "varh",
    },
    "netmanplus_204": {"(Input|Bypass).*": INPUT},
    "netvision-rfc": {"Input|Bypass": INPUT},
    "sentry4_switched8i": {"Phase, .*": PHASE},
}
# Walks that hold no power at all.
WITHOUT_POWER = {"linux_powermon": "of this walk a temperature alone is expected"}


def recordings() -> dict[str, Path]:
    """All walks, by name."""
    return {path.stem: path for folder in WALKS for path in sorted(folder.glob("*.snmprec"))}


@cache
def sensors(walk: str) -> tuple[dict[str, Any], ...]:
    """What LibreNMS expects of power (W) and energy (kWh) in a walk."""
    text = (POWER / "expected" / f"{walk}.expected.json").read_text(encoding="utf-8")
    kinds = ("power", "power_consumed")
    return tuple(each for each in json.loads(text)["sensors"] if each["class"] in kinds)


def said(walk: str, quantity: Quantity, pattern: str) -> list[Fraction]:
    """The values whose descriptions are like this (W or kWh)."""
    return [
        Fraction(str(each["value"]))
        for each in sensors(walk)
        if each["class"] == quantity and re.fullmatch(pattern, each["descr"])
    ]


def patterns(case: Case, quantity: Quantity) -> dict[str, str]:
    """The patterns of a case, those of what repeats once for each number that is described."""
    found = {}
    for part, pattern in (case.power if quantity == "power" else case.energy).items():
        if "<n>" not in part:
            found[part] = pattern
            continue
        for number in range(1, 100):
            numbered = pattern.replace("<n>", str(number))
            if said(case.walk, quantity, numbered):
                found[part.replace("<n>", f"{number:02d}")] = numbered
    return found
