"""A live collector under malformed, oversize, deep, forged and replayed messages.

Each hostile payload is one row of the quarantine however often it comes, the loop lives, what an
honest agent says meanwhile counts to the joule, and memory stays what it was.
"""

import json
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from collecting import Node
from faults.line import Line, until
from intake_house import Message, born
from services.mosquitto import Broker
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin
from sobre_drivers.strict_json import MAX_BYTES
from sobre_drivers.wire import Batch, digest, encode_batch

T0 = 1_790_000_000
LOUD = "loud"
RSS_GROWTH_MIB = 20


def honest(seq: int) -> bytes:
    load = Load(LOUD, seq, T0 + 60 * seq, 60, 600, 600 * seq, Origin.MEASURED)
    return encode_batch(Batch(str(UUID(int=7)), seq, (load,)))


def corpus() -> list[bytes]:
    """Payloads that are no message of version 1, each for another reason."""
    plain = honest(1).decode()

    def changed(**fields: object) -> bytes:
        message = json.loads(plain)
        message["loads"][0] |= fields
        return json.dumps(message).encode()

    return [
        b"",
        b"\x00",
        b"[" * 60_000,
        b'{"v":' * 20_000,
        b"9" * 5_000,
        b'"' + b"x" * 65_500 + b'"',
        b"x" * 65_000,
        plain.encode("utf-16"),
        plain.replace('"v":1', '"v":2').encode(),
        plain.replace('"v":1', '"v":1,"v":1').encode(),
        plain.replace('"v":1', '"v":true').encode(),
        plain.replace("600", "NaN", 1).encode(),
        plain.replace("600", "Infinity", 1).encode(),
        plain.replace("600", "1e400", 1).encode(),
        plain.replace("600", "-600", 1).encode(),
        plain.replace("600", "6.5", 1).encode(),
        plain.replace("600", str(2**70), 1).encode(),
        changed(device="../../etc/passwd"),
        changed(device="\ud800"),
        changed(energy_j="600"),
        changed(energy_j=None),
        changed(span_s=0),
        changed(origin="believed"),
        changed(state_s={"on": 61}),
    ]


def fuzzed(chance: random.Random, count: int) -> Iterator[bytes]:
    """An honest message with bytes changed, cut out or doubled."""
    for n in range(count):
        payload = bytearray(honest(1_000 + n))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(payload))
            kind = chance.randrange(3)
            if kind == 0:
                payload[at] = chance.randrange(256)
            elif kind == 1:
                del payload[at : at + chance.randrange(1, 20)]
            else:
                payload[at:at] = payload[at : at + chance.randrange(1, 20)]
            if not payload:
                payload = bytearray(b"{")
        yield bytes(payload)


@pytest.mark.parametrize("count", [900])
def test_hostile_messages_stop_nothing_and_honest_joules_are_exact(
    tmp_path: Path, broker: Broker, count: int
) -> None:
    chance = random.Random(5)
    fixed = [(f"sobre/v1/{LOUD}/load", payload) for payload in corpus()]
    noise = [(f"sobre/v1/{LOUD}/load", payload) for payload in fuzzed(chance, count)]
    with Line(tmp_path, broker) as line, Node(broker, LOUD) as node:
        node.publish([born(LOUD, LOUD, "server", rated_w=500.0)], retain=True)
        line.flows()
        line.collector.connected()
        process = psutil.Process(line.collector.process.pid)
        answered(node, fixed)
        answered(node, noise[: count // 3])
        before = process.memory_info().rss
        answered(node, noise)
        answered(node, fixed)
        grown_mib = (process.memory_info().rss - before) / 2**20
        assert line.collector.process.poll() is None
        assert line.calm() < 30
        found = line.balance()
    assert grown_mib < RSS_GROWTH_MIB
    assert (found.lost_j, found.waiting_j) == (0, 0)
    with closing(SqliteSeries(line.collector.data, create=False)) as series:
        rows = [row for row in series.quarantined() if row.load is None]
        loud = [row.load for row in series.loads(0, 2**53) if row.node == LOUD]
    held = {digest(row.payload) for row in rows if row.payload is not None}
    # Of what is longer than any message may be, the beginning is kept.
    assert {digest(payload[:MAX_BYTES]) for _, payload in fixed} <= held
    assert len(rows) == len(held), "a payload has more than one row"
    assert len({(load.device, load.seq) for load in loud}) == len(loud)
    # All that counts is ours or the loud one's: it could not speak for another node.
    assert found.stored_j - sum(load.energy_j for load in loud) == found.generated_j


def answered(node: Node, messages: list[Message]) -> None:
    """Send, and wait until each was confirmed or refused, whatever was answered before."""
    node.answers.clear()
    for at in range(0, len(messages), 100):
        node.deliver(messages[at : at + 100])


def test_forged_id_does_not_reach_another_node(tmp_path: Path, broker: Broker) -> None:
    """A message under one's own topic that names another's device is one's own device."""
    with Line(tmp_path, broker, agents=1) as line, Node(broker, LOUD) as node:
        line.flows()
        line.more(20)
        ((_, stream),) = line.agents[0].rows("SELECT key, value FROM meta WHERE key = 'stream'")
        forged = Load("node-0", 1, T0, 60, 500, 500, Origin.MEASURED)
        message = (f"sobre/v1/{LOUD}/load", encode_batch(Batch(stream, 1, (forged,))))
        node.deliver([message])
        until(lambda: node.answers.get(digest(message[1]), "") is None, "confirmed")
        assert line.calm() < 30
        found = line.balance()
    assert (found.stored_j, found.lost_j) == (found.generated_j, 0)
    # Nobody knows this device under that node: set aside, and shown.
    assert found.quarantined_j == 500


def test_replayed_messages_are_confirmed_again_and_count_once(
    tmp_path: Path, broker: Broker
) -> None:
    """A recording of the wire, played back fifty times over in any order."""
    recorded = [(f"sobre/v1/{LOUD}/load", honest(n)) for n in range(1, 40)]
    with Line(tmp_path, broker, agents=1) as line, Node(broker, LOUD) as node:
        node.publish([born(LOUD, LOUD, "server", rated_w=500.0)], retain=True)
        line.flows()
        answered(node, recorded)
        node.publish(random.Random(6).choices(recorded, k=600), taken=True)
        node.answers.clear()
        answered(node, recorded)
        assert set(node.answers.values()) == {None}
        assert line.calm() < 30
        found = line.balance()
    assert (found.lost_j, found.quarantined_j) == (0, 0)
    assert found.stored_j == found.generated_j + 39 * 600
