"""Workstations as levers: only whole groups, none of whom stands out, with an honest bound."""

import json
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from random import Random

import pytest

from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.indicators.printer_fleet import counted, fleet_total
from sobre_collector.indicators.unit_month import PageSums, Printing, UnitMonth, to_json
from sobre_collector.perimeter.facts import Baseline, Organisation, Perimeter
from sobre_collector.report.drawn import drawn_from
from sobre_collector.report.facts import Facts
from sobre_collector.report.levers import Excluded, Lever, _bound_kwh, levers

DAYS = (22, 9)
FACTS = Facts("2026-01-03T00:00:00Z", "2026-01", "test")
READ = {"printers": (), "idle": None}


def pcs(organisation: str, out: Sequence[float], each_kwh: float = 10.0) -> StratumMonth:
    """A month of laptops of which each lets `out` kWh of its energy run out of hours."""
    stratum = Stratum(organisation, "hall", "workstation.laptop")
    devices = [DeviceMonth((each_kwh, 0.0), DAYS, each_kwh, 0.0, kwh) for kwh in out]
    return stratum_month("2025-12", stratum, DAYS, devices)


def found(rows: Sequence[StratumMonth]) -> dict[str, Lever]:
    names = sorted({row.stratum.organisation for row in rows})
    perimeter = Perimeter(
        Baseline(2024, "measured"), tuple(Organisation(name, name) for name in names)
    )
    drawn = drawn_from(list(rows), perimeter, 2025, FACTS)
    return {one.subject: one for one in levers(drawn, READ, ())}


def test_each_organisation_is_a_lever_where_all_may_be_shown() -> None:
    given = found([pcs("a", [3.0] * 40), pcs("b", [5.0] * 40)])
    assert given.keys() == {"workstations:a", "workstations:b"}
    off_kwh = 40 * (22 * 11 + 9 * 24) * 0.5 / 1000
    assert given["workstations:b"].kwh == pytest.approx(200 - off_kwh)
    assert given["workstations:a"].kwh == pytest.approx(120 - off_kwh)


def test_one_hidden_organisation_hides_all_but_the_whole() -> None:
    given = found([pcs("a", [3.0] * 40), pcs("b", [5.0] * 40), pcs("c", [5.0] * 4)])
    assert given.keys() == {"workstations:all"}


@pytest.mark.parametrize(
    "rows",
    [
        [pcs("a", [3.0] * 9)],
        # Forty PCs off at night but for one: its kWh are nearly all of what would be shown.
        [pcs("a", [0.0] * 39 + [9.0])],
    ],
    ids=["nine", "one-stands-out"],
)
def test_a_group_that_tells_of_one_is_no_lever(rows: list[StratumMonth]) -> None:
    assert found(rows) == {}


def test_the_bound_is_never_below_the_true_error() -> None:
    random = Random(5)
    for _ in range(50):
        used = [random.lognormvariate(2, 0.7) for _ in range(30)]
        out = [x * random.choice((0.02, random.random())) for x in used]
        devices = [DeviceMonth((x, 0.0), DAYS, x, 0.0, o) for x, o in zip(used, out, strict=True)]
        row = stratum_month("2025-12", Stratum("a", "h", "workstation.laptop"), DAYS, devices)
        ratio = sum(out) / sum(used)
        true = sqrt(30 / 29 * sum((o - ratio * x) ** 2 for o, x in zip(out, used, strict=True)))
        assert true <= _bound_kwh([row], ratio)


def printer(n: int, hours: tuple[float, float], days: tuple[float, float]) -> UnitMonth:
    told = Printing(
        "M", "", "impressions", False, days, hours, hours, hours, {"ready": sum(hours)},
        (0, 0), (0.0, 0.0), 0, PageSums(),
    )  # fmt: skip
    where = ("2025-12", "node", f"p-{n}", "printer", "ville", "mairie")
    return UnitMonth(*where, DAYS, days, (1.0, 0.0), (0.0, 0.0), 0.0, True, told)


def test_hours_of_a_fleet_are_the_ratio_estimator_over_printers() -> None:
    """The same as `method 2.2.2` by hand: six of ten printers, one of them seen half the time."""
    seen = [
        printer(n, (22 * h, 9 * 0.5), DAYS) for n, h in enumerate((2.0, 4.0, 6.0, 8.0, 5.0))
    ] + [printer(5, (11 * 5.0, 4.5 * 0.5), (11.0, 4.5))]
    inventory = {Stratum("ville", "mairie", "printer"): (10.0, 0.0)}
    total = fleet_total(seen, inventory, "running", DAYS)
    assert total is not None
    x = [22 * h for h in (2.0, 4.0, 6.0, 8.0, 5.0)] + [55.0]
    w = [22.0] * 5 + [11.0]
    rate = sum(x) / sum(w)
    assert total.total_kwh == pytest.approx(10 * 22 * rate + 10 * 9 * 0.5)
    u = [10 * 22 * (xi - rate * wi) / sum(w) for xi, wi in zip(x, w, strict=True)]
    f = (5 * 31 + 15.5) / (10 * 31)
    assert total.se_kwh == pytest.approx(sqrt((1 - f) * 6 / 5 * sum(each**2 for each in u)))
    assert counted(total).df == pytest.approx(5)


def test_without_a_printer_seen_there_are_no_hours() -> None:
    assert fleet_total([], {Stratum("v", "m", "printer"): (10.0, 0.0)}, "running", DAYS) is None


def night(n: int, out_kwh: float) -> UnitMonth:
    """A public printer that used 10 kWh, of which so much at night."""
    one = printer(n, (22.0, 9.0), DAYS)
    assert one.printing is not None
    told = replace(one.printing, private=False)
    return replace(one, kwh=(10.0, 0.0), out_kwh=(out_kwh, 0.0), printing=told)


def test_an_excluded_printer_leaves_nothing_of_itself_in_its_lever() -> None:
    units = [night(n, 5.0) for n in range(11)] + [night(11, 10.0)]
    stratum = Stratum("ville", "mairie", "printer")
    devices = [DeviceMonth(u.kwh, DAYS, 10.0, 0.0, u.out_kwh[0]) for u in units]
    perimeter = Perimeter(Baseline(2024, "measured"), (Organisation("ville", "Ville"),))
    rows = [stratum_month("2025-12", stratum, DAYS, devices)]
    drawn = drawn_from(rows, perimeter, 2025, FACTS)
    read = {**READ, "printers": tuple((u.month, json.dumps(to_json(u))) for u in units)}
    off_kwh = (22 * 11 + 9 * 24) * 0.5 / 1000
    (whole,) = levers(drawn, read, ())
    assert whole.kwh == pytest.approx(65 - 12 * off_kwh)
    kept = Excluded("node/p-11", "fire watch", "operations", None, None)
    (without,) = levers(drawn, read, (kept,))
    assert without.kwh == pytest.approx(55 - 11 * off_kwh)
    assert without.units == pytest.approx(11)
