"""`sobre plan-sample`: how many agents, in which strata, buy which interval."""

import argparse
import json
import time
from contextlib import closing
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from sobre_collector.commands.option_values import above_zero, add_place
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.indicators.sampling import Candidate, Plan, allocated, half_width, plan
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.planning.candidates import MONTHS, Known, known, told
from sobre_collector.planning.columns import columns
from sobre_collector.planning.declared import declared, figures
from sobre_collector.planning.inventory import Inventory, read_inventory
from sobre_collector.planning.wording import say
from sobre_collector.report import notation
from sobre_collector.report.source import Place, open_ledger, place, unstated
from sobre_collector.report.wording import LANGUAGES, Lang
from sobre_drivers.calendar import local_day
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import personal

# What two years monitored on the same devices have in common: matched intervals are 0.75 times as
# wide in docs/coverage.md, and 1 − 0.75² = 0.44.
MATCHED_CORRELATION = 0.44


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan, and what it becomes where rooms and network are a census (None: they are already)."""

    strata: Known
    plan: Plan
    census_n: int
    census_half_width_ratio: float | None

    @property
    def independent_ratio(self) -> float:
        """Half-width of a reduction between two such years, near R = 0, from different devices."""
        return sqrt(2) * self.plan.half_width_ratio

    @property
    def matched_ratio(self) -> float:
        """The same where both years are monitored on the same devices."""
        return self.independent_ratio * sqrt(1 - MATCHED_CORRELATION)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre plan-sample`."""
    parser.add_argument("inventory", type=Path, metavar="INVENTORY", help="a CSV file")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--half-width", type=above_zero, metavar="PERCENT", help="wanted half-width of the total"
    )
    wanted.add_argument("--agents", type=int, metavar="N", help="how many agents there may be")
    add_place(parser, "take variances from what was measured there")
    parser.add_argument(
        "--figures", type=Path, metavar="FILE", help="powers and hours by class (default: ours)"
    )
    parser.add_argument("--level", type=int, choices=(90, 95), default=95, help="of the interval")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language on the terminal")


def run(options: argparse.Namespace) -> int:
    """Print the plan; ConfigError if it cannot be had from this inventory."""
    stated = figures(options.figures) if options.figures else figures()
    inventory = read_inventory(options.inventory)
    given = options.config is not None or options.data is not None
    months = _months(place(options.config, options.data)) if given else []
    strata = known(inventory.units, declared(stated), months)
    if not strata.candidates:
        raise ConfigError(f"{options.inventory}: no class with data; see `sobre estimate`")
    answer = _planned(strata, options)
    if options.json:
        print(json.dumps(_object(inventory, answer), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(options, answer)))
    return 0


def _months(where: Place) -> list[StratumMonth]:
    with closing(open_ledger(where.data)) as ledger:
        rows = ledger.months("0000-00", "9999-99")
    if not rows:
        return []
    stated = where.perimeter.exists()
    perimeter = load_perimeter(where.perimeter) if stated else unstated(int(rows[0].month[:4]) + 1)
    return told(rows, perimeter, local_day(time.time(), perimeter.timezone).isoformat()[:7])


def _planned(strata: Known, options: argparse.Namespace) -> Answer:
    level, candidates = options.level / 100, strata.candidates
    try:
        if options.agents is None:
            found = plan(candidates, options.half_width / 100, level)
        else:
            agents_n = allocated(candidates, options.agents)
            found = Plan(agents_n, half_width(candidates, agents_n, level), level)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    metered = [c for c in candidates if not _people(strata, c)]
    if all(found.agents_n[c.name] == c.units_n for c in metered):
        return Answer(strata, found, sum(c.units_n for c in metered), None)
    people = [c for c in candidates if _people(strata, c)]
    agents_n = {c.name: c.units_n for c in metered}
    agents_n |= {c.name: found.agents_n[c.name] for c in people}
    # The agents that a census of rooms sets free go to people's devices.
    try:
        agents_n |= allocated(people, sum(found.agents_n.values())) if people else {}
    except ValueError as error:
        raise ConfigError(str(error)) from error
    census_n = sum(c.units_n for c in metered)
    return Answer(strata, found, census_n, half_width(candidates, agents_n, level))


def _people(strata: Known, candidate: Candidate) -> bool:
    device_class = strata.strata[candidate.name].device_class
    return personal(device_class) or device_class == "printer"


def _lines(options: argparse.Namespace, answer: Answer) -> list[str]:
    lang: Lang = options.lang
    strata, found = answer.strata, answer.plan
    units_n = sum(c.units_n for c in strata.candidates)
    whole = notation.number(found.whole_n, lang)
    half = notation.percent(found.half_width_ratio, lang)
    units = notation.number(units_n, lang)
    out = [say(lang, "plan", agents=whole, units=units, half=half, level=options.level), ""]
    table = [[say(lang, "stratum"), say(lang, "units"), "kWh", "cv", say(lang, "agents")]]
    for c in strata.candidates:
        table.append(
            [
                c.name,
                notation.number(c.units_n, lang),
                notation.number(c.unit_kwh, lang),
                notation.percent(c.cv_ratio, lang, 0) + ("" if c.name in strata.measured else "*"),
                notation.number(found.agents_n[c.name], lang),
            ]
        )
    out += columns(table)
    prior = say(lang, "prior-declared")
    if options.data is not None or options.config is not None:
        counts = {"measured": len(strata.measured), "strata": len(strata.candidates)}
        prior = say(lang, "prior-measured", months=MONTHS, **counts)
    out += ["", f"* {say(lang, 'prior', cv=prior)}", say(lang, "plan-ratio")]
    pair = (answer.independent_ratio, answer.matched_ratio)
    independent, matched = (notation.points(ratio, lang).removeprefix("+") for ratio in pair)
    rho = notation.number(MATCHED_CORRELATION, lang, 2)
    out.append(say(lang, "pair", independent=independent, matched=matched, rho=rho))
    if answer.census_half_width_ratio is not None:
        census = notation.number(answer.census_n, lang)
        half = notation.percent(answer.census_half_width_ratio, lang)
        out.append(say(lang, "census", census=census, half=half))
    elif answer.census_n:
        out.append(say(lang, "census-done"))
    if strata.unknown:
        out.append(say(lang, "skipped", classes=", ".join(strata.unknown)))
    return out


def _object(inventory: Inventory, answer: Answer) -> dict[str, Any]:
    strata = answer.strata
    return {
        "month": inventory.month,
        "level_ratio": answer.plan.level,
        "agents": answer.plan.whole_n,
        "half_width_ratio": answer.plan.half_width_ratio,
        "reduction_half_width_ratio": {
            "independent": answer.independent_ratio,
            "matched": answer.matched_ratio,
        },
        "census_half_width_ratio": answer.census_half_width_ratio,
        "strata": [
            {
                "organisation": strata.strata[c.name].organisation,
                "site": strata.strata[c.name].site,
                "class": strata.strata[c.name].device_class,
                "units": c.units_n,
                "unit_kwh": c.unit_kwh,
                "cv_ratio": c.cv_ratio,
                "measured": c.name in strata.measured,
                "agents": answer.plan.agents_n[c.name],
            }
            for c in strata.candidates
        ],
        "unknown": list(strata.unknown),
    }
