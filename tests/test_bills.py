"""What is only billed counts as it is billed; what is not billed is never passed over."""

from dataclasses import replace
from math import sqrt

import pytest

from method import examples
from perimeter_case import RIGHT, TOML, problems, write
from report_fleet import FACTS, half_monitored, measured_before, perimeter
from sobre_collector.indicators.moments import Stratum, from_json, to_json
from sobre_collector.indicators.total import month_total, year_total
from sobre_collector.perimeter.bills import missing_bills, with_bills
from sobre_collector.perimeter.facts import Baseline, Bill, Perimeter, months_of
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.report.figures import report

HOSTED = Stratum("bx", "hoster", "server")


def stated(months: list[str], kwh: float = 100.0, half_width_kwh: float = 3.0) -> Perimeter:
    bill = Bill(kwh, half_width_kwh, "invoice")
    return replace(perimeter(), billed={month: {HOSTED: bill} for month in months})


def test_a_billed_room_as_worked_out_by_hand() -> None:
    example = examples.own("billed")
    bills = example["given"]["bills"]
    given = replace(
        perimeter(),
        billed={month: {HOSTED: Bill(kwh, half, "i")} for month, (kwh, half) in bills.items()},
    )
    rows = with_bills([], given, min(bills), max(bills))
    total = year_total(
        one for month in bills for one in month_total([r for r in rows if r.month == month], {})
    )
    assert total.total_kwh == pytest.approx(example["total_kwh"], rel=1e-12)
    assert total.se_kwh == pytest.approx(example["se_kwh"], rel=1e-12)
    assert total.measured_share == example["measured_share"]
    assert total.flags == ()


def test_a_bill_tells_nothing_of_other_rooms() -> None:
    unseen = Stratum("bx", "dc2", "server")
    units = {Stratum("bx", "dc1", "server"): (1.0, 0.0), unseen: (2.0, 0.0)}
    measured = [row for row in half_monitored() if row.month == "2025-02"]
    bare = month_total(measured, units)
    joined = with_bills(measured, stated(["2025-02"], 9_000.0), "2025-02", "2025-02")
    found = {one.stratum: one for one in month_total(joined, units)}
    assert [found[one.stratum] for one in bare] == bare
    # The one server that was seen, twice.
    assert found[unseen].total_kwh == pytest.approx(6_000.0)
    assert found[HOSTED].total_kwh == pytest.approx(9_000.0)


def test_a_bill_counts_in_both_periods_and_in_the_reduction() -> None:
    years = [m for year in range(2022, 2026) for m in months_of(year)]
    given = replace(stated(years), baseline=Baseline(2022, "measured"))
    rows = [*measured_before(), *half_monitored()]
    bare = report(rows, replace(given, billed={}), 2025, FACTS)
    found = report(with_bills(rows, given, "2022-01", "2025-12"), given, 2025, FACTS)
    assert bare.baseline.energy_kwh is not None
    assert bare.energy.energy_kwh is not None
    assert found.baseline.energy_kwh == pytest.approx(bare.baseline.energy_kwh + 1200)
    assert found.energy.energy_kwh == pytest.approx(bare.energy.energy_kwh + 1200)
    assert found.result is not None
    (hosted,) = [one for one in found.coverage if one.site == "hoster"]
    assert (hosted.method, hosted.coverage_ratio, hosted.flags) == ("billed", 1.0, ())


@pytest.mark.parametrize(
    ("hole", "kind"),
    [("2025-07", "declared"), ("2025-07", "measured"), ("2022-03", "measured")],
    ids=["reported", "reported-against-measured", "in-the-baseline"],
)
def test_a_missing_bill_makes_the_result_insufficient(hole: str, kind: str) -> None:
    years = [m for year in range(2022, 2026) for m in months_of(year) if m != hole]
    given = stated(years)
    if kind == "measured":
        given = replace(given, baseline=Baseline(2022, "measured"))
    rows = with_bills([*measured_before(), *half_monitored()], given, "2022-01", "2025-12")
    assert missing_bills(given, "2022-01", "2025-12") == [(hole, HOSTED)]
    found = report(rows, given, 2025, FACTS)
    assert found.result is None
    (note,) = found.missing
    assert (note.code, note.values) == (
        "bills-missing",
        {"names": f"bx / hoster / server {hole}"},
    )
    if hole.startswith("2025"):
        (hosted,) = [one for one in found.coverage if one.site == "hoster"]
        assert "bill-missing" in hosted.flags


