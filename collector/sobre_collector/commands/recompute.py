"""`sobre recompute`: a published result from what it was computed from, to the last bit."""

import argparse
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sobre_collector.commands.option_values import add_place
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.published.inputs import Inputs, thawed
from sobre_collector.published.program import program
from sobre_collector.published.recompute import (
    Difference,
    changed_months,
    changed_statements,
    computed,
    differences,
    figures_of,
    known_otherwise,
)
from sobre_collector.report.model import Report
from sobre_collector.report.source import LEDGER, Place, facts, place
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.results import Result
from sobre_drivers.errors import ConfigError, StoreError

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Again:
    """A result computed again: what differs from its record, from frozen inputs and from today's.

    `stated` and `since` name what people state, and what else is known, otherwise since then.
    """

    result: Result
    content: dict[str, Any]
    found: tuple[Difference, ...]
    months: list[str]
    today: tuple[Difference, ...]
    stated: list[str]
    since: list[str]


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre recompute`."""
    parser.add_argument("number", type=int, nargs="?", metavar="NUMBER", help="none: all results")
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per result")


def run(options: argparse.Namespace) -> int:
    """Compute again; exit code 1 if a figure, or a month that it rests on, is another."""
    where = place(options.config, options.data)
    with closing(Ledger(where.data / LEDGER, readonly=True)) as ledger:
        results = ledger.results()
        chosen = [one for one in results if options.number in (None, one.number)]
        if not chosen:
            known = ", ".join(str(one.number) for one in results) or "none"
            asked = "results" if options.number is None else f"result {options.number}"
            raise StoreError(f"{asked}: never published; there are {known}")
        _chains(ledger, results)
        # Indicators that were published together rest on the same inputs.
        computed_of: dict[str, tuple[Inputs, Report]] = {}
        right = [_again(ledger, one, where, options.json, computed_of) for one in chosen]
    return 0 if all(right) else 1


def _chains(ledger: Ledger, results: list[Result]) -> None:
    """StoreError if a row that a result names is not in its chain any more."""
    adjustments = {"", *(each.sha256 for each in ledger.adjustments.recorded())}
    baselines = {version.sha256 for version in ledger.baselines.all()}
    for one in results:
        content = json.loads(one.content_json)
        for kind, key, chain in (
            ("adjustment", content["adjustments_sha256"], adjustments),
            ("baseline", content["baseline"]["version_sha256"], baselines),
        ):
            if key not in chain:
                raise StoreError(
                    f"result {one.number}: names {kind} {key}, which is not in the ledger any "
                    "more; restore its back-up"
                )


def _again(
    ledger: Ledger,
    one: Result,
    where: Place,
    as_json: bool,
    computed_of: dict[str, tuple[Inputs, Report]],
) -> bool:
    content = json.loads(one.content_json)
    key = json.dumps([content["inputs"], content["year"]], sort_keys=True)
    if key not in computed_of:
        inputs = thawed(content["inputs"], ledger.published.input, content["year"])
        computed_of[key] = inputs, computed(inputs)
    given, report = computed_of[key]
    found = differences(content, report)
    first, last = f"{given.perimeter.baseline.year:04}-01", f"{given.year:04}-12"
    now = ledger.months(first, last)
    months = changed_months(content, given.rows, now)
    today: tuple[Difference, ...] = ()
    if months:
        today = differences(
            content, computed(Inputs(tuple(now), given.perimeter, given.facts, given.year))
        )
    later = facts(ledger, given.perimeter, datetime.now(UTC))
    since = known_otherwise(
        content, given.facts, Inputs(tuple(now), given.perimeter, later, given.year)
    )
    again = Again(one, content, found, months, today, _stated(given, where), since)
    if as_json:
        print(json.dumps(_told(again), ensure_ascii=False))
    else:
        _print(again)
    return not months and not any(one.figure for one in found)


def _stated(given: Inputs, where: Place) -> list[str]:
    try:
        return changed_statements(given.perimeter, load_perimeter(where.perimeter))
    except ConfigError as error:
        return [f"cannot be read now: {error.problems[0]}"]


def _told(again: Again) -> dict[str, Any]:
    return {
        "number": again.result.number,
        "indicator_id": again.content["indicator_id"],
        "year": again.content["year"],
        "figures": figures_of(again.content),
        "equal": not any(d.figure for d in again.found),
        "differences": [[d.path, d.published, d.found] for d in again.found],
        "months_changed": again.months,
        "differences_from_months": [[d.path, d.published, d.found] for d in again.today],
        "perimeter_changed": again.stated,
        "known_otherwise": again.since,
    }


def _print(again: Again) -> None:
    content, found = again.content, again.found
    name = f"result {again.result.number}: {content['indicator_id']} {content['year']}"
    count = figures_of(content)
    wrong = [each for each in found if each.figure]
    if wrong:
        print(f"{name}: {len(wrong)} of {count} figures are not what was published")
        _list(wrong)
        print(f"  the inputs are those that were frozen, {_program(content)}")
    else:
        print(f"{name}: {count} figures computed again, all equal to the last bit")
    if len(found) > len(wrong):
        print(f"  this version of the program says {len(found) - len(wrong)} more or other remarks")
    for change in again.months:
        print(f"  the ledger's {change}: not what it was published from")
    changed = [each for each in again.today if each.figure]
    if changed:
        print(f"  from the ledger's months as they are now, {len(changed)} figures would differ:")
        _list(changed)
    for what, parts in (("stated", again.stated), ("known", again.since)):
        if parts:
            print(
                f"  {what} otherwise since: {', '.join(parts)}; the result stays as it is: publish "
                "a correction if it was wrong"
            )


def _program(content: dict[str, Any]) -> str:
    now = program()
    same = now.sha256 == content["software_sha256"]
    cause = "and the program is the same: report this" if same else "so the program differs"
    return (
        f"{cause}; published with {content['software_version']} (commit "
        f"{content['software_commit'] or 'unknown'}, files {content['software_sha256'][:12]}…), "
        f"computed with {now.version} (commit {now.commit or 'unknown'}, files "
        f"{now.sha256[:12]}…)"
    )


def _list(found: Sequence[Difference]) -> None:
    for one in found[:SHOWN]:
        print(f"    {one.path}: {one.published or 'absent'}, now {one.found or 'absent'}")
    if len(found) > SHOWN:
        print(f"    and {len(found) - SHOWN} more")
