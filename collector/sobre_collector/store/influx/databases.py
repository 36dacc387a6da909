"""Which databases there are: three for ever, and one for people's devices of each local month.

A deleted tag value stays in a database's index: only a database that is gone holds no names. That a
month is to be forgotten is written down before it is dropped, so that no collector makes it again.
"""

from collections.abc import Mapping
from threading import RLock

from sobre_collector.store.influx.database import Database, MissingError
from sobre_collector.store.influx.lines import quoted, tag
from sobre_collector.store.personal import MONTH
from sobre_drivers.errors import StoreError

# What a migration says of itself until it was proved.
COPYING = "copying"


class Databases:
    """The names of the databases; months are made as they are needed.

    `PREFIX_migrating` is there while a migration fills them. Only that migration itself may see
    `half` of a store: a month that is closed on half of its days stays wrong.
    """

    def __init__(self, database: Database, prefix: str, half: bool = False) -> None:
        self._database = database
        self._half = half
        self.migrating = f"{prefix}_migrating"
        self.state = f"{prefix}_state"
        self.loads = f"{prefix}_loads"
        self.days = f"{prefix}_days"
        self._before = f"{prefix}_"
        self._lock = RLock()
        self._made: set[str] = set()

    def months(self, first: str = "", last: str = "9999-12") -> list[tuple[str, str]]:
        """(month, name) of the months from `first` to `last` that have a database, in order."""
        with self._lock:
            names = self._database.names()
            self._refuse_half(self.migrating in names)
            found = {name.removeprefix(self._before): name for name in names}
            months = {m: n for m, n in found.items() if n != m and MONTH.fullmatch(m)}
            self._made = set(months)
            return [(month, months[month]) for month in sorted(months) if first <= month <= last]

    def holding_loads(self, first: str = "", last: str = "9999-12") -> list[tuple[str, bool]]:
        """Names of the databases that hold loads, and whether they are of people's devices."""
        return [(self.loads, False), *((name, True) for _, name in self.months(first, last))]

    def holding_quarantine(self) -> list[tuple[str, int]]:
        """Names of the databases that hold rows of the quarantine, each with a number of its own.

        The numbers of a month stay the same when another is forgotten.
        """
        months = self.months()
        return [(self.state, 0), *((name, _number(month)) for month, name in months)]

    def of_month(self, month: str) -> str:
        """The name of a month's database, which is made if it is not there."""
        name = self.name(month)
        with self._lock:
            if month not in self._made:
                self._database.create(name)
                self._made.add(month)
        return name

    def name(self, month: str) -> str:
        """The name of a month's database, whether it is there or not."""
        if MONTH.fullmatch(month) is None:
            raise StoreError(f"month {month!r}: not of the form 2026-11")
        return f"{self._before}{month}"

    def lost(self) -> None:
        """Look again which months are there."""
        with self._lock:
            self._made.clear()

    def forgotten(self) -> set[str]:
        """The months that are not made again."""
        found = self._database.query(self.state, 'SELECT * FROM "forgotten" GROUP BY "month"')
        return {group.tags["month"] for group in found}

    def forget(self, month: str, late: Mapping[str, tuple[int, int]]) -> None:
        """Drop a month, and remember that it was, and which late loads go with it."""
        name = self.name(month)
        lines = [
            f"late,dropped={tag(month)},month={tag(of)} loads={loads}i,energy_j={energy_j}i 0"
            for of, (loads, energy_j) in late.items()
        ]
        lines.append(f"forgotten,month={tag(month)} done=1i 0")
        with self._lock:
            self._database.write(self.state, "\n".join(lines))
            self._made.discard(month)
            self._database.drop(name)

    def heal(self) -> None:
        """Drop what was to be forgotten and is there: its forgetting was cut."""
        forgotten = self.forgotten()
        for month, _ in self.months():
            if month in forgotten:
                self.forget(month, {})

    def late(self) -> dict[str, tuple[int, int]]:
        """Number and energy (J) of late loads whose quarantine was dropped, by month."""
        found: dict[str, tuple[int, int]] = {}
        for group in self._database.query(self.state, 'SELECT * FROM "late"'):
            for row in group.rows():
                loads, energy_j = found.get(row["month"], (0, 0))
                found[row["month"]] = loads + row["loads"], energy_j + row["energy_j"]
        return found

    def expired(self) -> int:
        """The Unix second before which the infrastructure's loads were dropped."""
        found = self._database.query(self.state, 'SELECT max("before") FROM "expired"')
        return max((int(row["max"]) for group in found for row in group.rows()), default=0)

    def expire(self, before: int) -> None:
        """Remember that the infrastructure's loads before a Unix second are dropped."""
        if before > self.expired():
            self._database.write(self.state, f"expired before={before}i 0")

    def check(self) -> None:
        """StoreError if what set-up makes is not there, or if only half of a store is."""
        names = self._database.names()
        missing = sorted({self.state, self.loads, self.days} - names)
        if missing:
            raise MissingError(
                f"InfluxDB: {', '.join(missing)} not there (or not to be seen with this account); "
                "run `sobre influx setup`"
            )
        if not self._half:
            statement = f'SELECT "state" FROM "migration" WHERE "state" = {quoted(COPYING)}'
            self._refuse_half(any(True for _ in self._database.query(self.state, statement)))

    def _refuse_half(self, half: bool) -> None:
        if half and not self._half:
            raise StoreError(
                f"InfluxDB: the migration to {self._before}* is unfinished; "
                "run the same `sobre migrate` again"
            )


def _number(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number)
