"""An InfluxDB as the target of a migration.

It is marked as unfinished in its own database of states until it was proved. Loads keep their time
stamps and rows of the quarantine theirs, so that what is written twice is one point.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from sobre_collector.migrate.influx import WRITER, InfluxSource
from sobre_collector.migrate.side import FOR_EVER, Facts, Position
from sobre_collector.rows import Arrival, DayRow, Quarantined, Refused, StoredLoad
from sobre_collector.store.influx.databases import COPYING
from sobre_collector.store.influx.lines import UnstorableError, tag, text
from sobre_collector.store.influx.points import day_line
from sobre_collector.store.influx.series import nowhere
from sobre_collector.store.influx.stored import write_lines
from sobre_collector.store.mark import Mark
from sobre_collector.store.sorting import Ident
from sobre_drivers.errors import ConfigError, StoreError

_AT_ONCE = 1_000


class InfluxTarget(InfluxSource):
    """Empty databases that `sobre influx setup` made, filled by a migration."""

    _half = True
    _marked = False

    def begun(self) -> tuple[str, Position] | None:
        """The source's fingerprint and what comes next."""
        state = self._databases.state
        for group in self._database.query(state, 'SELECT * FROM "migration"'):
            for row in group.rows():
                if row["state"] == COPYING:
                    self._refuse_collectors()
                    return str(row["source"]), Position(*json.loads(row["next"]))
        measurements = {
            row["name"]
            for name in (state, self._databases.loads, self._databases.days)
            for group in self._database.query(name, "SHOW MEASUREMENTS")
            for row in group.rows()
        }
        if self._databases.months() or measurements - {"migration"}:
            raise ConfigError(
                f"{self.name}: holds a store already; choose another influx.prefix, and run "
                "`sobre influx setup`"
            )
        return None

    def keep(self, fingerprint: str, position: Position) -> None:
        """Remember what comes next."""
        if not self._marked:
            self._database.create(self._databases.migrating)
            self._marked = True
        self._say(COPYING, fingerprint, position)

    def put_loads(self, place: str, loads: Sequence[StoredLoad]) -> None:
        """Store loads; StoreError if InfluxDB will not have one of them."""
        arrivals = [Arrival(*stored, place != FOR_EVER, 0) for stored in loads]
        for refused in self._stored.write(self._made(place)[0], arrivals):
            load = refused.load
            raise StoreError(
                f"{refused.node} {load.device} no. {load.seq}: {refused.reason}; let the store "
                "drop what it need not keep any more, void this load, or keep loads for longer"
            )

    def put_days(self, place: str, days: Sequence[DayRow]) -> None:
        """Store days; StoreError if InfluxDB will not have one of them."""
        try:
            lines = [day_line(row) for row in days]
        except UnstorableError as error:
            raise StoreError(f"{self.name}: {error}; this day stays in SQLite alone") from error
        for number, reason in write_lines(self._database, self._made(place)[1], lines):
            raise StoreError(
                f"{' '.join(days[number].key)} {days[number].day}: {reason}; keep days for longer"
            )

    def put_aside(self, place: str, rows: Sequence[Quarantined]) -> None:
        """Store what may not count; what is there already stays."""
        name, personal = self._made(place)[2], place != FOR_EVER
        whole = iter(rows)
        try:
            while part := list(islice(whole, _AT_ONCE)):
                self._aside.put(
                    name,
                    [
                        Arrival(row.node, row.stream, row.load, personal, row.received, row.reason)
                        for row in part
                        if row.load is not None and row.stream is not None
                    ],
                )
                self._aside.refuse(
                    name,
                    [
                        Refused(row.node, row.payload or b"", row.reason, row.received)
                        for row in part
                        if row.load is None
                    ],
                )
        except UnstorableError as error:
            raise StoreError(f"{name}: {error}; its quarantined loads stay in SQLite") from error

    def put_marks(self, marks: Iterable[tuple[Ident, Mark]]) -> None:
        """Write how far each stream has come."""
        whole = iter(marks)
        while part := dict(islice(whole, _AT_ONCE)):
            # What is to be rebuilt counts as ended, so that it is rebuilt at once.
            touched = [mark.touched[2] for mark in part.values() if mark.touched]
            self._marks.number = max([self._marks.number, *touched])
            self._marks.put(part)
            self._marks.done()
            self._marks.forget()

    def put_facts(self, facts: Facts) -> None:
        """Write what outlives the rows."""
        lines = [f"forgotten,month={tag(month)} done=1i 0" for month in sorted(facts.forgotten)]
        lines += [
            f"late,dropped={WRITER},month={tag(month)} loads={loads}i,energy_j={energy_j}i 0"
            for month, (loads, energy_j) in sorted(facts.late.items())
        ]
        if lines:
            self._database.write(self._databases.state, "\n".join(lines))
        if facts.dropped_before:
            self._databases.expire(facts.dropped_before)

    def finish(self, crash: Callable[[str], None] = nowhere) -> None:
        """Say that it is whole."""
        # Cut between the two, the same migration proves it once more.
        self._database.drop(self._databases.migrating)
        self._say("finished", "", Position("", 0, 0))
        self.close()

    def _say(self, state: str, fingerprint: str, position: Position) -> None:
        fields = f"state={text(state)},source={text(fingerprint)},next={text(json.dumps(position))}"
        self._database.write(self._databases.state, f"migration {fields} 0")

    def _made(self, place: str) -> tuple[str, str, str]:
        if place:
            self._databases.of_month(place)
        return self._names(place)

    def _refuse_collectors(self) -> None:
        others = sorted(self._marks.writers().keys() - {WRITER})
        if others:
            raise ConfigError(
                f"{self.name}: {', '.join(others)} wrote to it before it was whole; choose another "
                "influx.prefix, and start again"
            )
