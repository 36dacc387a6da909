"""A full spool gives up resolution, and no energy: the oldest never sent are merged."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake_house import PARIS, born
from intake_house import opened as house
from sobre_agent.commands.doctor import examined
from sobre_agent.history import placed
from sobre_agent.open_load import Grain, Span, joined, merged
from sobre_agent.outbox import Outbox
from sobre_agent.spool import Spool
from sobre_collector.conservation import check
from sobre_drivers.calendar import WorkingHours, local_day
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import Answer, decode_batch, digest

M, E, A = Origin.MEASURED, Origin.ESTIMATED, Origin.ALLOCATED


def paris(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp())


# A minute past midnight in Paris, in winter.
NIGHT = paris("2026-11-24T00:01")


def day(second: int, zone: ZoneInfo = PARIS) -> str:
    return local_day(second, zone).isoformat()


def minute(n: int = 0, end: int = NIGHT, device: str = "pc-1", energy_j: int = 5) -> Span:
    return Span(device, end + 60 * n, 60, energy_j, M)


def spool_in(folder: Path, max_mib: int = 1, *devices: str) -> Spool:
    spool = Spool(folder, max_mib, lambda span: placed(span, PARIS, WorkingHours()))
    for device in devices or ("pc-1",):
        spool.meet(device, "meter", b"{}")
    return spool


@pytest.mark.parametrize(
    ("grain", "first", "then", "together"),
    [
        ("hour", minute(), minute(1), True),
        ("hour", minute(), minute(2), False),
        ("month", minute(), minute(2), False),
        ("hour", minute(), minute(1, device="pc-2"), False),
        ("hour", minute(58), minute(59), True),
        ("hour", minute(59), minute(60), False),
        ("day", minute(59), minute(60), True),
        ("day", minute(23 * 60 + 58), minute(23 * 60 + 59), True),
        ("day", minute(23 * 60 + 59), minute(24 * 60), False),
        ("month", minute(23 * 60 + 59), minute(24 * 60), True),
        ("month", minute(end=paris("2026-12-01T00:00")), minute(1, paris("2026-12-01")), False),
        ("day", minute(end=paris("2026-10-25T23:59")), minute(1, paris("2026-10-25T23:59")), True),
    ],
    ids=[
        "neighbours",
        "hole",
        "hole-in-a-month",
        "two-devices",
        "whole-hour",
        "two-hours",
        "two-hours-of-a-day",
        "to-midnight",
        "over-midnight",
        "two-days-of-a-month",
        "two-months",
        "end-of-a-day-of-25-hours",
    ],
)
def test_only_neighbours_within_one_grain_are_joined(
    grain: Grain, first: Span, then: Span, together: bool
) -> None:
    assert (joined(first, then, grain, day) is not None) == together


@pytest.mark.parametrize(
    ("grain", "origins", "weakest"),
    [
        ("day", (M, M), M),
        ("day", (M, A), A),
        ("day", (A, E), E),
        ("month", (M, M), A),
        ("month", (M, E), E),
    ],
    ids=["measured", "allocated", "estimated", "over-midnight", "estimated-over-midnight"],
)
def test_a_joined_span_is_worth_its_weakest_part_and_says_all_that_its_parts_said(
    grain: Grain, origins: tuple[Origin, Origin], weakest: Origin
) -> None:
    midnight = paris("2026-11-24T00:00")
    end = midnight if grain == "month" else midnight + 3600
    first = Span("pc-1", end, 600, 7, origins[0], {"on": 500, "off": 100}, 40, None)
    then = Span("pc-1", end + 60, 60, 2, origins[1], {"on": 60}, None, 3)
    one = Span("pc-1", end + 60, 660, 9, weakest, {"on": 560, "off": 100}, 40, 3)
    assert joined(first, then, grain, day) == one


def test_spans_of_many_devices_are_merged_each_with_its_own() -> None:
    spans = [minute(n, device=f"d{k}", energy_j=n) for n in range(120) for k in range(3)]
    found = merged(spans, "hour", day)
    assert [(s.device, s.span_s, s.energy_j) for s in found[:3]] == [
        (f"d{k}", 3600, sum(range(60))) for k in range(3)
    ]
    assert len(found) == 6


def waiting(spool: Spool) -> list[tuple[str, int, int, int, int]]:
    """Device, seq, replaces, end and length of what waits, in the order of leaving."""
    ask = 'SELECT device, seq, replaces, "end", span_s FROM load ORDER BY number'
    return spool.rows(ask)


def test_full_spool_merges_the_oldest_and_leaves_the_youngest(tmp_path: Path) -> None:
    with closing(spool_in(tmp_path)) as spool:
        count = 0
        while not any(row[2] > 1 for row in waiting(spool)):
            spool.append([minute(count + n) for n in range(100)], {})
            count += 100
        rows = waiting(spool)
        merged_rows = [row for row in rows if row[2] > 1]
        assert rows[: len(merged_rows)] == merged_rows
        assert rows[0] == ("pc-1", 60, 60, NIGHT + 59 * 60, 3600)
        assert rows[-1] == ("pc-1", count, 1, NIGHT + 60 * (count - 1), 60)
        assert spool.path.stat().st_size <= 1024 * 1024


def test_a_year_without_a_collector_fits_into_three_mebibytes_without_loss(tmp_path: Path) -> None:
    """At last the oldest are months; each joule is there."""
    devices, length_s = [f"d{k:02}" for k in range(60)], 21_600
    begins = paris("2026-01-01T00:00")
    total = 365 * 86_400 // length_s
    with closing(spool_in(tmp_path, 3, *devices)) as spool:
        for n in range(total):
            end = begins + (n + 1) * length_s
            spool.append([Span(device, end, length_s, n, M) for device in devices], {})
        rows = waiting(spool)
        assert spool.path.stat().st_size <= 3 * 1024 * 1024
        for device in devices:
            mine = [row for row in rows if row[0] == device]
            assert sum(row[2] for row in mine) == total
            assert sum(row[4] for row in mine) == total * length_s
            assert mine[0][4] == 31 * 86_400
            long = [row for row in mine if row[2] > 1]
            assert all(day(end - span_s)[:7] == day(end - 1)[:7] for *_, end, span_s in long)
        assert sum(load.energy_j for load in drain(spool)) == 60 * sum(range(total))


def drain(spool: Spool) -> list[Load]:
    outbox, loads = Outbox(spool), list[Load]()
    while parcel := outbox.next_parcel(2**40):
        loads += decode_batch(parcel.payload).loads
        assert outbox.confirm(Answer(spool.stream, parcel.number, digest(parcel.payload), 1))
    return loads


def test_what_was_sent_is_never_merged(tmp_path: Path) -> None:
    with closing(spool_in(tmp_path)) as spool:
        spool.append([minute(n) for n in range(400)], {})
        outbox = Outbox(spool)
        sent = outbox.next_parcel(2**40)
        assert sent is not None
        # Refused in company, a load was sent too, and will be sent singly as it was.
        refused = outbox.next_parcel(2**40)
        assert refused is not None
        answer = Answer(spool.stream, refused.number, digest(refused.payload), 1, "why")
        assert outbox.refuse(answer) == refused.number
        for start in range(400, 20_000, 100):
            spool.append([minute(start + n) for n in range(100)], {})
        rows = waiting(spool)
        assert any(row[2] > 1 for row in rows)
        assert [row[1:3] for row in rows[:400]] == [(n + 1, 1) for n in range(400)]
        assert outbox.unconfirmed(1) == [sent]


def test_loads_with_another_between_them_are_not_merged(tmp_path: Path) -> None:
    """A clock that was set back lets their times touch all the same."""
    with closing(spool_in(tmp_path)) as spool:
        spool.append([minute(0), minute(1), minute(1)], {})
        spool.write(lambda db: db.execute("UPDATE load SET batch = 1 WHERE seq = 2"))
        assert spool.write(lambda db: spool._merge_into(db, "month", 0)) == 0


@dataclass
class Line:
    """A spool in which every append is crowded, and the collector that gets what leaves it."""

    spool: Spool
    given_j: dict[str, int] = field(default_factory=dict)
    arrived: list[Load] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    def append(self, device: str, count: int, hole_s: int, energy_j: int, length_s: int) -> None:
        spans = []
        for n in range(count):
            at = self.ends.get(device, NIGHT) + length_s + (hole_s if n == 0 else 0)
            spans.append(Span(device, at, length_s, energy_j + n, M, {"on": length_s}))
            self.ends[device] = at
            self.given_j[device] = self.given_j.get(device, 0) + energy_j + n
        self.spool.append(spans, {})


@contextmanager
def crowded() -> Iterator[Line]:
    with TemporaryDirectory() as folder, closing(spool_in(Path(folder), 64, "a", "b")) as spool:
        yield Line(spool)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("append"),
            st.sampled_from(["a", "b"]),
            st.integers(1, 40),
            st.sampled_from([0, 0, 0, 7, 86_400]),
            st.integers(0, 10**6),
            st.sampled_from([60, 600, 3600, 50_000]),
        ),
        st.tuples(st.just("merge"), st.sampled_from(["hour", "day", "month"])),
        st.tuples(st.just("send")),
        st.tuples(st.just("confirm")),
        st.tuples(st.just("refuse")),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_order_of_events_loses_or_doubles_a_joule(steps: list[tuple[object, ...]]) -> None:
    """Also not for a real collector that gets what comes of it."""
    with crowded() as line, TemporaryDirectory() as folder, house(Path(folder)) as intake:
        intake.intake.take([born("n", "a", "server", rated_w=10**7)])
        intake.intake.take([born("n", "b", "server", rated_w=10**7)])
        outbox, spool = Outbox(line.spool), line.spool
        intake.clock.wall_s = 2**40
        for step, *words in [*steps, *[("send",), ("confirm",)] * 100]:
            if step == "append":
                line.append(*words)  # type: ignore[arg-type]
            elif step == "merge":
                spool.write(lambda db, w=words: spool._merge_into(db, w[0], 0))  # type: ignore[misc]
            elif step == "send":
                outbox.next_parcel(2**40)
            elif parcels := outbox.unconfirmed(1):
                payload = parcels[0].payload
                answer = Answer(spool.stream, parcels[0].number, digest(payload), 1)
                if step == "confirm":
                    intake.intake.take([("sobre/v1/n/load", payload)])
                    line.arrived += decode_batch(payload).loads
                    assert outbox.confirm(answer)
                elif len(decode_batch(payload).loads) > 1:
                    assert outbox.refuse(answer) is not None
        assert spool.counts().waiting == 0
        for device, given_j in line.given_j.items():
            mine = [load for load in line.arrived if load.device == device]
            covered = [n for x in mine for n in range(x.seq - x.replaces + 1, x.seq + 1)]
            assert sorted(covered) == list(range(1, len(covered) + 1))
            assert sum(load.energy_j for load in mine) == given_j
            assert max(mine, key=lambda load: load.seq).register_j == given_j
            assert all(sum((x.state_s or {}).values()) == x.span_s for x in mine)
        balance = check(intake.series, intake.ledger)
        assert (balance.missing_j, balance.doubled_j) == (0, 0)
        assert balance.stored_j + balance.quarantined_j == sum(line.given_j.values())


def test_spool_that_holds_nothing_but_holes_says_that_it_is_full(tmp_path: Path) -> None:
    with closing(spool_in(tmp_path)) as spool:
        said = ""
        for n in range(100_000):
            try:
                spool.append([minute(2 * (50 * n + k)) for k in range(50)], {})
            except StoreError as error:
                said = str(error)
                break
        assert "nothing is left that can be merged" in said
        taken = spool.counts().waiting
        assert len(drain(spool)) == taken


def test_doctor_tells_a_spool_that_is_full_from_one_that_was(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
        f'[mqtt]\nport = 1\n[spool]\nfolder = "{tmp_path}"\nmax_mib = 1\n'
    )

    def said() -> set[str]:
        found = [each for each in examined(config) if each.subject == "spool"]
        return {f"{each.grade} {'merged' if 'merged' in each.text else 'size'}" for each in found}

    with closing(spool_in(tmp_path, 64)) as spool:
        for start in range(0, 20_000, 1000):
            spool.append([minute(start + n) for n in range(1000)], {})
        assert said() == {"FAIL size"}
        spool.write(lambda db: spool._merge_into(db, "hour", 0))
        assert "WARN merged" in said()
        drain(spool)
        # The file is as large as it was.
        assert said() == {"OK size"}
