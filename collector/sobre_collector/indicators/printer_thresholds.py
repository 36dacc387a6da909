"""Thresholds between a printer model's states, proposed from the power it was seen to draw.

A proposal, never a setting: a person who knows the model confirms it. Powers of one state lie close
together on a logarithmic scale; the groups that leave the least spread within are searched exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, fsum, log

from sobre_collector.indicators.printer_states import Thresholds

STATES_N = 4
BINS_N = 96
LEAST_SAMPLES = 500
# A state that was hardly seen would be noise of another one.
LEAST_SHARE = 0.002
# Off is 0 W on many meters, which has no logarithm.
FLOOR_W = 0.1
# Below this a state of the proposal is not parted from its neighbour.
LEAST_STEP = 1.5


@dataclass(frozen=True, slots=True)
class Proposal:
    """Thresholds to confirm; typical watts and share of the samples of off, sleep, ready, printing.

    `explained_ratio` is how much of the spread of log power the four states explain.
    """

    thresholds: Thresholds
    typical_w: tuple[float, ...]
    shares: tuple[float, ...]
    explained_ratio: float


def proposed(power_w: Sequence[float]) -> Proposal | None:
    """Thresholds from a model's samples; None where four states cannot be told apart.

    That is so with too few samples, with a state hardly ever seen, or with neighbouring states less
    than a factor of 1.5 apart: then a person has to set them from the data sheet.
    """
    if len(power_w) < LEAST_SAMPLES:
        return None
    logs = sorted(log(max(power, FLOOR_W)) for power in power_w)
    bins = _bins(logs)
    if len(bins) < STATES_N:
        return None
    groups = _groups(bins)
    weights = [sum(n for _, n in group) for group in groups]
    centres = [fsum(x * n for x, n in g) / w for g, w in zip(groups, weights, strict=True)]
    shares = tuple(w / len(logs) for w in weights)
    steps = [exp(b - a) for a, b in pairwise(centres)]
    if min(shares) < LEAST_SHARE or min(steps) < LEAST_STEP:
        return None
    within = fsum(n * (x - c) ** 2 for g, c in zip(groups, centres, strict=True) for x, n in g)
    mean = fsum(logs) / len(logs)
    whole = fsum((x - mean) ** 2 for x in logs)
    # Half-way on the logarithmic scale between the nearest powers of both states.
    edges = [exp((a[-1][0] + b[0][0]) / 2) for a, b in pairwise(groups)]
    return Proposal(
        Thresholds(edges[0], edges[1], edges[2]),
        tuple(exp(c) for c in centres),
        shares,
        1 - within / whole,
    )


_Bin = tuple[float, int]


def _bins(logs: Sequence[float]) -> list[_Bin]:
    """Mean and number of the samples in equal steps of log power, the empty ones left out."""
    low, high = logs[0], logs[-1]
    if high <= low:
        return [(low, len(logs))]
    filled: dict[int, list[float]] = {}
    for x in logs:
        filled.setdefault(min(BINS_N - 1, int((x - low) / (high - low) * BINS_N)), []).append(x)
    return [(fsum(of) / len(of), len(of)) for _, of in sorted(filled.items())]


def _groups(bins: Sequence[_Bin]) -> list[list[_Bin]]:
    """The four runs of bins with the least spread within, by dynamic programming."""
    n, x, xx = [0], [0.0], [0.0]
    for value, count in bins:
        n.append(n[-1] + count)
        x.append(x[-1] + count * value)
        xx.append(xx[-1] + count * value * value)

    def spread(a: int, b: int) -> float:
        return xx[b] - xx[a] - (x[b] - x[a]) ** 2 / (n[b] - n[a])

    size = len(bins)
    best = [spread(0, b) if b else 0.0 for b in range(size + 1)]
    cuts: list[list[int]] = []
    for k in range(2, STATES_N + 1):
        row, cut = [0.0] * (size + 1), [0] * (size + 1)
        for b in range(k, size + 1):
            row[b], cut[b] = min((best[a] + spread(a, b), a) for a in range(k - 1, b))
        best = row
        cuts.append(cut)
    ends = [size]
    for cut in reversed(cuts):
        ends.append(cut[ends[-1]])
    ends = [0, *reversed(ends)]
    return [list(bins[a:b]) for a, b in pairwise(ends)]
