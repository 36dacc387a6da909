"""A ledger of five years × 400 strata with every section of the report on, made without loads.

The months are drawn rather than measured: what is timed reads them, whatever they hold.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sobre_collector.indicators.adjustments import Entry
from sobre_collector.indicators.calibration import Applied
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.indicators.month_checks import Joined, MonthChecks
from sobre_collector.indicators.unit_month import PageSums, Printing, UnitMonth
from sobre_collector.rows import Device, Key
from sobre_collector.store.calibrations import Decided
from sobre_collector.store.ledger import Ledger
from sobre_drivers.load import personal

FIRST_YEAR, YEARS = 2021, 5
ORGANISATIONS, SITES = 20, 5
# Class, units, devices monitored, kWh a work day.
CLASSES = (
    ("workstation.laptop", 60, 30, 0.23),
    ("workstation.desktop", 30, 18, 0.72),
    ("printer", 4, 3, 0.90),
    ("server", 2, 2, 4.90),
)
# A site of machines that are all on meters, whose months can be set against the weather.
METERED, SWITCHES = f"site-{SITES - 1}", ("network", 3, 3, 3.10)
CALIBRATED = "workstation.laptop"
DAYS = (21, 9)
ROOMS = 2


def written(folder: Path) -> int:
    """Make the folder; how many strata it has."""
    strata = [
        (Stratum(f"org-{o:02}", f"site-{s}", name), units, seen, kwh)
        for o in range(ORGANISATIONS)
        for s in range(SITES)
        for name, units, seen, kwh in _classes(f"site-{s}")
    ]
    _statements(folder, strata)
    months = [
        f"{year}-{n:02}" for year in range(FIRST_YEAR, FIRST_YEAR + YEARS) for n in range(1, 13)
    ]
    draw = random.Random(5)
    bases = {s: _base(s, seen, kwh, draw) for s, _, seen, kwh in strata}
    ledger = Ledger(folder / "ledger.db")
    try:
        for s, _, seen, _ in strata:
            for n in range(seen if s.device_class in ("printer", "server") else 0):
                ledger.put_device(_device(s, n))
        for o in range(ROOMS):
            node, device = _feeder(f"org-{o:02}").split(",")
            ledger.put_device(
                Device(
                    Key(node, device), "facility", f"org-{o:02}", "site-0", "meter", 9e4, 0.01, 0
                )
            )
        for age, month in enumerate(months):
            level = 1.0 - 0.003 * age + 0.08 * ((age % 12) in (0, 1, 11))
            rows = [_month(base, month, level) for base in bases.values()]
            ledger.put_months(rows)
            ledger.units.put(month, _units(month, strata, level))
        ledger.calibrations.decide(
            Decided(
                1_600_000_000,
                "energy",
                "plugs",
                (1, 2, 3),
                Applied(0, CALIBRATED, months[0], 1.1, 0.03),
            )
        )
        for n in range(5):
            ledger.adjustments.add(_entry(n), 1_700_000_000 + n)
    finally:
        ledger.close()
    return len(strata)


def _classes(site: str) -> list[tuple[str, int, int, float]]:
    return [SWITCHES if site == METERED and c[0] == "printer" else c for c in CLASSES]


def _base(s: Stratum, seen: int, kwh: float, draw: random.Random) -> StratumMonth:
    used = [kwh * draw.lognormvariate(0.0, 0.5) for _ in range(seen)]
    listed = [
        DeviceMonth((20 * x, 3 * x), (20.0, 8.0), 0.0 if personal(s.device_class) else 23 * x,
                    23 * x if personal(s.device_class) else 0.0, 4 * x)
        for x in used
    ]  # fmt: skip
    made = stratum_month("2021-01", s, DAYS, listed)
    return replace(made, calibration=1) if s.device_class == CALIBRATED else made


def _month(base: StratumMonth, month: str, level: float) -> StratumMonth:
    # Pairs (i, j) below 2 are kWh.
    powers = (2, 2, 1, 1, 2, 1, 1, 0, 0, 0)
    squares = base.squares and tuple(
        value * level**power for value, power in zip(base.squares, powers, strict=True)
    )
    x, x_rest, w, w_rest = base.sums
    joined = Joined(3, 20, 0.02, 0.004, 21.0) if base.devices > 10 else None
    return replace(
        base,
        month=month,
        sums=(x * level, x_rest * level, w, w_rest),
        squares=squares,
        measured_kwh=base.measured_kwh * level,
        estimated_kwh=base.estimated_kwh * level,
        largest_kwh=None if base.largest_kwh is None else base.largest_kwh * level,
        checks=MonthChecks(joined, (6.0, 2.0), 1),
    )


def _device(s: Stratum, n: int) -> Device:
    key = Key(f"reader-{s.organisation}", f"{s.device_class}-{s.site}-{n}")
    return Device(key, s.device_class, s.organisation, s.site, "meter", 2_000.0, 0.01, 0)


def _feeder(organisation: str) -> str:
    return f"reader-{organisation},feeder"


def _units(
    month: str, strata: list[tuple[Stratum, int, int, float]], level: float
) -> Iterator[UnitMonth]:
    printing = Printing(
        "Ardoise MF-40", "department", "impressions", False, (20.0, 8.0), (95.0, 9.0),
        (95.0, 9.0), (97.0, 9.5), {"printing": 14.0, "ready": 90.0, "sleep": 560.0, "unknown": 2.0},
        (9_000, 700), (20.0, 8.0), 0, PageSums(28, 20.0, 9_700, 4_100_000, 9_000.0),
    )  # fmt: skip
    for s, _, seen, kwh in strata:
        if s.device_class not in ("printer", "server"):
            continue
        for n in range(seen):
            device = _device(s, n)
            x = kwh * level * (1 + 0.1 * n)
            yield UnitMonth(
                month, *device.key, s.device_class, s.organisation, s.site, DAYS, (20.0, 8.0),
                (20 * x, 3 * x), (4 * x, 3 * x), 0.0, True,
                printing if s.device_class == "printer" else None,
            )  # fmt: skip
    for o in range(ROOMS):
        node, feeder = _feeder(f"org-{o:02}").split(",")
        yield UnitMonth(
            month, node, feeder, "facility", f"org-{o:02}", "site-0", DAYS, (21.0, 9.0),
            (310.0 * level, 130.0 * level), (60.0, 130.0), 0.0, False,
        )  # fmt: skip


def _entry(n: int) -> Entry:
    return Entry(
        f"row-{n}", "non-routine", -1_000.0, 200.0, f"2024-0{n + 1}-01", "a room was given up",
        f"minutes-{n}.pdf", "", "head of energy", f"2024-0{n + 1}-15",
    )  # fmt: skip


def _statements(folder: Path, strata: list[tuple[Stratum, int, int, float]]) -> None:
    organisations = [f"org-{o:02}" for o in range(ORGANISATIONS)]
    years = range(FIRST_YEAR, FIRST_YEAR + YEARS)
    tables = {
        "inventory.csv": [
            "month,organisation,site,class,units,half_width",
            *(
                f"{year}-01,{s.organisation},{s.site},{s.device_class},{units},1"
                for year in years
                for s, units, _, _ in strata
            ),
        ],
        "headcount.csv": [
            "month,organisation,users,half_width",
            *(
                f"{year}-{n:02},{o},{400 + year - FIRST_YEAR},2"
                for year in years
                for n in range(1, 13)
                for o in organisations
            ),
        ],
        "printers.csv": [
            "node,device,model,range,pages_per_minute",
            *(
                ",".join([*_device(s, n).key, "Ardoise MF-40", "department", "40"])
                for s, _, seen, _ in strata
                if s.device_class == "printer"
                for n in range(seen)
            ),
        ],
        "rooms.csv": [
            "room,measures,node,device,category",
            *(
                line
                for o in organisations[:ROOMS]
                for line in (
                    f"room-{o},facility,{_feeder(o)},",
                    *(f"room-{o},it,reader-{o},server-site-0-{n},2" for n in range(2)),
                )
            ),
        ],
        "metering.csv": [
            "node,device,fed_by_node,fed_by,counts,since,until",
            *(f"{_feeder(o)},,,no,," for o in organisations[:ROOMS]),
        ],
        "emission-factors.csv": [
            "year,value,unit,u_ratio,scope,source,version",
            *(f"{year},{60 - year + FIRST_YEAR},gCO2e/kWh,0.10,use,bench,1" for year in years),
        ],
        "degree-days.csv": [
            "month,site,base_c,degree_days,half_width",
            *(
                f"{year}-{n:02},{METERED},15,{60 * abs(7 - n) + year - FIRST_YEAR},3"
                for year in years
                for n in range(1, 13)
            ),
        ],
        "prices.csv": ["since,euros_per_kwh,source", "2021-01-01,0.20,bench"],
        "perimeter.toml": [
            "[baseline]", f"year = {FIRST_YEAR}", 'kind = "measured"', 'approved_by = "director"',
            'approved_on = "2022-03-01"', "[files]", 'inventory = "inventory.csv"',
            'headcount = "headcount.csv"', 'printers = "printers.csv"', 'rooms = "rooms.csv"',
            'metering = "metering.csv"', 'emission_factors = "emission-factors.csv"',
            'prices = "prices.csv"', 'degree_days = "degree-days.csv"',
            *(f'[[organisations]]\nid = "{o}"\nname = "{o}"' for o in organisations),
            *(f'[[sites]]\nid = "site-{s}"\nname = "site {s}"' for s in range(SITES)),
            '[[scenarios]]\nname = "Close a site"\nmonth = "2026-05"\nkwh_per_month = -900.0',
            "half_width_kwh = 200.0",
            '[[scenarios]]\nname = "Renew 2,000 laptops"\nmonth = "2026-02"\ndevices = 2000',
            "before_w = 11.5\nafter_w = 8.0",
        ],
    }  # fmt: skip
    for name, lines in tables.items():
        (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
