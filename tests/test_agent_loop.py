"""Every source at its own pace: one that fails, hangs or lies stops no other."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from sobre_agent.books import Books
from sobre_agent.config import AgentConfig, LoadLength
from sobre_agent.loop import Loop, Silence
from sobre_agent.open_load import Span
from sobre_agent.outbox import Outbox
from sobre_agent.schedule import Group, Round, after
from sobre_agent.sources import Source
from sobre_agent.spool import Spool
from sobre_drivers.errors import MeterError, StoreError
from sobre_drivers.load import Load, Origin
from sobre_drivers.sample import Described, Instant, Reading
from sobre_drivers.wire import Answer, decode_batch, digest

START = 1_790_000_000.0
CONFIG = AgentConfig("ville", "mairie", node="pc-1")


@dataclass
class Turned:
    """A clock that the test turns."""

    at_s: float = START

    def now(self) -> Instant:
        return Instant(self.at_s, self.at_s - START + 1000, self.at_s - START + 1000)


@dataclass
class Steady:
    """A meter whose register rises by `power_w` each second of a clock; `says` may raise."""

    name: str
    clock: Turned
    power_w: int = 100
    says: Callable[[], None] = lambda: None
    asked: int = 0
    register: bool = True

    def describe(self) -> Sequence[Described]:
        method = "register" if self.register else "power"
        return [Described(self.name, "server", 1000.0, method, Origin.MEASURED)]

    def read(self) -> Sequence[Reading]:
        self.asked += 1
        self.says()
        if not self.register:
            return [Reading(self.name, power_w=float(self.power_w))]
        register_uj = int((self.clock.at_s - START) * self.power_w * 1_000_000)
        return [Reading(self.name, register_uj=register_uj)]

    def close(self) -> None: ...


def source(
    driver: Steady, sample_s: float = 10, load: LoadLength = "minute", at: str = ""
) -> Source:
    return Source(driver.name, driver, sample_s, load, at)


def fails() -> None:
    raise MeterError("no answer within 3 s")


def ask_until(group: Group, clock: Turned, end_s: float) -> None:
    while (due_s := START - 1000 + group.due_s()) <= end_s:
        clock.at_s = due_s
        group.ask()


@pytest.mark.parametrize(
    ("due_s", "now_s", "period_s", "failures", "next_s"),
    [
        (100, 100.2, 10, 0, 110),
        (100, 109.9, 10, 0, 110),
        (100, 110.0, 10, 0, 120),
        (100, 3735.0, 10, 0, 3740),
        (100, 101, 10, 1, 120),
        (100, 101, 10, 2, 140),
        (100, 101, 10, 9, 160),
        (100, 101, 600, 9, 700),
    ],
    ids=["in-time", "late", "missed-one", "slept", "failed", "again", "bounded", "slow-meter"],
)
def test_source_is_due_in_step_with_its_pace(
    due_s: float, now_s: float, period_s: float, failures: int, next_s: float
) -> None:
    assert after(due_s, now_s, period_s, failures) == next_s


def test_sources_of_one_address_keep_their_own_paces() -> None:
    clock = Turned()
    fast, slow = Steady("fast", clock), Steady("slow", clock)
    group = Group([source(fast, 10), source(slow, 60)], clock)
    ask_until(group, clock, START + 3600)
    assert (fast.asked, slow.asked) == (361, 61)


def test_failing_source_is_asked_less_often_and_the_others_as_before() -> None:
    clock = Turned()
    good, bad = Steady("good", clock), Steady("bad", clock, says=fails)
    group = Group([source(bad), source(good)], clock)
    ask_until(group, clock, START + 3600)
    assert good.asked == 361
    assert 60 <= bad.asked <= 64


@pytest.mark.parametrize(
    "slip", [ValueError("odd"), KeyError("x"), ZeroDivisionError(), OSError("gone")], ids=repr
)
def test_a_drivers_slip_is_that_meters_failure(slip: Exception) -> None:
    def slips() -> None:
        raise slip

    clock = Turned()
    assert Group([source(Steady("odd", clock, says=slips))], clock).ask().problem


def test_silence_and_return_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock, silence = Turned(), Silence(ZoneInfo("Europe/Paris"))
    made = source(Steady("pdu-a3", clock))
    for problem in (None, "no answer", "no answer", "refused", None, None):
        silence.note(Round(made, clock.now(), (), problem))
        clock.at_s += 140
    said = [record.getMessage() for record in caplog.records]
    assert said == ["pdu-a3 silent since 16:15: no answer", "pdu-a3 back after 7 min"]


def turned(loop: Loop, clock: Turned, until_s: float) -> int:
    """Turn the loop without waiting; how often it woke."""
    turns = 0
    while clock.at_s < until_s:
        clock.at_s += loop.wait_s() or 0.0
        assert loop.turn(0.0)
        turns += 1
    return turns


def test_a_month_of_a_pc_balances_to_the_joule(tmp_path: Path) -> None:
    clock = Turned()
    sources = [source(Steady("pc-1", clock, 100), 60, "day")]
    with closing(Spool(tmp_path)) as spool:
        books = Books(CONFIG, sources, spool)

        def enter(heard: Round) -> None:
            books.enter(heard)

        loop = Loop(sources, clock, enter)
        days = 30
        turns = turned(loop, clock, START + days * 86_400)
        known = spool.meet("pc-1", "register", b"")
        # One wake-up a minute, and at most three loads a day.
        assert turns == days * 1440 + 1
        assert days * 1 <= known.seq <= days * 3 + 1
        assert known.register_j + books.open_j("pc-1") == days * 86_400 * 100


def test_loop_sleeps_until_the_next_sample() -> None:
    clock = Turned()
    loop = Loop([source(Steady("pc-1", clock), 60)], clock, lambda heard: None)
    assert loop.wait_s() == 0
    assert loop.turn(0.0)
    assert loop.wait_s() == 60
    assert (
        Loop([source(Steady("x", clock), at="x:502")], clock, lambda heard: None).wait_s() is None
    )


@dataclass
class Now:
    """The real clock, for threads."""

    def now(self) -> Instant:
        return Instant(time.time(), time.monotonic(), time.monotonic())


@dataclass
class Heard:
    """What the loop handed over; `enough` ends the loop."""

    loop: Loop | None = None
    counts: dict[str, int] = field(default_factory=dict)
    enough: Callable[[dict[str, int]], bool] = lambda counts: False

    def enter(self, heard: Round) -> None:
        self.counts[heard.source.name] = self.counts.get(heard.source.name, 0) + 1
        if self.loop is not None and self.enough(self.counts):
            self.loop.stop()


def test_hanging_meter_delays_only_its_own_line() -> None:
    clock, release = Turned(), threading.Event()

    def hangs() -> None:
        release.wait(30)

    hung = Steady("hung", clock, says=hangs)
    good, own = Steady("good", clock), Steady("own", clock)
    sources = [
        source(hung, 0.01, at="a:502"),
        source(good, 0.01, at="b:502"),
        source(own, 0.01),
    ]
    heard = Heard(enough=lambda counts: min(counts.get("good", 0), counts.get("own", 0)) >= 5)
    heard.loop = Loop(sources, Now(), heard.enter)
    assert loop_ends(heard.loop, release)
    assert "hung" not in heard.counts


def loop_ends(loop: Loop, release: threading.Event) -> bool:
    """Run a loop, with a limit; what `run` answered."""
    limit = threading.Timer(30, loop.end)
    limit.start()
    try:
        return loop.run()
    finally:
        limit.cancel()
        release.set()


def test_loop_tells_when_a_thread_ended_on_its_own() -> None:
    loop = Loop([source(Steady("own", Turned()), 3600)], Now(), lambda heard: None)
    loop.end()
    assert loop.run() is False


def test_this_machine_is_asked_once_more_at_the_end() -> None:
    own = Steady("own", Turned())
    heard = Heard(enough=lambda counts: True)
    heard.loop = Loop([source(own, 3600)], Now(), heard.enter)
    assert heard.loop.run()
    assert own.asked == 2


def test_loads_wait_in_memory_while_the_spool_is_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = Turned()
    sources = [source(Steady(f"pdu-{n:02}", clock), 60) for n in range(5)]
    with closing(Spool(tmp_path, max_mib=1)) as spool:
        spool.meet("filler", "meter", b"")
        with suppress(StoreError):
            while True:
                spool.append([Span("filler", int(START), 60, 1, Origin.MEASURED)] * 100, {})
        books = Books(CONFIG, sources, spool)
        group = Group(sources, clock)

        def ask_for(minutes: int) -> None:
            until_s = clock.at_s + 60 * minutes
            while clock.at_s < until_s:
                clock.at_s = START - 1000 + group.due_s()
                books.enter(group.ask())

        stored = spool.counts().waiting
        ask_for(60)
        assert spool.meet("pdu-00", "register", b"").seq == 0
        assert spool.counts().waiting == stored
        outbox = Outbox(spool)
        while parcel := outbox.next_parcel(clock.at_s):
            batch = decode_batch(parcel.payload)
            assert outbox.confirm(
                Answer(batch.stream, batch.batch, digest(parcel.payload), 1_790_000_000)
            )
        ask_for(2)
        said = [record.levelname for record in caplog.records]
        assert said == ["ERROR", "INFO"]
        for each in sources:
            known = spool.meet(each.name, "register", b"")
            passed_s = (spool.meet(each.name, "register", b"").state or {})["last"][
                "line_s"
            ] - START
            assert known.register_j + books.open_j(each.name) == passed_s * 100
            assert known.seq * 60 == pytest.approx(passed_s, abs=120)


LIFE = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_agent_loop import *
clock = Turned(float(sys.argv[2]))
sources = [source(Steady("pdu-a3", clock, 100)), source(Steady("pdu-b4", clock, 7), 20)]
with closing(Spool(Path(sys.argv[1]))) as spool:
    books = Books(CONFIG, sources, spool)
    checked = [clock.at_s]
    def enter(heard):
        books.enter(heard)
        if clock.at_s - checked[0] > 600:
            books.checkpoint(heard.at.mono_s)
            checked[0] = clock.at_s
        print(clock.at_s, flush=True)
    turned(Loop(sources, clock, enter), clock, float(sys.argv[3]))
"""


