"""What stands beside the result, from rows to the report, against figures worked out here.

`half_monitored`: 100 of 200 laptops use 2,250 kWh a month on 20 work days, so 1.125 kWh a day; the
result is 1 − 90/106 (test_report_figures says how).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import exp, sqrt

import pytest
from scipy import stats

from method.examples import published
from report_fleet import FACTS, LAPTOP, SERVER, half_monitored, month, perimeter
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.indicators.month_checks import Joined, MonthChecks
from sobre_collector.perimeter.facts import Baseline, Perimeter, months_of
from sobre_collector.report.checks import Checks
from sobre_collector.report.facts import Facts
from sobre_collector.report.figures import report
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import Report

PRINTERS = Stratum("bx", "hdv", "printer")
Change = Callable[[list[tuple[str, str]]], list[tuple[str, str]]]


def checks(found: Report) -> Checks:
    shown = found.sections["checks"]
    assert isinstance(shown, Checks)
    return shown


def kept(*given: MonthChecks) -> list[StratumMonth]:
    """The half-monitored year, whose first laptop months keep these checks and the rest none."""
    rows, left = [], list(given)
    for row in half_monitored():
        more = row.stratum == LAPTOP and left
        rows.append(replace(row, checks=left.pop(0) if more else MonthChecks()))
    return rows


def test_devices_that_join_and_use_less_raise_the_alarm_and_say_so() -> None:
    months = (Joined(20, 80, -0.30, 0.0016, 98.0), Joined(10, 90, -0.20, 0.0036, 98.0))
    found = report(kept(*(MonthChecks(j) for j in months)), perimeter(), 2025, FACTS)
    told = checks(found).newcomers
    assert told is not None
    # Weights n·m/(n + m): 16 and 9.
    difference = (16 * -0.30 + 9 * -0.20) / 25
    parts = [(16 / 25) ** 2 * 0.0016, (9 / 25) ** 2 * 0.0036]
    df = sum(parts) ** 2 / sum(part**2 / 98 for part in parts)
    assert (told.joined, told.compared) == (30, 2)
    assert told.difference_ratio == pytest.approx(difference)
    p_value = 2 * stats.t.sf(abs(difference) / sqrt(sum(parts)), df)
    assert told.p_value == pytest.approx(float(p_value))
    assert told.alarm
    assert told.doubtful == ("bx / hdv / workstation.laptop",)
    assert "newcomers-differ" in [note.code for note in found.notes]
    assert "Alerte" in html_file(found, "fr")
    assert "bx / hdv / workstation.laptop" in html_file(found, "en")


def test_devices_that_join_and_are_alike_raise_none() -> None:
    found = report(kept(MonthChecks(Joined(20, 80, 0.01, 0.0016, 98.0))), perimeter(), 2025, FACTS)
    told = checks(found).newcomers
    assert told is not None
    assert (told.alarm, told.doubtful) == (False, ())
    assert "newcomers-differ" not in [note.code for note in found.notes]


@pytest.mark.parametrize(
    ("rows", "code"),
    [(half_monitored(), "checks-not-kept"), (kept(), "newcomers-none")],
    ids=["closed-before-it-was-kept", "nobody-joined"],
)
def test_what_could_not_be_tested_is_named(rows: list[StratumMonth], code: str) -> None:
    found = report(rows, perimeter(), 2025, FACTS)
    assert checks(found).newcomers is None
    assert code in [one.code for one in checks(found).missing]
    assert "Ce qui n’a pas pu être contrôlé" in html_file(found, "fr")


@pytest.mark.parametrize(
    ("days", "counted"), [(50.0, 50.0), (9e9, 2_000.0)], ids=["some", "more-than-there-is-room"]
)
def test_silent_pcs_that_were_off_take_their_energy_with_them(days: float, counted: float) -> None:
    rows = kept(*[MonthChecks(None, (days, 0.0), 5)] * 12)
    off = checks(report(rows, perimeter(), 2025, FACTS)).off
    assert off is not None
    # Off, a PC draws half a watt.
    silent_kwh = 12 * counted * (1.125 - 0.012)
    assert off.silent_kwh == pytest.approx(silent_kwh)
    assert off.device_days == pytest.approx(12 * counted)
    assert off.reduction_ratio == pytest.approx(1 - (90_000 - silent_kwh) / 106_000)


def test_silent_pcs_of_a_few_are_rounded_so_that_their_mean_is_not_given_away() -> None:
    rows = kept(*[MonthChecks()] * 12)
    small = Stratum("bx", "dc1", "workstation.laptop")
    few = [
        replace(month(n, small, 4, 100.0), checks=MonthChecks(None, (40.0, 0.0), 2))
        for n in months_of(2025)
    ]
    units = {**perimeter().inventory["2022-01"], small: (8.0, 0.0)}
    stated = replace(perimeter(), inventory={"2022-01": units})
    off = checks(report([*rows, *few], stated, 2025, FACTS)).off
    assert off is not None
    # 12 × 40 days of 1.25 kWh: less than ten PCs use, and so nothing that may be told.
    assert off.device_days == pytest.approx(480)
    assert off.silent_kwh == 0.0


def test_nor_do_those_of_the_reference_year_show_in_what_it_would_have_been() -> None:
    small = Stratum("bx", "dc1", "workstation.laptop")
    units = {**perimeter().inventory["2022-01"], small: (8.0, 0.0)}
    measured = Baseline(2022, "measured")
    stated = replace(perimeter(), inventory={"2022-01": units}, baseline=measured)
    after = kept(*[MonthChecks()] * 12)
    before = [replace(row, month=f"2022{row.month[4:]}") for row in after]

    def reduction(silent: MonthChecks) -> float:
        few = [replace(month(n, small, 4, 100.0), checks=silent) for n in months_of(2022)]
        off = checks(report([*before, *few, *after], stated, 2025, FACTS)).off
        assert off is not None
        return off.reduction_ratio

    assert reduction(MonthChecks(None, (40.0, 0.0), 2)) == reduction(MonthChecks())


def test_a_difference_that_a_few_peoples_pcs_make_is_not_told() -> None:
    found = report(kept(MonthChecks(Joined(9, 80, -0.9, 0.0001, 98.0))), perimeter(), 2025, FACTS)
    assert checks(found).newcomers is None
    assert "newcomers-none" in [one.code for one in checks(found).missing]
    assert "newcomers-differ" not in [note.code for note in found.notes]


def test_laptops_on_meters_do_not_give_desktops_away() -> None:
    desktops = Stratum("bx", "hdv", "workstation.desktop")
    rows = [
        row
        for name in months_of(2025)
        for row in (
            month(name, LAPTOP, 100, 500.0, 4_750.0),
            month(name, desktops, 100, 1_500.0),
            month(name, SERVER, 1, 3_000.0),
        )
    ]
    units = {**perimeter().inventory["2022-01"], desktops: (100.0, 0.0)}
    stated = replace(perimeter(), inventory={"2022-01": units})
    found = checks(report(rows, stated, 2025, FACTS)).on_meters
    assert found is not None
    assert found.classes == ("server",)
    assert found.left_out == ("workstation.desktop", "workstation.laptop")


def test_without_what_is_estimated_only_metered_classes_are_left() -> None:
    rows = [
        row
        for name in months_of(2025)
        for row in (month(name, LAPTOP, 100, 500.0, 1_750.0), month(name, SERVER, 1, 3_000.0))
    ]
    found = checks(report(rows, perimeter(), 2025, FACTS)).on_meters
    assert found is not None
    # 36,000 of 40,000 kWh; servers do not follow the users.
    assert found.reduction_ratio == pytest.approx(0.10)
    assert (found.classes, found.left_out) == (("server",), ("workstation.laptop",))


def test_a_fleet_on_meters_has_nothing_to_leave_out() -> None:
    assert checks(report(half_monitored(), perimeter(), 2025, FACTS)).on_meters is None


# kWh per work day of each printer: "d" was replaced by four that nobody compares with it.
BEFORE = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 6.0}
AFTER = {"a": 0.9, "b": 1.7, "c": 2.8, "e": 1.0, "f": 1.2, "g": 1.4, "h": 1.6}


def printers(
    before: Mapping[str, float] = BEFORE, after: Mapping[str, float] = AFTER, units: float = 20.0
) -> tuple[list[StratumMonth], Perimeter, Facts]:
    """Printers in both years, of which some report each day; users stay 1,000."""
    rows, kept_months = [], []
    for year, used in ((2022, before), (2025, after)):
        for name in months_of(year):
            listed = [DeviceMonth((20 * k, 0.0), (20, 10), 20 * k, 0, 0) for k in used.values()]
            rows.append(stratum_month(name, PRINTERS, (20, 10), listed))
            for device, kwh in used.items():
                content = {
                    "month": name, "node": "n", "device": device, "device_class": "printer",
                    "organisation": "bx", "site": "hdv", "counts": True,
                    "kwh": [20 * kwh, 0.0], "valid_days": [20.0, 10.0],
                }  # fmt: skip
                kept_months.append((name, json.dumps(content)))
    stated = replace(
        perimeter(),
        baseline=Baseline(2022, "measured"),
        inventory={"2022-01": {PRINTERS: (units, 0.0)}},
        headcount={"2022-01": {"bx": (1_000.0, 0.0)}},
    )
    # As the reader for the classes other than printers hands them in.
    return rows, stated, replace(FACTS, inputs={"checks": tuple(kept_months)})


def test_matched_devices_give_their_own_reduction() -> None:
    rows, stated, facts = printers()
    # The baseline is too uncertain for a percentage with so few: more of the same make it known.
    found = report(_known(rows), stated, 2025, facts)
    told = checks(found).link
    assert told is not None
    assert told.devices == 3
    assert told.linked_ratio == pytest.approx(1 - (0.9 + 1.7 + 2.8) / (1 + 2 + 3))
    assert found.result is not None
    assert told.reduction_ratio == pytest.approx(found.result.reduction_ratio)
    apart = abs(told.reduction_ratio - told.linked_ratio)
    assert told.alarm == (apart > 2 * told.se_ratio)


def _known(rows: list[StratumMonth]) -> list[StratumMonth]:
    """The same sums with a hundredth of the spread, which leaves R and its matched devices."""
    calm = []
    for row in rows:
        n, x = row.devices, row.sums[0]
        one = DeviceMonth((x / n, 0.0), (20, 10), x / n, 0, 0)
        calm.append(stratum_month(row.month, row.stratum, (20, 10), [one] * n))
    return calm


@pytest.mark.shared
def test_the_published_link_comes_out_of_the_report_beside_what_is_wrong_without_it() -> None:
    given = published("WE22_chain")
    before = {f"p{n}": (3.0, 4.0, 5.0)[n % 3] for n in range(30)}
    # The same ones use 11 for 12; twenty larger ones, monitored since, make 34 for 12 of the sum.
    after = {name: kwh - 0.5 * (kwh < 5) for name, kwh in before.items()}
    after |= {f"new{n}": 11.5 for n in range(20)}
    rows, stated, facts = printers(before, after, units=60.0)
    found = report(rows, stated, 2025, facts)
    told = checks(found).link
    assert told is not None
    assert told.devices == 30
    assert 1 - told.linked_ratio == pytest.approx(given["link"], rel=1e-6)
    assert found.beside.naive_ratio is not None
    assert 1 - found.beside.naive_ratio == pytest.approx(given["naive"], rel=1e-6)
    assert found.result is not None
    assert 1 - found.result.reduction_ratio == pytest.approx(given["mean_ratio"], rel=1e-6)
    assert told.alarm


def test_matched_devices_far_from_the_result_raise_the_alarm() -> None:
    rows, stated, facts = printers()
    found = report(_known(rows), stated, 2025, facts)
    # 12 kWh a day of 4 against 10.6 of 7 is 49.5 %; those that were there in both years saved 10 %.
    assert checks(found).link is not None
    assert "link-differs" in [note.code for note in found.notes]
    assert "R_link" in html_file(found, "fr")


def test_a_stated_baseline_has_nothing_to_match_and_says_so() -> None:
    found = report(half_monitored(), perimeter(), 2025, FACTS)
    assert checks(found).link is None
    assert "link-not-measured" in [one.code for one in checks(found).missing]


def test_years_of_single_devices_give_the_exact_interval() -> None:
    _, stated, facts = printers()
    rows, stated, facts = _wide(stated, facts)
    found = report(rows, stated, 2025, facts)
    told = checks(found).device_years
    assert told is not None
    assert told.strata == 2
    low, high = _by_hand()
    assert told.low_ratio == pytest.approx(low, rel=1e-6)
    assert told.high_ratio == pytest.approx(high, rel=1e-6)
    # A device's surplus of one month is another's of the next: the bound cannot know.
    assert found.result is not None
    bound = found.result.intervals[0]
    assert bound.low_ratio < told.low_ratio < told.high_ratio < bound.high_ratio


@pytest.mark.parametrize("gone", [3, 0], ids=["some-are-new", "the-same-devices"])
def test_devices_of_both_years_give_a_matched_interval_and_its_correlation(gone: int) -> None:
    _, stated, facts = printers()
    found = report(*_reported(_wide(stated, facts, gone)))
    told = checks(found).matched
    rho, low, high = _interval_by_hand(gone, matched=True)
    assert told is not None
    assert (told.strata, told.stated) == (1, False)
    assert told.correlation_ratio == pytest.approx(rho, rel=1e-6)
    assert (told.low_ratio, told.high_ratio) == pytest.approx((low, high), rel=1e-6)
    apart = checks(found).device_years
    assert apart is not None
    assert apart.low_ratio < told.low_ratio < told.high_ratio < apart.high_ratio
    assert "Un peu optimiste" in html_file(found, "fr")
    assert "Slightly optimistic" in html_file(found, "en")


def _reported(
    given: tuple[list[StratumMonth], Perimeter, Facts],
) -> tuple[list[StratumMonth], Perimeter, int, Facts]:
    rows, stated, facts = given
    return rows, stated, 2025, facts


def test_without_devices_of_both_years_the_matched_interval_cannot_be_told() -> None:
    found = report(half_monitored(), perimeter(), 2025, FACTS)
    assert checks(found).matched is None
    assert "matched-unknown" in [one.code for one in checks(found).missing]
    assert "non calculable" in html_file(found, "fr")


@pytest.mark.parametrize(
    "change",
    [lambda listed: listed[1:], lambda listed: [_counted_in_part(listed[0]), *listed[1:]]],
    ids=["a-device-lacks", "a-device-counted-in-part"],
)
def test_devices_that_are_not_those_of_the_sums_give_no_exact_interval(change: Change) -> None:
    _, stated, facts = printers()
    rows, stated, facts = _wide(stated, facts)
    # A stratum of one year is left, whose devices are all there.
    other = tuple(change(list(facts.inputs["checks"])))
    told = checks(report(rows, stated, 2025, replace(facts, inputs={"checks": other}))).device_years
    assert told is not None
    assert told.strata == 1


def _counted_in_part(one: tuple[str, str]) -> tuple[str, str]:
    name, content = one
    return name, json.dumps({**json.loads(content), "valid_days": [11.0, 4.0]})


N, MONITORED = 40, 30


def _kwh(device: int, month_number: int, year: int) -> float:
    level = 20.0 if year == 2022 else 18.0
    # Who uses more changes from month to month.
    return level + ((device * 7 + month_number * 11) % 30 - 14.5) / 10


def _wide(
    stated: Perimeter, facts: Facts, gone: int = 0
) -> tuple[list[StratumMonth], Perimeter, Facts]:
    rows, kept_months = [], []
    for year in (2022, 2025):
        for number, name in enumerate(months_of(year)):
            first = gone if year == 2025 else 0
            used = [_kwh(d, number, year) for d in range(first, first + MONITORED)]
            listed = [DeviceMonth((k, 0.0), (20, 10), k, 0, 0) for k in used]
            rows.append(stratum_month(name, PRINTERS, (20, 10), listed))
            for device, kwh in enumerate(used, first):
                content = {
                    "node": "n", "device": f"p{device}", "device_class": "printer",
                    "organisation": "bx", "site": "hdv", "counts": True,
                    "kwh": [kwh, 0.0], "valid_days": [20.0, 10.0],
                }  # fmt: skip
                kept_months.append((name, json.dumps(content)))
    inventory = {"2022-01": {PRINTERS: (float(N), 0.0)}}
    return (
        rows,
        replace(stated, inventory=inventory),
        replace(facts, inputs={"checks": tuple(kept_months)}),
    )


def _by_hand() -> tuple[float, float]:
    _, low, high = _interval_by_hand(0, matched=False)
    return low, high


def _interval_by_hand(gone: int, matched: bool) -> tuple[float, float, float]:
    """ρ and both ends; `gone` of the first year's devices are not in the second."""
    f, n = MONITORED / N, MONITORED
    totals, cvs, dfs, each = [], [], [], []
    for year in (2022, 2025):
        values, total = [0.0] * n, 0.0
        first = gone if year == 2025 else 0
        for number in range(12):
            used = [_kwh(d + first, number, year) for d in range(n)]
            mean = sum(used) / n
            total += N * mean
            for d in range(n):
                values[d] += sqrt((1 - f) * n / (n - 1)) * N * (used[d] - mean) / n
        square = sum(v**2 for v in values)
        excess = sum((v**2 / square) ** 2 for v in values) - 1 / n
        totals.append(total)
        each.append(dict(zip(range(first, first + n), values, strict=True)))
        cvs.append(sqrt(square) / total)
        dfs.append(max(1.0, min(n - 1, 2 / excess)))
    shared = sum(each[0][d] * each[1][d] for d in range(gone, n))
    rho = shared / totals[0] / totals[1] / cvs[0] / cvs[1]
    cv = sqrt(sum(c**2 for c in cvs) - 2 * rho * cvs[0] * cvs[1] * matched)
    df = cv**4 / sum(c**4 / d for c, d in zip(cvs, dfs, strict=True))
    df = max(df, min(dfs))
    half = float(stats.t.ppf(0.975, df)) * cv
    q = totals[1] / totals[0]
    return rho, 1 - q * exp(half), 1 - q * exp(-half)
