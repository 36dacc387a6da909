"""Which profile an SNMP agent is taken for, from what it says of itself."""

from pathlib import Path

import pytest

from sobre_drivers.meters.commissioning import snmp_scan
from sobre_drivers.meters.snmp import profile, recognise
from sobre_drivers.meters.snmp.decoding import Raw

# Of the example arc (RFC 5612), so that no maker's profile fits too.
MAKER, FAMILY = "1.3.6.1.4.1.32473", "1.3.6.1.4.1.32473.7"
OF_NOBODY = """
protocol = "snmp"
maker = "Example"
model = "PDU"
source = "its manual"
confirmed = "unconfirmed"
device_class = "pdu"
[[part]]
power = { oid = "1.3.6.1.4.1.32473.1.1.0", unit = "W" }
"""
IDENTIFY = {
    "maker": f'object_ids = ["{MAKER}"]',
    "family": f'object_ids = ["{FAMILY}"]\nexists = "{FAMILY}.2.0"',
    "standard": f'exists = "{MAKER}.9.0"',
    "nobody": None,
}


def models(folder: Path) -> dict[str, profile.Profile]:
    found = {}
    for name, how in IDENTIFY.items():
        path = folder / f"{name}.toml"
        path.write_text(OF_NOBODY + (f"[identify]\n{how}\n" if how else ""), "utf-8")
        found[name] = profile.read(path)
    return found


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, []),
        ({recognise.OBJECT_ID: f"{MAKER}.1"}, [("maker", "identified")]),
        ({recognise.OBJECT_ID: f".{MAKER}.1"}, [("maker", "identified")]),
        ({recognise.OBJECT_ID: f"{MAKER}1"}, []),
        ({recognise.OBJECT_ID: f"{FAMILY}.3"}, [("maker", "identified")]),
        (
            {recognise.OBJECT_ID: f"{FAMILY}.3", f"{FAMILY}.2.0": 1, f"{MAKER}.9.0": 1},
            [("family", "identified"), ("maker", "identified"), ("standard", "likely")],
        ),
        ({f"{FAMILY}.2.0": 1, f"{MAKER}.9.0": 1}, [("standard", "likely")]),
    ],
    ids=[
        "silent",
        "its number",
        "a dot before",
        "another's",
        "an object lacks",
        "all",
        "no number",
    ],
)
def test_a_scan_names_the_profiles_that_fit_the_surest_first(
    tmp_path: Path, told: dict[str, Raw], found: list[tuple[str, str]]
) -> None:
    known = recognise.worth_asking(models(tmp_path), told)
    matches = snmp_scan.matches(known, told)
    assert [(match.profile, match.sure) for match in matches] == found