def test_agent_killed_at_any_moment_goes_on_where_it_was(tmp_path: Path) -> None:
    """Eight simulated hours, killed twelve times: loads and registers agree to the joule."""
    rng, at_s, end_s = Random(11), START, START + 8 * 3600
    script = LIFE.format(tests=str(Path(__file__).parent))
    for life in range(13):
        words = [sys.executable, "-c", script, str(tmp_path), str(at_s), str(end_s)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        last = rng.randrange(20, 300) if life < 12 else None
        for number, line in enumerate(process.stdout):
            if number == last:
                process.kill()
            # The pipe holds what was printed before the kill; its last line may be half a figure.
            at_s = float(line) if line.endswith("\n") else at_s
        process.wait(30)
        process.stdout.close()
        # A step may have been settled and not printed, and a machine's clocks never run backwards.
        at_s += 20
    with closing(Spool(tmp_path)) as spool:
        loads, outbox = list[Load](), Outbox(spool)
        while parcel := outbox.next_parcel(end_s):
            loads += decode_batch(parcel.payload).loads
        assert at_s > end_s
        for device, power_w in (("pdu-a3", 100), ("pdu-b4", 7)):
            known = spool.meet(device, "register", b"")
            mine = [load for load in loads if load.device == device]
            assert [load.seq for load in mine] == list(range(1, known.seq + 1))
            assert sum(load.energy_j for load in mine) == known.register_j
            covered_s = mine[-1].end - START
            assert known.register_j == pytest.approx(covered_s * power_w, abs=power_w * 60)
