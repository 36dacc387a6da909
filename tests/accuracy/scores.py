"""What the estimates are worth: their errors on rows that nothing was fitted on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from accuracy import fits
from accuracy.estimators import Estimator, Pairs, estimators
from accuracy.tables import LEVELS, Server, Step, declared, held_out, servers, steps

COVERED = 0.95
# What boaviztapi takes for a device of which nothing is known (boaviztapi_user_terminal.csv).
_DEFAULT_W = {"laptop": 75, "desktop": 175, "monitor": 55}
_USED_RATIO = 0.3


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of estimates, as ratios: `error` of the truth (estimate/truth − 1), `residual` of the
    estimate, since the stated interval is one of the estimate.

    `needed_ratio` is the ±x that would have held 95 %, `held_ratio` the share of rows that the
    stated one held; None where nothing is stated.
    """

    name: str
    knows: str
    rows: int
    mean_error: float
    median_error: float
    bias: float
    needed_ratio: float
    stated_ratio: float | None = None
    held_ratio: float | None = None


def scored() -> list[Score]:
    """Every estimator on the rows held out."""
    return [_scored(each) for each in estimators()]


def instead() -> list[Score]:
    """What others do on the same rows: a straight line, or a part taken for the whole."""
    machines = [row for row in servers() if held_out(row.key)]
    desktop = steps()
    models = {
        kind: [row for row in declared() if row.kind.startswith(kind) and held_out(row.key)]
        for kind in _DEFAULT_W
    }
    idle_w, full_w = desktop[0].plug_w, desktop[-1].plug_w
    return [
        _of("straight line, at half load", "own idle and full power", _line(machines, (50,))),
        _of("straight line, all levels", "own idle and full power", _line(machines, LEVELS[1:-1])),
        _of(
            "straight line, towers only",
            "own idle and full power",
            _line([row for row in machines if row.tower], LEVELS[1:-1]),
        ),
        _of(
            "a desktop at a plug: straight line",
            "own idle and full power, load",
            [(idle_w + (full_w - idle_w) * row.load_ratio, row.plug_w) for row in desktop],
        ),
        _of(
            "a desktop at a plug: counter taken for the plug",
            "package counter",
            [(row.package_w, row.plug_w) for row in desktop],
        ),
        _of(
            "a server: half of its processors' TDP, all levels and idle",
            "TDP",
            [
                (row.chips * row.tdp_w / 2, power_w)
                for row in machines
                if row.tdp_w
                for power_w in row.power_w
            ],
        ),
        *(
            _of(
                f"{kind}: {watts} W for {_USED_RATIO * 100:.0f} % of the year",
                "class",
                [(fits.HOURS * _USED_RATIO * watts, row.year_kwh) for row in models[kind]],
            )
            for kind, watts in _DEFAULT_W.items()
        ),
    ]


def _line(machines: Sequence[Server], levels: Sequence[int]) -> Pairs:
    return [
        (fits.grown_w(row, level, 0.0, 1.0), row.power_w[level // 10])
        for row in machines
        for level in levels
    ]


def _scored(each: Estimator) -> Score:
    if each.alone:
        return _of(each.name, each.knows, _one_by_one(each.rows, each.fitted_on))
    pairs = each.shipped([row for row in each.rows if held_out(row.key)])
    return _of(each.name, each.knows, pairs, each.stated_ratio)


def _one_by_one(
    rows: Sequence[Step], fitted_on: Callable[[Sequence[Any]], Callable[[Sequence[Any]], Pairs]]
) -> Pairs:
    return [pair for row in rows for pair in fitted_on([r for r in rows if r is not row])([row])]


def _of(name: str, knows: str, pairs: Pairs, stated_ratio: float | None = None) -> Score:
    errors = [estimate / truth - 1 for estimate, truth in pairs]
    residuals = [abs(truth / estimate - 1) for estimate, truth in pairs]
    held = None if stated_ratio is None else fmean(each <= stated_ratio for each in residuals)
    return Score(
        name,
        knows,
        len(pairs),
        fmean(map(abs, errors)),
        median(map(abs, errors)),
        fmean(errors),
        fits.quantile(residuals, COVERED),
        stated_ratio,
        held,
    )
