"""Seeded simulations: what an interval promises is what it keeps."""

import random

from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.indicators.quantiles import two_sided
from sobre_collector.indicators.total import month_total, year_total

UNITS, MONITORED = 300, 40
LAPTOPS = Stratum("a", "nord", "workstation.laptop")
MONTHS = [f"2026-{n:02d}" for n in range(1, 7)]


class Fleet:
    """Units with a level of their own and monthly drift; kWh by unit, month and day type."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.kwh: list[list[tuple[float, float]]] = []
        for _ in range(UNITS):
            level = draw.lognormvariate(0, 0.5)
            work = [20 * level * draw.lognormvariate(0, 0.2) for _ in MONTHS]
            self.kwh.append([(x, 0.15 * x * draw.lognormvariate(0, 0.2)) for x in work])

    def truth_kwh(self, months: int) -> float:
        return sum(x + y for unit in self.kwh for x, y in unit[:months])

    def month(self, units: list[int], number: int) -> StratumMonth:
        """The month as the units report it: each misses days at random."""
        rows = []
        for unit in units:
            x, y = self.kwh[unit][number]
            w = sum(self.draw.random() < 0.9 for _ in range(20))
            v = sum(self.draw.random() < 0.7 for _ in range(10))
            rows.append(DeviceMonth((x * w / 20, y * v / 10), (w, v), x * w / 20, y * v / 10, 0.0))
        return stratum_month(MONTHS[number], LAPTOPS, (20, 10), rows)


def covered(repetitions: int, months: int, level: float) -> tuple[float, float]:
    """Share of intervals that hold the truth: months added by the bound, and in quadrature."""
    draw = random.Random(20261124)
    by_bound = in_quadrature = 0
    for _ in range(repetitions):
        fleet = Fleet(draw)
        truth = fleet.truth_kwh(months)
        panel = draw.sample(range(UNITS), MONITORED)
        totals = [
            month_total([fleet.month(panel, number)], {LAPTOPS: (UNITS, 0.0)})[0]
            for number in range(months)
        ]
        year = year_total(totals)
        low, high = year.interval(level)
        by_bound += low <= truth <= high
        half = two_sided(level, year.df) * sum(t.variance for t in totals) ** 0.5
        in_quadrature += abs(year.total_kwh - truth) <= half
    return by_bound / repetitions, in_quadrature / repetitions


def test_interval_of_a_month_covers_the_truth_as_often_as_it_says() -> None:
    share, _ = covered(400, months=1, level=0.90)
    # Monte-Carlo error 0.015 (k = 1).
    assert 0.85 <= share <= 0.95


def test_months_added_by_the_bound_cover_where_quadrature_does_not() -> None:
    by_bound, in_quadrature = covered(150, months=6, level=0.90)
    assert by_bound >= 0.85
    assert in_quadrature <= 0.70


def test_sites_that_nobody_monitors_widen_the_interval_enough() -> None:
    draw = random.Random(18)
    held, repetitions, sites, units = 0, 300, 18, 50
    for _ in range(repetitions):
        truth, rows = 0.0, []
        inventory = {Stratum("a", f"s{k}", LAPTOPS.device_class): (50.0, 0.0) for k in range(sites)}
        for number, stratum in enumerate(inventory):
            level = draw.lognormvariate(0, 0.3)
            kwh = [level * draw.lognormvariate(0, 0.5) for _ in range(units)]
            truth += sum(kwh)
            if number < 6:
                seen = [DeviceMonth((x, 0.0), (30, 0), x, 0.0, 0.0) for x in kwh[:10]]
                rows.append(stratum_month("2026-11", stratum, (30, 0), seen))
        low, high = year_total(month_total(rows, inventory)).interval(0.90)
        held += low <= truth <= high
    assert 0.85 <= held / repetitions <= 0.96
