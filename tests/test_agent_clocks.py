"""Clocks that are wrong, set, or missing: time is flagged, and no month's sum changes."""

import json
import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulated_meters import CONFIG, START
from sobre_agent.account import Account
from sobre_agent.books import Books
from sobre_agent.commands.doctor import examined
from sobre_agent.config import Delivery, Mqtt
from sobre_agent.cutters import LoadLength, cutter_for
from sobre_agent.elapsed import Reference, believed
from sobre_agent.mqtt import Link, Message
from sobre_agent.open_load import Span
from sobre_agent.publisher import Publisher, Sender
from sobre_agent.schedule import asked
from sobre_agent.sources import Source
from sobre_agent.spool import Spool
from sobre_agent.spool_schema import REFERENCE
from sobre_drivers.calendar import WorkingHours, local_day
from sobre_drivers.clock import WRITTEN_S
from sobre_drivers.load import Origin
from sobre_drivers.sample import Described, Instant, Reading, Sample
from sobre_drivers.wire import Answer, digest, encode_answer

PARIS = ZoneInfo("Europe/Paris")
H, DAY = 3600, 86_400


def paris(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


@dataclass
class Machine:
    """A machine whose wall clock is `off_s` wrong, or stands at `epoch_s` since it started."""

    true_s: float
    booted_s: float
    off_s: float = 0.0
    from_1970: bool = False

    def now(self) -> Instant:
        up_s = self.true_s - self.booted_s
        wall_s = up_s if self.from_1970 else self.true_s + self.off_s
        return Instant(wall_s, up_s, up_s)


@dataclass
class Meter:
    """100 W by a register or by its power; at its own machine or elsewhere."""

    machine: Machine
    register: bool
    own: bool = False

    name = "pc-1"

    def describe(self) -> Sequence[Described]:
        return [Described("pc-1", "server", 1000.0, "m", Origin.MEASURED, own=self.own)]

    def read(self) -> Sequence[Reading]:
        state = "on" if self.own else None
        if self.register:
            uj = int(self.machine.true_s - 1_700_000_000) * 100 * 1_000_000
            return [Reading("pc-1", register_uj=uj, state=state)]
        return [Reading("pc-1", power_w=100.0, state=state)]

    def close(self) -> None: ...


T = START
AT = Instant(T, 500.0, 1000.0)


@pytest.mark.parametrize(
    ("wall_s", "reference", "found"),
    [
        (T, None, T),
        (T + 400 * DAY, None, T + 400 * DAY),
        (900.0, None, None),
        (WRITTEN_S - 1.0, None, None),
        (T, Reference(T - 100, 900.0), T),
        (T + 299, Reference(T - 100, 900.0), T + 299),
        (T + 301, Reference(T - 100, 900.0), T),
        (T - H, Reference(T - 100, 900.0), T),
        (900.0, Reference(T - 100, 900.0), T),
        (T, Reference(5.0, 900.0), T),
    ],
    ids=[
        "fine",
        "nobody-knows-better",
        "1970",
        "before-this-software",
        "as-the-collector",
        "within-tolerance",
        "fast",
        "slow",
        "1970-but-the-collector-knows",
        "the-collector-is-in-1970",
    ],
)
def test_a_wall_clock_is_believed_or_replaced_by_the_collectors(
    wall_s: float, reference: Reference | None, found: float | None
) -> None:
    at = believed(Instant(wall_s, AT.mono_s, AT.boot_s), reference, 300.0)
    assert (None if at is None else at.wall_s) == found


class Life:
    """A machine with books on a real spool; samples every `step_s`."""

    def __init__(self, folder: Path, machine: Machine, meter: Meter, load: LoadLength) -> None:
        self.folder, self.machine, self.meter, self.load = folder, machine, meter, load
        self.start()

    def start(self) -> None:
        self.spool = Spool(self.folder)
        self.source = Source("pc-1", self.meter, 60, self.load)
        self.books = Books(CONFIG, [self.source], self.spool)

    def until(self, true_s: float, step_s: float = 60) -> None:
        while self.machine.true_s < true_s:
            self.machine.true_s = min(true_s, self.machine.true_s + step_s)
            self.books.enter(asked(self.source, self.machine))

    def stop(self, clean: bool = True) -> None:
        if clean:
            self.books.checkpoint(0.0, clean=True)
        self.spool.close()

    def off_until(self, true_s: float) -> None:
        """The machine itself is switched off, and on again."""
        self.stop()
        self.machine.true_s = self.machine.booted_s = true_s
        self.start()

    def confirmed(self) -> None:
        """A collector whose clock is right has answered."""
        now = self.machine.now()
        self.spool.note(**{REFERENCE: f"{self.machine.true_s:.0f} {now.boot_s:.0f} 0"})
        self.books.checkpoint(now.mono_s)

    def loads(self) -> list[tuple[int, int, int, str]]:
        return self.spool.rows('SELECT "end", span_s, energy_j, origin FROM load ORDER BY number')

    def months(self) -> dict[str, int]:
        """J by local month, the load that is still open in that of now."""
        found: dict[str, int] = {}
        for end, _, energy_j, _ in self.loads():
            month = local_day(end - 1, PARIS).isoformat()[:7]
            found[month] = found.get(month, 0) + energy_j
        month = local_day(self.machine.true_s - 1, PARIS).isoformat()[:7]
        found[month] = found.get(month, 0) + self.books.open_j("pc-1")
        return found


def life(folder: Path, begins: str, register: bool, load: LoadLength = "hour") -> Life:
    begins_s = paris(begins)
    machine = Machine(begins_s, begins_s - 500)
    made = Life(folder, machine, Meter(machine, register), load)
    made.books.enter(asked(made.source, machine))
    return made


def by_month(begins: str, ends: str) -> dict[str, int]:
    """What 100 W make in each month, by its seconds."""
    found: dict[str, int] = {}
    at = int(paris(begins))
    for second in range(at, int(paris(ends)), H):
        month = local_day(second, PARIS).isoformat()[:7]
        found[month] = found.get(month, 0) + 100 * H
    return found


SPANS = {
    "summer-time-begins": ("2027-03-26T00:00", "2027-04-03T00:00"),
    "summer-time-ends": ("2026-10-23T00:00", "2026-11-02T00:00"),
    "leap-day": ("2028-02-27T00:00", "2028-03-02T00:00"),
    "new-year": ("2026-12-30T00:00", "2027-01-02T00:00"),
}


@pytest.mark.parametrize("register", [True, False], ids=["register", "power"])
@pytest.mark.parametrize("off_s", [0, -H, 400 * DAY, None], ids=["right", "-1h", "+400d", "1970"])
@pytest.mark.parametrize("span", SPANS)
def test_no_months_sum_changes_with_a_clock_that_is_set_wrong_and_right_again(
    tmp_path: Path, span: str, off_s: int | None, register: bool
) -> None:
    begins, ends = SPANS[span]
    lived = life(tmp_path, begins, register)
    ends_s = paris(ends)
    lived.until(lived.machine.true_s + 5 * H, 120)
    lived.confirmed()
    lived.machine.off_s, lived.machine.from_1970 = off_s or 0.0, off_s is None
    lived.until(ends_s - 20 * H, 120)
    lived.machine.off_s, lived.machine.from_1970 = 0.0, False
    lived.until(ends_s, 120)
    assert lived.months() == by_month(begins, ends)
    spans = sorted((end - span_s, end) for end, span_s, _, _ in lived.loads())
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    lived.stop()


@pytest.mark.parametrize("register", [True, False], ids=["register", "power"])
def test_a_clock_that_is_lost_while_the_machine_runs_costs_nothing(
    tmp_path: Path, register: bool
) -> None:
    """Nobody knows better, and the machine's own running time does."""
    lived = life(tmp_path, "2026-11-24T10:00", register, "minute")
    lived.until(lived.machine.true_s + 600)
    lived.machine.from_1970 = True
    lived.until(lived.machine.true_s + 600)
    lived.machine.from_1970 = False
    lived.until(lived.machine.true_s + 600)
    begins = int(paris("2026-11-24T10:00"))
    assert [(end, span_s, j) for end, span_s, j, _ in lived.loads()] == [
        (begins + 60 * n, 60, 6000) for n in range(1, 31)
    ]
    lived.stop()


def test_a_machine_that_starts_in_1970_stamps_its_first_load_when_the_clock_is_set(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begins_s = paris("2026-11-24T10:00:30")
    machine = Machine(begins_s, begins_s - 20, from_1970=True)
    lived = Life(tmp_path, machine, Meter(machine, False), "minute")
    lived.books.enter(asked(lived.source, machine))
    lived.until(begins_s + 1000)
    assert lived.loads() == []
    machine.from_1970 = False
    lived.until(begins_s + 1090, 30)
    begins = int(begins_s)
    # Sixteen minutes of which only the total is known, then minutes again.
    assert (
        lived.loads()
        == [
            (begins + 1030, 1030, 103_000, "measured"),
            (begins + 1050, 20, 2_000, "measured"),
        ]
        or sum(j for _, _, j, _ in lived.loads()) + lived.books.open_j("pc-1") == 109_000
    )
    assert min(end for end, *_ in lived.loads()) > begins
    assert [r.levelname for r in caplog.records if "since 1970" in r.getMessage()] == ["ERROR"]
    lived.stop()


@pytest.mark.parametrize("known_h", [1, 30, 24 * 45], ids=["hour", "over-midnight", "over-months"])
@pytest.mark.parametrize("register", [True, False], ids=["register", "power"])
def test_a_reader_that_comes_back_in_1970_has_every_joule_when_it_learns_the_time(
    tmp_path: Path, register: bool, known_h: int
) -> None:
    lived = life(tmp_path, "2026-11-20T00:00", register)
    lived.until(paris("2026-11-20T02:00"))
    lived.machine.from_1970 = True
    lived.off_until(paris("2026-11-20T10:00"))
    lived.books.enter(asked(lived.source, lived.machine))
    lived.until(lived.machine.true_s + known_h * H, 120)
    # The agent may stop meanwhile; the machine runs on.
    lived.stop()
    lived.start()
    lived.machine.from_1970 = False
    lived.until(lived.machine.true_s + 3 * H, 120)
    end_s = lived.machine.true_s
    total_j = sum(lived.months().values())
    # A register counts while its reader is off; of a power that nobody read nothing is known.
    seen_s = end_s - paris("2026-11-20T00:00") - (0 if register else 8 * H)
    lost_s = 0 if register else 120
    assert seen_s * 100 - lost_s * 100 <= total_j <= seen_s * 100
    spans = [(end - span_s, end) for end, span_s, _, _ in lived.loads()]
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    for start, end in spans:
        assert paris("2026-11-20T00:00") <= start < end <= end_s
        assert local_day(start, PARIS) == local_day(end - 1, PARIS)
        # What was read after the start is not put into the night before it.
        off = paris("2026-11-20T02:00") < end and start < paris("2026-11-20T09:58")
        assert register or not off
    lived.stop()


def test_what_floated_is_cut_at_midnights_with_its_states_and_pages() -> None:
    pc = Described("pc-1", "server", 1000.0, "m", Origin.MEASURED, own=True)
    account = Account(pc, cutter_for("hour", PARIS, WorkingHours()), 60)
    noon = paris("2026-11-24T12:00")

    def sample(true_s: float, known: bool, asleep_s: float = 0.0) -> list[Span]:
        up_s = true_s - noon + 100
        at = Instant(true_s if known else up_s, up_s - asleep_s, up_s)
        reading = Reading("pc-1", power_w=10.0, state="on")
        return account.take(Sample(at, reading), known)

    spans = sample(noon, False)
    for n in range(1, 61):
        spans += sample(noon + 60 * n, False)
    spans += sample(noon + H + 20 * H, False, asleep_s=20 * H)
    saved: dict[str, Any] = json.loads(json.dumps(account.saved()))
    account = Account(pc, cutter_for("hour", PARIS, WorkingHours()), 60, saved)
    assert spans == []
    spans = sample(noon + 21 * H + 60, True, asleep_s=20 * H)
    midnight = int(paris("2026-11-25T00:00"))
    states = [(s.end, s.span_s, s.state_s) for s in spans]
    assert states == [
        (midnight, 12 * H, {"on": H + 60, "sleep": 11 * H - 60}),
        (midnight + 9 * H + 60, 9 * H + 60, {"sleep": 9 * H + 60}),
    ]
    assert sum(s.energy_j for s in spans) == 10 * (H + 60)


def noted(spool: Spool, clock: Machine, said: Sequence[int]) -> Publisher:
    """A publisher that has sent a batch and got answers with the collector's time."""
    sender = Sender("pc-1", 2, Delivery(), 60)
    link = Link(Mqtt(port=1), "pc-1", ())
    publisher = Publisher(sender, spool, link, clock=clock)
    link.dispose()
    for time_s in said:
        end = int(T + clock.off_s)
        spool.append([Span("pc-1", end, 60, 1, Origin.MEASURED)], {})
        publisher._fill()
        for parcel in list(publisher._parcels.values()):
            answer = Answer(spool.stream, parcel.number, digest(parcel.payload), time_s)
            publisher._read(Message("sobre/v1/pc-1/confirmed", encode_answer(answer)))
    return publisher


def test_a_wrong_clock_is_said_once_and_loads_leave_by_the_collectors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    clock = Machine(T, T - 1000, off_s=-7200)
    with closing(Spool(tmp_path)) as spool:
        spool.meet("pc-1", "m", b"")
        publisher = noted(spool, clock, [int(T)] * 2)
        said = [r.getMessage() for r in caplog.records]
        assert said == ["this clock is -7200 s off the collector's; switch NTP on"]
        assert spool.noted(REFERENCE) == f"{T:.0f} 1000 -7200"
        # Stamped by the collector's clock, it would wait two hours for ours.
        spool.append([Span("pc-1", int(T), 60, 1, Origin.MEASURED)], {})
        publisher._fill()
        assert len(publisher._parcels) == 1


@pytest.mark.parametrize("off_s", [-400 * DAY, 0], ids=["was-wrong", "was-right"])
def test_a_new_delivery_takes_a_clock_that_was_wrong_for_wrong(tmp_path: Path, off_s: int) -> None:
    """Or loads that were stamped by the collector's would wait until ours is there: for a year."""
    clock = Machine(T + 400 * DAY, T, off_s=off_s)
    with closing(Spool(tmp_path)) as spool:
        spool.meet("pc-1", "m", b"")
        spool.note(**{REFERENCE: f"{T:.0f} 1000 {off_s}"})
        publisher = noted(spool, clock, [])
        assert publisher._wall_s() == T + 400 * DAY


def test_loads_leave_a_machine_that_does_not_know_the_time(tmp_path: Path) -> None:
    """Their confirmation tells it."""
    clock = Machine(T, T - 1000, from_1970=True)
    with closing(Spool(tmp_path)) as spool:
        spool.meet("pc-1", "m", b"")
        publisher = noted(spool, clock, [int(T)])
        assert spool.counts().waiting == 0
        assert publisher._wall_s() == T


@pytest.mark.parametrize(("off_s", "grade"), [(3600, "FAIL"), (-2, "OK")], ids=["wrong", "right"])
def test_doctor_holds_the_clock_beside_the_collectors(
    tmp_path: Path, off_s: int, grade: str
) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
        f'[mqtt]\nport = 1\n[spool]\nfolder = "{tmp_path}"\n'
    )
    with closing(Spool(tmp_path)) as spool:
        spool.note(**{REFERENCE: f"{T:.0f} 1000 {off_s}", "confirmed_at": f"{T:.0f}"})
    found = [f for f in examined(config) if f.subject == "clock" and "beside" in f.text]
    assert [f.grade for f in found] == [grade]
    assert f"{off_s:+d} s" in found[0].text
