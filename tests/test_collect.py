"""A real collector behind a real broker: killed at its worst, it loses and doubles nothing."""

import json
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from collecting import Collector, Node, until
from intake_house import A, Message, batch, born
from services.mosquitto import Broker, MakeBroker
from services.ports import free_port
from sobre_collector.conservation import check
from sobre_collector.inbox import Inbox
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import digest

# Loads end before any clock that this test may run under.
T0 = int(time.time()) // 86_400 * 86_400 - 10 * 86_400
PC = born("pc-1", "pc-1")
OUTLET = born("pc-1", "pc-1/outlet", "pdu")


def load(seq: int, device: str = "pc-1") -> Load:
    register_j = seq * (seq + 1) // 2
    return Load(device, seq, T0 + 600 * seq, 600, seq, register_j, Origin.MEASURED)


def batches(first: int, last: int) -> list[Message]:
    """A batch for each number, with a load of a person's device and one of the infrastructure."""
    return [
        batch(load(n), load(n, "pc-1/outlet"), node="pc-1", number=n)
        for n in range(first, last + 1)
    ]


def balanced(data: Path, last: int) -> None:
    """Both devices' loads 1 to `last` are there once, and their registers say the same."""
    with (
        closing(SqliteSeries(data, create=False)) as series,
        closing(Ledger(data / "ledger.db", create=False)) as ledger,
    ):
        found = check(series, ledger, keep=False)
        seqs = [(s.load.device, s.load.seq) for s in series.loads(0, 2**40)]
        assert [q.reason for q in series.quarantined()] == []
    devices = ("pc-1", "pc-1/outlet")
    assert seqs == [(device, seq) for device in devices for seq in range(1, last + 1)]
    assert found.exact
    assert found.stored_j == 2 * (last * (last + 1) // 2)


@pytest.mark.parametrize("step", ["between-files", "before-commit", "after-commit"])
def test_collector_killed_inside_an_append_loses_and_doubles_nothing(
    broker: Broker, tmp_path: Path, step: str
) -> None:
    messages = batches(1, 20)
    with Node(broker, "pc-1") as node:
        node.publish([PC, OUTLET], retain=True)
        with Collector(tmp_path, broker.port, crash_at=step) as collector:
            collector.connected()
            node.publish(messages)
            assert collector.ended() == -9
        assert node.answers == {}, "confirmed before it was durable"
        with Collector(tmp_path, broker.port) as collector:
            node.deliver(messages)
            assert set(node.answers.values()) == {None}
            assert collector.stop() == 0
    balanced(collector.data, 20)


def test_collector_killed_at_any_moment_loses_and_doubles_nothing(
    broker: Broker, tmp_path: Path
) -> None:
    messages = batches(1, 400)
    with Node(broker, "pc-1") as node:
        node.publish([PC, OUTLET], retain=True)
        for last in range(100, 500, 100):
            with Collector(tmp_path, broker.port) as collector:
                collector.connected()
                node.publish(node.open(messages[:last]))
                until(partial(node.any_of, messages[last - 100 : last]), "an answer")
                collector.kill()
        with Collector(tmp_path, broker.port) as collector:
            node.deliver(messages)
            assert collector.stop() == 0
    balanced(collector.data, 400)


def test_what_was_taken_in_is_answered_before_the_end(broker: Broker, tmp_path: Path) -> None:
    messages = batches(1, 300)
    with Node(broker, "pc-1") as node, Collector(tmp_path, broker.port) as collector:
        node.publish([PC, OUTLET], retain=True)
        collector.connected()
        # The broker has handed all of them on, and the collector still waits for company.
        node.publish(messages, taken=True)
        assert collector.stop() == 0
        with closing(SqliteSeries(collector.data, create=False)) as series:
            stored = {s.load.seq for s in series.loads(0, 2**40)}
        assert stored
        sent = {digest(payload): n for n, (_, payload) in enumerate(messages, start=1)}
        until(lambda: {sent[sha256] for sha256 in node.answers} == stored, "all answers")


def test_broker_that_comes_later_is_found(mosquitto: MakeBroker, tmp_path: Path) -> None:
    broker = mosquitto([])
    broker.stop()
    with Collector(tmp_path, broker.port) as collector:
        until(lambda: "does not answer" in collector.log(), "said")
        broker.start()
        with Node(broker, "pc-1") as node:
            node.publish([PC, OUTLET], retain=True)
            node.deliver(batches(1, 3))
        assert collector.stop() == 0
    assert collector.log().count("does not answer") == 1
    balanced(collector.data, 3)


def test_hostile_message_is_refused_and_shown_and_the_next_one_counts(
    broker: Broker, tmp_path: Path
) -> None:
    hostile = [("sobre/v1/pc-1/load", payload) for payload in (b"", b"[" * 60_000, b"\xff" * 9)]
    hostile.append(("sobre/v1/pc-1/birth/pc-1", b'{"v":NaN}'))
    with Node(broker, "pc-1") as node, Collector(tmp_path, broker.port) as collector:
        node.publish([PC, OUTLET], retain=True)
        collector.connected()
        node.publish(hostile * 2)
        node.deliver([*batches(1, 2), *hostile[:3]])
        assert collector.stop() == 0
    words = [sys.executable, "-m", "sobre_collector", "quarantine", "--data", str(collector.data)]
    shown = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) == 4
    assert {row["node"] for row in rows} == {"pc-1"}
    plain = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "Quarantine: 4" in plain.stdout


