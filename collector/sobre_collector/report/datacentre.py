"""The report's section on rooms: PUE with its category and points, racks, outlets that idle."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from sobre_collector.indicators import datacentre as rooms
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.indicators.unit_month import UnitMonth, from_json
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.rooms import Room
from sobre_collector.report import notation
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note, Report
from sobre_collector.report.tables import table, titled
from sobre_collector.report.wording import Lang, name, say
from sobre_collector.rows import Key

NAME = "datacentre"
LEVEL = 0.95
RACKS_SHOWN = 20
POINTS_NAMED = 3


@dataclass(frozen=True, slots=True)
class RoomMonth:
    """A room in a month, kWh; None where a point did not report enough of it. `pue` likewise."""

    month: str
    facility_kwh: float | None
    it_kwh: float | None
    cooling_kwh: float | None
    pue: float | None


@dataclass(frozen=True, slots=True)
class RoomFigures:
    """A room over the period. Where standing is "metering-error", more came out than went in.

    Its `pue` is None then. `label` is the category with the months ("PUE2, 2025"), `points` say
    where was measured.
    """

    room: str
    category: int
    standing: str
    label: str
    pue: float | None
    low: float | None
    high: float | None
    facility_kwh: float | None
    it_kwh: float | None
    cooling_kwh: float | None
    points: Mapping[str, tuple[str, ...]]
    months: tuple[RoomMonth, ...]
    racks_kwh: tuple[tuple[str, float], ...]
    facility_u_ratio: float = 0.0
    it_u_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Datacentre:
    """Rooms, and outlets below 8 W for 60 days (None: nobody has looked yet)."""

    rooms: tuple[RoomFigures, ...]
    idle_outlets: int | None
    idle_kwh_per_year: float | None
    notes: tuple[Note, ...] = ()


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Datacentre | None:
    """None without a room and without an outlet."""
    perimeter = drawn.fleet.perimeter
    read = facts.inputs.get(NAME)
    if read is None or not (perimeter.rooms or read["idle"]):
        return None
    wanted = set(drawn.months)
    rows: dict[Key, dict[str, UnitMonth]] = defaultdict(dict)
    for month, content in read["months"]:
        if month in wanted:
            row = from_json(json.loads(content))
            rows[Key(row.node, row.device)][month] = row
    u = {Key(node, device): ratio for node, device, ratio in read["u"]}
    notes: list[Note] = []
    given = tuple(_room(room, drawn.months, rows, u, perimeter, notes) for room in perimeter.rooms)
    idle = [outlet for outlet in json.loads(read["idle"])["outlets"]] if read["idle"] else None
    drawing = [outlet for outlet in idle or () if outlet["drawing"]]
    kwh = fsum(outlet["kwh_per_year"] for outlet in drawing)
    return Datacentre(
        given, None if idle is None else len(drawing), None if idle is None else kwh, tuple(notes)
    )


def _room(
    room: Room,
    months: Sequence[str],
    rows: Mapping[Key, Mapping[str, UnitMonth]],
    u: Mapping[Key, float],
    perimeter: Perimeter,
    notes: list[Note],
) -> RoomFigures:
    by_month = tuple(_month(room, month, rows) for month in months)
    whole = [m for m in by_month if m.facility_kwh is not None and m.it_kwh is not None]
    for measures in ("facility", "it"):
        missing = [m.month for m in by_month if getattr(m, f"{measures}_kwh") is None]
        if missing:
            values = {"room": room.id, "measures": measures, "months": ", ".join(missing)}
            notes.append(Note("room-silent", values))
    unstated = [key for key in (*room.at("facility"), *room.at("it")) if key not in u]
    if unstated:
        notes.append(Note("room-meter-uncertainty", {"room": room.id, "count": len(unstated)}))
    points = {m: tuple(key.device for key in room.at(m)) for m in ("facility", "it", "cooling")}
    empty = RoomFigures(
        room.id, room.category, "insufficient", "", None, None, None, None, None, None,
        points, by_month, (),
    )  # fmt: skip
    if not whole:
        return empty
    names = [m.month for m in whole]
    facility_u, it_u = (_u(room.at(at), names, rows, u) for at in ("facility", "it"))
    found = rooms.pue(
        [rooms.Month(m.month, m.facility_kwh or 0.0, m.it_kwh or 0.0) for m in whole],
        room.category,
        facility_u_ratio=facility_u,
        it_u_ratio=it_u,
    )
    wrong = found.standing == "metering-error"
    if wrong:
        values = {"room": room.id, "months": ", ".join(found.wrong_months)}
        notes.append(Note("room-metering-error", values))
    interval = None if wrong else found.interval(LEVEL)
    cooling = [m.cooling_kwh for m in whole]
    return RoomFigures(
        room.id,
        room.category,
        found.standing,
        found.label,
        None if wrong else found.value,
        interval[0] if interval else None,
        interval[1] if interval else None,
        fsum(m.facility_kwh or 0.0 for m in whole),
        fsum(m.it_kwh or 0.0 for m in whole),
        fsum(c for c in cooling if c is not None) if None not in cooling else None,
        points,
        by_month,
        _racks(room, names, rows, perimeter),
        facility_u,
        it_u,
    )


def _month(room: Room, month: str, rows: Mapping[Key, Mapping[str, UnitMonth]]) -> RoomMonth:
    def kwh(keys: Sequence[Key]) -> float | None:
        parts = [_kwh(rows, key, month) for key in keys]
        known = [part for part in parts if part is not None]
        return fsum(known) if known and len(known) == len(parts) else None

    facility, it = kwh(room.at("facility")), kwh(room.at("it"))
    # More out than in is no PUE: the meters, or what they are said to measure, are wrong.
    ratio = facility / it if facility is not None and it and facility >= it else None
    return RoomMonth(month, facility, it, kwh(room.at("cooling")), ratio)


def _kwh(rows: Mapping[Key, Mapping[str, UnitMonth]], key: Key, month: str) -> float | None:
    row = rows.get(key, {}).get(month)
    return None if row is None else row.whole_kwh


def _u(
    keys: Sequence[Key],
    months: Sequence[str],
    rows: Mapping[Key, Mapping[str, UnitMonth]],
    u: Mapping[Key, float],
) -> float:
    """The relative uncertainty of a sum of meters, each the same in all months."""
    parts = {key: fsum(_kwh(rows, key, month) or 0.0 for month in months) for key in keys}
    whole = fsum(parts.values())
    if whole <= 0:
        return 0.0
    return sqrt(fsum((kwh * u.get(key, 0.0)) ** 2 for key, kwh in parts.items())) / whole


def _racks(
    room: Room,
    months: Sequence[str],
    rows: Mapping[Key, Mapping[str, UnitMonth]],
    perimeter: Perimeter,
) -> tuple[tuple[str, float], ...]:
    """IT energy by rack: what feeds an outlet or a server, or the point itself."""
    feeders = {link.key: link.fed_by for link in perimeter.metering}
    above = set(room.at("facility"))
    racks: dict[str, float] = defaultdict(float)
    for key in room.at("it"):
        feeder = feeders.get(key)
        rack = key if feeder is None or feeder in above or room.category != 3 else feeder
        racks[rack.device] += fsum(_kwh(rows, key, month) or 0.0 for month in months)
    return tuple(sorted(racks.items(), key=lambda pair: (-pair[1], pair[0])))


def html(found: Datacentre, report: Report, lang: Lang) -> str:
    """The figures, then each room by month and by rack."""
    heads = [say(lang, f"col.{key}") for key in ("figure", "value", "interval")]
    parts = [table(say(lang, "title.datacentre"), heads, rows(found, report, lang))]
    for room in found.rooms:
        heads = [say(lang, f"col.{key}") for key in ("month", "facility", "it", "cooling", "pue")]
        body = [
            [
                notation.month(m.month, lang),
                *(_energy(kwh, lang) for kwh in (m.facility_kwh, m.it_kwh, m.cooling_kwh)),
                _ratio(m, lang),
            ]
            for m in room.months
        ]
        parts.append(titled(say(lang, "title.room_months", room=room.room), heads, body))
        if room.racks_kwh:
            heads = [say(lang, f"col.{key}") for key in ("rack", "it")]
            body = [[n, notation.energy(kwh, lang)] for n, kwh in room.racks_kwh[:RACKS_SHOWN]]
            parts.append(titled(say(lang, "title.room_racks", room=room.room), heads, body))
    return "".join(parts)


def rows(found: Datacentre, report: Report, lang: Lang) -> list[list[str]]:
    """PUE with its category, period and points; energies; outlets that idle."""
    made = []
    for room in found.rooms:
        at = say(lang, "room.at", place=name(lang, "measured_at", str(room.category)))
        label = say(lang, "row.pue", room=room.room, label=room.label or "PUE", at=at)
        interval = ""
        if room.pue is None:
            value = name(lang, "standing", room.standing)
        else:
            value = notation.number(room.pue, lang, 2)
            if room.standing == "interim":
                n = sum(month.pue is not None for month in room.months)
                value += f" ({say(lang, 'room.interim', n=n)})"
        if room.low is not None and room.high is not None:
            low, high = (notation.number(end, lang, 2) for end in (room.low, room.high))
            interval = f"{low} {'à' if lang == 'fr' else 'to'} {high}"
        made.append([label, value, interval])
        for measures, kwh in (
            ("facility", room.facility_kwh),
            ("it", room.it_kwh),
            ("cooling", room.cooling_kwh),
        ):
            where = _points(room.points[measures], lang)
            if where:
                label = say(lang, f"row.room_{measures}", room=room.room, points=where)
                made.append([label, _energy(kwh, lang) or say(lang, "unknown"), ""])
    if found.idle_outlets is not None:
        label = say(lang, "row.idle", w=int(rooms.IDLE_W), days=rooms.IDLE_DAYS)
        made.append([label, notation.number(found.idle_outlets, lang), ""])
        kwh = found.idle_kwh_per_year or 0.0
        made.append([say(lang, "row.idle_kwh"), notation.energy(kwh, lang), ""])
    return made


def _ratio(month: RoomMonth, lang: Lang) -> str:
    if month.pue is not None:
        return notation.number(month.pue, lang, 2)
    known = month.facility_kwh is not None and month.it_kwh
    return name(lang, "standing", "metering-error" if known else "insufficient")


def _points(points: Sequence[str], lang: Lang) -> str:
    """The points by their names, or how many they are where that is too long to read."""
    if len(points) > POINTS_NAMED:
        return say(lang, "room.points", n=len(points))
    return ", ".join(points)


def _energy(kwh: float | None, lang: Lang) -> str:
    return "" if kwh is None else notation.energy(kwh, lang)
