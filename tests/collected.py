"""A data folder with a store and a ledger, and loads of four PCs and a meter to put into it."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sobre_collector.jobs import run_due
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.rows import Arrival, DayRow, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import midnight
from sobre_drivers.load import Load, Origin

PARIS = ZoneInfo("Europe/Paris")
STREAM = "00000000-0000-4000-8000-000000000001"
PERIMETER = Perimeter(Baseline(2022, "measured"))
PCS = [Key(f"pc-{n}", f"pc-{n}") for n in range(6)]
METER = Key("reader", "pdu-a3")
H = 3_600


class Place:
    """A store and a ledger in a folder, and loads to put into them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.series = SqliteSeries(folder)
        self.ledger = Ledger(folder / "ledger.db")

    def close(self) -> None:
        self.series.close()
        self.ledger.close()

    def devices(self) -> None:
        for key in PCS:
            self.ledger.put_device(
                Device(key, "workstation.laptop", "northtown", "hall", "model", 90.0, 0.3, 0)
            )
        self.ledger.put_device(Device(METER, "server", "northtown", "dc", "meter", 2000.0, 0.01, 0))

    def run(self, now: int, **more: object) -> list[tuple[str, str, str]]:
        return run_due(self.series, self.ledger, PERIMETER, now, **more)  # type: ignore[arg-type]


def arrivals(first: date, days: int) -> list[Arrival]:
    """A load per PC and day, one of the meter per hour, all of a different size."""
    found = []
    seq = 0
    for n in range(days):
        day = first + timedelta(days=n)
        begins, ends = midnight(day, PARIS), midnight(day + timedelta(days=1), PARIS)
        for number, key in enumerate(PCS, 1):
            states = {"on": 8 * H, "off": ends - begins - 8 * H}
            energy_j = 1_000 * number + n
            load = Load(
                key.device, n + 1, ends, ends - begins, energy_j, 10**9, Origin.MEASURED, states
            )
            found.append(Arrival(key.node, STREAM, load, True, ends))
        for end in range(begins + H, ends + 1, H):
            seq += 1
            load = Load(METER.device, seq, end, H, 500 + seq, 10**9, Origin.MEASURED)
            found.append(Arrival(METER.node, STREAM, load, False, end))
    return found


def at(day: date, hour: int) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=PARIS).timestamp())


def days_in(place: Place) -> list[DayRow]:
    return list(place.series.days("2000-01-01", "2100-01-01"))
