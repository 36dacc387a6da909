"""An auditor's pocket calculator: each printed number comes again from the printed terms alone."""

import re
from dataclasses import replace
from math import exp, hypot, log, sqrt

import pytest
from scipy import stats

from printed_arithmetic import checked
from report_fleet import FACTS, LAPTOP, SERVER, half_monitored, measured_before, month, perimeter
from sobre_collector.indicators.adjustments import Entry
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.report.explained import INDICATORS
from sobre_collector.report.explained_strata import stratum_block
from sobre_collector.report.explanation import Writer
from sobre_collector.report.facts import Facts
from sobre_collector.report.figures import report
from sobre_collector.report.working import Worked, worked
from test_report_outlook import rows_of, series
from test_report_outlook import stated as outlook_stated

SIGNED = ("a lease", "lease.pdf", "", "director", "2025-01-20")
GIVEN = replace(
    FACTS,
    common_u={"workstation.laptop": 0.1},
    meter_u={"server": 0.02},
    adjustments=(
        Entry("annex", "perimeter", 4_000.0, 300.0, "2023-01-01", *SIGNED),
        Entry("rack", "non-routine", -2_000.0, 150.0, "2023-02-01", *SIGNED),
    ),
)
COUNTED = {"2022-01": {"bx": (1_000.0, 30.0)}, "2025-01": {"bx": (1_100.0, 55.0)}}


def case(measured: bool) -> tuple[list[StratumMonth], Perimeter]:
    stated = replace(perimeter(), headcount=COUNTED)
    if not measured:
        return half_monitored(), stated
    return [*measured_before(), *half_monitored()], replace(
        stated, baseline=Baseline(2022, "measured")
    )


def printed(found: Worked, rows: list[StratumMonth], stated: Perimeter) -> str:
    shown = report(rows, stated, 2025, GIVEN)
    blocks = list(INDICATORS["elec.reduction"](found, shown, Writer("en")))
    return "\n".join(line for block in blocks for line in (block.title, *block.lines))


def values(pattern: str, text: str) -> list[float]:
    """The numbers of the first match, in which N stands for a number."""
    named = re.sub(r"\bN(?!_)", r"(-?[\\d,.]*\\d|∞)", re.escape(pattern))
    found = re.search(named, text)
    assert found is not None, f"{pattern} not in:\n{text}"
    return [float(n.replace(",", "").replace("∞", "inf")) for n in found.groups()]


@pytest.mark.parametrize("measured", [False, True], ids=["declared", "measured"])
def test_each_printed_uncertainty_comes_again_from_the_printed_terms(measured: bool) -> None:
    rows, stated = case(measured)
    found = worked(rows, stated, 2025, GIVEN)
    text = printed(found, rows, stated)
    base, u_base, df_base = values("E_B = N kWh ; u = N kWh ; ν = N", text)
    users, users_now, growth = values("U_B = N ; U_R = N ; U_R/U_B = N", text)
    u_then, u_now, driven = values("u(U_B) = N ; u(U_R) = N ; d = Σ s·φ·U_R/U_B = N", text)
    shares = re.findall(r"s = ([\d.]+) ; φ = ([\d.]+)", text)
    assert driven == pytest.approx(sum(float(s) * float(p) for s, p in shares) * growth, abs=2e-6)
    factor = sum(float(s) * (1 - float(p) + float(p) * growth) for s, p in shares)
    (scope,) = values("annex (perimeter): N kWh", text.replace("scope", "perimeter"))
    u_scope, u_rack = (float(u) for u in re.findall(r"kWh ; u = ([\d.]+) kWh ; lease", text))
    # Users act through the share that follows them; then all parts of E* in quadrature.
    u_users = (base + scope) * driven * hypot(u_then / users, u_now / users_now)
    assert values("= N kWh (head-counts)", text) == [pytest.approx(u_users, rel=1e-5)]
    u_star = sqrt((factor * u_base) ** 2 + (factor * u_scope) ** 2 + u_rack**2 + u_users**2)
    assert values("² + N²] = N kWh", text)[1] == pytest.approx(u_star, rel=1e-5)

    total = re.findall(r"E_R/E\* = ([\d,.]+)/([\d,.]+) = ([\d.]+)", text)[0]
    now, then, q = (float(n.replace(",", "")) for n in total)
    u_m, share_now, share_then = values("u_m = N ; s_R = N ; s* = N", text)
    left = abs(u_m * (share_now - share_then)) * now
    se, models, u_r = values("√(SE² + u_m(E_R)²) = √(N² + N²) = N kWh", text)
    assert models == pytest.approx(left, rel=1e-4)
    assert u_r == pytest.approx(hypot(se, left), rel=1e-5)
    assert left > 50

    cv_r, cv_star = u_r / now, u_star / then
    df_r, df_star = values("ν_R = N ; ν* = N", text)
    (cv, df) = values("cv_Q = √(cv_R² + cv*²) = N ; ν = N", text)
    assert cv == pytest.approx(hypot(cv_r, cv_star), abs=2e-6)
    weight = cv_r**4 / df_r + cv_star**4 / df_star
    assert df == (pytest.approx((cv**4) / weight, rel=1e-2) if weight else float("inf"))
    (t,) = values("ν) = N ; 1 − Q", text[text.index("cv_Q") :])
    reduction = found.found[0]
    assert reduction.low_ratio is not None
    assert reduction.high_ratio is not None
    assert 1 - q * exp(t * cv) == pytest.approx(reduction.low_ratio, abs=1e-5)
    assert 1 - q * exp(-t * cv) == pytest.approx(reduction.high_ratio, abs=1e-5)
    assert f"{reduction.low_ratio:.6f}".replace("-", "") in text
    assert df_base > 0


