"""The baseline's energy and how sure it is, for the kinds that an audit meets (method 2.3).

A figure without a stated uncertainty is refused here: no later formula can repair it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, hypot, inf, sqrt
from typing import Literal

from sobre_collector.indicators.quantiles import satterthwaite
from sobre_collector.indicators.total import Total
from sobre_drivers.errors import ConfigError

Kind = Literal["measured", "declared", "billed", "partial-year", "modelled"]

MODELLED_HALF_WIDTH_RATIO = 0.30
# Shares that fewer than two years estimate cannot show how much years differ.
LEAST_CV_OF_SHARES = 0.02


@dataclass(frozen=True, slots=True)
class Baseline:
    """kWh of the baseline year, its standard uncertainty (k = 1) and degrees of freedom."""

    kind: Kind
    total_kwh: float
    u_kwh: float
    df: float = inf
    flags: tuple[str, ...] = ()


def measured(total: Total) -> Baseline:
    """A baseline year that agents and meters measured."""
    return Baseline("measured", total.total_kwh, total.se_kwh, total.df, total.flags)


def stated(
    kind: Literal["declared", "billed"],
    total_kwh: float,
    *,
    half_width_kwh: float | None = None,
    expanded_kwh: float | None = None,
    coverage_factor: float = 2.0,
) -> Baseline:
    """A declared or billed year: ± a half-width (u = a/√3), or an expanded uncertainty (u = U/k).

    ConfigError if neither or both are given, or if it is 0: nothing is known to ± 0.
    """
    widths = [width for width in (half_width_kwh, expanded_kwh) if width is not None]
    if len(widths) != 1 or not widths[0] > 0:
        raise ConfigError(
            f"baseline of kind {kind!r}: uncertainty {widths or 'missing'}; ask its author for a "
            "half-width or an expanded uncertainty above 0 kWh"
        )
    if half_width_kwh is not None:
        return Baseline(kind, total_kwh, half_width_kwh / sqrt(3))
    return Baseline(kind, total_kwh, widths[0] / coverage_factor)


def modelled(
    total_kwh: float, half_width_ratio: float = MODELLED_HALF_WIDTH_RATIO, reason: str = ""
) -> Baseline:
    """A baseline computed from an inventory and nominal powers; narrower than ± 30 % needs why."""
    if half_width_ratio < MODELLED_HALF_WIDTH_RATIO and not reason:
        raise ConfigError(
            f"modelled baseline: ± {half_width_ratio:.0%} without a reason; justify it or use "
            f"± {MODELLED_HALF_WIDTH_RATIO:.0%}"
        )
    u_kwh = total_kwh * half_width_ratio / sqrt(3)
    return Baseline("modelled", total_kwh, u_kwh, flags=("estimation",))


def partial_year(
    observed: Total,
    monthly_shares: Sequence[float],
    cv_of_shares: float,
    *,
    share_years: Sequence[int],
    reporting_year: int,
) -> Baseline:
    """A year seen in part: E_B = E_observed / Σ shares of the observed months.

    The shares are those of the same strata in later fully measured years; ConfigError if they come
    from the reporting year, whose reduction they would then help to prove.
    """
    if not share_years or reporting_year in share_years:
        raise ConfigError(
            f"partial baseline: monthly shares from {sorted(share_years)} with reporting year "
            f"{reporting_year}; take them from another fully measured year"
        )
    share = fsum(monthly_shares)
    if not 0 < share <= 1:
        raise ConfigError(f"partial baseline: shares add up to {share}; give ratios of the year")
    cv_shares = cv_of_shares
    flags = set(observed.flags) | {"partial-year"}
    if len(set(share_years)) < 2 and cv_shares < LEAST_CV_OF_SHARES:
        cv_shares = LEAST_CV_OF_SHARES
        flags.add("cv-of-shares-raised")
    total_kwh = observed.total_kwh / share
    cv_observed = observed.se_kwh / observed.total_kwh
    return Baseline(
        "partial-year",
        total_kwh,
        total_kwh * hypot(cv_observed, cv_shares),
        satterthwaite([(cv_observed**2, observed.df), (cv_shares**2, inf)]),
        tuple(sorted(flags)),
    )
