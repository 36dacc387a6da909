"""The tables about printers, rooms, carbon and prices, each read with all its mistakes."""

import re
from collections.abc import Callable
from typing import Protocol, TypedDict

from sobre_collector.indicators.carbon import Factor
from sobre_collector.perimeter.metering import Tree
from sobre_collector.perimeter.printing import (
    PAGE_UNITS,
    SIZES,
    CounterReading,
    Printer,
    Printing,
    StatedYear,
)
from sobre_collector.perimeter.rates import FACTOR_UNITS, Price, Rates
from sobre_collector.perimeter.rooms import MEASURES, Point, Room, rooms_of
from sobre_collector.perimeter.tables import Column, Row, amount, day, one_of, text, yes_no
from sobre_collector.rows import Key
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import DEVICE, NODE

FILES = ("printers", "page_counters", "printing", "rooms", "emission_factors", "prices")


class Read(Protocol):
    """Reads the table that the perimeter names; no rows where it names none."""

    def __call__(
        self, name: str, columns: list[Column], unique_by: tuple[str, ...], /
    ) -> list[Row]: ...


class Stated(TypedDict):
    """What this module adds to a perimeter."""

    printing: Printing
    rooms: tuple[Room, ...]
    rates: Rates


def stated(
    read: Read, organisation: Callable[[str], str], tree: Tree, problems: list[str]
) -> Stated:
    """All of it; one line is added to `problems` for each mistake."""
    return {
        "printing": printing(read, organisation, problems),
        "rooms": rooms(read, tree, problems),
        "rates": rates(read, problems),
    }


def printing(read: Read, organisation: Callable[[str], str], problems: list[str]) -> Printing:
    """The register of printers, their counters and the stated years."""
    printers = {printer.key: printer for printer in map(_printer, _register(read, organisation))}
    readings = sorted(_readings(read, printers, problems), key=lambda each: each.day)
    return Printing(printers, tuple(readings), tuple(_years(read, organisation, problems)))


def _register(read: Read, organisation: Callable[[str], str]) -> list[Row]:
    columns = [
        *_DEVICE,
        Column("model", text),
        Column("range", one_of(SIZES, f"the ranges: {', '.join(SIZES)}"), optional=True),
        Column("pages_per_minute", _positive),
        Column("unit", _unit, optional=True),
        Column("counter_modulus", _whole, optional=True),
        Column("private", yes_no, optional=True),
        Column("organisation", organisation, optional=True),
        Column("site", text, optional=True),
    ]
    return read("printers", columns, ("node", "device"))


def _printer(row: Row) -> Printer:
    v = row.values
    return Printer(
        Key(v["node"], v["device"]),
        v["model"],
        v["range"] or "",
        v["pages_per_minute"],
        v["unit"] or "impressions",
        v["counter_modulus"],
        bool(v["private"]),
        v["organisation"] or "",
        v["site"] or "",
    )


def _readings(
    read: Read, printers: dict[Key, Printer], problems: list[str]
) -> list[CounterReading]:
    columns = [
        Column("day", day),
        *_DEVICE,
        Column("count", _whole),
        Column("unit", _unit),
        Column("serial", text, optional=True),
    ]
    found = []
    for row in read("page_counters", columns, ("day", "node", "device")):
        v = row.values
        key = Key(v["node"], v["device"])
        printer = printers.get(key)
        if printer is None:
            problems.append(
                f"{row.where}: {key.device} (node {key.node}) stands in no line of the table of "
                "printers; add it there, with its pages per minute"
            )
        elif printer.unit != v["unit"]:
            problems.append(
                f"{row.where}: counts {v['unit']}, and {key.device} is registered with "
                f"{printer.unit}; units are never mixed: correct one, or leave the reading out"
            )
        elif not (printer.organisation and printer.site):
            problems.append(
                f"{row.where}: {key.device} has no organisation or site in the table of printers; "
                "where its counter is read by people, nothing else says where it stands"
            )
        else:
            found.append(CounterReading(v["day"], key, v["count"], v["unit"], v["serial"] or ""))
    return found


