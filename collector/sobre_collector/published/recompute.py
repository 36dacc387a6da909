"""A published result computed again: the same figures to the last bit, or where they part."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.perimeter.bills import with_bills
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.published.inputs import Inputs, frozen, hashed, month_texts
from sobre_collector.report.as_json import as_object
from sobre_collector.report.facts import Facts
from sobre_collector.report.figures import report
from sobre_collector.report.model import Report


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not what was published; None where one of the two has none."""

    path: str
    published: str | None
    found: str | None

    @property
    def figure(self) -> bool:
        """Whether it was published, and is more than a remark: then it may not differ."""
        return self.published is not None and not self.path.startswith("notes[")


def computed(given: Inputs) -> Report:
    """The report of these inputs, bills included; ConfigError as `report` raises it."""
    first = f"{given.perimeter.baseline.year:04}-01"
    rows = with_bills(given.rows, given.perimeter, first, f"{given.year:04}-12")
    return report(rows, given.perimeter, given.year, given.facts)


def differences(published: Mapping[str, Any], found: Report) -> tuple[Difference, ...]:
    """Each figure of a record's report that is not found again, in its order."""
    before = dict(_leaves(published["report"]))
    # Through text, as the record went: a tuple comes back as a list.
    again = json.loads(json.dumps(as_object(found)))
    after = dict(_leaves(_same_part(published["report"], again)))
    return tuple(
        Difference(path, before.get(path), after.get(path))
        for path in dict.fromkeys([*before, *after])
        if before.get(path) != after.get(path)
    )


def _same_part(published: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a record that keeps one section of the report, the same section of another report."""
    if published.keys() != {"sections"}:
        return found
    names = published["sections"].keys()
    return {"sections": {name: found["sections"].get(name) for name in names}}


def figures_of(published: Mapping[str, Any]) -> int:
    """How many figures and texts a record's report holds."""
    return sum(1 for _ in _leaves(published["report"]))


def changed_months(
    published: Mapping[str, Any], frozen: Sequence[StratumMonth], now: Sequence[StratumMonth]
) -> list[str]:
    """Each month of the ledger that is not what it was, with the strata that differ."""
    hashes = published["inputs"]
    texts = {f"months {name}": text for name, text in month_texts(now).items()}
    parts = sorted({part for part in hashes if part.startswith("months ")} | texts.keys())
    changed = [p for p in parts if p not in texts or hashed(texts[p]) != hashes.get(p)]
    return [f"{part}: {_strata(part.removeprefix('months '), frozen, now)}" for part in changed]


def known_otherwise(published: Mapping[str, Any], then: Facts, now: Inputs) -> list[str]:
    """What is known otherwise since, beside months and statements: adjustments, meters, machines.

    Rows of a month of machines are named with it; what came later is no difference.
    """
    parts = frozen(now).hashes
    names = ("adjustments", "meter_u", "common_u")
    found = [name for name in names if getattr(then, name) != getattr(now.facts, name)]
    return found + [
        part.removeprefix("inputs ")
        for part, before in sorted(published["inputs"].items())
        if part.startswith("inputs ") and parts.get(part) != before
    ]


def changed_statements(then: Perimeter, now: Perimeter) -> list[str]:
    """What people state otherwise since: the names of those parts of the perimeter."""
    return [f.name for f in fields(then) if getattr(then, f.name) != getattr(now, f.name)]


def _strata(month: str, frozen: Sequence[StratumMonth], now: Sequence[StratumMonth]) -> str:
    before = {row.stratum: row for row in frozen if row.month == month}
    after = {row.stratum: row for row in now if row.month == month}
    named = [
        f"{s.organisation} / {s.site} / {s.device_class}"
        for s in sorted(before.keys() | after.keys())
        if before.get(s) != after.get(s)
    ]
    return ", ".join(named) or "differs"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        # As text, since 1 and 1.0 and True are one value to Python and three to a reader.
        yield path, json.dumps(value, ensure_ascii=False)
