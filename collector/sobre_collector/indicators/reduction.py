"""The reduction at constant user scope: R = 1 − E_R / E*, with its interval (method 2.3).

Inside, R is positive when consumption falls; what is published is an evolution, which is then
negative (`evolution_percent`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, hypot, inf, sqrt
from typing import Literal

from sobre_collector.indicators.baseline import Baseline
from sobre_collector.indicators.quantiles import satterthwaite, two_sided
from sobre_collector.indicators.total import Total

# Above this the baseline is too uncertain for a percentage to mean anything.
MAX_CV_OF_BASELINE = 0.10


@dataclass(frozen=True, slots=True)
class Energy:
    """kWh of a period with standard uncertainty (k = 1) and degrees of freedom."""

    total_kwh: float
    u_kwh: float
    df: float = inf
    flags: tuple[str, ...] = ()


def reported(total: Total, cv_common: float = 0.0) -> Energy:
    """The reporting period's total as this calculation takes it, flags included.

    `cv_common` is what stays of common factors (`common_cv`), where `total` does not carry them.
    """
    u_common = cv_common * total.total_kwh
    return Energy(
        total.total_kwh,
        hypot(total.se_kwh, u_common),
        satterthwaite([(total.se_kwh**2, total.df), (u_common**2, inf)]),
        total.flags,
    )


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """The part of the baseline that one use has; `phi_ratio` is 1 where people drive it, else 0."""

    name: str
    share_ratio: float
    phi_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Users:
    """Mean of the twelve month-end head-counts, with its standard uncertainty in persons."""

    count: float
    u_count: float = 0.0


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A signed change of the baseline in kWh: scope (before the user factor) or anything after."""

    kind: Literal["perimeter", "weather", "non-routine"]
    kwh: float
    u_kwh: float


@dataclass(frozen=True, slots=True)
class AdjustedBaseline:
    """E* in kWh: the baseline year under the conditions of the reporting year."""

    total_kwh: float
    u_kwh: float
    df: float
    user_factor_ratio: float


@dataclass(frozen=True, slots=True)
class Reduction:
    """R and its interval; all percentages are None when the data are insufficient, and why."""

    reduction_ratio: float | None
    low_ratio: float | None
    high_ratio: float | None
    se_ratio: float | None
    level: float
    df: float
    raw_ratio: float | None
    phi0_ratio: float | None
    phi0_interval: tuple[float, float] | None
    raw_interval: tuple[float, float] | None
    adjusted: AdjustedBaseline
    reporting: Energy
    avoided_kwh: float
    avoided_interval_kwh: tuple[float, float] | None
    baseline_kwh_per_user: float
    reporting_kwh_per_user: float
    insufficient: tuple[str, ...]


def user_factor(uses: Sequence[EnergyUse], before: Users, after: Users) -> float:
    """Σ share·[(1 − φ) + φ·U_R/U_B]; shares are those of the baseline and add up to 1."""
    whole = fsum(use.share_ratio for use in uses)
    if abs(whole - 1) > 1e-6:
        raise ValueError(f"shares of the baseline's energy uses add up to {whole}, not to 1")
    return fsum(
        use.share_ratio * ((1 - use.phi_ratio) + use.phi_ratio * after.count / before.count)
        for use in uses
    )


def adjusted_baseline(
    baseline: Baseline,
    uses: Sequence[EnergyUse],
    before: Users,
    after: Users,
    adjustments: Iterable[Adjustment] = (),
) -> AdjustedBaseline:
    """E* = (E_B + perimeter) × user factor + weather + other non-routine, and its uncertainty."""
    listed = list(adjustments)
    factor = user_factor(uses, before, after)
    scope = [a for a in listed if a.kind == "perimeter"]
    later = [a for a in listed if a.kind != "perimeter"]
    base_kwh = baseline.total_kwh + fsum(a.kwh for a in scope)
    # Both head-counts act through the part of the baseline that follows people.
    driven = fsum(use.share_ratio * use.phi_ratio for use in uses) * after.count / before.count
    u_users = base_kwh * driven * hypot(before.u_count / before.count, after.u_count / after.count)
    u_listed = hypot(*(factor * a.u_kwh for a in scope), *(a.u_kwh for a in later), u_users)
    u_baseline = factor * baseline.u_kwh
    return AdjustedBaseline(
        base_kwh * factor + fsum(a.kwh for a in later),
        hypot(u_baseline, u_listed),
        satterthwaite([(u_baseline**2, baseline.df), (u_listed**2, inf)]),
        factor,
    )


