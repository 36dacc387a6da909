"""Walks of real devices, served by a real SNMP agent, read to what another program expects."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snmp import shared
from snmp.agents import HOST, Agents, recording
from snmp.shared import CASES, NOT_READ, SHARED, WITHOUT_POWER, Case
from sobre_agent.config import Meter
from sobre_drivers.errors import MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import SnmpAccess
from sobre_drivers.meters.kind import MeterDriver
from sobre_drivers.meters.snmp import profile, recognise
from sobre_drivers.meters.snmp.access import Credentials
from sobre_drivers.meters.snmp.exchange import Exchange
from sobre_drivers.meters.snmp.session import Session
from sobre_drivers.sample import Reading

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/captures is not here"),
]


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with Agents(shared.recordings()) as made:
        yield made


def driver(agents: Agents, folder: Path, walk: str, profile: str, **more: Any) -> MeterDriver:
    file = folder / walk
    file.write_text(walk, encoding="utf-8")
    file.chmod(0o600)
    access = SnmpAccess(community_file=file)
    meter = Meter(
        device="m", profile=profile, host=HOST, port=agents.port, snmp=access, timeout_s=10, **more
    )
    return catalog.driver_for(meter)


def read(meter: MeterDriver) -> dict[str, Reading]:
    try:
        return {each.device.partition("/")[2]: each for each in meter.read()}
    finally:
        meter.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_walk_is_read_to_what_another_program_expects(
    agents: Agents, tmp_path: Path, case: Case
) -> None:
    found = read(driver(agents, tmp_path, case.walk, case.profile, unit_id=case.unit_id))
    powers, energies = shared.patterns(case, "power"), shared.patterns(case, "power_consumed")
    assert powers or energies
    for part, pattern in powers.items():
        expected = shared.said(case.walk, "power", pattern)
        assert expected, pattern
        assert found[part].power_w == float(sum(expected)), part
    for part, pattern in energies.items():
        expected = shared.said(case.walk, "power_consumed", pattern)
        assert expected, pattern
        assert found[part].register_uj == round(sum(expected) * 3_600_000_000_000), part


def test_every_expected_power_is_read_or_stands_in_the_list_of_those_that_are_not() -> None:
    read_here: dict[str, set[str]] = {}
    for case in CASES:
        for quantity, described in (("power", case.power), ("power_consumed", case.energy)):
            for pattern in described.values():
                like = re.compile(pattern.replace("<n>", r"\d+"))
                read_here.setdefault(case.walk, set()).update(
                    f"{quantity}: {each['descr']}"
                    for each in shared.sensors(case.walk)
                    if each["class"] == quantity and like.fullmatch(each["descr"])
                )
    for path in sorted(shared.POWER.glob("*.snmprec")):
        walk = path.stem
        for each in shared.sensors(walk):
            told = f"{each['class']}: {each['descr']}"
            excused = any(re.fullmatch(like, each["descr"]) for like in NOT_READ.get(walk, ()))
            assert told in read_here.get(walk, ()) or excused, f"{walk}: {told}"
        assert shared.sensors(walk) or walk in WITHOUT_POWER


def test_a_full_walk_of_a_rack_pdu_is_read_with_all_its_outlets(
    agents: Agents, tmp_path: Path
) -> None:
    """The expected figures stand in the walk's SOURCE.md."""
    found = read(driver(agents, tmp_path, "apc-8641", "apc-rpdu2"))
    assert found[""].power_w == 1210
    assert found[""].register_uj == 19516 * 360_000_000_000
    assert len(found) == 1 + 24
    outlets_w = sum(each.power_w or 0 for part, each in found.items() if part)
    assert outlets_w == pytest.approx(1210, rel=0.1)
    # The same PDU says it in its older table too, a moment later.
    older = read(driver(agents, tmp_path, "apc-8641", "apc-rpdu"))
    assert older[""].power_w == pytest.approx(1210, rel=0.02)


def test_the_active_sum_is_not_taken_for_another_of_its_name(
    agents: Agents, tmp_path: Path
) -> None:
    (sum_w,) = (
        each["value"]
        for each in shared.sensors("janitza_generic")
        if each["oid"] == "1.3.6.1.4.1.34278.2.1.0"
    )
    assert read(driver(agents, tmp_path, "janitza_generic", "janitza-umg604"))[""].power_w == sum_w


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_walk_is_recognised(agents: Agents, case: Case) -> None:
    found = recognised_as(agents, case.walk)
    # This walk was cut: it does not say what it is.
    assert found[:1] == ([] if case.walk == "hpe-pdumm" else [case.profile])


