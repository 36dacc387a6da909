"""Metered rooms against their weather: a regression baseline, and how sure its saving is (FSU).

A second opinion on what degree-day adjustments say, for sites whose devices are all metered: the
baseline year's months are regressed on degree-days, and the period is set against what they predict
under its own weather (method.md 2.3, ASHRAE Guideline 14). It never enters the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators.fsu import acceptable, fractional_uncertainty
from sobre_collector.indicators.normalised import Normalised, normalised
from sobre_collector.indicators.privacy import is_personal
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.indicators.regression import Regression, fitted, predicted_kwh
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report import notation
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note, Report
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, marked, note, say

NAME = "regression"
# Of a series that is not on meters a regression would explain the model, not the room.
MEASURED_AT_LEAST_RATIO = 0.9
LEVEL = 0.68
NORMAL_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Metered:
    """A site's metered energy against `base_c` degree-days; `saving_ratio` positive when falling.

    `fsu_ratio` is the half-width of the saving over the saving at 68 %; None for no saving.
    `normal` is the saving under the mean degree-days of `normal_years` years, at 95 %; None where
    the reporting period has no regression of its own.
    """

    site: str
    base_c: float
    slope_kwh: float
    u_slope_kwh: float
    r_square_ratio: float
    cv_rmse_ratio: float
    rho_ratio: float
    predicted_kwh: float
    energy_kwh: float
    saving_ratio: float
    fsu_ratio: float | None
    acceptable: bool
    normal: Normalised | None = None
    normal_years: int = 0


@dataclass(frozen=True, slots=True)
class Regressions:
    """The sites that could be regressed; `missing` says why others could not."""

    sites: tuple[Metered, ...]
    missing: tuple[Note, ...]


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Regressions | None:
    """One regression a site with degree-days; None where nobody stated any."""
    perimeter = drawn.fleet.perimeter
    if not perimeter.degree_days or not found:
        return None
    if perimeter.baseline.kind != "measured":
        return Regressions((), (Note("regression-not-measured"),))
    sites, missing = [], []
    for site, base_c in sorted(perimeter.degree_days):
        one = _metered(drawn, site, base_c)
        if isinstance(one, Note):
            missing.append(one)
        else:
            sites.append(one)
    return Regressions(tuple(sites), tuple(missing))


def _metered(drawn: Drawn, site: str, base_c: float) -> Metered | Note:
    before, after = months_of(drawn.fleet.perimeter.baseline.year), list(drawn.months)
    table_ = drawn.fleet.perimeter.degree_days[site, base_c]
    lacking = [month for month in (*before, *after) if month not in table_]
    if lacking:
        return Note("regression-degree-days", {"sites": site, "months": ", ".join(lacking)})
    parts = {
        month: [
            one
            for one in drawn.fleet.of([month])
            if one.stratum.site == site and not is_personal(one.stratum.device_class)
        ]
        for month in (*before, *after)
    }
    energy = {month: fsum(one.total_kwh for one in parts[month]) for month in parts}
    measured = fsum(one.measured_kwh for members in parts.values() for one in members)
    whole = fsum(energy.values())
    if min(energy.values()) <= 0 or measured < MEASURED_AT_LEAST_RATIO * whole:
        return Note("regression-not-metered", {"sites": site})
    column = f"{base_c:g}"
    days = {month: table_[month][0] for month in table_}
    try:
        fit = fitted([energy[m] for m in before], {column: [days[m] for m in before]})
    except ValueError:
        # The same degree-days each month leave no slope.
        return Note("regression-flat", {"sites": site})
    predicted = fsum(predicted_kwh(fit, {column: [days[m] for m in after]}))
    used = fsum(energy[m] for m in after)
    saving = 1 - used / predicted
    model = fit.model("monthly")
    fsu = None
    if saving != 0:
        fsu = fractional_uncertainty(
            model,
            savings_ratio=saving,
            reporting_n=len(after),
            months_elapsed=float(len(after)),
            level=LEVEL,
        )
    slope, u_slope = fit.slope_kwh(column)
    good = fsu is not None and acceptable(
        model, savings_ratio=saving, reporting_n=len(after), months_elapsed=float(len(after))
    )
    normal, years = _normal(fit, [energy[m] for m in after], after, column, days)
    return Metered(
        site,
        base_c,
        slope,
        u_slope,
        fit.r_square,
        fit.cv_rmse_ratio,
        fit.rho_ratio,
        predicted,
        used,
        saving,
        fsu,
        good,
        normal,
        years,
    )


def _normal(
    before: Regression,
    energy_kwh: Sequence[float],
    months: Sequence[str],
    column: str,
    days: Mapping[str, float],
) -> tuple[Normalised | None, int]:
    """Both periods under the mean weather of the years that are stated whole."""
    years = sorted({month[:4] for month in days})
    whole = [year for year in years if all(m in days for m in months_of(int(year)))]
    if len(months) < 12 or not whole:
        return None, 0
    try:
        after = fitted(energy_kwh, {column: [days[m] for m in months]})
    except ValueError:
        return None, 0
    means = [fsum(days[f"{year}-{n:02}"] for year in whole) / len(whole) for n in range(1, 13)]
    return normalised(before, after, means, NORMAL_LEVEL), len(whole)


def html(found: Regressions, report: Report, lang: Lang) -> str:
    """What it is, one table, and what is missing."""
    parts = [f"<p>{marked(say(lang, 'regression.said'))}</p>"]
    if found.sites:
        heads = [say(lang, "col.site"), say(lang, "regression.saving"), say(lang, "regression.fsu")]
        parts.append(table(say(lang, "title.regression"), heads, rows(found, report, lang)))
    if found.missing:
        texts = "".join(f"<li>{marked(note(lang, one))}</li>" for one in found.missing)
        parts.append(f"<ul>{texts}</ul>")
    return "".join(parts)


def rows(found: Regressions, report: Report, lang: Lang) -> list[list[str]]:
    """Site, its change against the prediction, and what Guideline 14 says of it."""
    lines = []
    for one in found.sites:
        text = say(lang, "regression.none")
        if one.fsu_ratio is not None:
            key = "regression.accepted" if one.acceptable else "regression.refused"
            text = say(lang, key, fsu=notation.percent(one.fsu_ratio, lang, 0))
        fit = say(
            lang,
            "regression.fit",
            base=notation.number(one.base_c, lang, 1),
            r2=notation.number(one.r_square_ratio, lang, 2),
            cv=notation.percent(one.cv_rmse_ratio, lang),
        )
        lines.append([one.site, notation.change(-one.saving_ratio, lang), f"{text} {fit}"])
        if one.normal is not None:
            low, high = (
                notation.change(-r, lang) for r in (one.normal.high_ratio, one.normal.low_ratio)
            )
            said = say(
                lang,
                "regression.normal_means",
                years=one.normal_years,
                low=low,
                high=high,
                before=notation.energy(one.normal.before_kwh, lang),
                after=notation.energy(one.normal.after_kwh, lang),
            )
            label = f"{one.site} ({say(lang, 'regression.normal')})"
            lines.append([label, notation.change(-one.normal.saving_ratio, lang), said])
    return lines
