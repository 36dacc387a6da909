"""`sobre plan-calibration`: how many plugs, and where, buy how many points of the reduction."""

import argparse
import json
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from math import hypot, sqrt

from sobre_collector.calibrated import modelled
from sobre_collector.commands.option_values import above_zero, add_place, add_year, count
from sobre_collector.indicators.calibration import class_factor
from sobre_collector.perimeter.bills import with_bills
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.planning.columns import columns
from sobre_collector.planning.plugs import (
    Class,
    Interval,
    allocated,
    common_cv,
    narrowed,
    placed,
)
from sobre_collector.planning.wording import class_name, say
from sobre_collector.report import common_error, notation
from sobre_collector.report.drawn import Drawn, drawn_from
from sobre_collector.report.facts import COVERAGE_FACTOR
from sobre_collector.report.figures import report
from sobre_collector.report.source import facts, open_ledger, place, stated
from sobre_collector.report.wording import LANGUAGES, Lang
from sobre_collector.store.ledger import Ledger
from sobre_drivers.errors import StoreError

# What `sobre-agent calibrate` compares: screens hang on plugs of their own.
PCS = ("workstation.laptop", "workstation.desktop", "server")
# A plug of class 1: ± 1 %, twice that for the whole chain.
METER_ERROR = 0.02
PLUGS = 20