def newer(data: Path) -> None:
    data.mkdir()
    with closing(SqliteSeries(data)):
        pass
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version=99')",
            str(data / "series.db"),
        ],
        check=True,
    )


def test_store_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    newer(tmp_path / "data")
    before = (tmp_path / "data" / "series.db").read_bytes()
    with Collector(tmp_path, free_port()) as collector:
        assert collector.ended() == 1
    assert "newer Sobre" in collector.log()
    assert (tmp_path / "data" / "series.db").read_bytes() == before


def test_second_collector_on_one_folder_is_refused(broker: Broker, tmp_path: Path) -> None:
    with Collector(tmp_path, broker.port) as first:
        first.connected()
        with Collector(tmp_path, broker.port) as second:
            assert second.ended() == 1
        assert "another collector runs" in second.log()
        assert first.stop() == 0


def test_wrong_settings_end_with_code_2(tmp_path: Path) -> None:
    config = tmp_path / "collector.toml"
    config.write_text("[mqtt]\nprot = 1883\n")
    words = [sys.executable, "-m", "sobre_collector", "collect", "--config", str(config)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "'mqtt.prot'; did you mean 'port'?" in ended.stderr


def test_two_streams_of_one_number_are_apart(broker: Broker, tmp_path: Path) -> None:
    """The same batch number and sequence number in another stream is another load."""
    other = str(UUID(int=9))
    later = Load("pc-1", 1, T0 + 6_000, 600, 5, 5, Origin.MEASURED)
    with Node(broker, "pc-1") as node, Collector(tmp_path, broker.port) as collector:
        node.publish([PC], retain=True)
        node.deliver([batch(load(1), number=1), batch(later, number=1, stream=other)])
        assert collector.stop() == 0
    with closing(SqliteSeries(collector.data, create=False)) as series:
        assert [(s.stream, s.load.seq) for s in series.loads(0, 2**40)] == [(A, 1), (other, 1)]


def test_inbox_takes_no_more_than_fits_and_ends_when_it_is_empty() -> None:
    inbox = Inbox(most_loads=10)
    assert [inbox.offer("t", b"x" * 200) for _ in range(6)] == [True] * 5 + [False]
    assert inbox.dropped == 1
    assert inbox.take(3, 0.0) == [("t", b"x" * 200)] * 3
    assert inbox.offer("t", b"")
    inbox.close()
    assert not inbox.offer("t", b"")
    taken = inbox.take(10, 0.0)
    assert taken is not None
    assert [len(payload) for _, payload in taken] == [200, 200, 0]
    assert inbox.take(10, 0.0) is None


def test_messages_that_the_broker_drops_are_an_alarm(mosquitto: MakeBroker, tmp_path: Path) -> None:
    broker = mosquitto(["max_queued_messages 5", "sys_interval 1"])
    away = Client(CallbackAPIVersion.VERSION2, "away", clean_session=False)
    subscribed: list[bool] = []
    away.on_subscribe = lambda *_: subscribed.append(True)
    away.connect(broker.host, broker.port)
    away.loop_start()
    away.subscribe("sobre/v1/+/load", 1)
    until(lambda: bool(subscribed), "subscribed")
    away.disconnect()
    away.loop_stop()
    with Collector(tmp_path, broker.port) as collector, Node(broker, "pc-1") as node:
        collector.connected()
        node.publish([PC, OUTLET], retain=True)
        node.deliver(batches(1, 20))
        until(lambda: "the broker drops messages" in collector.log(), "an alarm")
        assert collector.stop() == 0
    with closing(Ledger(collector.data / "ledger.db", create=False)) as ledger:
        assert [key.node for key, _, _ in ledger.flags()] == ["$broker"]
    balanced(collector.data, 20)
