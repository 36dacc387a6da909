"""What the collector has to do by itself, and what of it is due.

Nothing here waits or knows a scheduler: the ledger says what was done for which period, so that a
job whose time passed while the machine slept, was off, or set its clock is done once, late.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from sobre_collector.backup import back_up
from sobre_collector.calibrated import calibrated, stamped
from sobre_collector.config import Keep
from sobre_collector.conservation import EXPIRY, passed
from sobre_collector.idle import IDLE_JOB, idle_note, outlets, week_of
from sobre_collector.indicators.moments import stratum_month
from sobre_collector.month_checks import Silence, joiners, with_checks
from sobre_collector.months import day_types, device_months, month_bounds, reduced
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.rebuild import DAYS, rebuild_days, rebuild_printers
from sobre_collector.rows import Key
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import nowhere
from sobre_collector.unit_months import UnitMonths
from sobre_drivers.calendar import local_day, midnight

# Real seconds after midnight: an hour that a clock change leaves out or repeats never matters.
NIGHT_S = 2 * 3_600

# Printers' states in the days of open months, once for each confirmation of thresholds.
STATES = "printer-states"

Check = Callable[[Series, Ledger, int], str]


@dataclass(frozen=True, slots=True)
class House:
    """What the jobs work on. `check` is the conservation check and says in words what it found;
    `ledger_file` None means that nothing is backed up; while `paused` lasts nothing comes in."""

    series: Series
    ledger: Ledger
    perimeter: Perimeter
    keep: Keep = field(default_factory=Keep)
    check: Check | None = None
    ledger_file: Path | None = None
    backups: Path | None = None
    paused: Callable[[], AbstractContextManager[object]] = nullcontext
    crash: Callable[[str], None] = nowhere


@dataclass(frozen=True, slots=True)
class Duty:
    """A job for a period. `run` says in words what it did; the ledger notes it, so that it is done
    once."""

    job: str
    period: str
    run: Callable[[], str]


def month_totals(house: House, now: int, month: str) -> str:
    """Put a month's strata into the ledger as its days stand now; the present day counts nothing.

    A stratum that lost its last device is put too, empty: what was there before would stay.
    """
    series, ledger, perimeter = house.series, house.ledger, house.perimeter
    rebuild_days(series, ledger, perimeter, now)
    first, last = month_bounds(month)
    through = local_day(now, perimeter.timezone) - timedelta(days=1)
    devices = ledger.devices()
    units = UnitMonths(month, devices, perimeter, through)
    factors = ledger.calibrations.in_force(month)
    days = calibrated(series.days(first.isoformat(), last.isoformat()), devices, factors)
    silence = Silence(month, devices, perimeter, _heard(series), through)
    strata = device_months(silence.passing(units.passing(days)), devices, perimeter, through)
    calendar_days = day_types(month, perimeter.working_hours, through)
    rows = stamped(reduced(month, calendar_days, strata), devices.values(), factors)
    joined = joiners(month, calendar_days, strata, devices, perimeter.timezone)
    rows = with_checks(rows, joined, silence.by_stratum())
    found = {row.stratum for row in rows}
    empty = [
        stratum_month(month, row.stratum, calendar_days, ())
        for row in ledger.months(month, month)
        if row.stratum not in found
    ]
    ledger.put_months([*rows, *empty])
    ledger.units.put(month, units.rows)
    return f"{len(rows)} strata"


def _heard(series: Series) -> dict[Key, int]:
    """The end of the last load of each device (Unix seconds)."""
    heard: dict[Key, int] = {}
    for mark in series.marks():
        heard[mark.key] = max(mark.end, heard.get(mark.key, 0))
    return heard


def close_month(house: House, now: int, month: str) -> str:
    """Total a month for the last time, close it, and forget its workstations.

    Each step can be repeated: cut anywhere, the next run goes on. What comes in after the closing
    is late; what came before it is in the check's hands before it is forgotten.
    """
    if month not in house.ledger.closed_months():
        found = month_totals(house, now, month)
        with house.paused():
            # What came in meanwhile still counts; then the intake waits a little longer.
            if rebuild_days(house.series, house.ledger, house.perimeter, now):
                found = month_totals(house, now, month)
            house.crash("before-close")
            house.ledger.close_month(month, now)
    else:
        found = "was closed before"
    house.crash("after-close")
    if house.check is not None:
        # The check keeps what it needs of the loads that are about to go.
        house.check(house.series, house.ledger, now)
    house.crash("before-forget")
    house.series.forget(month)
    house.crash("after-forget")
    return f"{found}, workstations forgotten"


def duties(house: House, now: int) -> Iterator[Duty]:
    """What is due at `now` (Unix seconds) and was not done, in the order in which it must be done.

    Of a nightly job that was missed for many nights only the last is due.
    """
    zone = house.perimeter.timezone
    today = local_day(now, zone)
    night = today if now >= midnight(today, zone) + NIGHT_S else today - timedelta(days=1)
    period = night.isoformat()
    done = house.ledger.job_done
    check, ledger_file, backups = house.check, house.ledger_file, house.backups
    if check is not None and not done("conservation", period):
        yield Duty("conservation", period, partial(check, house.series, house.ledger, now))
    for each in house.ledger.rulebook.confirmations():
        if not done(STATES, str(each.number)):
            yield Duty(STATES, str(each.number), partial(states_again, house, now, each.model))
    for month in open_months(house.ledger):
        if due_to_close(month, now, house):
            yield Duty("close", month, partial(close_month, house, now, month))
        elif not done("totals", f"{month} {period}"):
            yield Duty("totals", f"{month} {period}", partial(month_totals, house, now, month))
    monday = week_of(night)
    if not done(IDLE_JOB, monday.isoformat()) and outlets(house.ledger.devices()):
        looked = partial(_idle, house, monday - timedelta(days=1))
        yield Duty(IDLE_JOB, monday.isoformat(), looked)
    if check is not None and expiry_due(house, now, period):
        yield Duty(EXPIRY, period, partial(expire, house, now))
    if ledger_file is not None and backups is not None and not done("backup", period):
        kept = house.keep.backups
        yield Duty("backup", period, partial(_back_up, ledger_file, backups, period, kept))


def states_again(house: House, now: int, model: str) -> str:
    """Give the printers of a model their states, as far back as months are open."""
    today = local_day(now, house.perimeter.timezone)
    days = [
        first + timedelta(days=n)
        for month in open_months(house.ledger)
        for first, last in [month_bounds(month)]
        for n in range((min(last, today) - first).days + 1)
    ]
    built = rebuild_printers(house.series, house.ledger, house.perimeter, model, days)
    return f"{built} days of printers {model}"


def _idle(house: House, last: date) -> str:
    return idle_note(house.series, house.ledger.devices(), last)


def expire(house: House, now: int) -> str:
    """Drop what of the infrastructure is older than it is kept, and was checked."""
    rebuild_days(house.series, house.ledger, house.perimeter, now)
    loads_before, days_before = kept_since(house, now)
    before = min(loads_before, passed(house.series, house.ledger))
    return f"{house.series.expire(before, days_before)} loads and days dropped"


def expiry_due(house: House, now: int, period: str) -> bool:
    """Whether this night something may be too old, and the check has run: months go whole."""
    built = [job.period for job in house.ledger.jobs() if job.job == DAYS]
    oldest = local_day(kept_since(house, now)[0], house.perimeter.timezone).isoformat()[:7]
    done = house.ledger.job_done
    return min(built, default=oldest) < oldest and (
        done("conservation", period) and not done(EXPIRY, period)
    )


def kept_since(house: House, now: int) -> tuple[int, str]:
    """From when on loads (Unix seconds) and days (ISO date) of the infrastructure are kept."""
    zone, keep = house.perimeter.timezone, house.keep
    today = local_day(now, zone)
    months = today.year * 12 + today.month - 1 - keep.loads_months
    first = date(months // 12, months % 12 + 1, 1)
    return midnight(first, zone), date(today.year - keep.days_years, today.month, 1).isoformat()


def _back_up(source: Path, folder: Path, period: str, keep: int) -> str:
    return back_up(source, folder, period, keep).name


def open_months(ledger: Ledger) -> list[str]:
    """Months of which days were ever built and that are not closed, oldest first."""
    jobs = ledger.jobs()
    closed = {job.period for job in jobs if job.job == "close"}
    return sorted({job.period for job in jobs if job.job == DAYS} - closed)


def due_to_close(month: str, now: int, house: House) -> bool:
    """Whether enough days went by since the end of a month (design.md 5)."""
    last = month_bounds(month)[1]
    closes = last + timedelta(days=1 + house.keep.close_after_days)
    return now >= midnight(closes, house.perimeter.timezone)


def run_duty(house: House, duty: Duty, now: int) -> str:
    """Do a duty and note it: what it did."""
    result = duty.run()
    house.ledger.record_job(duty.job, duty.period, now, result)
    return result
