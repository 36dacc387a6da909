"""What is recorded with a real InfluxDB 2.x and replayed: each asserts what it gets back.

What a scenario asks must be the same each time.
"""

import stat
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from sobre_collector.cli import main
from sobre_collector.rows import DayRow, Outcome, Touched
from sobre_collector.store.influx.prepare import prepare
from sobre_collector.store.influx.series import InfluxSeries
from sobre_collector.store.influx.v2 import Influx2
from sobre_drivers.errors import StoreError
from stores import PARIS
from test_series import PC, PDU, T0, arrival, aside, day, load, stored

ORG, TIMEOUT_S = "sobre", 30.0
SETTINGS = '[influx]\nurl = "{url}"\norg = "sobre"\nprefix = "golden"\n'


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scenario plays; `tokens` are those that its words stand for, themselves if none."""

    url: str
    folder: Path
    tokens: Mapping[str, str]

    def connect(self, reads: str = "reads", writes: str | None = "writes") -> Influx2:
        writing = None if writes is None else self.tokens.get(writes, writes)
        return Influx2(self.url, ORG, self.tokens.get(reads, reads), writing, TIMEOUT_S)

    def opened(self, prefix: str = "golden") -> InfluxSeries:
        return InfluxSeries(self.connect(), "collector", PARIS, prefix)


def setup_of_a_new_server(place: Place) -> None:
    """`sobre influx setup` twice: the second time nothing is made."""
    settings = place.folder / "collector.toml"
    settings.write_text(SETTINGS.format(url=place.url))
    for _ in range(2):
        assert main(["influx", "setup", "--config", str(settings)]) == 0
        for name in ("influx.admin-token", "influx.read-token", "influx.write-token"):
            path = place.folder / name
            assert path.read_text().strip()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def loads_and_forks(place: Place) -> None:
    """Stored, repeated, forked, quarantined, read again by one who knows nothing."""
    whole = load(3, PC)._replace(state_s={"on": 500, "off": 100}, pages=9)
    sent = [arrival(load(n, key), key) for key in (PDU, PC) for n in (1, 2)]
    with closing(place.opened()) as series:
        found = series.append([*sent, arrival(whole, PC), arrival(load(9), reason="future")])
        assert found == Outcome(stored=5, quarantined=1)
    with closing(place.opened()) as series:
        assert series.append(sent) == Outcome(repeated=4)
        forged = arrival(load(1)._replace(energy_j=7))
        assert series.append([forged, arrival(load(4, PC), PC)]) == Outcome(1, 0, 1)
        series.quarantine("pc-1", b"\xff\x00", "not UTF-8", T0)
        assert sorted(aside(series)) == [("fork", 1), ("future", 9), ("not UTF-8", None)]
        assert [s.load for s in series.loads(T0, T0 + 10_000, PC)] == [
            load(1, PC),
            load(2, PC),
            whole,
            load(4, PC),
        ]
        marks = [(mark.key, mark.seq, mark.holes) for mark in series.marks()]
        assert marks == [(PC, 4, ()), (PDU, 9, ((3, 8),))]


def days_and_touches(place: Place) -> None:
    """Days are written and read, and what was touched is settled."""
    with closing(place.opened()) as series:
        touched = series.touched()
        assert touched == [Touched(PC, True, T0, T0 + 2400), Touched(PDU, False, T0, T0 + 1200)]
        rows = [day("2026-11-24", PC), day("2026-11-24"), day("2026-11-25")]
        series.put_days(rows, touched)
        series.put_days([DayRow(PDU, False, "2026-11-24", 86_400, 1, 2, 3, 4, 5, 6)], ())
        assert series.touched() == []
        found = list(series.days("2026-11-24", "2026-11-25"))
        assert [(row.key, row.day, row.measured_j) for row in found] == [
            (PC, "2026-11-24", 5),
            (PDU, "2026-11-24", 3),
            (PDU, "2026-11-25", 5),
        ]


def rulings_and_forgetting(place: Place) -> None:
    """A load is voided and readmitted, old ones expire, a month is forgotten."""
    void = arrival(load(2), reason="void")
    with closing(place.opened()) as series:
        assert [series.rule([void]), series.rule([void])] == [1, 0]
        assert [seq for _, seq, _ in stored(series, PDU)] == [1]
        assert series.rule([void._replace(reason=None)]) == 1
        assert series.readmit(PDU, "future", personal=False, bound_w=1) == 0
        assert series.readmit(PDU, "future", personal=False) == 1
        assert [seq for _, seq, _ in stored(series, PDU)] == [1, 2, 9]
        assert series.expire(load(1).end + 1, "2026-11-25") == 2 + 1
        assert [seq for _, seq, _ in stored(series, PDU)] == [2, 9]
        series.forget("2026-11")
        assert stored(series, PC) == []
        late = arrival(load(5, PC), PC, received=T0 + 40 * 86_400)
        assert series.append([late]) == Outcome(0, 0, 1, (late._replace(reason="late"),))
        assert series.late() == {"2026-11": (1, 1005)}


def refusals(place: Place) -> None:
    """What InfluxDB will not have: a field of another type, a load older than what is kept."""
    database = place.connect()
    prepare(database, "refusing", keep_loads_days=30)
    typed = f"load,device=x,node=y pages=1.5 {T0 * 10**9}"
    database.write("refusing_loads", typed)
    loads = [load(1), load(2)._replace(pages=7), load(3), load(4, t0=1_000_000_000)]
    with closing(place.opened("refusing")) as series:
        assert series.append(list(map(arrival, loads))) == Outcome(stored=2, quarantined=2)
        assert {row.load for row in series.quarantined()} == {loads[1], loads[3]}
    for name in ("refusing_loads", "refusing_days", "refusing_state", "refusing_gone"):
        database.drop(name)
    database.close()


def tokens_that_do_half(place: Place) -> None:
    """One token cannot write, the other cannot read, a wrong one can do nothing."""
    prepare(place.connect(), "half")
    for reads, writes, finding in (
        ("reads", "reads", "answered 403"),
        ("writes", "writes", "not there"),
        ("wrong", "wrong", "answered 401"),
        ("reads", None, "without a token"),
    ):
        database = place.connect(reads, writes)
        with (
            closing(InfluxSeries(database, "collector", PARIS, "half")) as series,
            pytest.raises(StoreError, match=finding),
        ):
            series.append([arrival(load(1))])
    with closing(place.opened("nowhere")) as series, pytest.raises(StoreError, match="not there"):
        series.append([arrival(load(1))])


SCENARIOS: dict[str, Callable[[Place], None]] = {
    each.__name__: each
    for each in (
        setup_of_a_new_server,
        loads_and_forks,
        days_and_touches,
        rulings_and_forgetting,
        refusals,
        tokens_that_do_half,
    )
}
