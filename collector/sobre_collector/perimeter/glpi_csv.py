"""GLPI's CSV export, in French or English: its headings, quotes, entities and dates.

Only the columns named here are read; names and serial numbers may stand in the file and are passed
over.
"""

import csv
import html
from collections.abc import Iterator
from datetime import date

from sobre_collector.perimeter.glpi import Item, Person, Words
from sobre_drivers.errors import ConfigError

HEADINGS = {
    "entity": ("entity", "entité", "entities (profile)", "entités (profil)"),
    "location": ("location", "lieu"),
    "type": ("type",),
    "status": ("status", "statut"),
    "started": ("startup date", "date de mise en service"),
    "decommissioned": ("decommission date", "date de réforme"),
    "active": ("active", "actif"),
}
YES, NO = {"yes", "oui", "1"}, {"no", "non", "0", ""}


def items(data: bytes, name: str, kind: str, table: Words) -> list[Item]:
    """The equipment of one export; ConfigError with each line that cannot be read."""
    needed = ["entity", "location", "status", *(["type"] if kind == "Computer" else [])]
    problems: list[str] = []
    found = []
    for where, cell in _rows(data, name, needed):
        dates: dict[str, date | None] = {}
        for key in ("started", "decommissioned"):
            try:
                dates[key] = day(cell.get(key, ""), table.dates)
            except ValueError as error:
                problems.append(f"{where}: {error}")
        if len(dates) == 2:
            found.append(
                Item(
                    kind,
                    cell["entity"],
                    cell["location"],
                    cell.get("type", ""),
                    cell["status"],
                    dates["started"],
                    dates["decommissioned"],
                )
            )
    if problems:
        raise ConfigError(*problems)
    return found


def people(data: bytes, name: str) -> list[Person]:
    """The accounts of an export of users; each is in one or several entities."""
    found = []
    for where, cell in _rows(data, name, ["entity", "active"]):
        active = cell["active"].lower()
        if active not in YES | NO:
            raise ConfigError(f"{where}: active is {cell['active']!r}; yes or no is needed")
        found.append(Person(active in YES, entities(cell["entity"])))
    return found


def plain(value: object) -> str:
    """A cell as text: GLPI escapes it as HTML, once or twice, and wraps it in spaces and lines."""
    text = "" if value is None else str(value)
    return html.unescape(html.unescape(text)).replace("\N{NO-BREAK SPACE}", " ").strip()


def entities(cell: str) -> tuple[str, ...]:
    """The entities of an account, without the profile that follows each in brackets."""
    lines = [line.strip() for line in cell.replace("<br>", "\n").splitlines()]
    names = [line.rpartition(" - ")[0] or line for line in lines if line]
    return tuple(dict.fromkeys(names))


def day(cell: str, order: str) -> date | None:
    """A date as the account that exported it has it set; None for an empty cell."""
    text = cell.strip().partition(" ")[0].replace("/", "-")
    if not text:
        return None
    parts = text.split("-")
    # A date that begins with its year can be read in one way only.
    chosen = "ymd" if len(parts[0]) == 4 else order
    try:
        numbers = dict(zip(chosen, (int(part) for part in parts), strict=True))
        return date(numbers["y"], numbers["m"], numbers["d"])
    except ValueError as error:
        raise ValueError(f"{cell!r} is no date in the order {chosen!r}; see `dates`") from error


def _rows(data: bytes, name: str, needed: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: is not UTF-8; export it again from GLPI as CSV") from error
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") >= first.count(",") else ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    columns: dict[str, int] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{name}:{reader.line_num}"
            if columns is None:
                columns = _columns(cells, where, needed)
            elif len(cells) <= max(columns.values()):
                raise ConfigError(f"{where}: {len(cells)} cells; the file was cut, export it again")
            else:
                yield where, {key: plain(cells[at]) for key, at in columns.items()}
    except csv.Error as error:
        raise ConfigError(f"{name}:{reader.line_num}: is not valid CSV ({error})") from error
    if columns is None:
        raise ConfigError(f"{name}: is empty; export it again")


def _columns(cells: list[str], where: str, needed: list[str]) -> dict[str, int]:
    headings = [plain(cell).lower() for cell in cells]
    found = {
        key: headings.index(word)
        for key, words in HEADINGS.items()
        for word in words
        if word in headings
    }
    lacking = [key for key in needed if key not in found]
    if lacking:
        named = "; ".join(f"{key} ({' or '.join(HEADINGS[key])})" for key in lacking)
        raise ConfigError(f"{where}: no column for {named}; add it to the columns shown in GLPI")
    return found
