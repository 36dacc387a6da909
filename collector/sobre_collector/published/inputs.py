"""What a report is computed from, split into parts that are frozen under their hashes.

Months are one part each: what several results were computed from is kept once, and a difference
names the month that it comes from.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sobre_collector.indicators.moments import StratumMonth, from_json, to_json
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report.facts import Facts
from sobre_collector.store.frozen import freeze, thaw


@dataclass(frozen=True, slots=True)
class Inputs:
    """Months of the ledger (bills are in the perimeter), what people state, and the rest."""

    rows: tuple[StratumMonth, ...]
    perimeter: Perimeter
    facts: Facts
    year: int


@dataclass(frozen=True, slots=True)
class Frozen:
    """Hashes by part ("perimeter", "facts", "months 2025-03"), and the contents by hash."""

    hashes: Mapping[str, str]
    contents: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """The hash of all parts together."""
        return hashed(json.dumps(self.hashes, sort_keys=True))


def frozen(given: Inputs) -> Frozen:
    """The parts of what a report is computed from."""
    texts = {"perimeter": freeze(given.perimeter), "facts": freeze(given.facts)}
    texts |= {f"months {name}": text for name, text in month_texts(given.rows).items()}
    hashes = {part: hashed(text) for part, text in texts.items()}
    return Frozen(hashes, {hashes[part]: text for part, text in texts.items()})


def month_texts(rows: Sequence[StratumMonth]) -> dict[str, str]:
    """The rows of each month as the text that is frozen."""
    by_month: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.month, row.stratum)):
        by_month[row.month].append(to_json(row))
    return {name: json.dumps(months, sort_keys=True) for name, months in by_month.items()}


def thawed(hashes: Mapping[str, str], content: Callable[[str], str], year: int) -> Inputs:
    """The inputs again; `content` gives a part by its hash, or raises."""
    rows: list[StratumMonth] = []
    for part in sorted(hashes):
        if part.startswith("months "):
            rows += [from_json(one) for one in json.loads(content(hashes[part]))]
    perimeter, facts = (thaw(content(hashes[part])) for part in ("perimeter", "facts"))
    return Inputs(tuple(rows), perimeter, facts, year)


def hashed(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal digits."""
    return sha256(text.encode()).hexdigest()
