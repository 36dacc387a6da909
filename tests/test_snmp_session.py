"""SNMP versions 1, 2c and 3 against real agents, and what goes wrong on the way."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from snmp.agents import HOST, Agents, recording
from snmp.relay import Relay
from snmp.tiny import Tiny
from sobre_agent.config import Meter
from sobre_drivers.errors import MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.snmp.access import Credentials
from sobre_drivers.meters.snmp.exchange import Exchange
from sobre_drivers.meters.snmp.session import Session

POWER = "1.3.6.1.4.1.21239.5.2.3.1.1.9.1"
ENERGY = "1.3.6.1.4.1.21239.5.2.3.1.1.12.1"
OUTLET = "1.3.6.1.4.1.21239.5.2.3.6.1.12"
PDU = recording(
    {POWER: ("66", 1017), ENERGY: ("66", 5000)} | {f"{OUTLET}.{n}": ("66", n) for n in range(1, 41)}
)


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with Agents({"public": PDU, "secret": PDU, "cabinet": PDU}) as made:
        yield made


def pdu(port: int, **more: Any) -> Meter:
    known: dict[str, Any] = {"device": "pdu", "profile": "vertiv-geist", "host": HOST}
    return Meter(port=port, **known | more)


def shows(meter: Meter) -> float | None:
    driver = catalog.driver_for(meter)
    try:
        return driver.read()[0].power_w
    finally:
        driver.close()


def test_what_an_agent_has_is_asked_in_few_questions(agents: Agents) -> None:
    with Relay(agents.port) as relay:
        driver = catalog.driver_for(pdu(relay.port))
        assert len(driver.read()) == 41
        first = relay.asked
        driver.read()
        # 42 objects, 32 to a question.
        assert relay.asked - first == 2
        driver.close()


def test_a_long_table_is_walked_in_few_questions(agents: Agents) -> None:
    with Relay(agents.port) as relay:
        session = Session(Exchange(), HOST, relay.port, Credentials("2c", "public"), 10)
        assert session.walk(OUTLET) == [(str(n), n) for n in range(1, 41)]
        assert relay.asked == 2
        session.close()


def test_an_agent_that_goes_round_in_circles_ends_the_walk() -> None:
    objects = {f"{OUTLET}.{n}": n for n in range(1, 21)}
    with Tiny(objects, circles=True) as tiny:
        session = Session(Exchange(), HOST, tiny.port, Credentials("2c", "public"), 1, retries=0)
        assert session.walk(OUTLET) == [(str(n), n) for n in range(1, 11)]
        assert len(tiny.asked) == 2
        session.close()


def test_version_1_leaves_out_what_the_agent_lacks(agents: Agents) -> None:
    session = Session(Exchange(), HOST, agents.port, Credentials("1", "public"), 10)
    missing = f"{OUTLET}.99"
    assert session.get([POWER, missing, ENERGY]) == {POWER: 1017, ENERGY: 5000}
    assert len(session.walk(OUTLET)) == 40
    session.close()


def test_an_agent_that_says_too_big_is_asked_for_half() -> None:
    objects = {f"{OUTLET}.{n}": n for n in range(1, 31)}
    with Tiny(objects, most=10) as tiny:
        session = Session(Exchange(), HOST, tiny.port, Credentials("2c", "public"), 10)
        assert session.get(list(objects)) == objects
        assert max(tiny.asked[2:]) <= 10
        again = len(tiny.asked)
        session.get(list(objects))
        assert tiny.asked[again:] == [7, 7, 7, 7, 2], "it is remembered"
        session.close()


@pytest.mark.parametrize(
    "wrap",
    [lambda answer: b"\x00" * 40, lambda answer: answer[: len(answer) // 2], lambda _: b""],
    ids=["zeros", "half", "nothing"],
)
def test_nonsense_is_no_answer(wrap: Any) -> None:
    with Tiny({POWER: 1}, wrap=wrap) as tiny:
        session = Session(Exchange(), HOST, tiny.port, Credentials("2c", "public"), 0.5, retries=0)
        with pytest.raises(MeterError, match=r"no answer within 0\.5 s"):
            session.get([POWER])
        session.close()


def test_a_host_that_does_not_exist_is_named() -> None:
    session = Session(Exchange(), "127.0.0.256", 161, Credentials("2c", "public"), 0.5)
    with pytest.raises(MeterError, match=r"cannot be asked"):
        session.get([POWER])
    session.close()


def test_a_target_that_hangs_delays_only_itself(agents: Agents) -> None:
    """R19: the others are read while one waits for its answer; it is named."""
    lines: Lines = {}
    with Relay(agents.port) as relay:
        relay.deaf = True
        hangs = catalog.driver_for(pdu(relay.port, device="hangs", timeout_s=1.5), lines=lines)
        others = [
            catalog.driver_for(pdu(agents.port, device=f"pdu-{n}"), lines=lines) for n in range(3)
        ]
        said: list[str] = []

        def wait() -> None:
            try:
                hangs.read()
            except MeterError as error:
                said.append(str(error))

        waits = threading.Thread(target=wait)
        waits.start()
        until = time.monotonic() + 30
        while relay.asked == 0:
            assert time.monotonic() < until
            time.sleep(0.01)
        rounds = 0
        while waits.is_alive():
            for other in others:
                assert other.read()[0].power_w == 1017
            rounds += 1
        waits.join()
        assert rounds > 3, "the others went on while it hung"
        assert said[0].startswith(f"hangs ({HOST}:{relay.port}): no answer within 3 s")
        for driver in (hangs, *others):
            driver.close()


def test_an_agent_that_was_away_is_read_again(agents: Agents) -> None:
    with Relay(agents.port) as relay:
        driver = catalog.driver_for(pdu(relay.port, timeout_s=0.3))
        assert driver.read()[0].power_w == 1017
        relay.deaf = True
        with pytest.raises(MeterError, match="no answer"):
            driver.read()
        relay.deaf = False
        assert driver.read()[0].power_w == 1017
        driver.close()


def test_a_sum_lacks_nothing_that_the_agent_has() -> None:
    """One phase that is not said makes the sum unknown, never smaller (R23)."""
    phases = {f"1.3.6.1.4.1.318.1.1.30.4.2.1.6.{n}": 100 for n in (1, 2, 3)}
    with Tiny(phases) as tiny:
        driver = catalog.driver_for(pdu(tiny.port, profile="apc-easy-pdu"))
        assert driver.read()[0].power_w == 300
        lost: dict[str, int | str] = dict(list(phases.items())[:2])
        tiny.objects = lost
        assert driver.read()[0].power_w is None
        # From then on it has two phases, like another PDU that has no third.
        assert driver.read()[0].power_w == 200
        driver.close()


def test_closing_ends_the_thread_behind_it(agents: Agents) -> None:
    before = threading.active_count()
    lines: Lines = {}
    drivers = [catalog.driver_for(pdu(agents.port, device=f"pdu-{n}"), lines=lines) for n in (1, 2)]
    for driver in drivers:
        driver.read()
    drivers[0].close()
    assert threading.active_count() > before
    drivers[1].read()
    drivers[1].close()
    assert threading.active_count() == before
    # It may be asked again.
    assert drivers[0].read()
    drivers[0].close()
