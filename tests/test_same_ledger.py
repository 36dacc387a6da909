"""One winter of printers, a room and laptops on either store: the same ledger, row for row."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import machine_year as truth
from intake_house import PARIS, House, Message, born
from machine_year import Sent, births, house, work, write
from migrated import contents, to_influx, to_sqlite
from sobre_collector import duties
from sobre_collector.indicators.calibration import Applied
from sobre_collector.indicators.printer_states import Thresholds
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.rows import Key
from sobre_collector.rulings import ask, counting
from sobre_collector.store.base import Series
from sobre_collector.store.calibrations import Decided
from sobre_drivers.calendar import day_bounds
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import Batch, encode_batch
from stores import InfluxStore

pytestmark = pytest.mark.influx
pytest_plugins = ("store_fixtures",)

LAPTOPS = [f"pc-{n:02}" for n in range(12)]
CLASS = "workstation.laptop"
STREAM = "00000000-0000-4000-8000-000000000002"
PLUG = Key(truth.NODE, "plug-1")
PLUG_DAY = truth.SEEN_DAYS[1]


@dataclass
class Spools:
    """What the nodes' spools count: numbers and registers go on from one delivery to the next."""

    seqs: dict[str, int] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    batches: int = 0

    def messages(self, node: str, sent: Iterable[Sent], origin: Origin) -> Iterator[Message]:
        loads: list[Load] = []
        for each in sorted(sent, key=lambda one: one.end):
            name = each.device
            self.seqs[name] = self.seqs.get(name, 0) + 1
            self.registers[name] = self.registers.get(name, 0) + each.energy_j
            loads.append(
                Load(
                    *(name, self.seqs[name], each.end, each.span_s, each.energy_j),
                    *(self.registers[name], origin, each.state_s, None, each.pages),
                )
            )
        for first in range(0, len(loads), 250):
            self.batches += 1
            part = tuple(loads[first : first + 250])
            yield f"sobre/v1/{node}/load", encode_batch(Batch(STREAM, self.batches, part))


def noon(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 12, tzinfo=PARIS).timestamp())


def laptop(name: str, day: date, energy_j: int | None = None) -> Sent:
    """A day of a laptop; each has its own power."""
    begins, ends = day_bounds(day, PARIS)
    used_j = (12 + int(name[-2:])) * 7 * 3_600 if energy_j is None else energy_j
    states = {"on": 7 * 3_600, "off": ends - begins - 7 * 3_600}
    return Sent(name, ends, ends - begins, used_j, states)


def silent(name: str, day: date) -> bool:
    """pc-03 says nothing in the second week of January."""
    return name == "pc-03" and date(2025, 1, 6) <= day < date(2025, 1, 13)


def lives(of: House, perimeter: Perimeter, spools: Spools) -> None:
    """November to March, with what people and late loads do to January."""

    def arrive(first: date, last: date) -> None:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        machines = [each for day in days for each in (*truth.telling(day), *truth.room(day))]
        machines += [each for d in days if d in truth.SEEN_DAYS for each in truth.silent(d)]
        messages = [*spools.messages(truth.NODE, machines, Origin.MEASURED)]
        for name in LAPTOPS:
            told = [laptop(name, day) for day in days if not silent(name, day)]
            messages += spools.messages(name, told, Origin.ESTIMATED)
        assert of.intake.take(messages)

    def one(node: str, each: Sent) -> None:
        of.intake.take([*spools.messages(node, [each], Origin.MEASURED)])

    def known(names: Iterable[str]) -> list[Message]:
        return [born(name, name, method="model 2 (utilisation)", rated_w=65.0) for name in names]

    def at(now: int) -> None:
        of.clock.wall_s = now
        work(of, perimeter)

    of.clock.wall_s = noon(2024, 11, 20)
    of.intake.take([*births(), *known(LAPTOPS[:6])])
    of.clock.wall_s = noon(2024, 12, 20)
    of.intake.take(known(LAPTOPS[6:]))
    of.clock.wall_s = noon(2025, 1, 20)
    arrive(truth.FIRST, date(2025, 1, 19))
    one("pc-01", laptop("pc-01", date(2024, 12, 31), energy_j=50_000_000))
    one(truth.NODE, Sent("imp-99", noon(2025, 1, 19), 3_600, 3_600_000))
    at(noon(2025, 1, 20))

    of.intake.take([born(truth.NODE, "imp-99", "printer", method="plug", rated_w=1500.0)])
    seen = Thresholds(1, 20, 200)
    of.ledger.rulebook.confirm("Muet", seen, "technician", "data sheet", noon(2025, 1, 21))
    decide(of, 1.2, noon(2025, 1, 21))
    at(noon(2025, 1, 21))

    begins, _ = day_bounds(PLUG_DAY, PARIS)
    an_hour = counting(of.series, of.ledger, PLUG, begins + 30_060, begins + 33_600)
    assert len(an_hour) == 60
    decider = duties.House(of.series, of.ledger, perimeter)
    ask(decider, "void", an_hour, "operations", "moved", noon(2025, 1, 22))
    at(noon(2025, 1, 22))

    of.clock.wall_s = noon(2025, 2, 10)
    arrive(date(2025, 1, 20), date(2025, 2, 9))
    one("pc-03", laptop("pc-03", date(2025, 1, 8)))
    at(noon(2025, 2, 10))
    of.clock.wall_s = noon(2025, 3, 12)
    arrive(date(2025, 2, 10), date(2025, 3, 9))
    at(noon(2025, 3, 12))
    assert of.ledger.closed_months() == {"2025-01"}
    one("pc-03", laptop("pc-03", date(2025, 1, 9)))
    one(truth.NODE, Sent("imp-99", noon(2025, 1, 18), 3_600, 1_800_000))
    decide(of, 1.5, noon(2025, 3, 13))
    at(noon(2025, 3, 13))


