"""The ledger of adjustments: signed, dated, evidenced, and never edited."""

import json
from dataclasses import replace
from math import hypot

import pytest

from method.examples import published
from sobre_collector.indicators.adjustments import (
    DegreeDays,
    Entry,
    applied,
    energy_uses,
    extended,
    from_json,
    in_force,
    to_json,
    weather,
)
from sobre_collector.indicators.baseline import Baseline
from sobre_collector.indicators.reduction import Users, adjusted_baseline
from sobre_drivers.errors import ConfigError, StoreError

CLOSED = Entry(
    name="site-nord-closed",
    kind="non-routine",
    kwh=-25_000.0,
    u_kwh=5_000.0,
    on="2026-03-01",
    reason="The site closed",
    evidence="lease-2026-02.pdf",
    evidence_sha256="0f" * 32,
    approver="head of energy",
    approved_on="2026-04-02",
)


@pytest.mark.shared
def test_published_datacentre_from_its_degree_days() -> None:
    given = published("WE7_adjust")
    # 25 kWh per degree-day is what the published u of 3 500 kWh comes from; u of E_B is not given.
    use = DegreeDays(
        "cooling", 18.0, given["slope_kwh_per_CDD"], 25.0, given["CDD_B"], given["CDD_R"]
    )
    found = weather(use)
    assert (found.kwh, found.u_kwh) == pytest.approx((given["routine"], given["u_routine"]))
    star = adjusted_baseline(
        Baseline("billed", given["E_B"], 18_000.0),
        energy_uses({"cooling": given["E_B"]}),
        Users(100),
        Users(200),
        applied([CLOSED], [use]),
    )
    assert star.total_kwh == pytest.approx(given["E_B_adj"])
    assert star.u_kwh == pytest.approx(hypot(18_000, given["u_routine"], CLOSED.u_kwh))


def test_degree_days_are_uncertain_too() -> None:
    use = DegreeDays("cooling", 18.0, 200.0, 0.0, 400.0, 500.0, u_degree_days=3.0)
    assert weather(use).u_kwh == pytest.approx(600.0)


def test_people_drive_their_devices_and_not_the_rooms() -> None:
    kwh = {"workstation.laptop": 30.0, "printer": 20.0, "server": 40.0, "network": 10.0}
    uses = {use.name: use for use in energy_uses(kwh, {"network": 0.4})}
    assert {name: use.phi_ratio for name, use in uses.items()} == {
        "workstation.laptop": 1.0,
        "printer": 1.0,
        "server": 0.0,
        "network": 0.4,
    }
    assert sum(use.share_ratio for use in uses.values()) == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="not in the baseline"):
        energy_uses(kwh, {"cooling": 1.0})


def test_perimeter_acts_before_the_user_factor_and_the_rest_after() -> None:
    joined = replace(CLOSED, name="entity-joined", kind="perimeter", kwh=1_000.0, u_kwh=100.0)
    star = adjusted_baseline(
        Baseline("measured", 9_000.0, 0.0),
        energy_uses({"workstation.laptop": 9_000.0}),
        Users(100),
        Users(110),
        applied([joined, replace(CLOSED, kwh=-500.0, u_kwh=50.0)]),
    )
    assert star.total_kwh == pytest.approx(10_000 * 1.1 - 500)
    assert star.u_kwh == pytest.approx(hypot(110.0, 50.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evidence": " "}, "without evidence"),
        ({"approver": ""}, "without approver"),
        ({"evidence_sha256": "0F"}, "64 hexadecimal"),
        ({"approver": "jo@example.org"}, "name a role"),
        ({"until": "2026-02-28"}, "is before"),
        ({"kwh": float("nan")}, "finite"),
        ({"kind": "weather", "kwh": 0.0, "u_kwh": 0.0}, "needs one"),
        ({"u_kwh": 0.0}, "± 0"),
        ({"on": "March"}, "is no date"),
        ({"kind": "withdrawn"}, "a withdrawal names"),
    ],
    ids=[
        "evidence",
        "approver",
        "hash",
        "person",
        "until",
        "nan",
        "no-slope",
        "certain",
        "date",
        "withdrawal",
    ],
)
def test_what_an_auditor_would_ask_for_is_asked_for(
    changes: dict[str, str | float], message: str
) -> None:
    fields = {**to_json(CLOSED), **changes}
    with pytest.raises(ConfigError, match=message):
        Entry(**fields)


def test_a_correction_replaces_and_both_rows_stay() -> None:
    corrected = replace(CLOSED, name="site-nord-2", kwh=-20_000.0, replaces=CLOSED.name)
    ledger = extended([CLOSED], corrected)
    assert ledger == [CLOSED, corrected]
    assert in_force(ledger) == [corrected]
    gone = replace(
        CLOSED, name="undone", kind="withdrawn", kwh=0.0, u_kwh=0.0, replaces="site-nord-2"
    )
    assert in_force(extended(ledger, gone)) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (CLOSED, "stands twice"),
        (replace(CLOSED, name="x", replaces="nothing"), "not in force"),
        (replace(CLOSED, name="x", replaces="site-nord-closed"), "not in force"),
    ],
    ids=["same-name", "replaces-nothing", "replaces-what-was-replaced"],
)
def test_history_has_one_end(more: Entry, message: str) -> None:
    ledger = [CLOSED, replace(CLOSED, name="y", replaces=CLOSED.name)]
    with pytest.raises(ConfigError, match=message):
        extended(ledger, more)


def test_only_what_acts_by_the_end_of_the_period_is_applied() -> None:
    later = replace(CLOSED, name="later", on="2027-01-01")
    assert len(applied([CLOSED, later], through="2026-12-31")) == 1


def test_stored_row_comes_back_equal() -> None:
    assert from_json(json.loads(json.dumps(to_json(CLOSED)))) == CLOSED
    with pytest.raises(StoreError):
        from_json({"name": "x"})
