"""A network that cuts, cuts inside a packet, stalls and crawls, on either side of the broker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.line import Line, until
from faults.proxy import PUBACK, Packets, Proxy
from services.mosquitto import Broker


def cut(proxy: Proxy, line: Line) -> None:
    for _ in range(4):
        line.more(12)
        proxy.cut()


def cut_inside_a_packet(proxy: Proxy, line: Line) -> None:
    for count in (10, 300, 3_000):
        seen = proxy.cuts
        proxy.cut_after(count)
        until(lambda: proxy.cuts > seen, "a cut")  # noqa: B023


def stand_half_open(proxy: Proxy, line: Line) -> None:
    """Longer than the two keep-alives after which a deaf connection is given up."""
    proxy.stalled = True
    connected = line.broker.log().count("New client connected")
    line.more(60)
    proxy.cut()
    proxy.stalled = False
    until(lambda: line.broker.log().count("New client connected") > connected, "a new connection")


def stall_and_go_on(proxy: Proxy, line: Line) -> None:
    for _ in range(3):
        proxy.stalled = True
        line.more(30)
        proxy.stalled = False
        line.more(10)


def crawl(proxy: Proxy, line: Line) -> None:
    proxy.delay_s, proxy.piece_bytes = 0.01, 200
    line.more(120)


@pytest.fixture
def line(tmp_path: Path, broker: Broker) -> Iterator[Line]:
    with Line(tmp_path, broker) as found:
        found.flows()
        yield found


@pytest.mark.parametrize(
    ("side", "fault"),
    [
        ("agents", cut),
        ("agents", cut_inside_a_packet),
        ("agents", stand_half_open),
        ("collector", stand_half_open),
        ("agents", stall_and_go_on),
        ("collector", crawl),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.__name__),
)
def test_network_that_fails_loses_and_doubles_nothing(
    line: Line, side: str, fault: Callable[[Proxy, Line], None]
) -> None:
    fault(line.near if side == "agents" else line.far, line)
    assert line.calm() < 30
    found = line.balance()
    assert found.exact, found


def test_agent_gives_a_deaf_connection_up_by_itself(line: Line) -> None:
    """Nobody resets it: the agent alone finds that nothing comes back, and connects anew."""
    before = line.broker.log().count("as node-0 ")
    line.near.stalled = True
    # What a connection that stands can say of itself; nothing will be carried for it any more.
    until(lambda: "delivery waits" in line.agents[0].log(), "noticed")
    line.near.stalled = False
    until(lambda: line.broker.log().count("as node-0 ") > before, "connected anew")
    assert line.calm() < 30
    found = line.balance()
    assert found.exact, found


def test_packets_are_found_wherever_the_stream_is_cut() -> None:
    puback, long = bytes([0x40, 2, 0, 1]), bytes([0x30, 0x81, 0x01]) + bytes(129)
    stream = puback + long + puback
    for size in (1, 2, 3, 100, len(stream)):
        packets = Packets()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [kind for piece in pieces for kind, _ in packets.of(piece)] == [PUBACK, 3, PUBACK]
