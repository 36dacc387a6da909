"""A broker that comes back empty, that queues twenty messages, that takes only small ones."""

import shutil
from pathlib import Path

import pytest

from faults.line import Line
from services.mosquitto import Broker, MakeBroker

DRAINED_WITHIN_S = 60.0


def test_broker_that_comes_back_with_an_empty_disk_loses_nothing(
    tmp_path: Path, mosquitto: MakeBroker
) -> None:
    """What it had acknowledged, retained and queued is gone, births among it."""
    broker = mosquitto(["autosave_interval 1"])
    with Line(tmp_path, broker) as line:
        line.flows()
        for _ in range(2):
            line.more(20)
            line.collector.kill()
            line.more(20)
            broker.kill()
            for file in broker.folder.glob("*.db*"):
                file.unlink()
            broker.start()
            line.collector.__enter__()
        assert line.calm() < DRAINED_WITHIN_S
        found = line.balance()
    assert found.exact, found
    assert found.quarantined_j == 0


def test_new_collector_behind_a_new_broker_gets_everything(tmp_path: Path, broker: Broker) -> None:
    """Births must come again too: without them no load would count."""
    with Line(tmp_path, broker, agents=1) as line:
        line.collector.kill()
        # It had nothing yet that could be lost with it.
        line.more(20)
        broker.kill()
        shutil.rmtree(line.collector.data, ignore_errors=True)
        (broker.folder / "mosquitto.db").unlink(missing_ok=True)
        broker.start()
        line.collector.__enter__()
        assert line.calm() < DRAINED_WITHIN_S
        found = line.balance()
    assert found.exact, found
    assert found.quarantined_j == 0


@pytest.mark.parametrize(
    "lines",
    [
        ["max_queued_messages 20", "max_inflight_messages 5"],
        ["message_size_limit 65536"],
    ],
    ids=["queue-of-20", "messages-of-64-KiB"],
)
def test_backlog_behind_a_narrow_broker_drains(
    tmp_path: Path, mosquitto: MakeBroker, lines: list[str]
) -> None:
    """Hundreds of batches are due at once: what the broker drops silently comes again."""
    broker = mosquitto(lines)
    with Line(tmp_path, broker, agents=3, devices=6, tick_s=0.01) as line:
        line.collector.kill()
        line.more(900, within_s=60.0)
        line.collector.__enter__()
        assert line.calm(DRAINED_WITHIN_S) < DRAINED_WITHIN_S
        found = line.balance()
    assert found.exact, found
