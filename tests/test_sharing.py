"""Several collectors on one shared subscription: any of them may die, and nothing is lost."""

import json
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from collecting import Collector, Node, until
from intake_house import Message, born
from services.mosquitto import Broker
from sobre_collector.cli import main
from sobre_collector.conservation import check
from sobre_collector.registry import Registry
from sobre_collector.rows import Device, Key
from sobre_collector.snapshot import PARTS, SUMMARY, Announcer, Copy, decode_part
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.errors import WireError
from test_collect import batches

SCRIPT = (str(Path(__file__).with_name("shared_collector.py")),)
PC = born("pc-1", "pc-1")
OUTLET = born("pc-1", "pc-1/outlet", "pdu")


def collector(folder: Path, name: str, port: int, ledger: str = "here") -> Collector:
    """A collector on the shared series in `folder`; those with the ledger share a data folder."""
    data = folder / "data" if ledger == "here" else folder / name / "data"
    settings = (
        f'data = "{data}"\nledger = "{ledger}"\n'
        f'[mqtt]\nport = {port}\nusername = "{name}"\nshared = true\n'
    )
    shared = {"SHARED_SERIES": str(folder / "series")}
    return Collector(folder / name, port, settings=settings, program=SCRIPT, environment=shared)


def all_there(folder: Path, last: int) -> None:
    with (
        closing(SqliteSeries(folder / "series", create=False)) as series,
        closing(Ledger(folder / "data" / "ledger.db", create=False)) as ledger,
    ):
        seqs = [(s.load.device, s.load.seq) for s in series.loads(0, 2**40)]
        wanted = [(d, seq) for d in ("pc-1", "pc-1/outlet") for seq in range(1, last + 1)]
        assert seqs == wanted
        balance = check(series, ledger, keep=False)
        assert balance.exact
        assert balance.stored_j == 2 * (last * (last + 1) // 2)
        assert list(series.quarantined()) == []


def heard(one: Collector) -> int:
    """How often a collector was told which devices there are, and took loads."""
    return one.log().count(": connected")


@pytest.mark.broker
def test_collectors_share_the_loads_and_one_that_dies_loses_none(
    broker: Broker, tmp_path: Path
) -> None:
    messages = batches(1, 600)
    with Node(broker, "pc-1") as node, ExitStack() as running:
        node.publish([PC, OUTLET], retain=True)
        first = running.enter_context(collector(tmp_path, "collector", broker.port))
        first.connected()
        helper = running.enter_context(
            collector(tmp_path, "collector-2", broker.port, ledger="elsewhere")
        )
        standby = running.enter_context(collector(tmp_path, "collector-3", broker.port))
        for each in (helper, standby):
            each.connected()
        node.deliver(messages[:200])
        # A helper dies with loads in its hands.
        node.publish(messages[200:300])
        until(lambda: node.any_of(messages[200:300]), "an answer")
        helper.kill()
        node.deliver(messages[:400])
        # The one with the ledger dies, and the one that stands by takes it over.
        node.publish(messages[400:500])
        until(lambda: node.any_of(messages[400:500]), "an answer")
        first.kill()
        until(lambda: "takes it over" in standby.log(), "taken over")
        node.deliver(messages)
        assert set(node.answers.values()) == {None}
        assert standby.stop() == 0
    all_there(tmp_path, 600)
    with closing(Ledger(tmp_path / "data" / "ledger.db", create=False)) as ledger:
        assert {job.job for job in ledger.jobs()} >= {"days", "conservation"}


@pytest.mark.broker
def test_helper_takes_no_load_before_it_knows_the_devices(broker: Broker, tmp_path: Path) -> None:
    messages = batches(1, 5)
    with Node(broker, "pc-1") as node, ExitStack() as running:
        helper = running.enter_context(
            collector(tmp_path, "collector-2", broker.port, ledger="elsewhere")
        )
        helper.connected()
        node.publish([PC, OUTLET], retain=True)
        # Nobody is subscribed to loads yet: the broker drops these, and they are sent again.
        node.publish(messages, taken=True)
        assert node.answers == {}
        first = running.enter_context(collector(tmp_path, "collector", broker.port))
        first.connected()
        until(lambda: _knows(tmp_path), "the devices")
        assert first.stop() == 0
        # Had the helper taken them, they would stand in quarantine by now, and be confirmed.
        assert node.answers == {}
        node.deliver(messages)
        assert helper.stop() == 0
    all_there(tmp_path, 5)


def _knows(folder: Path) -> bool:
    with closing(Ledger(folder / "data" / "ledger.db", create=False)) as ledger:
        return len(ledger.devices()) == 2


def test_sharing_is_refused_with_sqlite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lines, said in (
        ("[mqtt]\nshared = true", "keep the series in InfluxDB"),
        ('ledger = "elsewhere"', "nobody would run the jobs"),
    ):
        config = tmp_path / "collector.toml"
        config.write_text(lines)
        assert main(["collect", "--config", str(config)]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def device(n: int) -> Device:
    key = Key(f"pc-{n}", f"pc-{n}")
    return Device(key, "monitor", "ville", "mairie", "é", 40.0, None, n)


class Retained:
    """What a broker keeps."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.published = 0

    def publish(self, topic: str, payload: bytes) -> None:
        self.kept[topic] = payload
        self.published += 1

    def messages(self) -> list[Message]:
        return list(self.kept.items())


def test_copy_knows_what_the_ledger_knows(tmp_path: Path) -> None:
    broker, closed = Retained(), {"2026-09"}
    with closing(Ledger(tmp_path / "ledger.db")) as ledger:
        registry = Registry(ledger)
        devices = [device(n) for n in range(3_000)]
        announcer = Announcer(lambda: devices, lambda: closed, broker.publish)
        announcer.announce(registry.version)
    assert max(len(payload) for _, payload in broker.messages()) < 64 * 1024
    copy = Copy()
    *parts, (summary, told) = broker.messages()
    assert summary == SUMMARY
    assert not copy.complete
    for topic, payload in parts[1:]:
        copy.take(topic, payload)
    copy.take(summary, told)
    assert not copy.complete
    copy.take(*parts[0])
    assert copy.complete
    assert [copy.device(each.key) for each in devices] == devices
    assert (copy.device(Key("x", "x")), copy.closed_months()) == (None, closed)
    # One device more is one part and the summary more.
    before = broker.published
    devices.append(device(9_999))
    announcer.announce(1)
    announcer.announce(1)
    assert broker.published == before + 2
    # A broker that came back empty is told everything again.
    broker.kept.clear()
    announcer.again()
    announcer.announce(1)
    assert len(broker.kept) == len(parts) + 1 or len(broker.kept) == len(parts) + 2
    assert len(broker.kept) <= PARTS + 1


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"x\x9c", b"[" * 5_000, json.dumps({"parts": 3, "closed": 4}).encode()],
    ids=["empty", "object", "cut", "deep", "wrong-types"],
)
def test_copy_that_is_told_nonsense_stays_as_it_was(payload: bytes) -> None:
    copy = Copy()
    for topic in (SUMMARY, f"{SUMMARY}/7", f"{SUMMARY}/x", f"{SUMMARY}/"):
        copy.take(topic, payload)
    assert not copy.complete
    with pytest.raises(WireError):
        decode_part(payload)
