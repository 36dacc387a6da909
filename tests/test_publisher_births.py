"""Births of many devices are said in portions, and before the first load."""

from contextlib import closing
from pathlib import Path

from sobre_agent.config import Delivery
from sobre_agent.mqtt import Message
from sobre_agent.open_load import Span
from sobre_agent.publisher import BIRTHS_AT_ONCE, Publisher, Sender
from sobre_agent.spool import Spool
from sobre_drivers.load import Origin

DEVICES = 1200


class Portions:
    """A link whose clock goes on when it waits; it notes what was published between two waits."""

    def __init__(self) -> None:
        self.at_s = 1000.0
        self.portions: list[list[str]] = [[]]

    def open(self) -> None: ...

    def close(self) -> None: ...

    def wake(self) -> None: ...

    def publish(self, topic: str, payload: bytes, retain: bool = False, qos: int = 1) -> None:
        self.portions[-1].append(topic.split("/")[3])

    def wait(self, timeout_s: float) -> list[Message]:
        self.at_s += timeout_s
        self.portions.append([])
        return []


def test_births_leave_in_portions_and_before_loads(tmp_path: Path) -> None:
    link = Portions()
    with closing(Spool(tmp_path)) as spool:
        for n in range(DEVICES):
            spool.meet(f"pdu/outlet-{n}", "modbus", b"{}")
        spool.append([Span("pdu/outlet-1", 1_790_000_060, 60, 5, Origin.MEASURED)], {})
        sender = Sender("reader-1", 2, Delivery(), 60)
        publisher = Publisher(sender, spool, link, now_s=lambda: link.at_s)  # type: ignore[arg-type]
        publisher.drain(10.0)
    said = [(set(kinds), len(kinds)) for kinds in link.portions if kinds]
    assert [count for kinds, count in said if kinds == {"birth"}] == [500, 500]
    # The last portion is followed by the load at once.
    assert said[2] == ({"birth", "load"}, DEVICES - 2 * BIRTHS_AT_ONCE + 1)
    assert link.portions[2][-1] == "load"
    assert len(said) == 3
