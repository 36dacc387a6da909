"""Derives the examples of the forecast from explicit covariance matrices and by integration.

The product transforms the series (Prais–Winsten) and has a continued fraction for Student's t; here
the best linear unbiased predictor is solved as one system in exact fractions (the residuals), and
in matrices (the forecast), and the probability is the integral of the density.
"""

from fractions import Fraction as F
from itertools import pairwise
from math import log, pi, sqrt
from typing import Any

# kWh per user of 40 months from 2022-01, made by hand: a season, a decline, a mild spring of 2024.
SERIES = (
    *(41.0, 37.5, 38.2, 34.6, 33.9, 34.8, 33.1, 28.4, 34.7, 36.9, 38.8, 39.6),
    *(40.1, 36.2, 37.9, 33.8, 33.0, 34.5, 32.2, 27.9, 33.5, 36.4, 37.6, 38.9),
    *(38.7, 35.8, 36.0, 32.1, 31.5, 33.0, 31.4, 27.0, 32.9, 35.2, 36.9, 37.5),
    *(37.9, 34.9, 35.1, 31.8),
)
COLUMNS = 13


def _residuals(values: list[F]) -> list[F]:
    """Residuals of a trend and twelve levels: demean both by season, then one slope."""
    times = [F(k) for k in range(len(values))]

    def demeaned(column: list[F]) -> list[F]:
        out = []
        for k, value in enumerate(column):
            same = column[k % 12 :: 12]
            out.append(value - sum(same, F(0)) / len(same))
        return out

    y, t = demeaned(values), demeaned(times)
    slope = sum((a * b for a, b in zip(y, t, strict=True)), F(0)) / sum((b * b for b in t), F(0))
    return [a - slope * b for a, b in zip(y, t, strict=True)]


def _rho() -> tuple[float, float]:
    e = _residuals([F(log(value)) for value in SERIES])
    r = float(sum((a * b for a, b in pairwise(e)), F(0)) / sum(x * x for x in e))
    return r, min(max(r + COLUMNS * (1 + r) / len(e), 0.3), 0.85)


def estimated_rho() -> dict[str, Any]:
    r, rho = _rho()
    return {
        "how": "fractions: demeaned by season (Frisch–Waugh), then r + 13(1 + r)/n within bounds",
        "given": {"first_month": "2022-01", "kwh_per_user": SERIES},
        "r": r,
        "rho": rho,
    }


def t_cdf(t: float, df: float) -> float:
    """Student's distribution function as the integral of its density, by Simpson's rule."""

    # Γ by recurrence from Γ(1/2) = √π and Γ(1) = 1; df is whole here.
    def gamma_half(k: int) -> float:
        value = sqrt(pi) if k % 2 else 1.0
        at = 1 if k % 2 else 2
        while at < k:
            value *= at / 2
            at += 2
        return value

    front = gamma_half(int(df) + 1) / gamma_half(int(df)) / sqrt(df * pi)
    n = 20_000
    h = abs(t) / n
    parts: list[float] = [front * (1 + (k * h) ** 2 / df) ** (-(df + 1) / 2) for k in range(n + 1)]
    area = h / 3 * (parts[0] + parts[-1] + 4 * sum(parts[1:-1:2]) + 2 * sum(parts[2:-1:2]))
    return 0.5 + area if t > 0 else 0.5 - area


def target_probability() -> dict[str, Any]:
    """Four months of 2025 are known, eight are forecast; errors of panel and baseline included."""
    import numpy as np

    _, rho = _rho()
    n, ahead = len(SERIES), 8
    y = np.log(np.array(SERIES))

    def design(times: range) -> Any:
        x = np.zeros((len(times), COLUMNS))
        for row, time in enumerate(times):
            x[row, time % 12] = 1
            x[row, 12] = time
        return x

    lag = np.abs(np.subtract.outer(np.arange(n + ahead), np.arange(n + ahead)))
    v = rho**lag / (1 - rho**2)
    v_inverse = np.linalg.inv(v[:n, :n])
    x, x_new = design(range(n)), design(range(n, n + ahead))
    inner = np.linalg.inv(x.T @ v_inverse @ x)
    beta = inner @ x.T @ v_inverse @ y
    e = y - x @ beta
    s2 = float(e @ v_inverse @ e) / (n - COLUMNS)
    gain = v[n:, :n] @ v_inverse
    mu = x_new @ beta + gain @ e
    gap = x_new - gain @ x
    covariance = s2 * (v[n:, n:] - gain @ v[:n, n:] + gap @ inner @ gap.T)
    expected = np.exp(mu)
    seen = sum(SERIES[36:40])
    total = float(seen + expected.sum())
    weights = expected / total
    se_log = sqrt(float(weights @ covariance @ weights))

    cv_seen, cv_panel, cv_baseline, correlation = 0.012, 0.015, 0.01, 0.4
    goal, baseline = 0.06, 431.5
    common = (seen * cv_seen + (total - seen) * cv_panel) / total
    spread = sqrt(se_log**2 + cv_baseline**2 + common**2 - 2 * correlation * cv_baseline * common)
    df = n - COLUMNS
    return {
        "how": (
            "matrices: V = ρ^|i−j|/(1 − ρ²), BLUP and its covariance by V⁻¹; Student's t by "
            "integration of its density; the panel's error linear over seen and coming months"
        ),
        "given": {
            "first_month": "2022-01",
            "kwh_per_user": SERIES,
            "target_year": 2025,
            "cv_seen": cv_seen,
            "cv_panel": cv_panel,
            "cv_baseline": cv_baseline,
            "correlation": correlation,
            "goal": goal,
            "baseline_kwh_per_user": baseline,
        },
        "total_kwh": total,
        "se_log": se_log,
        "cv_common": common,
        "df": df,
        "probability": t_cdf(log((1 - goal) * baseline / total) / spread, df),
    }
