"""A year of printers and of one room, sent as agents send it; its truth is known here."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from intake_house import PARIS, House, Still, born
from sobre_collector.intake import Intake
from sobre_collector.jobs import run_due
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.registry import Registry
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import WorkingHours, day_bounds, midnight, rests
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import Batch, encode_batch

YEAR = 2025
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
NODE = "lecteur"
TELLING = [f"imp-{n:02}" for n in range(10)]
SILENT = ["plug-1", "plug-2"]
WATTS = {"printing": 600.0, "ready": 40.0, "sleep": 3.0, "off": 0.0}
# A working day of each printer: printing 1 h, ready 5 h, sleep 18 h. A day of rest: sleep.
WORK_S = {"printing": 3_600, "ready": 18_000, "sleep": 64_800}
SEEN_DAYS = [date(YEAR, 1, day) for day in (11, 13, 14)]

PERIMETER = """
[[organisations]]
id = "ville"
name = "Ville"
[[sites]]
id = "mairie"
name = "Mairie"
[baseline]
year = 2022
kind = "declared"
[target]
year = 2026
[files]
inventory = "inventory.csv"
headcount = "headcount.csv"
baseline = "baseline.csv"
metering = "metering.csv"
printers = "printers.csv"
printing = "printing.csv"
rooms = "rooms.csv"
emission_factors = "factors.csv"
prices = "prices.csv"
"""
TABLES = {
    "inventory.csv": "month,organisation,site,class,units,half_width\n"
    "2022-01,ville,mairie,printer,15,0.5\n2025-01,ville,mairie,printer,12,0.5\n",
    "headcount.csv": "month,organisation,users,half_width\n2022-01,ville,100,0\n",
    "baseline.csv": "organisation,class,kwh,half_width_kwh,document\n"
    "ville,printer,6000,300,Bilan 2022\nville,server,500,20,Bilan 2022\n",
    "metering.csv": "node,device,fed_by_node,fed_by,counts,since,until\n"
    f"{NODE},arrivee,,,no,,\n{NODE},pdu,,arrivee,no,,\n"
    f"{NODE},pdu/prise-1,,pdu,yes,,\n{NODE},pdu/prise-2,,pdu,yes,,\n",
    "printers.csv": "node,device,model,range,pages_per_minute\n"
    + "".join(f"{NODE},{name},Parle,department,40\n" for name in TELLING)
    + "".join(f"{NODE},{name},Muet,personal,20\n" for name in SILENT),
    "printing.csv": "year,organisation,printers,printers_half_width,running_h,running_half_width_h,"
    "pages,pages_half_width,unit,document\n2022,ville,15,0.5,25000,2000,400000,4000,impressions,B\n",
    "rooms.csv": f"room,measures,node,device,category\ndc,facility,{NODE},arrivee,\n"
    f"dc,it,{NODE},pdu,2\n",
    "factors.csv": "year,value,unit,u_ratio,scope,source,version\n"
    "2022,60,gCO2e/kWh,0.1,essai,Source,1\n2025,0.052,kgCO2e/kWh,0.1,essai,Source,1\n",
    "prices.csv": "since,euros_per_kwh,source\n2025-01-01,0.20,Contrat\n",
}


class Sent(NamedTuple):
    """A line of the spool: where it stands in its device's stream."""

    device: str
    end: int
    span_s: int
    energy_j: int
    state_s: dict[str, int] | None = None
    pages: int | None = None


def pages_of(name: str) -> int:
    """Pages of a printer on a working day."""
    return 60 + 10 * int(name[-2:])


def days() -> Iterator[date]:
    day = FIRST
    while day <= LAST:
        yield day
        day += timedelta(days=1)


def working(day: date) -> bool:
    return not rests(day, WorkingHours())


def it_w(day: date) -> float:
    """The room's IT: outlet 1 idles at 5 W, outlet 2 serves, more in winter."""
    return 5.0 + outlet_w(day)


def outlet_w(day: date) -> float:
    return 60.0 if day.month in (1, 2, 12) else 50.0


def facility_w(day: date) -> float:
    return it_w(day) * (1.4 if day.month in (6, 7, 8) else 1.3)