@pytest.mark.parametrize(
    ("walk", "profile"),
    [("sharp", "printer"), ("ricoh_mpc3002", "printer-sheets"), ("apc-8641", "apc-rpdu")],
)
def test_what_counts_otherwise_is_told_apart(agents: Agents, walk: str, profile: str) -> None:
    found = recognised_as(agents, walk)
    assert profile in found
    assert not {"printer", "printer-sheets"} - {profile} & set(found)


def recognised_as(agents: Agents, walk: str) -> list[str]:
    models = {
        name: profile.read(path)
        for name, path in catalog.paths().items()
        if path.parent.name == "snmp"
    }
    session = Session(Exchange(), HOST, agents.port, Credentials("2c", walk), 10)
    try:
        return recognise.recognised(models, session.get(recognise.asked(models)))
    finally:
        session.close()


def test_an_idle_ups_feeds_nothing_and_says_so(agents: Agents, tmp_path: Path) -> None:
    assert read(driver(agents, tmp_path, "phoenixtec-power", "ups-mib"))[""].power_w == 0


def test_what_a_ups_does_not_measure_is_shown_as_not_said(agents: Agents, tmp_path: Path) -> None:
    meter = driver(agents, tmp_path, "netvision-rfc", "ups-mib")
    shown = {each.name: each.value for each in meter.shown()}
    meter.close()
    assert (shown["power"], shown["input"]) == (200, None)


@pytest.mark.parametrize(
    ("walk", "profile", "pages"),
    [
        ("brother_hl5370dw", "printer", 7792),
        ("jetdirect_m130nw", "printer", 15232),
        ("sharp", "printer", 121104),
        ("ricoh_mpc3002", "printer-sheets", 271871),
        ("canonprinter_tm", "printer-sheets", 21588),
    ],
)
def test_a_printer_tells_its_pages(
    agents: Agents, tmp_path: Path, walk: str, profile: str, pages: int
) -> None:
    (reading,) = read(driver(agents, tmp_path, walk, profile)).values()
    assert reading.pages == pages
    # These walks lack hrPrinterStatus: nobody knows, and unknown time is no energy.
    assert (reading.state, reading.power_w) == ("unknown", None)


@pytest.mark.parametrize(
    ("walk", "profile"), [("sharp", "printer-sheets"), ("ricoh_mpc3002", "printer")]
)
def test_sheets_are_not_mixed_with_impressions(
    agents: Agents, tmp_path: Path, walk: str, profile: str, caplog: pytest.LogCaptureFixture
) -> None:
    meter = driver(agents, tmp_path, walk, profile)
    assert meter.read()[0].pages is None
    for _ in range(4):
        assert all(each.pages is None for each in meter.read())
    meter.close()
    assert [
        record for record in caplog.text.splitlines() if "counts pages" in record
    ].__len__() == 1


# What holds no counter in the standard place, and what LibreNMS itself finds there.
@pytest.mark.parametrize("walk", ["konica_2", "jetdirect_m252dw", "epson", "dell-laser_s5830dn"])
def test_a_printer_without_a_counter_tells_no_pages(
    agents: Agents, tmp_path: Path, walk: str
) -> None:
    meter = driver(agents, tmp_path, walk, "printer")
    try:
        assert meter.read()[0].pages is None
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("walk", "profile"),
    [
        # These two lack the row of the printer itself, as if it were not one.
        ("xerox", "printer"),
        ("okilan_9450g", "printer"),
        ("sentry4_smart", "servertech-sentry4"),
        ("kyocera", "printer"),
        ("canonprinter_ir-adv", "printer-sheets"),
        ("apc_metered-rack", "apc-rpdu2"),
        ("eatonpdu_epdu", "eaton-epdu"),
    ],
)
def test_what_has_nothing_of_the_profile_is_an_error_and_not_0_w(
    agents: Agents, tmp_path: Path, walk: str, profile: str
) -> None:
    meter = driver(agents, tmp_path, walk, profile)
    with pytest.raises(MeterError, match=r"it answers, yet has nothing of this profile"):
        meter.read()
    meter.close()


BROTHER = SHARED / "snmp-printers" / "brother-private-mib"


@pytest.mark.parametrize("walk", ["hl-l2340dw", "dcp-7070dw", "mfc-t910dw", "incomplete"])
def test_answers_of_a_private_mib_alone_are_not_guessed_at(tmp_path: Path, walk: str) -> None:
    """They hold a count without its unit, and another one in a record of the maker's own."""
    said = json.loads((BROTHER / f"{walk}.json").read_text(encoding="utf-8"))
    plain = {oid: ("2", text) for oid, text in said.items() if str(text).isdigit()}
    with Agents({walk: recording(plain)}) as agents:
        meter = driver(agents, tmp_path, walk, "printer")
        with pytest.raises(MeterError, match="has nothing of this profile"):
            meter.read()
        meter.close()
