"""Ordinary least squares, the one place of the indicators that knows a linear algebra library.

Regression baselines and the forecast are both a fit of a few columns; everything else about them is
arithmetic on what stands in `Fit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, sqrt


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients with (XᵀX)⁻¹, residuals, and the residual standard deviation with its df."""

    coefficients: tuple[float, ...]
    inverse: tuple[tuple[float, ...], ...]
    residuals: tuple[float, ...]
    sigma: float
    df: int

    def variance(self, row: Sequence[float]) -> float:
        """Variance of the fitted mean at a row of regressors, without the noise around it."""
        terms = (
            a * b * self.inverse[i][j] for i, a in enumerate(row) for j, b in enumerate(row) if a
        )
        return self.sigma**2 * fsum(terms)

    def at(self, row: Sequence[float]) -> float:
        """The fitted mean at a row of regressors."""
        return fsum(b * x for b, x in zip(self.coefficients, row, strict=True))


def least_squares(rows: Sequence[Sequence[float]], values: Sequence[float]) -> Fit:
    """The fit of `values` by the columns of `rows`; an intercept is a column of ones.

    ValueError if there are not more rows than columns, or if a column is a mixture of others.
    """
    # Imported here: a month without regression needs no linear algebra.
    import numpy as np

    x = np.asarray(rows, dtype=float)
    y = np.asarray(values, dtype=float)
    n, p = x.shape
    if len(y) != n or n <= p:
        raise ValueError(f"{n} rows and {len(y)} values for {p} columns: give more rows")
    if int(np.linalg.matrix_rank(x)) < p:
        raise ValueError(f"the {p} columns depend on one another: leave one out")
    q, r = np.linalg.qr(x)
    coefficients = np.linalg.solve(r, q.T @ y)
    back = np.linalg.solve(r, np.eye(p))
    residuals = y - x @ coefficients
    return Fit(
        tuple(map(float, coefficients)),
        tuple(tuple(map(float, line)) for line in back @ back.T),
        tuple(map(float, residuals)),
        sqrt(float(residuals @ residuals) / (n - p)),
        n - p,
    )


def lag_correlation(residuals: Sequence[float]) -> float:
    """Correlation ρ of each residual with the one before; 0 where nothing is left to correlate."""
    square = fsum(e * e for e in residuals)
    if square <= 0:
        return 0.0
    return fsum(a * b for a, b in pairwise(residuals)) / square
