"""perimeter.toml and the CSV files beside it, read into a Perimeter with all mistakes at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sobre_collector.indicators.degree_days import DegreeDayTable
from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter import statements
from sobre_collector.perimeter.facts import (
    USER_FACTOR,
    Baseline,
    BaselineRow,
    Counts,
    Milestone,
    Organisation,
    Perimeter,
    Site,
    Target,
    counted_twice,
)
from sobre_collector.perimeter.metering import Link, Tree, mistakes
from sobre_collector.perimeter.monthly import Bills, bills_of, degree_days_of
from sobre_collector.perimeter.tables import (
    Column,
    Row,
    amount,
    day,
    month,
    one_of,
    read_table,
    text,
    unique,
    yes_no,
)
from sobre_collector.perimeter.toml import PerimeterTable
from sobre_collector.rows import Key
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import CLASSES, DEVICE, NODE, personal
from sobre_drivers.settings import build, read_toml

FILES = (
    *("inventory", "headcount", "baseline", "metering", "billed", "degree_days"),
    *statements.FILES,
)


def load_perimeter(path: Path) -> Perimeter:
    """The perimeter in a file and its tables; ConfigError holds one line for each mistake."""
    raw = read_toml(path)
    problems: list[str] = []
    table: PerimeterTable | None = None
    try:
        table = build(raw, PerimeterTable, str(path))
    except ConfigError as error:
        problems += error.problems
    # Even if perimeter.toml is wrong, its tables are read as far as they can be: all mistakes at
    # once spare a person one round per file.
    tables = _Tables(path, raw, problems)
    inventory, headcount = tables.inventory(), tables.headcount()
    baseline, metering = tables.baseline(), tables.metering()
    billed, degree_days = tables.billed(), tables.degree_days()
    stated = statements.stated(tables._read, tables._organisation, metering, problems)
    if table is None or problems:
        raise ConfigError(*problems)
    found = _perimeter(table, inventory, headcount, baseline, metering)
    found = replace(found, billed=billed, degree_days=degree_days, **stated)
    twice = counted_twice(found)
    if twice:
        raise ConfigError(*(f"{tables.named('billed')}: {problem}" for problem in twice))
    return found


def _perimeter(
    table: PerimeterTable,
    inventory: Mapping[str, Mapping[Stratum, Counts]],
    headcount: Mapping[str, Mapping[str, Counts]],
    baseline: tuple[BaselineRow, ...],
    metering: Tree,
) -> Perimeter:
    hours, target, base = table.working_hours, table.target, table.baseline
    return Perimeter(
        baseline=Baseline(
            base.year,
            base.kind,
            baseline,
            base.months,
            base.shares_year,
            base.approved_by,
            base.approved_on,
        ),
        organisations=tuple(
            Organisation(o.id, o.name, o.since, o.until) for o in table.organisations
        ),
        sites=tuple(Site(site.id, site.name) for site in table.sites),
        timezone=ZoneInfo(table.timezone),
        working_hours=WorkingHours(hours.start_h, hours.end_h, hours.days),
        target=Target(
            target.reduction_ratio,
            target.year,
            target.path,
            tuple(Milestone(m.year, m.reduction_ratio) for m in target.milestones),
        ),
        user_factor={**USER_FACTOR, **table.user_factor},
        user_definition=table.users.definition,
        user_source=table.users.source,
        inventory=inventory,
        headcount=headcount,
        metering=metering,
        publish_at_least=table.publish_at_least,
        scenarios=table.scenarios,
        correlation=table.correlation,
    )


class _Tables:
    """The CSV files that a perimeter names, read against its organisations and sites."""

    def __init__(self, path: Path, raw: Mapping[str, Any], problems: list[str]) -> None:
        self._problems = problems
        files = raw.get("files")
        named = files if isinstance(files, dict) else {}
        self._paths = {
            name: path.parent / named[name]
            for name in FILES
            if isinstance(named.get(name), str) and named[name]
        }
        organisations = _ids(raw.get("organisations"))
        self._organisation = _listed(organisations, f"[[organisations]] of {path.name}")
        self._site = _listed(_ids(raw.get("sites")), f"[[sites]] of {path.name}")
        self._class = one_of(CLASSES, f"the classes: {', '.join(CLASSES)}")

    def inventory(self) -> dict[str, dict[Stratum, Counts]]:
        rows = self._read(
            "inventory",
            [
                Column("month", month),
                Column("organisation", self._organisation),
                Column("site", self._site),
                Column("class", self._class),
                Column("units", amount),
                Column("half_width", amount),
            ],
            ("month", "organisation", "site", "class"),
        )
        found: dict[str, dict[Stratum, Counts]] = {}
        for row in rows:
            v = row.values
            stratum = Stratum(v["organisation"], v["site"], v["class"])
            found.setdefault(v["month"], {})[stratum] = (v["units"], v["half_width"])
        return found

    def headcount(self) -> dict[str, dict[str, Counts]]:
        rows = self._read(
            "headcount",
            [
                Column("month", month),
                Column("organisation", self._organisation),
                Column("users", amount),
                Column("half_width", amount),
            ],
            ("month", "organisation"),
        )
        found: dict[str, dict[str, Counts]] = {}
        for row in rows:
            v = row.values
            found.setdefault(v["month"], {})[v["organisation"]] = (v["users"], v["half_width"])
        return found

    def baseline(self) -> tuple[BaselineRow, ...]:
        rows = self._read(
            "baseline",
            [
                Column("organisation", self._organisation),
                Column("class", self._class),
                Column("kwh", amount),
                Column("half_width_kwh", amount),
                # Its absence is told in the result rather than refused: there may be none.
                Column("document", text, optional=True),
            ],
            ("organisation", "class"),
        )
        for row in rows:
            # method.md 2.3: a baseline of ± 0 is refused, for nobody knows it without error.
            if row.values["half_width_kwh"] == 0 and row.values["kwh"] > 0:
                self._problems.append(
                    f"{row.where}: column 'half_width_kwh' is 0; state how far the figure may be "
                    "wrong (a bill: 1 %; a register of equipment: 30 %)"
                )
        return tuple(
            BaselineRow(
                row.values["organisation"],
                row.values["class"],
                row.values["kwh"],
                row.values["half_width_kwh"],
                row.values["document"] or "",
            )
            for row in rows
        )

    def billed(self) -> Bills:
        unmetered = sorted(name for name in CLASSES if not personal(name))
        rows = self._read(
            "billed",
            [
                Column("month", month),
                Column("organisation", self._organisation),
                Column("site", self._site),
                Column("class", one_of(unmetered, f"the classes: {', '.join(unmetered)}")),
                Column("kwh", amount),
                Column("half_width_kwh", amount),
                Column("document", text),
            ],
            ("month", "organisation", "site", "class"),
        )
        return bills_of(rows, self._problems)

    def degree_days(self) -> DegreeDayTable:
        rows = self._read(
            "degree_days",
            [
                Column("month", month),
                Column("site", self._site),
                Column("base_c", amount),
                Column("degree_days", amount),
                Column("half_width", amount),
            ],
            ("month", "site", "base_c"),
        )
        return degree_days_of(rows)

    def metering(self) -> Tree:
        rows = self._read(
            "metering",
            [
                Column("node", _matching(NODE, "a node's name")),
                Column("device", _matching(DEVICE, "a device id")),
                Column("fed_by_node", _matching(NODE, "a node's name"), optional=True),
                Column("fed_by", _matching(DEVICE, "a device id"), optional=True),
                Column("counts", yes_no),
                Column("since", day, optional=True),
                Column("until", day, optional=True),
            ],
            (),
        )
        tree = tuple(link for row in rows if (link := self._link(row)) is not None)
        self._problems += mistakes(tree)
        return tree

    def named(self, name: str) -> str:
        """The path of a table, for messages about it."""
        return str(self._paths.get(name, name))

    def _link(self, row: Row) -> Link | None:
        v = row.values
        if v["fed_by_node"] and not v["fed_by"]:
            self._problems.append(f"{row.where}: column 'fed_by' is empty; name the feeder")
            return None
        if v["since"] and v["until"] and v["until"] < v["since"]:
            self._problems.append(f"{row.where}: column 'until' is before 'since'; correct one")
            return None
        feeder = Key(v["fed_by_node"] or v["node"], v["fed_by"]) if v["fed_by"] else None
        key = Key(v["node"], v["device"])
        return Link(key, feeder, v["counts"], v["since"], v["until"], row.where)

    def _read(self, name: str, columns: list[Column], unique_by: tuple[str, ...]) -> list[Row]:
        if name not in self._paths:
            return []
        rows = read_table(self._paths[name], columns, self._problems)
        if unique_by:
            unique(rows, unique_by, self._problems)
        return rows


def _ids(entries: object) -> set[str]:
    items = entries if isinstance(entries, list) else []
    found = [item.get("id") for item in items if isinstance(item, dict)]
    return {each for each in found if isinstance(each, str)}


def _listed(ids: set[str], where: str) -> Callable[[str], str]:
    # Without any list, perimeter.toml itself is wrong: each line of each table need not say it too.
    return one_of(ids, where) if ids else text


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def parse(cell: str) -> str:
        if pattern.fullmatch(cell) is None:
            raise ValueError(f"{what} is needed: small letters, digits, '.', '_' and '-'")
        return cell

    return parse
