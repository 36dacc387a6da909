"""Where a report's data come from: the ledger beside the collector and the perimeter's files."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import fmean

from sobre_collector.config import CollectorConfig, load_config
from sobre_collector.indicators.calibration import sources_u
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.indicators.privacy import MIN_DEVICES
from sobre_collector.perimeter.bills import with_bills
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.report.facts import COVERAGE_FACTOR, Facts
from sobre_collector.report.figures import report
from sobre_collector.report.inputs import inputs
from sobre_collector.report.model import Conserved, Report
from sobre_collector.rows import Device
from sobre_collector.store.ledger import Job, Ledger
from sobre_drivers.calendar import local_day
from sobre_drivers.errors import ConfigError, StoreError
from sobre_drivers.load import personal

LEDGER = "ledger.db"
CONSERVATION_JOB = "conservation"


@dataclass(frozen=True, slots=True)
class Place:
    """A data folder and the perimeter file that goes with it; `config` where one was named."""

    data: Path
    perimeter: Path
    config: CollectorConfig | None = None


def place(config: Path | None, data: Path | None) -> Place:
    """The folder that `--config` or `--data` names; ConfigError unless exactly one is given."""
    if config is not None and data is not None:
        raise ConfigError("--config and --data: both name a data folder; give one of them")
    if config is not None:
        settings = load_config(config)
        beside = settings.perimeter or settings.data / "perimeter.toml"
        return Place(settings.data, beside, settings)
    folder = data or Path("sobre-data")
    return Place(folder, folder / "perimeter.toml")


def load_report(where: Place, year: int | None, now: datetime) -> Report:
    """The report of a year; None: the last of which a month is over.

    StoreError if there is no ledger, ConfigError if there is no perimeter or it is wrong.
    """
    perimeter = load_perimeter(stated(where))
    ledger = open_ledger(where.data)
    try:
        return made(ledger, perimeter, year, now)
    finally:
        ledger.close()


def stated(where: Place) -> Path:
    """The perimeter's file; ConfigError with what to do if there is none."""
    if not where.perimeter.exists():
        raise ConfigError(
            f"{where.perimeter}: does not exist; state baseline, target and head-counts there "
            "(config/perimeter.example.toml shows how)"
        )
    return where.perimeter


def open_ledger(data: Path) -> Ledger:
    """The ledger of a data folder; StoreError with what to do if there is none."""
    path = data / LEDGER
    if not path.exists():
        raise StoreError(
            f"{path}: no data yet; start the collector (sobre up), or name its folder with --data"
        )
    return Ledger(path, readonly=True)


def made(ledger: Ledger, perimeter: Perimeter, year: int | None, now: datetime) -> Report:
    """The report of a year from what the ledger holds; None for the last one it knows of."""
    return report(*given(ledger, perimeter, year, now))


def given(
    ledger: Ledger, perimeter: Perimeter, year: int | None, now: datetime
) -> tuple[list[StratumMonth], Perimeter, int, Facts]:
    """What the report of a year is computed from; None for the last year that is known of."""
    told = facts(ledger, perimeter, now)
    this_year = int(told.this_month[:4])
    last = this_year if year is None else year
    first = f"{perimeter.baseline.year:04}-01"
    rows = with_bills(ledger.months(first, f"{last:04}-12"), perimeter, first, f"{last:04}-12")
    if year is None:
        # In January nothing of the new year is over yet: the old one is what there is to show.
        over = [int(row.month[:4]) for row in rows if row.month < told.this_month]
        last = max(over, default=this_year)
    return rows, perimeter, last, told


def facts(ledger: Ledger, perimeter: Perimeter, now: datetime) -> Facts:
    """What the report is told about its data."""
    devices = ledger.devices().values()
    return Facts(
        generated_at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        this_month=local_day(now.timestamp(), perimeter.timezone).isoformat()[:7],
        software_version=software_version(),
        simulated=ledger.simulated,
        conservation=conserved(ledger.jobs(), devices, perimeter.publish_at_least),
        meter_u=meter_u(devices),
        common_u=sources_u(
            common_u(devices), [each.applied for each in ledger.calibrations.decided()]
        ),
        inputs=inputs(ledger, perimeter),
        adjustments=tuple(ledger.adjustments.entries()),
    )


def unstated(year: int) -> Perimeter:
    """A perimeter of which nothing was stated: months show, and no percentage is drawn."""
    return Perimeter(baseline=Baseline(year - 1, "measured"))


def conserved(
    jobs: list[Job], devices: Iterable[Device], at_least: int = MIN_DEVICES
) -> Conserved | None:
    """What the last conservation check found; None if none has run or its note is of another kind.

    The energies of fewer than `at_least` workstations are left out.
    """
    note = next((job.result for job in reversed(jobs) if job.job == CONSERVATION_JOB), None)
    if note is None:
        return None
    try:
        told = json.loads(note)
        found = Conserved(**{one.name: int(told[one.name]) for one in fields(Conserved)})
    except (ValueError, KeyError, TypeError):
        return None
    workstations = sum(personal(device.device_class) for device in devices)
    if 0 < workstations < at_least:
        return replace(found, stored_j=None, quarantined_j=None, voided_j=None, late_j=None)
    return found


def meter_u(devices: Iterable[Device]) -> dict[str, float]:
    """The relative standard uncertainty of one meter by class: the worst of its devices'."""
    worst: dict[str, float] = {}
    for device in devices:
        if device.uncertainty_ratio is not None and not personal(device.device_class):
            u = device.uncertainty_ratio / COVERAGE_FACTOR
            worst[device.device_class] = max(worst.get(device.device_class, 0.0), u)
    return worst


def common_u(devices: Iterable[Device]) -> dict[str, float]:
    """The relative standard uncertainty of the power model by class of people's devices.

    The mean over the class: the errors of its devices are one error, and add up as they are.
    """
    stated: dict[str, list[float]] = defaultdict(list)
    for device in devices:
        if device.uncertainty_ratio is not None and personal(device.device_class):
            stated[device.device_class].append(device.uncertainty_ratio / COVERAGE_FACTOR)
    return {name: fmean(us) for name, us in stated.items()}


def software_version() -> str:
    """The version that is installed."""
    try:
        return version("sobre")
    except PackageNotFoundError:
        return "?"
