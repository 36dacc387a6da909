"""Thirty days without a disk, or without a broker: memory stays bounded, and no joule is lost."""

import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from services.ports import free_port
from simulated_meters import CONFIG, START, Steady, Turned, source, turned
from sobre_agent.books import Books
from sobre_agent.config import Delivery, Mqtt
from sobre_agent.loop import Loop
from sobre_agent.mqtt import Link
from sobre_agent.open_load import Span
from sobre_agent.publisher import Publisher, Sender, topics
from sobre_agent.schedule import Round, asked
from sobre_agent.spool import Spool
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Origin

DAYS = 30
MOST_GROWTH_KIB = 5 * 1024
METERS = {"pdu-a3": 100, "pdu-b4": 7, "mfp-1": 40}

LIFE = """
import sys
sys.path.insert(0, {tests!r})
import test_agent_outage
test_agent_outage.{life}(sys.argv[1])
"""


def lived(life: str, folder: Path) -> dict[str, int]:
    """What a simulated life in a process of its own printed: a name and a number a line."""
    script = LIFE.format(tests=str(Path(__file__).parent), life=life)
    words = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return {name: int(number) for name, number in (x.split() for x in done.stdout.splitlines())}


def rss_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def fill(spool: Spool) -> None:
    """Loads of a meter with holes between them, which nothing can merge, until there is no room."""
    spool.meet("filler", "meter", b"")
    with suppress(StoreError):
        for n in range(100_000):
            spool.append([Span("filler", int(START) - 120 * n, 60, 1, Origin.MEASURED)], {})


def without_disk(folder: str) -> None:
    _sampled(Path(folder), full=True)


def with_disk(folder: str) -> None:
    _sampled(Path(folder), full=False)


def _sampled(folder: Path, full: bool) -> None:
    clock = Turned()
    sources = [source(Steady(name, clock, w), 300, "ten-minutes") for name, w in METERS.items()]
    with closing(Spool(folder, 1 if full else 64)) as spool:
        if full:
            fill(spool)
        books = Books(CONFIG, sources, spool)

        def enter(heard: Round) -> None:
            books.enter(heard)

        loop = Loop(sources, clock, enter)
        turned(loop, clock, START + 86_400)
        before_kib = rss_kib()
        turned(loop, clock, START + DAYS * 86_400)
        for each in sources:
            enter(asked(each, clock))
        print("growth", rss_kib() - before_kib)
        print("pending", len(books._pending))
        for name in METERS:
            known = spool.meet(name, "register", b"")
            print(f"seq-{name}", known.seq)
            print(name, known.register_j + books.open_j(name))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to weigh a process by")
@pytest.mark.parametrize("life", ["without_disk", "with_disk"])
def test_agent_of_thirty_bad_days_grows_little_and_has_every_joule(
    tmp_path: Path, life: str
) -> None:
    found = lived(life, tmp_path)
    assert found["growth"] <= MOST_GROWTH_KIB
    for name, power_w in METERS.items():
        assert found[name] == DAYS * 86_400 * power_w
        assert (found[f"seq-{name}"] == 0) == (life == "without_disk")
    assert found["pending"] <= 2000 if life == "without_disk" else found["pending"] == 0


def without_broker(folder: str) -> None:
    spool = Spool(Path(folder))
    for name in METERS:
        spool.meet(name, "meter", b"{}")
    delivery = Delivery("as-closed", 32, 60.0, 3600.0)
    settings = Mqtt(host="127.0.0.1", port=free_port())
    link = Link(settings, "reader-1", topics("reader-1"))
    publisher = Publisher(Sender("reader-1", 32, delivery, 60), spool, link)
    before_kib = 0
    for hour in range(DAYS * 24):
        end = int(START) + 3600 * hour
        spool.append(
            [Span(d, end + 60 * n, 60, 1, Origin.MEASURED) for d in METERS for n in range(60)], {}
        )
        publisher._connected()
        if hour == 24:
            before_kib = rss_kib()
    print("growth", rss_kib() - before_kib)
    print("waiting", spool.counts().waiting)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to weigh a process by")
def test_delivery_of_thirty_days_without_a_broker_grows_little(tmp_path: Path) -> None:
    found = lived("without_broker", tmp_path)
    assert found["growth"] <= MOST_GROWTH_KIB
    assert found["waiting"] == len(METERS) * DAYS * 1440


def test_spans_that_wait_in_memory_are_merged_and_arrive_when_the_disk_is_back(
    tmp_path: Path,
) -> None:
    clock = Turned()
    sources = [source(Steady("pdu-a3", clock, 100), 60)]
    with closing(Spool(tmp_path, 1)) as spool:
        fill(spool)
        books = Books(CONFIG, sources, spool)

        def enter(heard: Round) -> None:
            books.enter(heard)

        loop = Loop(sources, clock, enter)
        turned(loop, clock, START + 3 * 86_400)
        assert spool.meet("pdu-a3", "register", b"").seq == 0
        spool.write(lambda db: db.execute("DELETE FROM load"))
        turned(loop, clock, START + 3 * 86_400 + 120)
        lengths = spool.rows("SELECT span_s, energy_j FROM load WHERE device = 'pdu-a3'")
        # Two thousand minutes became hours, and the hours that came since are minutes still.
        assert max(span_s for span_s, _ in lengths) == 3600
        assert min(span_s for span_s, _ in lengths) <= 60
        assert all(energy_j == span_s * 100 for span_s, energy_j in lengths)
        total_j = spool.meet("pdu-a3", "register", b"").register_j + books.open_j("pdu-a3")
        assert total_j == int(clock.at_s - START) * 100
