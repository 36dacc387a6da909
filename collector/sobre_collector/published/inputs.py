"""What a report is computed from, split into parts that are frozen under their hashes.

Months are one part each, those of strata and those of single machines that sections read: what
several results were computed from is kept once, and a difference names the month it comes from.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby
from typing import Any

from sobre_collector.indicators.moments import StratumMonth, from_json, to_json
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report.facts import Facts
from sobre_collector.store.frozen import freeze, thaw

_MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Months of the ledger (bills are in the perimeter), what people state, and the rest."""

    rows: tuple[StratumMonth, ...]
    perimeter: Perimeter
    facts: Facts
    year: int


@dataclass(frozen=True, slots=True)
class Apart:
    """Stands for rows that are frozen month by month: the hashes of their parts, in order."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frozen:
    """Hashes by part ("perimeter", "facts", "months 2025-03"), and the contents by hash.

    What a section reads has parts of its own: "inputs printers months 2025-03".
    """

    hashes: Mapping[str, str]
    contents: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """The hash of all parts together."""
        return hashed(json.dumps(self.hashes, sort_keys=True))


def frozen(given: Inputs) -> Frozen:
    """The parts of what a report is computed from."""
    texts: dict[str, str] = {}
    read = {name: _apart(v, f"inputs {name}", texts) for name, v in given.facts.inputs.items()}
    texts["perimeter"] = freeze(given.perimeter)
    texts["facts"] = freeze(replace(given.facts, inputs=read))
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
    read = {name: _together(value, content) for name, value in facts.inputs.items()}
    return Inputs(tuple(rows), perimeter, replace(facts, inputs=read), year)


def _apart(value: Any, where: str, texts: dict[str, str]) -> Any:
    """The value with rows of (month, text) put into parts of `texts`, each run of a month one."""
    if isinstance(value, dict):
        return {key: _apart(inner, f"{where} {key}", texts) for key, inner in value.items()}
    if not isinstance(value, tuple) or not value or not all(map(_of_month, value)):
        return value
    hashes = []
    for month, rows in groupby(value, key=lambda row: row[0]):
        text = freeze(tuple(rows))
        name, runs = f"{where} {month}", 1
        while name in texts:
            runs += 1
            name = f"{where} {month} ({runs})"
        texts[name] = text
        hashes.append(hashed(text))
    return Apart(tuple(hashes))


def _of_month(row: Any) -> bool:
    return (
        isinstance(row, tuple)
        and len(row) == 2
        and all(isinstance(cell, str) for cell in row)
        and _MONTH.fullmatch(row[0]) is not None
    )


def _together(value: Any, content: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _together(inner, content) for key, inner in value.items()}
    if isinstance(value, Apart):
        return tuple(row for part in value.parts for row in thaw(content(part)))
    return value


def hashed(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal digits."""
    return sha256(text.encode()).hexdigest()
