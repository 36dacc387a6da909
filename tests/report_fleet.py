"""A small fleet whose figures can be worked out on paper; test_report_figures says how."""

from dataclasses import replace

from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.perimeter.facts import (
    Baseline,
    BaselineRow,
    Organisation,
    Perimeter,
    Site,
    Target,
    months_of,
)
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Conserved

LAPTOP = Stratum("bx", "hdv", "workstation.laptop")
SERVER = Stratum("bx", "dc1", "server")
FACTS = Facts(
    "2026-02-03T04:05:06Z",
    "2026-02",
    "0.1.0",
    conservation=Conserved(9_000_000, 50, 11, 7, 0, 0),
)


def month(
    name: str,
    stratum: Stratum,
    devices: int,
    measured_kwh: float,
    estimated_kwh: float = 0.0,
) -> StratumMonth:
    """A month of equal devices, all seen on 20 work days and 10 rest days, with these sums."""
    one = DeviceMonth(
        ((measured_kwh + estimated_kwh) / devices, 0.0),
        (20, 10),
        measured_kwh / devices,
        estimated_kwh / devices,
        0.0,
    )
    return stratum_month(name, stratum, (20, 10), [one] * devices)


def half_monitored(year: int = 2025) -> list[StratumMonth]:
    """100 of 200 laptops (2,000 kWh measured and 250 estimated a month), and the only server."""
    rows = []
    for name in months_of(year):
        rows.append(month(name, LAPTOP, 100, 2_000.0, 250.0))
        rows.append(month(name, SERVER, 1, 3_000.0))
    return rows


def measured_before() -> list[StratumMonth]:
    """2022: the laptops all monitored, 5,000 kWh a month; the server 3,000."""
    return [
        row
        for name in months_of(2022)
        for row in (
            month(name, LAPTOP, 200, 5_000.0),
            month(name, SERVER, 1, 3_000.0),
        )
    ]


def perimeter() -> Perimeter:
    """Declared 60,000 kWh of laptops and 40,000 kWh of servers in 2022, each ± 3 %."""
    rows = (
        BaselineRow("bx", "workstation.laptop", 60_000.0, 1_800.0, "bilan-2022.pdf"),
        BaselineRow("bx", "server", 40_000.0, 1_200.0, "bilan-2022.pdf"),
    )
    return Perimeter(
        baseline=Baseline(2022, "declared", rows),
        organisations=(Organisation("bx", "Bordeaux <Métropole>"),),
        sites=(Site("hdv", "Hôtel de ville"), Site("dc1", "Salle 1")),
        target=Target(0.15, 2026),
        user_definition="agents actifs",
        inventory={"2022-01": {LAPTOP: (200.0, 0.0), SERVER: (1.0, 0.0)}},
        headcount={"2022-01": {"bx": (1_000.0, 0.0)}, "2025-01": {"bx": (1_100.0, 0.0)}},
    )


def unequal_organisations() -> tuple[list[StratumMonth], Perimeter]:
    """Three laptops in "a", twelve in "b", forty in "c" and thirty in "d", all monitored."""
    fleet = {"a": (3, 37.0), "b": (12, 120.0), "c": (40, 400.0), "d": (30, 300.0)}
    strata = {o: Stratum(o, "s", "workstation.laptop") for o in fleet}
    rows = [
        month(name, strata[o], devices, kwh)
        for name in months_of(2025)
        for o, (devices, kwh) in fleet.items()
    ]
    stated = replace(
        perimeter(),
        baseline=Baseline(
            2022,
            "declared",
            (BaselineRow("c", "workstation.laptop", 12_000.0, 360.0, "bilan-2022.pdf"),),
        ),
        organisations=tuple(Organisation(o, o.upper()) for o in fleet),
        inventory={"2022-01": {strata[o]: (float(n), 0.0) for o, (n, _) in fleet.items()}},
        headcount={"2022-01": {o: (100.0, 0.0) for o in fleet}},
    )
    return rows, stated