def test_months_are_due_from_the_first_bill_and_in_a_measured_baseline_year() -> None:
    given = stated(["2024-03", "2024-05"])
    assert [m for m, _ in missing_bills(given, "2022-01", "2024-06")] == ["2024-04", "2024-06"]
    measured = replace(given, baseline=Baseline(2022, "measured"))
    due = [m for m, _ in missing_bills(measured, "2022-01", "2024-06")]
    assert due == [*months_of(2022), "2024-04", "2024-06"]


def test_nothing_billed_is_stated_as_0() -> None:
    given = stated(months_of(2025), kwh=0.0, half_width_kwh=0.0)
    rows = with_bills(half_monitored(), given, "2025-01", "2025-12")
    assert missing_bills(given, "2025-01", "2025-12") == []
    assert report(rows, given, 2025, FACTS).result is not None


def test_what_devices_report_is_not_billed_too() -> None:
    server = Stratum("bx", "dc1", "server")
    bills = {"2025-02": {server: Bill(10.0, 1.0, "i")}}
    given = replace(perimeter(), inventory={}, billed=bills)
    with pytest.raises(Exception, match="bx / dc1 / server of 2025-02 is billed, and devices"):
        with_bills(half_monitored(), given, "2025-01", "2025-12")


def test_devices_take_over_from_the_month_in_which_the_inventory_has_them() -> None:
    server = Stratum("bx", "dc1", "server")
    bills = {month: {server: Bill(3000.0, 30.0, "i")} for month in months_of(2022)}
    units = {"2022-01": {}, "2025-01": perimeter().inventory["2022-01"]}
    given = replace(perimeter(), inventory=units, billed=bills)
    rows = with_bills(half_monitored(), given, "2022-01", "2025-12")
    billed = {row.month for row in rows if row.billed_u_kwh is not None and row.devices}
    assert billed == set(months_of(2022))
    due = [month for month, _ in missing_bills(given, "2022-01", "2025-12")]
    assert due == [*months_of(2023), *months_of(2024)]


def test_joining_bills_twice_changes_nothing() -> None:
    given = stated(months_of(2025))
    once = with_bills(half_monitored(), given, "2025-01", "2025-12")
    assert with_bills(once, given, "2025-01", "2025-12") == once


def test_a_billed_month_is_kept_and_a_measured_one_is_as_it_was() -> None:
    billed = with_bills([], stated(["2025-02"]), "2025-02", "2025-02")[0]
    assert from_json(to_json(billed)) == billed
    assert billed.billed_u_kwh == pytest.approx(3 / sqrt(3))
    # Closed months are compared with what was kept: a new key would make each of them differ.
    assert "billed_u_kwh" not in to_json(half_monitored()[0])


BILLED = "month,organisation,site,class,kwh,half_width_kwh,document\n"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("2026-01,northtown,hall,server,1840,0,Invoice", "column 'half_width_kwh' is 0"),
        ("2026-01,northtown,hall,server,1840,18,", "column 'document' is empty"),
        ("2026-01,northtown,hall,monitor,1840,18,Invoice", "column 'class' is 'monitor'"),
        ("2026-02,northtown,hall,printer,1840,18,Invoice", "stands in the inventory too"),
    ],
    ids=["certain", "no-document", "people's", "counted-twice"],
)
def test_a_wrong_bill_is_named(
    tmp_path_factory: pytest.TempPathFactory, row: str, told: str
) -> None:
    folder = tmp_path_factory.mktemp("perimeter")
    toml = TOML.replace("[files]", '[files]\nbilled = "billed.csv"')
    path = write(folder, {"perimeter.toml": toml, "billed.csv": BILLED + row + "\n"})
    assert any(told in problem for problem in problems(path))


def test_bills_and_degree_days_are_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("perimeter")
    toml = TOML.replace("[files]", '[files]\nbilled = "b.csv"\ndegree_days = "d.csv"')
    tables = {
        "b.csv": BILLED + "2026-01,northtown,hall,server,1840,18,Invoice 4\n",
        "d.csv": "month,site,base_c,degree_days,half_width\n2026-07,hall,18,171.2,1\n",
    }
    found = load_perimeter(write(folder, {**RIGHT, "perimeter.toml": toml, **tables}))
    assert found.billed["2026-01"][Stratum("northtown", "hall", "server")].kwh == 1840
    assert found.degree_days == {("hall", 18.0): {"2026-07": (171.2, 1.0)}}