def _years(read: Read, organisation: Callable[[str], str], problems: list[str]) -> list[StatedYear]:
    columns = [
        Column("year", _year),
        Column("organisation", organisation),
        Column("printers", amount),
        Column("printers_half_width", amount),
        Column("running_h", amount, optional=True),
        Column("running_half_width_h", amount, optional=True),
        Column("pages", amount, optional=True),
        Column("pages_half_width", amount, optional=True),
        Column("unit", _unit, optional=True),
        Column("document", text),
    ]
    found = []
    for row in read("printing", columns, ("year", "organisation")):
        v = row.values
        pairs = {}
        for name, half in (("running_h", "running_half_width_h"), ("pages", "pages_half_width")):
            if v[name] is not None and v[half] is None:
                problems.append(f"{row.where}: column {half!r} is empty; how far may it be wrong?")
            pairs[name] = None if v[name] is None else (v[name], v[half] or 0.0)
        found.append(
            StatedYear(
                v["year"],
                v["organisation"],
                (v["printers"], v["printers_half_width"]),
                pairs["running_h"],
                pairs["pages"],
                v["unit"] or "impressions",
                v["document"],
            )
        )
    return found


def rooms(read: Read, tree: Tree, problems: list[str]) -> tuple[Room, ...]:
    """The rooms and their points of measurement."""
    columns = [
        Column("room", text),
        Column("measures", one_of(MEASURES, f"these: {', '.join(MEASURES)}")),
        *_DEVICE,
        Column("category", one_of({"1", "2", "3"}, "EN 50600-4-2: 1, 2 or 3"), optional=True),
    ]
    points = []
    for row in read("rooms", columns, ("room", "measures", "node", "device")):
        v = row.values
        category = {"1": 1, "2": 2, "3": 3}.get(v["category"] or "")
        key = Key(v["node"], v["device"])
        points.append(Point(v["room"], v["measures"], key, category, row.where))  # type: ignore[arg-type]
    found, wrong = rooms_of(points, tree)
    problems += wrong
    return found


def rates(read: Read, problems: list[str]) -> Rates:
    """Emission factors and prices."""
    factor_columns = [
        Column("year", _year),
        Column("value", _positive),
        Column("unit", one_of(FACTOR_UNITS, f"the units: {', '.join(FACTOR_UNITS)}")),
        Column("u_ratio", _positive),
        Column("scope", text),
        Column("source", text),
        Column("version", text),
    ]
    factors = []
    for row in read("emission_factors", factor_columns, ("year",)):
        v = row.values
        kg = v["value"] * FACTOR_UNITS[v["unit"]]
        try:
            factors.append(
                Factor(v["year"], kg, v["u_ratio"], v["scope"], v["source"], v["version"])
            )
        except ConfigError as error:
            problems += [f"{row.where}: {problem}" for problem in error.problems]
    columns = [Column("since", day), Column("euros_per_kwh", amount), Column("source", text)]
    prices = [
        Price(row.values["since"], row.values["euros_per_kwh"], row.values["source"])
        for row in read("prices", columns, ("since",))
    ]
    return Rates(tuple(factors), tuple(prices))


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def parse(cell: str) -> str:
        if pattern.fullmatch(cell) is None:
            raise ValueError(f"{what} is needed: small letters, digits, '.', '_' and '-'")
        return cell

    return parse


def _whole(cell: str) -> int:
    if not cell.isascii() or not cell.isdigit():
        raise ValueError("a whole number such as 120400 is needed, without separators")
    return int(cell)


def _positive(cell: str) -> float:
    value = amount(cell)
    if value <= 0:
        raise ValueError("a number above 0 is needed")
    return value


def _year(cell: str) -> int:
    value = _whole(cell)
    if not 1990 <= value <= 2100:
        raise ValueError("write the year, such as 2022")
    return value


_unit = one_of(PAGE_UNITS, f"the units: {', '.join(PAGE_UNITS)}")
_DEVICE = (
    Column("node", _matching(NODE, "a node's name")),
    Column("device", _matching(DEVICE, "a device id")),
)