def log_interval(
    adjusted: AdjustedBaseline, reporting: Energy, level: float = 0.95, correlation_ratio: float = 0
) -> tuple[float, float, float, float]:
    """R's low and high end, cv of Q = E_R/E*, and df: 1 − Q·exp(± t·cv_Q)."""
    q = reporting.total_kwh / adjusted.total_kwh
    cv_r = reporting.u_kwh / reporting.total_kwh
    cv_b = adjusted.u_kwh / adjusted.total_kwh
    cv_square = max(0.0, cv_r**2 + cv_b**2 - 2 * correlation_ratio * cv_r * cv_b)
    weight = cv_r**4 / reporting.df + cv_b**4 / adjusted.df
    df = cv_square**2 / weight if weight > 0 and cv_square > 0 else inf
    if correlation_ratio > 0:
        # A small difference of two errors is known no worse than the worse of the two.
        df = max(df, min(reporting.df, adjusted.df))
    cv_q = sqrt(cv_square)
    half = two_sided(level, df) * cv_q
    return 1 - q * exp(half), 1 - q * exp(-half), cv_q, df


def reduction(
    baseline: Baseline,
    reporting: Energy,
    *,
    before: Users,
    after: Users,
    uses: Sequence[EnergyUse] = (EnergyUse("all", 1.0),),
    adjustments: Sequence[Adjustment] = (),
    level: float = 0.95,
    correlation_ratio: float = 0.0,
    insufficient: Sequence[str] = (),
) -> Reduction:
    """R with raw and φ = 0 beside it; B and R count as independent unless a correlation is given.

    `insufficient` holds what the caller already knows to be missing; cv(E*) above 10 %, and a total
    that lacks data, are added here. With any reason there is no percentage.
    """
    adjusted = adjusted_baseline(baseline, uses, before, after, adjustments)
    fixed = [EnergyUse(use.name, use.share_ratio, 0.0) for use in uses]
    phi0 = adjusted_baseline(baseline, fixed, before, after, adjustments)
    reasons = list(insufficient)
    if reporting.total_kwh <= 0 or adjusted.total_kwh <= 0:
        reasons.append("no-energy")
    elif adjusted.u_kwh / adjusted.total_kwh > MAX_CV_OF_BASELINE:
        reasons.append("baseline-too-uncertain")
    if "no-data" in (*baseline.flags, *reporting.flags):
        reasons.append("no-data")

    low = high = se = value = raw = value_phi0 = None
    interval_phi0 = interval_raw = avoided = None
    df = inf
    if not reasons:
        low, high, cv_q, df = log_interval(adjusted, reporting, level, correlation_ratio)
        value = 1 - reporting.total_kwh / adjusted.total_kwh
        se = (1 - value) * cv_q
        raw = 1 - reporting.total_kwh / baseline.total_kwh
        # Neither users nor adjustments: only what both years' energy itself is unsure of.
        plain = AdjustedBaseline(baseline.total_kwh, baseline.u_kwh, baseline.df, 1.0)
        interval_raw = log_interval(plain, reporting, level, correlation_ratio)[:2]
        value_phi0 = 1 - reporting.total_kwh / phi0.total_kwh
        interval_phi0 = log_interval(phi0, reporting, level, correlation_ratio)[:2]
        avoided = (low * adjusted.total_kwh, high * adjusted.total_kwh)
    return Reduction(
        reduction_ratio=value,
        low_ratio=low,
        high_ratio=high,
        se_ratio=se,
        level=level,
        df=df,
        raw_ratio=raw,
        phi0_ratio=value_phi0,
        phi0_interval=interval_phi0,
        raw_interval=interval_raw,
        adjusted=adjusted,
        reporting=reporting,
        avoided_kwh=adjusted.total_kwh - reporting.total_kwh,
        avoided_interval_kwh=avoided,
        baseline_kwh_per_user=baseline.total_kwh / before.count,
        reporting_kwh_per_user=reporting.total_kwh / after.count,
        insufficient=tuple(dict.fromkeys(reasons)),
    )


def common_cv(
    common_u: Mapping[str, float],
    reporting_share: Mapping[str, float],
    baseline_share: Mapping[str, float],
) -> float:
    """What factors common to a class leave in cv(E_R/E*): √Σ (u_c·(s_R,c − s_B,c))².

    A factor that applies to both periods cancels as far as its class weighs the same in both; one
    that applies to the reporting period alone (`baseline_share` without the class) stays whole.
    """
    return hypot(
        *(
            u_ratio * (reporting_share.get(name, 0.0) - baseline_share.get(name, 0.0))
            for name, u_ratio in common_u.items()
        )
    )


def evolution_percent(reduction_ratio: float) -> float:
    """What is published: −9.2 for a reduction of 0.092, and positive when consumption rises."""
    return -100 * reduction_ratio
