"""`sobre estimate`: a first kWh per year from an inventory alone, before any agent is installed."""

import argparse
import json
from pathlib import Path
from typing import Any

from sobre_collector.commands.option_values import above_zero
from sobre_collector.indicators.carbon import Emissions, Factor, emissions
from sobre_collector.indicators.estimate import Estimate, estimate
from sobre_collector.planning.columns import columns
from sobre_collector.planning.declared import declared, figures
from sobre_collector.planning.inventory import Inventory, read_inventory
from sobre_collector.planning.wording import class_name, say
from sobre_collector.report import notation
from sobre_collector.report.wording import LANGUAGES, Lang
from sobre_drivers.errors import ConfigError

# Published factors of one country and year differ by this much at least.
FACTOR_U_RATIO = 0.1


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre estimate`."""
    parser.add_argument("inventory", type=Path, metavar="INVENTORY", help="a CSV file")
    parser.add_argument(
        "--figures", type=Path, metavar="FILE", help="powers and hours by class (default: ours)"
    )
    parser.add_argument("--price", type=above_zero, metavar="EUR", help="what a kWh costs")
    parser.add_argument("--factor", type=above_zero, metavar="KG", help="kgCO₂e of a kWh")
    parser.add_argument(
        "--factor-error",
        type=above_zero,
        default=FACTOR_U_RATIO,
        metavar="RATIO",
        help=f"its standard uncertainty (default: {FACTOR_U_RATIO})",
    )
    parser.add_argument("--factor-source", metavar="TEXT", help="where the factor comes from")
    parser.add_argument("--level", type=int, choices=(90, 95), default=95, help="of the interval")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language on the terminal")


def run(options: argparse.Namespace) -> int:
    """Print the estimate; ConfigError names each wrong line of the inventory."""
    stated = figures(options.figures) if options.figures else figures()
    inventory = read_inventory(options.inventory)
    found = estimate(inventory.by_class(), declared(stated), stated.fleet_models_n)
    carbon = _carbon(options, found, stated.year)
    if options.json:
        print(json.dumps(_object(options, inventory, found, carbon), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(options, inventory, found, carbon)))
    return 0


def _carbon(options: argparse.Namespace, found: Estimate, year: int) -> Emissions | None:
    if options.factor is None:
        return None
    source = options.factor_source
    if not source:
        raise ConfigError("--factor: give --factor-source too; published factors differ by twice")
    factor = Factor(year, options.factor, options.factor_error, "electricity", source, source)
    return emissions(found.kwh, found.u_kwh, factor)


def _lines(
    options: argparse.Namespace, inventory: Inventory, found: Estimate, carbon: Emissions | None
) -> list[str]:
    lang: Lang = options.lang
    level = options.level / 100
    units = inventory.by_class()
    heads = [say(lang, key, level=options.level) for key in ("class", "units", "year", "interval")]
    table = [heads]
    for name, part in found.parts.items():
        around = notation.energy_range(*part.interval_kwh(level), lang)
        whole = notation.number(units[name][0], lang)
        table.append([class_name(lang, name), whole, notation.energy(part.kwh, lang), around])
    low, high = found.interval_kwh(level)
    around = notation.energy_range(low, high, lang)
    table.append([say(lang, "total"), "", notation.energy(found.kwh, lang), around])
    month = ""
    if inventory.month is not None:
        month = say(lang, "of-month", month=notation.month(inventory.month, lang))
    kwh = notation.energy(found.kwh, lang)
    out = [say(lang, "estimate", month=month, kwh=kwh, range=around, level=options.level), ""]
    out += columns(table)
    out += ["", say(lang, "estimation"), say(lang, "width")]
    if found.unknown:
        names = ", ".join(class_name(lang, name) for name in found.unknown)
        out.append(say(lang, "unknown", classes=names))
    if options.price is not None:
        cost, least, most = (
            f"{notation.number(value * options.price, lang)} €" for value in (found.kwh, low, high)
        )
        price = notation.number(options.price, lang, 3)
        out.append(say(lang, "cost", price=price, cost=cost, low=least, high=most))
    if carbon is not None:
        kg, least, most = (_mass(value, lang) for value in (carbon.kg, *carbon.interval_kg(level)))
        factor, source = notation.number(carbon.factor.kg_per_kwh, lang, 3), carbon.factor.source
        out.append(say(lang, "carbon", factor=factor, source=source, kg=kg, low=least, high=most))
    return [*out, "", say(lang, "sources"), *(f"- {source}" for source in found.sources)]


def _mass(kg: float, lang: Lang) -> str:
    if kg < 1000:
        return f"{notation.number(kg, lang)} kgCO₂e"
    return say(lang, "tonnes", value=notation.number(kg / 1000, lang, 1))


def _object(
    options: argparse.Namespace, inventory: Inventory, found: Estimate, carbon: Emissions | None
) -> dict[str, Any]:
    level = options.level / 100
    low, high = found.interval_kwh(level)
    answer: dict[str, Any] = {
        "month": inventory.month,
        "level_ratio": level,
        "kwh": found.kwh,
        "u_kwh": found.u_kwh,
        "interval_kwh": [low, high],
        "classes": [
            {
                "class": name,
                "units": inventory.by_class()[name][0],
                "kwh": part.kwh,
                "u_kwh": part.u_kwh,
                "interval_kwh": list(part.interval_kwh(level)),
            }
            for name, part in found.parts.items()
        ],
        "unknown": list(found.unknown),
        "sources": list(found.sources),
    }
    if options.price is not None:
        answer["cost_eur"] = [value * options.price for value in (found.kwh, low, high)]
    if carbon is not None:
        answer["kg"] = [carbon.kg, *carbon.interval_kg(level)]
        answer["factor_source"] = carbon.factor.source
    return answer
