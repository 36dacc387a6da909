"""`sobre explain`: a figure with its inputs, exclusions, formula and numbers."""

import argparse
import difflib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sobre_collector.commands.option_values import add_year
from sobre_collector.indicators.moments import POOLED, Stratum
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.report import notation
from sobre_collector.report.explained import INDICATORS
from sobre_collector.report.explained_strata import stratum_block
from sobre_collector.report.explanation import Block, Writer
from sobre_collector.report.figures import report
from sobre_collector.report.model import Report
from sobre_collector.report.open_strata import open_strata
from sobre_collector.report.sentences import missing, span
from sobre_collector.report.source import given, open_ledger, place, stated
from sobre_collector.report.wording import LANGUAGES, plain
from sobre_collector.report.working import Worked, worked
from sobre_drivers.errors import ConfigError, StoreError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre explain`."""
    parser.add_argument(
        "indicator",
        nargs="?",
        metavar="INDICATOR",
        help=f"one of {', '.join(INDICATORS)} (none: list them)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder (default: ./sobre-data)"
    )
    add_year(parser)
    parser.add_argument(
        "--stratum", metavar="ORG/SITE/CLASS", help="also each month of one stratum, from its sums"
    )
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language")


def run(options: argparse.Namespace) -> int:
    """Explain one indicator; exit code 1 if the data do not suffice, or a stratum is too small."""
    if options.indicator is None:
        print("\n".join(INDICATORS))
        return 0
    part = INDICATORS.get(options.indicator)
    if part is None:
        near = difflib.get_close_matches(options.indicator, INDICATORS, 1, 0.3)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(INDICATORS)}"
        raise ConfigError(f"indicator {options.indicator!r} is not known; {hint}")
    where = place(options.config, options.data)
    perimeter = load_perimeter(stated(where))
    with closing(open_ledger(where.data)) as ledger:
        inputs = given(ledger, perimeter, options.year, datetime.now(UTC))
    found, shown = worked(*inputs), report(*inputs)
    write = Writer(options.lang)
    print(_head(options.indicator, shown, write))
    blocks = [*_excluded(found, shown, write)]
    sufficient = shown.result is not None or options.indicator in ("elec.energy", "elec.baseline")
    if sufficient and found.drawn.months:
        told = list(part(found, shown, write))
        blocks += told or [Block(write.say("nothing"), ())]
    if options.stratum is not None:
        stratum = _stratum(options.stratum, found)
        blocks += stratum_block(found.drawn, found.drawn.months, stratum, write)
    if shown.missing:
        lacking = tuple(plain(text) for text in missing(shown, options.lang))
        blocks.append(Block(write.say("missing"), lacking))
    for block in blocks:
        print(f"\n{block.title}")
        for line in block.lines:
            print(f"  {line}")
    made = shown.provenance
    values = {"method": made.method_version, "software": made.software_version}
    print(f"\n{write.say('version', sha=made.input_sha256, **values)}")
    return 0 if sufficient else 1


def _head(indicator: str, shown: Report, write: Writer) -> str:
    return write.say("title", indicator=indicator, period=span(shown, write.lang))


def _excluded(found: Worked, shown: Report, write: Writer) -> Iterator[Block]:
    fleet, months = found.drawn.fleet, found.drawn.months
    if months:
        told = notation.months(months, write.lang)
        yield Block(write.say("inputs"), (write.say("months", months=told),))
    lines = []
    if fleet.left_out:
        lines.append(write.say("left_out", names=", ".join(sorted(fleet.left_out))))
    if fleet.too_few:
        few = notation.months(fleet.too_few, write.lang)
        lines.append(write.say("too_few", months=few))
    if any(row.stratum.site == POOLED for row in fleet.rows_of(months)):
        lines.append(write.say("pooled"))
    account = shown.conservation
    if account is not None and account.late_j:
        lines.append(write.say("late", late_j=write.number(account.late_j)))
    if account is not None and account.quarantined_j:
        lines.append(write.say("quarantined", quarantined_j=write.number(account.quarantined_j)))
    yield Block(write.say("excluded"), tuple(lines) or (write.say("nothing_excluded"),))


def _stratum(text: str, found: Worked) -> Stratum:
    drawn = found.drawn
    named = {
        f"{s.organisation}/{s.site}/{s.device_class}": s
        for s in {one.stratum for one in drawn.fleet.of(drawn.months)}
    }
    if text not in named:
        near = difflib.get_close_matches(text, named, 1, 0.3)
        hint = f"did you mean {near[0]!r}?" if near else "write organisation/site/class"
        raise ConfigError(f"--stratum {text!r} has no month in the period; {hint}")
    if named[text] not in open_strata(drawn.fleet, drawn.months):
        raise StoreError(
            f"--stratum {text}: fewer than {drawn.fleet.perimeter.publish_at_least} workstations, "
            "one that makes more than a fifth, or what others would give away by subtraction; its "
            "organisation's line in elec.energy holds it"
        )
    return named[text]
