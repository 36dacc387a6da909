"""`sobre publish`: freeze a year's result with all that it was computed from."""

import argparse
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

from sobre_collector.commands.option_values import add_place, year
from sobre_collector.perimeter.facts import Baseline, months_of
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.published.inputs import Inputs, frozen
from sobre_collector.published.program import program
from sobre_collector.published.recompute import computed
from sobre_collector.published.record import (
    REDUCTION,
    Edition,
    Evidence,
    meters_of,
    record,
)
from sobre_collector.published.section_record import (
    INDICATORS,
    SectionIndicator,
    section_record,
    told,
)
from sobre_collector.published.statement import baseline_facts, documents
from sobre_collector.report.model import Report
from sobre_collector.report.sentences import missing
from sobre_collector.report.source import LEDGER, Place, facts, place
from sobre_collector.report.wording import plain
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.results import Result
from sobre_drivers.errors import ConfigError, StoreError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre publish`."""
    parser.add_argument("year", type=year, nargs="?", metavar="YEAR", help="none: list all results")
    add_place(parser)
    parser.add_argument("--by", metavar="ROLE", help="who publishes: a role, kept for ever")
    parser.add_argument(
        "--indicator",
        metavar="INDICATOR",
        help=f"{REDUCTION} or one of {', '.join(one.indicator_id for one in INDICATORS)} "
        "(default: each that has a value)",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why what was published is corrected")
    parser.add_argument("--baseline-reason", metavar="TEXT", help="why the baseline is another")
    parser.add_argument(
        "--draft", action="store_true", help="freeze a year of which months are still open"
    )
    parser.add_argument("--json", action="store_true", help="print the whole record as JSON")


def run(options: argparse.Namespace) -> int:
    """Freeze a result, or list those there are; exit code 1 if there is nothing to publish."""
    where = place(options.config, options.data)
    if options.year is None:
        with closing(Ledger(where.data / LEDGER, readonly=True)) as ledger:
            listed(ledger, options.json)
        return 0
    if not options.by or "@" in options.by:
        raise ConfigError("--by: name the role that publishes, such as 'digital director'")
    perimeter = load_perimeter(where.perimeter)
    now = datetime.now(UTC)
    with closing(Ledger(where.data / LEDGER, create=False)) as ledger:
        rows = ledger.months(f"{perimeter.baseline.year:04}-01", f"{options.year:04}-12")
        given = Inputs(tuple(rows), perimeter, facts(ledger, perimeter, now), options.year)
        report = computed(given)
        _publishable(report, where)
        _closed(ledger, given, report, options.draft)
        results = ledger.results()
        chosen = _chosen(options.indicator, report)
        editions = [_edition(results, options, report, name) for name, _ in chosen]
        parts = frozen(given)
        base, at = perimeter.baseline, int(now.timestamp())
        stated = baseline_facts(base, report, _hashes(base, where.perimeter.parent))
        version = ledger.baselines.record(stated, options.baseline_reason or "", at)
        recorded = ledger.adjustments.recorded()
        evidence = Evidence(
            version,
            tuple(each.entry for each in recorded),
            recorded[-1].sha256 if recorded else "",
            program(),
            meters_of(ledger.devices().values()),
        )
        for (name, section), edition in zip(chosen, editions, strict=True):
            if section is None:
                content = record(report, perimeter, parts, edition, evidence)
            else:
                content = section_record(section, report, perimeter, parts, edition, evidence)
            text = json.dumps(content, ensure_ascii=False, sort_keys=True)
            _show(ledger.published.put(name, text, dict(parts.contents)), options.json)
    return 0


def listed(ledger: Ledger, as_json: bool) -> None:
    """Every result, oldest first, and every version of the baseline."""
    results = ledger.results()
    for one in results:
        _show(one, as_json)
    if not as_json:
        for version in ledger.baselines.all():
            told = version.facts
            day = datetime.fromtimestamp(version.at, UTC).date()
            print(
                f"baseline version {version.version}, {day}: {told['year']} {told['kind']}, "
                f"{told['value_kwh']:,.0f} ± {told['u_kwh']:,.0f} kWh (k = 1); {version.reason}; "
                f"sha256 {version.sha256[:12]}…"
            )
        if not results:
            print("nothing was published")


def _chosen(wanted: str | None, report: Report) -> list[tuple[str, SectionIndicator | None]]:
    """The indicators to publish; one that was asked for and has no value is a StoreError."""
    known: dict[str, SectionIndicator | None] = {REDUCTION: None}
    known |= {one.indicator_id: one for one in INDICATORS}
    if wanted is None:
        return [(name, one) for name, one in known.items() if one is None or told(one, report)]
    if wanted not in known:
        raise ConfigError(f"--indicator {wanted!r}: not known; known: {', '.join(known)}")
    one = known[wanted]
    if one is not None and not told(one, report):
        raise StoreError(
            f"{wanted} {report.period.year}: insufficient data; the report says what is missing"
        )
    return [(wanted, one)]


def _publishable(report: Report, where: Place) -> None:
    if report.result is None:
        lines = [f"- {plain(text)}" for text in missing(report, "en")]
        raise StoreError(
            "\n".join([f"{where.data}: insufficient, so there is nothing to publish", *lines])
        )


def _closed(ledger: Ledger, given: Inputs, report: Report, draft: bool) -> None:
    """StoreError while a month that the result rests on can still change, unless it is a draft."""
    base = given.perimeter.baseline
    used = {*report.period.months, *(months_of(base.year) if base.kind == "measured" else ())}
    there = {row.month for row in given.rows}
    still_open = sorted((used & there) - ledger.closed_months())
    if draft:
        return
    if not report.period.complete:
        raise StoreError(
            f"{report.period.year}: not over, so the last twelve months stand in for it; publish "
            "it when it is, or freeze a --draft"
        )
    if still_open:
        raise StoreError(
            f"{report.period.year}: {', '.join(still_open)} not closed yet, so figures may still "
            "change; wait until the collector has closed them, or freeze a --draft"
        )


def _edition(
    results: list[Result], options: argparse.Namespace, report: Report, indicator_id: str
) -> Edition:
    earlier = [(one.number, json.loads(one.content_json)) for one in results]
    same = [
        (number, content)
        for number, content in earlier
        if (content["indicator_id"], content["year"]) == (indicator_id, report.period.year)
    ]
    version = len(same) + 1
    if options.draft:
        return Edition(version, "draft", options.by, options.reason or "")
    out = [(number, content) for number, content in same if content["status"] != "draft"]
    if not out:
        return Edition(version, "published", options.by, options.reason or "")
    if not (options.reason or "").strip():
        raise ConfigError(
            f"{indicator_id} {report.period.year}: was published as result {out[-1][0]}; what is "
            "published is corrected by a new version, so say why with --reason"
        )
    return Edition(version, "corrected", options.by, options.reason, out[-1][0])


def _hashes(baseline: Baseline, folder: Path) -> dict[str, str | None]:
    """The hash of each document that is a file beside the perimeter."""
    found: dict[str, str | None] = {}
    for name in documents(baseline):
        try:
            with (folder / name).open("rb") as file:
                found[name] = file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            # Most documents are references to an archive, not files.
            found[name] = None
    return found


def _show(one: Result, as_json: bool) -> None:
    content = json.loads(one.content_json)
    if as_json:
        print(json.dumps({**content, "number": one.number, "sha256": one.sha256}))
        return
    reason = f"; {content['reason']}" if content["reason"] else ""
    corrects = f", corrects {content['corrects']}" if content["corrects"] else ""
    made_up = "SIMULATED " if content["simulated"] else ""
    print(
        f"result {one.number}: {made_up}{content['indicator_id']} {content['year']}, version "
        f"{content['version']} ({content['status']}{corrects}): {_value(content)}; "
        f"{content['by']}, {content['generated_at']}{reason}; sha256 {one.sha256}"
    )


def _value(content: Mapping[str, Any]) -> str:
    """The figure with its interval; a reduction as the evolution that is published."""
    if "R" in content:
        return (
            f"{-100 * content['R']:+.1f} % ({100 * content['ci_level']:.0f} %: "
            f"{-100 * content['ci_high']:+.1f} to {-100 * content['ci_low']:+.1f})"
        )
    first = content["values"][0]
    around = ""
    if first["ci_low"] is not None:
        level = 100 * first["ci_level"]
        around = f" ({level:.0f} %: {_short(first['ci_low'])} to {_short(first['ci_high'])})"
    unit = "" if first["unit"] == "1" else f" {first['unit']}"
    return f"{_short(first['value'])}{unit}{around}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