@dataclass(frozen=True, slots=True)
class Basis:
    """What there is to narrow: R's interval, the classes that weigh on it, and on the kWh."""

    year: int
    level: float
    interval: Interval
    classes: tuple[Class, ...]
    others_cv: float
    absolute_ratio: float
    units_n: dict[str, dict[str, float]]

    def with_plugs(self, plugs_n: dict[str, int], meter_ratio: float) -> Interval:
        """R's interval once so many PCs more of each class were read by a plug."""
        before = hypot(common_cv(self.classes, {}, meter_ratio), self.others_cv)
        after = hypot(common_cv(self.classes, plugs_n, meter_ratio), self.others_cv)
        return narrowed(self.interval, self.level, before, after)

    def floor(self) -> Interval:
        """R's interval without any error of these models."""
        before = hypot(common_cv(self.classes, {}, 0.0), self.others_cv)
        return narrowed(self.interval, self.level, before, self.others_cv)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre plan-calibration`."""
    add_place(parser)
    add_year(parser)
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--plugs", type=count, metavar="N", help=f"how many there are ({PLUGS})")
    wanted.add_argument(
        "--points", type=above_zero, metavar="POINTS", help="wanted half-width of the reduction"
    )
    parser.add_argument(
        "--plug-error",
        type=above_zero,
        default=METER_ERROR,
        metavar="RATIO",
        help=f"stated error of the plugs, 95 %% ({METER_ERROR})",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language on the terminal")


def run(options: argparse.Namespace) -> int:
    """Print the plan; StoreError while there is no reduction whose interval could be narrowed."""
    where = place(options.config, options.data)
    perimeter = load_perimeter(stated(where))
    with closing(open_ledger(where.data)) as ledger:
        basis = _basis(ledger, perimeter, options.year)
    meter_ratio = options.plug_error / COVERAGE_FACTOR
    plugs_n = _planned(basis, options, meter_ratio)
    print(
        json.dumps(_object(basis, plugs_n, meter_ratio), indent=2)
        if options.json
        else "\n".join(_lines(basis, plugs_n, meter_ratio, options))
    )
    return 0


def _planned(basis: Basis, options: argparse.Namespace, meter_ratio: float) -> dict[str, int]:
    if options.points is None:
        most = options.plugs or PLUGS
        return allocated(basis.classes, meter_ratio, lambda n: sum(n.values()) >= most)
    wanted = options.points / 100
    found = allocated(
        basis.classes,
        meter_ratio,
        lambda n: basis.with_plugs(n, meter_ratio).half_ratio <= wanted,
    )
    if basis.with_plugs(found, meter_ratio).half_ratio <= wanted:
        return found
    # Out of reach: what the usual number buys says more than all that there could be.
    return allocated(basis.classes, meter_ratio, lambda n: sum(n.values()) >= PLUGS)


def _basis(ledger: Ledger, perimeter: Perimeter, year: int | None) -> Basis:
    now = datetime.now(UTC)
    told = facts(ledger, perimeter, now)
    first, end = f"{perimeter.baseline.year:04}-01", f"{year or now.year:04}-12"
    rows = with_bills(ledger.months(first, end), perimeter, first, end)
    over = [int(row.month[:4]) for row in rows if row.month < told.this_month]
    last = year or max(over, default=now.year)
    drawn = drawn_from(rows, perimeter, last, told)
    made = report(rows, perimeter, last, told)
    if made.result is None or not made.result.intervals or drawn.before is None:
        raise StoreError(
            f"{last}: no reduction yet, so no interval to narrow; `sobre report` says what is "
            "missing. `sobre plan-sample` plans agents before that"
        )
    assert drawn.after is not None
    found = made.result.intervals[0]
    reporting, adjusted = common_error.shares(drawn, drawn.before, drawn.after)
    weights = {
        name: reporting.get(name, 0.0) - adjusted.get(name, 0.0)
        for name in reporting.keys() | adjusted.keys()
    }
    by_model = {d.device_class for d in ledger.devices().values() if modelled(d)}
    classes = tuple(
        one for name in PCS if name in by_model and (one := _class(name, drawn, weights, ledger))
    )
    named = {one.name for one in classes}
    us = drawn.fleet.common_u
    others = hypot(
        *(us.get(n, 0.0) * w for n, w in weights.items() if n.split("#")[0] not in named)
    )
    return Basis(
        last,
        found.level_ratio,
        Interval(found.low_ratio, found.high_ratio),
        classes,
        others,
        hypot(*(us.get(name, 0.0) * share for name, share in reporting.items())),
        _units(drawn),
    )


def _class(name: str, drawn: Drawn, weights: dict[str, float], ledger: Ledger) -> Class | None:
    """A class as it is now; several calibrations of it count as one that serves both years."""
    us = drawn.fleet.common_u
    mine = {source: w for source, w in weights.items() if source.split("#")[0] == name}
    error, weight = hypot(*(us.get(n, 0.0) * w for n, w in mine.items())), abs(sum(mine.values()))
    stated_u = us.get(name, 0.0)
    if error <= 0 or weight <= 0 or stated_u <= 0:
        return None
    sessions = [
        each.comparison
        for each in ledger.calibrations.sessions()
        if each.comparison.device_class == name
    ]
    spread = class_factor(sessions).spread_ratio if len(sessions) > 1 else None
    return Class(name, weight, error / weight, spread or stated_u, len(sessions))


def _units(drawn: Drawn) -> dict[str, dict[str, float]]:
    """Units in service of each class by place, where a PC is monitored that a plug can be put to.

    Shares of the class's kWh would say what a site of a few PCs uses.
    """
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one in drawn.fleet.of(drawn.months):
        if one.devices_n > 0:
            place_name = f"{one.stratum.organisation} / {one.stratum.site}"
            found[one.stratum.device_class][place_name] += one.inventory_n
    return {name: dict(places) for name, places in found.items()}


def _lines(
    basis: Basis, plugs_n: dict[str, int], meter_ratio: float, options: argparse.Namespace
) -> list[str]:
    lang: Lang = options.lang
    level = round(basis.level * 100)
    middle = 1 - sqrt((1 - basis.interval.low_ratio) * (1 - basis.interval.high_ratio))
    models = narrowed(Interval(middle, middle), basis.level, 0.0, _models_cv(basis, meter_ratio))
    half = _points(basis.interval.half_ratio, lang)
    year = str(basis.year)
    out = [
        say(
            lang,
            "calibration.now",
            year=year,
            half=half,
            level=level,
            models=_points(models.half_ratio, lang),
        )
    ]
    absolute = notation.percent(COVERAGE_FACTOR * basis.absolute_ratio, lang)
    if not sum(plugs_n.values()):
        floor = _points(basis.floor().half_ratio, lang)
        if options.points is not None and basis.classes:
            wanted = _points(options.points / 100, lang)
            reached = basis.interval.half_ratio <= options.points / 100
            if not reached:
                out.append(say(lang, "calibration.unreached", points=wanted, floor=floor))
        else:
            out.append(say(lang, "calibration.none"))
        return [*out, say(lang, "calibration.cancel", absolute=absolute)]
    after = basis.with_plugs(plugs_n, meter_ratio)
    gain = basis.interval.half_ratio - after.half_ratio
    whole = notation.number(sum(plugs_n.values()), lang)
    out.append(
        say(
            lang,
            "calibration.after",
            plugs=whole,
            half=_points(after.half_ratio, lang),
            gain=_points(gain, lang),
        )
    )
    if options.points is not None and after.half_ratio > options.points / 100:
        wanted, floor = (_points(r, lang) for r in (options.points / 100, basis.floor().half_ratio))
        out.append(say(lang, "calibration.unreached", points=wanted, floor=floor))
    table = [[say(lang, "class"), say(lang, "calibration.head")]]
    for one in basis.classes:
        n = plugs_n[one.name]
        if n:
            table.append([class_name(lang, one.name), notation.number(n, lang)])
            places = placed(n, basis.units_n.get(one.name, {}))
            table += [[f"  {name}", notation.number(k, lang)] for name, k in sorted(places.items())]
    return [
        *out,
        "",
        *columns(table),
        "",
        say(lang, "calibration.where"),
        say(lang, "calibration.spread"),
        say(lang, "calibration.cancel", absolute=absolute),
    ]


def _models_cv(basis: Basis, meter_ratio: float) -> float:
    return hypot(common_cv(basis.classes, {}, meter_ratio), basis.others_cv)


def _points(ratio: float, lang: Lang) -> str:
    return notation.points(ratio, lang).removeprefix("+")


def _object(basis: Basis, plugs_n: dict[str, int], meter_ratio: float) -> dict[str, object]:
    after = basis.with_plugs(plugs_n, meter_ratio)
    return {
        "year": basis.year,
        "level_ratio": basis.level,
        "half_width_ratio": _seen(basis.interval.half_ratio),
        "half_width_with_plugs_ratio": _seen(after.half_ratio),
        "half_width_without_models_ratio": _seen(basis.floor().half_ratio),
        "energy_models_u_ratio": _seen(basis.absolute_ratio),
        "plugs": sum(plugs_n.values()),
        "classes": [
            {
                "name": one.name,
                "spread_ratio": one.spread_ratio,
                "done_n": one.done_n,
                "plugs": plugs_n[one.name],
                "places": placed(plugs_n[one.name], basis.units_n.get(one.name, {})),
            }
            for one in basis.classes
        ],
    }


def _seen(ratio: float) -> float:
    """As precise as the terminal says it.

    More digits would give what laptops and desktops use apart, which the report joins: one of the
    two may be a few PCs.
    """
    return round(ratio, 3)
