"""What was used and what is on disk agree to the joule, over full disks and kills."""

import logging
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest

from simulated_meters import CONFIG, START, Steady, Turned, source, turned
from sobre_agent.books import Books
from sobre_agent.loop import Loop
from sobre_agent.open_load import Span
from sobre_agent.outbox import Outbox
from sobre_agent.schedule import Group, Round
from sobre_agent.sources import Source
from sobre_agent.spool import Spool
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import Answer, decode_batch, digest


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
from test_agent_books import *
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


def test_outlets_may_have_longer_loads_than_their_pdu(tmp_path: Path) -> None:
    clock = Turned()
    pdu = Source("pdu-a3", Steady("pdu-a3", clock), 10, "minute", "", "ten-minutes")
    outlet = Source("outlet", Steady("pdu-a3/outlet-07", clock), 10, "minute", "", "ten-minutes")
    with closing(Spool(tmp_path)) as spool:
        books = Books(CONFIG, [pdu, outlet], spool)

        def enter(heard: Round) -> None:
            books.enter(heard)

        turned(Loop([pdu, outlet], clock, enter), clock, START + 3600)
        assert spool.meet("pdu-a3", "register", b"").seq == 60
        assert spool.meet("pdu-a3/outlet-07", "register", b"").seq == 6
