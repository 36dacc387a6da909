"""From stratum-months and the perimeter to the report: pure, so that it can be computed again."""

from calendar import monthrange
from collections.abc import Sequence

from sobre_collector.indicators import reduction as reductions
from sobre_collector.indicators import trajectory as trajectories
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_collector.report import model
from sobre_collector.report.coverage import coverage
from sobre_collector.report.curve import curve
from sobre_collector.report.disclosure import nice, rounded_shares
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import METHOD_VERSION, Facts
from sobre_collector.report.fingerprint import input_sha256
from sobre_collector.report.notes import notes_of
from sobre_collector.report.sections import figures_of, notes_of_sections
from sobre_collector.report.target import target_of
from sobre_collector.report.working import LEVELS, worked


def report(
    rows: Sequence[StratumMonth], perimeter: Perimeter, year: int, facts: Facts
) -> model.Report:
    """The report of a calendar year; while it lasts, of the last twelve complete months.

    Never annualised: with fewer than twelve months `result` is None and `missing` says which. The
    perimeter's mistakes that only show here raise ConfigError.
    """
    drawn, found, missing = worked(rows, perimeter, year, facts)
    result = _result(found) if found and not missing else None
    sections = figures_of(drawn, found if result else (), facts)
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
        energy=_energy(drawn, found if result else ()),
        result=result,
        missing=tuple(missing),
        beside=_beside(drawn, found) if result else model.Beside(None, None, None),
        trajectory=_trajectory(drawn, found if result else ()),
        months=curve(
            drawn.fleet,
            target_of(drawn),
            _adjusted_ratio(drawn, found[0]) if result else None,
        ),
        organisations=drawn.groups.organisations,
        classes=drawn.groups.classes,
        coverage=coverage(drawn.fleet, drawn.months),
        conservation=facts.conservation,
        notes=(*notes_of(drawn, facts), *notes_of_sections(sections)),
        provenance=model.Provenance(
            facts.generated_at,
            METHOD_VERSION,
            facts.software_version,
            input_sha256(rows, perimeter, facts),
        ),
        publish_at_least=perimeter.publish_at_least,
        sections=sections,
    )


def _last_day(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{month}-{monthrange(year, number)[1]}"


def _adjusted_ratio(drawn: Drawn, found: reductions.Reduction) -> float | None:
    """E*/E_B: what each month of the baseline is to be multiplied by."""
    reference = drawn.reference.found
    return found.adjusted.total_kwh / reference.total_kwh if reference else None


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


def _baseline(drawn: Drawn) -> model.Baseline:
    stated, found = drawn.fleet.perimeter.baseline, drawn.reference.found
    return model.Baseline(
        stated.year,
        stated.kind,
        found.total_kwh if found else None,
        drawn.reference.u_kwh,
        drawn.reference.evidence,
        stated.approved_by,
        stated.approved_on,
        found.u_kwh if found else None,
    )


def _energy(drawn: Drawn, found: Sequence[reductions.Reduction]) -> model.Energy:
    total = drawn.absolute
    if not drawn.months:
        return model.Energy(None, None, None, None, None, None, None)
    low_kwh, high_kwh = total.interval(LEVELS[0])
    step = drawn.fleet.step_kwh(drawn.months)
    shares = [total.measured_share, total.estimated_share, total.extrapolated_share]
    if step > 0 and total.total_kwh > 0:
        shares = rounded_shares(shares, min(1.0, max(0.01, nice(step / total.total_kwh))))
    return model.Energy(
        total.total_kwh,
        total.se_kwh,
        model.KwhInterval(LEVELS[0], max(0.0, low_kwh), high_kwh),
        shares[0],
        shares[1],
        shares[2],
        drawn.fleet.naive_kwh(drawn.months),
        found[0].reporting.u_kwh if found else None,
    )


def _beside(drawn: Drawn, found: Sequence[reductions.Reduction]) -> model.Beside:
    first = found[0]
    phi0, raw = (
        model.RatioInterval(first.level, *around) if around else None
        for around in (first.phi0_interval, first.raw_interval)
    )
    return model.Beside(first.raw_ratio, first.phi0_ratio, _naive_ratio(drawn), phi0, raw)


def _naive_ratio(drawn: Drawn) -> float | None:
    # A stated baseline has no sum of its own: a dashboard would be set against the stated figure.
    found, before, after = drawn.reference.found, drawn.before, drawn.after
    if found is None or before is None or after is None:
        return None
    first_months = months_of(drawn.fleet.perimeter.baseline.year)
    measured = drawn.fleet.perimeter.baseline.kind == "measured"
    first_kwh = drawn.fleet.naive_kwh(first_months) if measured else found.total_kwh
    if first_kwh <= 0:
        return None
    now_kwh = drawn.fleet.naive_kwh(drawn.months)
    return 1 - (now_kwh / after.count) / (first_kwh / before.count)


def _trajectory(drawn: Drawn, found: Sequence[reductions.Reduction]) -> model.Trajectory:
    stated, baseline_year = drawn.fleet.perimeter.target, drawn.fleet.perimeter.baseline.year
    insufficient = model.Trajectory(stated.year, stated.reduction_ratio, "insufficient")
    target = target_of(drawn)
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