def decide(of: House, factor: float, at: int) -> None:
    applied = Applied(0, CLASS, "2025-01", factor, 0.1)
    of.ledger.calibrations.decide(Decided(at, "energy", "plugs", (), applied))


def told(of: House, folder: Path) -> dict[str, Any]:
    """All that is kept, and the days and the quarantine that it was made of."""
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        found: dict[str, Any] = {
            name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in db.execute(names).fetchall()
        }
    found["as read"] = of.ledger.months("2024-01", "2025-12")
    found["days"] = [asdict(row) for row in of.series.days("2024-01-01", "2025-12-31")]
    found["days"].sort(key=repr)
    found["aside"] = sorted(of.aside(), key=repr)
    return found


def lived(folder: Path, opened: Callable[[], Series] | None) -> dict[str, Any]:
    folder.mkdir()
    perimeter = write(folder)
    with house(folder, opened) as of:
        lives(of, perimeter, Spools())
        return told(of, folder)


def test_ledger_is_the_same_on_either_store(tmp_path: Path, influx_store: InfluxStore) -> None:
    expected = lived(tmp_path / "sqlite", None)
    found = lived(tmp_path / "influx", influx_store.open)
    for name in expected:
        assert found[name] == expected[name], name
    # Each thing that could differ was there.
    results = {(job, period): result for job, period, _, result in found["jobs"]}
    assert results["printer-states", "1"] == f"{2 * len(truth.SEEN_DAYS)} days of printers Muet"
    (idle,) = json.loads(results["idle-outlets", "2025-03-10"])["outlets"]
    assert (idle["node"], idle["device"]) == (truth.NODE, "pdu/prise-1")
    assert results["close", "2025-01"] == "3 strata, workstations forgotten"
    assert {reason for reason, _ in found["aside"]} == {"late", "void"}
    assert found["late"] == [("2025-01", 2, laptop("pc-03", PLUG_DAY).energy_j + 1_800_000)]
    (day,) = [r for r in found["days"] if (r["key"], r["day"]) == (PLUG, PLUG_DAY.isoformat())]
    # It printed from 8:00 to 9:00 and was ready until 14:00; 8:20 to 9:20 was voided.
    states = {"sleep": 18 * 3_600, "printing": 20 * 60, "ready": 280 * 60, "unknown": 3_600}
    assert day["state_s"] == states
    (laptops, *_) = [m for m in found["as read"] if m.stratum.device_class == CLASS]
    assert (laptops.month, laptops.calibration) == ("2025-01", 2)
    assert laptops.checks.joined.joined == 6
    assert (laptops.checks.silent_days, laptops.checks.silent_devices) == ((4.0, 2.0), 1)

    other = influx_store.fresh()
    assert to_influx(tmp_path / "sqlite", other).differing == []
    assert to_sqlite(other, tmp_path / "back").differing == []
    assert contents(tmp_path / "back") == contents(tmp_path / "sqlite")