@pytest.mark.parametrize(
    ("devices", "formula", "variance"),
    [
        (1, "V = (u_m·T)² = (0.020000×3,000.000)² = N kWh²", (0.02 * 3_000) ** 2),
        # Twelve meters err independently: 12 × 250².
        (12, "V = u_m²·Σ(x + x′)² = 0.020000²×750,000.0000 = N kWh²", 0.02**2 * 750_000),
    ],
    ids=["one", "twelve"],
)
def test_a_month_that_is_all_measured_shows_its_meters_own_error(
    devices: int, formula: str, variance: float
) -> None:
    _, stated = case(False)
    inventory = {"2022-01": {SERVER: (float(devices), 0.0), LAPTOP: (200.0, 0.0)}}
    rows = [
        month(row.month, SERVER, devices, 3_000.0) if row.stratum == SERVER else row
        for row in half_monitored()
    ]
    found = worked(rows, replace(stated, inventory=inventory), 2025, GIVEN)
    blocks = list(stratum_block(found.drawn, found.drawn.months, SERVER, Writer("en")))
    january = "\n".join(blocks[0].lines)
    assert values(formula, january) == [pytest.approx(variance)]
    assert values("SE = N kWh", january) == [pytest.approx(sqrt(variance), abs=1e-3)]


def blocks(indicator: str, rows: list[StratumMonth], stated: Perimeter, facts: Facts) -> str:
    found, shown = worked(rows, stated, 2025, facts), report(rows, stated, 2025, facts)
    told = INDICATORS[indicator](found, shown, Writer("en"))
    return "\n".join(line for block in told for line in (block.title, *block.lines))


def test_the_effects_of_a_decomposition_come_again() -> None:
    rows, stated = case(True)
    text = blocks("elec.decomposition", rows, stated, GIVEN)
    # Two groups of three effects each.
    assert checked(text) == 6
    users, after = values("U_B = N ; U_R = N", text)
    before, now, _, _, mean = values(
        "Workstations: E_B = N kWh ; E_R = N kWh ; N_B = N ; N_R = N ; L = N kWh", text
    )
    assert mean == pytest.approx((now - before) / log(now / before), rel=1e-6)
    assert values("L·ln(U_R/U_B) = N×N", text)[1] == pytest.approx(log(after / users), abs=1e-6)
    told = sum(float(n.replace(",", "")) for n in re.findall(r"×\S+ = (\S+) kWh$", text, re.M)[3:])
    assert told == pytest.approx(now - before, abs=0.01)


def test_a_forecast_and_its_probability_come_again() -> None:
    rows, stated = rows_of(series((2023, 2024, 2025))), outlook_stated()
    text = blocks("elec.forecast", rows, stated, FACTS)
    assert checked(text) >= 3
    x, s, cv = values("= N ; s_x = √(s² + cv*² + cv_R²) = N ; cv* = N", text)
    s_log, panel, of_year = values("cv_F = √(s² + cv_R²) = √(N² + N²) = N", text)
    assert s == pytest.approx(sqrt(s_log**2 + cv**2 + panel**2), abs=2e-6)
    df, t = values("ν = N) = N", text)
    assert t == pytest.approx(stats.t.ppf(0.95, df), abs=1e-4)
    (probability,) = values("F_t(x/s_x, ν) = N", text)
    assert probability == pytest.approx(stats.t.cdf(x / s, df), abs=1e-3)
    year, reference = values("R = 1 − F/(E*/U_R) = 1 − N/N", text)
    assert x == pytest.approx(log(0.85 * reference / year), abs=1e-4)
    low, high = values("1 − F·exp(± t·cv_F)/(E*/U_R) = N … N", text)
    assert high == pytest.approx(1 - year * exp(-t * of_year) / reference, abs=1e-4)
    assert low == pytest.approx(1 - year * exp(t * of_year) / reference, abs=1e-4)