def telling(day: date) -> Iterator[Sent]:
    """Printers that tell their states: a load at night's end, one of the hours, one after them."""
    begins, ends = day_bounds(day, PARIS)
    for name in TELLING:
        if not working(day):
            span = ends - begins
            yield Sent(name, ends, span, int(3 * span), {"sleep": span}, 0)
            continue
        work_begins, work_ends = begins + 7 * 3600, begins + 20 * 3600
        at_work = {**WORK_S, "sleep": 13 * 3600 - 6 * 3600}
        energy = sum(int(WATTS[state] * s) for state, s in at_work.items())
        for end, span in ((work_begins, 7 * 3600), (ends, ends - work_ends)):
            yield Sent(name, end, span, 3 * span, {"sleep": span}, 0)
        yield Sent(name, work_ends, 13 * 3600, energy, at_work, pages_of(name))


def silent(day: date) -> Iterator[Sent]:
    """Printers of which a plug tells only energy, a load a minute."""
    begins, ends = day_bounds(day, PARIS)
    for name in SILENT:
        for end in range(begins + 60, ends + 60, 60):
            minute = (end - begins - 60) // 60
            state = "sleep"
            if working(day) and 480 <= minute < 480 + 360:
                state = "printing" if minute < 480 + 60 else "ready"
            yield Sent(name, end, 60, int(WATTS[state] * 60))


def room(day: date, facility_factor: float = 1.0) -> Iterator[Sent]:
    begins, ends = day_bounds(day, PARIS)
    span = ends - begins
    watts = {
        "pdu/prise-1": 5.0,
        "pdu/prise-2": outlet_w(day),
        "pdu": it_w(day),
        "arrivee": facility_w(day) * facility_factor,
    }
    for name, w in watts.items():
        yield Sent(name, ends, span, round(w * span))


def messages(sent: Iterator[Sent]) -> Iterator[tuple[str, bytes]]:
    """Batches of one reader, with numbers and registers as its spool counts them."""
    seqs: dict[str, int] = {}
    registers: dict[str, int] = {}
    loads: list[Load] = []
    number = 0
    for each in sorted(sent, key=lambda one: one.end):
        seqs[each.device] = seqs.get(each.device, 0) + 1
        registers[each.device] = registers.get(each.device, 0) + each.energy_j
        loads.append(
            Load(
                each.device,
                seqs[each.device],
                each.end,
                each.span_s,
                each.energy_j,
                registers[each.device],
                Origin.MEASURED,
                each.state_s,
                None,
                each.pages,
            )
        )
        if len(loads) == 200:
            number += 1
            yield _message(loads, number)
            loads = []
    if loads:
        yield _message(loads, number + 1)


def _message(loads: list[Load], number: int) -> tuple[str, bytes]:
    stream = "00000000-0000-4000-8000-000000000001"
    return f"sobre/v1/{NODE}/load", encode_batch(Batch(stream, number, tuple(loads)))


def births() -> Iterator[tuple[str, bytes]]:
    for name in (*TELLING, *SILENT):
        yield born(NODE, name, "printer", method="plug", rated_w=1500.0)
    for name, of in (
        ("arrivee", "facility"),
        ("pdu", "pdu"),
        ("pdu/prise-1", "server"),
        ("pdu/prise-2", "server"),
    ):
        yield born(NODE, name, of, method="modbus", rated_w=3000.0, uncertainty_ratio=0.02)


def write(folder: Path, changed: dict[str, str] | None = None) -> Perimeter:
    """What people state, with some tables replaced."""
    (folder / "perimeter.toml").write_text(PERIMETER, "utf-8")
    for name, content in {**TABLES, **(changed or {})}.items():
        (folder / name).write_text(content, "utf-8")
    return load_perimeter(folder / "perimeter.toml")


@contextmanager
def house(folder: Path, opened: Callable[[], Series] | None = None) -> Iterator[House]:
    """An intake on the folder whose clock stands at the first days of the next year.

    `opened` opens series that are elsewhere.
    """
    with (
        closing(Ledger(folder / "ledger.db")) as ledger,
        closing(opened() if opened else SqliteSeries(folder)) as series,
    ):
        clock = Still()
        clock.wall_s = midnight(LAST + timedelta(days=3), PARIS) + 12 * 3600
        intake = Intake(series, ledger, Registry(ledger), clock, PARIS)
        yield House(intake, series, ledger, clock)


def take(into: House, sent: Iterator[Sent]) -> None:
    """Births, then all that was sent."""
    into.intake.take([*births(), *messages(sent)])


def work(of: House, perimeter: Perimeter, later_s: int = 0) -> None:
    """All jobs that are due."""
    run_due(of.series, of.ledger, perimeter, of.clock.wall_s + later_s)
