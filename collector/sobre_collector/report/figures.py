"""From stratum-months and the perimeter to the report: pure, so that it can be computed again."""

import json
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sobre_collector.indicators import reduction as reductions
from sobre_collector.indicators import trajectory as trajectories
from sobre_collector.indicators.moments import StratumMonth, to_json
from sobre_collector.indicators.naive import naive_sum_kwh
from sobre_collector.indicators.total import Total, year_total
from sobre_collector.perimeter import Perimeter, months_of
from sobre_collector.report import model
from sobre_collector.report.coverage import coverage, flagged
from sobre_collector.report.curve import curve
from sobre_collector.report.facts import METHOD_VERSION, Facts
from sobre_collector.report.groups import Groups, groups, hidden_months
from sobre_collector.report.model import Note, Values
from sobre_collector.report.monthly import Fleet, fleet, users, window
from sobre_collector.report.reference import Reference, reference

LEVELS = (0.95, 0.90)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Everything that the parts of the report are drawn from."""

    fleet: Fleet
    year: int
    months: tuple[str, ...]
    full: bool
    total: Total
    reference: Reference
    before: reductions.Users | None
    after: reductions.Users | None
    groups: Groups


def report(
    rows: Sequence[StratumMonth], perimeter: Perimeter, year: int, facts: Facts
) -> model.Report:
    """The report of a calendar year; while it lasts, of the last twelve complete months.

    Never annualised: with fewer than twelve months `result` is None and `missing` says which. The
    perimeter's mistakes that only show here raise ConfigError.
    """
    drawn = _drawn(rows, perimeter, year, facts)
    missing = _missing(drawn)
    found = _reductions(drawn) if not missing else ()
    if found and found[0].insufficient:
        missing += [_reason(code, found[0]) for code in found[0].insufficient]
    result = _result(found) if found and not missing else None
    return model.Report(
        simulated=facts.simulated,
        perimeter=", ".join(
            o.name for o in perimeter.organisations if o.id in drawn.fleet.organisations
        ),
        period=model.Period(
            year,
            f"{drawn.months[0] if drawn.months else f'{year:04}-01'}-01",
            _last_day(drawn.months[-1] if drawn.months else f"{year:04}-12"),
            drawn.months,
            drawn.full and list(drawn.months) == months_of(year),
        ),
        baseline=_baseline(drawn),
        users=model.Users(
            drawn.before.count if drawn.before else None,
            drawn.after.count if drawn.after else None,
            perimeter.user_definition,
        ),
        energy=_energy(drawn),
        result=result,
        missing=tuple(missing),
        beside=_beside(drawn, found) if result else model.Beside(None, None, None),
        trajectory=_trajectory(drawn, found if result else ()),
        months=_curve(drawn, found if result else (), facts.this_month),
        organisations=drawn.groups.organisations,
        classes=drawn.groups.classes,
        coverage=coverage(drawn.fleet.of(drawn.months), perimeter.publish_at_least),
        conservation=facts.conservation,
        notes=tuple(_notes(drawn, facts)),
        provenance=model.Provenance(
            facts.generated_at,
            METHOD_VERSION,
            facts.software_version,
            input_sha256(rows, perimeter),
        ),
    )


def input_sha256(rows: Sequence[StratumMonth], perimeter: Perimeter) -> str:
    """The fingerprint of everything that the figures depend on."""
    ordered = sorted(rows, key=lambda row: (row.month, row.stratum))
    content = [json.dumps(to_json(row), sort_keys=True) for row in ordered]
    return sha256("\n".join([*content, repr(perimeter)]).encode()).hexdigest()


def _last_day(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{month}-{monthrange(year, number)[1]}"


def _drawn(rows: Sequence[StratumMonth], perimeter: Perimeter, year: int, facts: Facts) -> _Drawn:
    of_fleet = fleet(rows, perimeter, year, facts.this_month, facts.meter_u)
    twelve = window(of_fleet.complete, year)
    months = twelve or tuple(m for m in months_of(year) if m in of_fleet.complete)
    organisations = of_fleet.organisations
    return _Drawn(
        fleet=of_fleet,
        year=year,
        months=months,
        full=twelve is not None,
        total=year_total(of_fleet.of(months)),
        reference=reference(of_fleet, year),
        before=users(perimeter, months_of(perimeter.baseline.year), organisations),
        after=users(perimeter, months, organisations),
        groups=groups(of_fleet, months),
    )


def _missing(drawn: _Drawn) -> list[Note]:
    missing = list(drawn.reference.missing)
    baseline_year = drawn.fleet.perimeter.baseline.year
    if not drawn.months:
        missing.append(Note("no-months", {"year": drawn.year}))
    elif not drawn.full:
        lacking = ", ".join(drawn.fleet.lacking(months_of(drawn.year)))
        values: Values = {"known": len(drawn.months), "year": drawn.year, "months": lacking}
        missing.append(Note("months-missing", values))
    if drawn.year <= baseline_year:
        missing.append(Note("not-after-baseline", {"baseline_year": baseline_year}))
    if drawn.before is None:
        missing.append(Note("no-users", {"year": baseline_year}))
    if drawn.after is None and drawn.months:
        missing.append(Note("no-users", {"year": drawn.year}))
    if not drawn.groups.whole:
        missing.append(Note("too-few-workstations", {"k": drawn.fleet.perimeter.publish_at_least}))
    return missing


def _reductions(drawn: _Drawn) -> tuple[reductions.Reduction, ...]:
    found, before, after = drawn.reference.found, drawn.before, drawn.after
    if found is None or before is None or after is None:
        return ()
    return tuple(
        reductions.reduction(
            found,
            reductions.reported(drawn.total),
            before=before,
            after=after,
            uses=drawn.reference.uses,
            level=level,
        )
        for level in LEVELS
    )


def _reason(code: str, found: reductions.Reduction) -> Note:
    if code == "baseline-too-uncertain":
        u_ratio = found.adjusted.u_kwh / found.adjusted.total_kwh
        return Note(code, {"u_ratio": u_ratio, "limit_ratio": reductions.MAX_CV_OF_BASELINE})
    return Note(code)


def _result(found: Sequence[reductions.Reduction]) -> model.Result:
    first = found[0]
    assert first.reduction_ratio is not None
    avoided = first.avoided_interval_kwh
    return model.Result(
        adjusted_baseline_kwh=first.adjusted.total_kwh,
        reduction_ratio=first.reduction_ratio,
        evolution_ratio=-first.reduction_ratio,
        intervals=tuple(
            model.RatioInterval(one.level, one.low_ratio, one.high_ratio)
            for one in found
            if one.low_ratio is not None and one.high_ratio is not None
        ),
        avoided_kwh=first.avoided_kwh,
        avoided_interval=model.KwhInterval(first.level, *avoided) if avoided else None,
        baseline_kwh_per_user=first.baseline_kwh_per_user,
        reporting_kwh_per_user=first.reporting_kwh_per_user,
    )


def _baseline(drawn: _Drawn) -> model.Baseline:
    stated, found = drawn.fleet.perimeter.baseline, drawn.reference.found
    return model.Baseline(
        stated.year,
        stated.kind,
        found.total_kwh if found and drawn.groups.whole else None,
        found.u_kwh if found and drawn.groups.whole else None,
        drawn.reference.evidence,
    )


def _energy(drawn: _Drawn) -> model.Energy:
    total = drawn.total
    if not drawn.groups.whole or not drawn.months:
        return model.Energy(None, None, None, None, None, None, None)
    low_kwh, high_kwh = total.interval(LEVELS[0])
    return model.Energy(
        total.total_kwh,
        total.se_kwh,
        model.KwhInterval(LEVELS[0], max(0.0, low_kwh), high_kwh),
        total.measured_share,
        total.estimated_share,
        total.extrapolated_share,
        naive_sum_kwh(drawn.fleet.rows_of(drawn.months)),
    )


def _beside(drawn: _Drawn, found: Sequence[reductions.Reduction]) -> model.Beside:
    return model.Beside(found[0].raw_ratio, found[0].phi0_ratio, _naive_ratio(drawn))


def _naive_ratio(drawn: _Drawn) -> float | None:
    # A stated baseline has no sum of its own: a dashboard would be set against the stated figure.
    found, before, after = drawn.reference.found, drawn.before, drawn.after
    if found is None or before is None or after is None:
        return None
    first_months = months_of(drawn.fleet.perimeter.baseline.year)
    measured = drawn.fleet.perimeter.baseline.kind == "measured"
    first_kwh = naive_sum_kwh(drawn.fleet.rows_of(first_months)) if measured else found.total_kwh
    if first_kwh <= 0:
        return None
    now_kwh = naive_sum_kwh(drawn.fleet.rows_of(drawn.months))
    return 1 - (now_kwh / after.count) / (first_kwh / before.count)


def _trajectory(drawn: _Drawn, found: Sequence[reductions.Reduction]) -> model.Trajectory:
    stated, baseline_year = drawn.fleet.perimeter.target, drawn.fleet.perimeter.baseline.year
    insufficient = model.Trajectory(stated.year, stated.reduction_ratio, "insufficient")
    target = _target(drawn)
    if not found or target is None:
        return insufficient
    years = trajectories.elapsed_years(drawn.months[-1], baseline_year)
    standing = trajectories.standing(found[0], target, years)
    low, high = standing.gap_interval or (None, None)
    return model.Trajectory(
        stated.year,
        stated.reduction_ratio,
        standing.status,
        drawn.months[-1],
        found[0].reduction_ratio,
        standing.path_ratio,
        standing.gap_ratio,
        low,
        high,
        standing.required_linear_ratio_per_year,
    )


def _target(drawn: _Drawn) -> trajectories.Target | None:
    stated, baseline_year = drawn.fleet.perimeter.target, drawn.fleet.perimeter.baseline.year
    if stated.year <= baseline_year:
        return None
    return trajectories.Target(
        stated.reduction_ratio,
        baseline_year,
        stated.year,
        stated.path,
        {step.year: step.reduction_ratio for step in stated.milestones},
    )


def _curve(
    drawn: _Drawn, found: Sequence[reductions.Reduction], this_month: str
) -> tuple[model.MonthFigures, ...]:
    years = {month[:4] for month in drawn.fleet.complete}
    windows = [drawn.months, *(months_of(int(year)) for year in sorted(years))]
    hidden = hidden_months(drawn.fleet, windows)
    if not drawn.groups.whole:
        hidden = frozenset(drawn.fleet.rows)
    factor = found[0].adjusted.user_factor_ratio if found else None
    return curve(drawn.fleet, hidden, _target(drawn), factor)


def _notes(drawn: _Drawn, facts: Facts) -> list[Note]:
    perimeter = drawn.fleet.perimeter
    notes = [Note("exchangeable"), Note("months-bound")]
    if perimeter.baseline.kind == "measured":
        notes.append(Note("independent"))
    if not drawn.reference.evidence:
        notes.append(Note("baseline-evidence", {"baseline_year": perimeter.baseline.year}))
    if drawn.fleet.left_out:
        notes.append(Note("left-out", {"names": ", ".join(sorted(drawn.fleet.left_out))}))
    carried = [m for m in drawn.months if perimeter.inventory_of(m).carried]
    if carried:
        notes.append(Note("inventory-carried", {"count": len(carried)}))
    shown = (*drawn.groups.organisations, *drawn.groups.classes)
    suppressed = sum(group.suppressed for group in shown)
    if suppressed:
        notes.append(Note("suppressed", {"count": suppressed, "k": perimeter.publish_at_least}))
    account = facts.conservation
    if account and (account.missing_j or account.doubled_j):
        values = {"missing_j": account.missing_j, "doubled_j": account.doubled_j}
        notes.append(Note("unaccounted", values))
    if account and account.late_j:
        notes.append(Note("late", {"late_j": account.late_j}))
    return notes + flagged(drawn.fleet.of(drawn.months))
