"""Single printers for whoever looks after them: those of nobody's office, longest running first."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators.unit_month import UnitMonth


@dataclass(frozen=True, slots=True)
class Single:
    """One printer over some months; hours are per day of which at most 10 % was unknown.

    `running_h_per_day` is None without such a day, `pages` None where it tells none.
    """

    node: str
    device: str
    model: str
    running_h_per_day: float | None
    unknown_ratio: float | None
    pages: int | None
    kwh: float


def singles(rows: Iterable[UnitMonth]) -> tuple[list[Single], int]:
    """The printers that may be named, and how many may not: private ones, and unregistered ones."""
    by_unit: dict[tuple[str, str], list[UnitMonth]] = {}
    for row in rows:
        by_unit.setdefault((row.node, row.device), []).append(row)
    found, private = [], 0
    for (node, device), months in by_unit.items():
        told = [row.printing for row in months if row.printing is not None]
        if not told or any(printing.private for printing in told):
            private += 1
            continue
        days = fsum(sum(p.valid_days) for p in told)
        running = fsum(sum(p.running_h) for p in told)
        hours = fsum(fsum(p.state_h.values()) for p in told)
        unknown = fsum(p.state_h.get("unknown", 0.0) for p in told)
        printed = [sum(p.pages) for p in told if sum(p.page_days) > 0]
        found.append(
            Single(
                node,
                device,
                told[-1].model,
                running / days if days else None,
                unknown / hours if hours else None,
                sum(printed) if printed else None,
                fsum(sum(row.kwh) for row in months),
            )
        )
    return sorted(found, key=lambda s: (-(s.running_h_per_day or 0.0), s.node, s.device)), private
