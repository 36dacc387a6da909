"""Printers: what their states are worth, and how seldom they are asked."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from snmp.agents import HOST, Agents, recording
from snmp.relay import Relay
from snmp.tiny import Tiny
from sobre_agent.account import Account
from sobre_agent.config import Meter
from sobre_agent.cutters import Midnights
from sobre_agent.open_load import Span
from sobre_agent.schedule import Group
from sobre_agent.sources import Source
from sobre_drivers.calendar import Times, WorkingHours
from sobre_drivers.errors import MeterError
from sobre_drivers.load import Origin
from sobre_drivers.meters import catalog, patience
from sobre_drivers.meters.configured import SnmpAccess
from sobre_drivers.meters.kind import MeterDriver
from sobre_drivers.sample import Instant, Reading, Sample

PARIS = ZoneInfo("Europe/Paris")
# A Tuesday on which people work.
MIDNIGHT_S = datetime(2026, 3, 10, tzinfo=PARIS).astimezone(UTC).timestamp()
HOUR_S = 3600.0
TYPE = "1.3.6.1.2.1.25.3.2.1.2.1"
DEVICE = "1.3.6.1.2.1.25.3.2.1.5.1"
STATUS = "1.3.6.1.2.1.25.3.5.1.1.1"
UNIT = "1.3.6.1.2.1.43.10.2.1.3.1.1"
COUNT = "1.3.6.1.2.1.43.10.2.1.4.1.1"
SERIAL = "1.3.6.1.2.1.43.5.1.1.17.1"


@dataclass
class Clock:
    """A clock that a test moves on."""

    now_s: float = 0.0

    def now(self) -> Instant:
        return Instant(MIDNIGHT_S + self.now_s, self.now_s, self.now_s)


def printer(status: int, device: int, count: int = 1000) -> dict[str, tuple[str, object]]:
    return {
        TYPE: ("6", "1.3.6.1.2.1.25.3.1.5"),
        DEVICE: ("2", device),
        STATUS: ("2", status),
        UNIT: ("2", 7),
        COUNT: ("65", count),
        SERIAL: ("4", "CN1"),
    }


# hrPrinterStatus and hrDeviceStatus.
STATES = {
    "ready": (3, 2),
    "printing": (4, 2),
    "warmup": (5, 2),
    "asleep": (1, 2),
    "down": (1, 5),
    "alert": (1, 3),
    "low-toner": (3, 3),
}


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with Agents({name: recording(printer(*state)) for name, state in STATES.items()}) as made:
        yield made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "monotonic", lambda: made.now_s)
    return made


def asking(port: int, community: str, folder: Path, timeout_s: float = 10) -> MeterDriver:
    file = folder / community
    file.write_text(community, encoding="utf-8")
    file.chmod(0o600)
    access = SnmpAccess(community_file=file)
    return catalog.driver_for(
        Meter(device="p", profile="printer", host=HOST, port=port, snmp=access, timeout_s=timeout_s)
    )


def days(driver: MeterDriver, clock: Clock, count: int = 1) -> Iterator[Sample]:
    """The samples that the agent's own schedule takes in so many days."""
    about = catalog.about(catalog.find("printer"))
    times = Times(PARIS, WorkingHours()) if about.hours == "working" else None
    group = Group([Source("p", driver, about.sample_s, "day", "x", times=times)], clock)
    end_s = clock.now_s + count * 24 * HOUR_S
    while (due_s := group.due_s()) < end_s:
        clock.now_s = due_s
        heard = group.ask()
        for reading in heard.readings:
            yield Sample(heard.at, reading)
    clock.now_s = end_s


@pytest.mark.parametrize(
    ("community", "state", "power_w"),
    [
        ("ready", "ready", 40),
        ("low-toner", "ready", 40),
        ("printing", "printing", 450),
        ("warmup", "warmup", 450),
        ("asleep", "sleep", 4),
        # An error, or a critical alert: it is on, and nobody knows how warm.
        ("down", "unknown", None),
        ("alert", "unknown", None),
    ],
)
def test_a_state_is_worth_what_the_profile_says(
    agents: Agents, tmp_path: Path, community: str, state: str, power_w: float | None
) -> None:
    driver = asking(agents.port, community, tmp_path)
    (reading,) = driver.read()
    driver.close()
    assert (reading.state, reading.power_w, reading.pages) == (state, power_w, 1000)


@pytest.mark.parametrize(
    ("community", "most"),
    # 13 h at six rounds an hour are 78; one question finds the printer's row at the beginning.
    [("printing", 79), ("ready", 41), ("asleep", 40)],
)
def test_a_day_costs_few_packets(
    agents: Agents, clock: Clock, tmp_path: Path, community: str, most: int
) -> None:
    with Relay(agents.port) as relay:
        driver = asking(relay.port, community, tmp_path)
        taken = sum(1 for _ in days(driver, clock))
        driver.close()
        assert 0 < taken <= relay.asked <= most
        # A question of some hundred bytes: nothing that a network would notice.
        assert max(relay.sizes) < 250


def test_nobody_asks_out_of_hours(agents: Agents, clock: Clock, tmp_path: Path) -> None:
    driver = asking(agents.port, "ready", tmp_path)
    asked_h = [sample.at.mono_s / HOUR_S for sample in days(driver, clock)]
    driver.close()
    assert min(asked_h) >= 7
    assert max(asked_h) < 20


def test_a_printer_that_is_silent_is_asked_once_a_round(agents: Agents, tmp_path: Path) -> None:
    with Relay(agents.port) as relay:
        relay.deaf = True
        driver = asking(relay.port, "ready", tmp_path, timeout_s=0.02)
        for _ in range(9):
            with pytest.raises(MeterError, match="no answer"):
                driver.read()
        driver.close()
        assert relay.asked == 9, "no second question for a lost answer"


def account() -> Account:
    (described,) = catalog.describe(Meter(device="p", profile="printer", host=HOST))
    sample_s = catalog.about(catalog.find("printer")).sample_s
    return Account(described, Midnights(PARIS, WorkingHours()), sample_s)


def settled(samples: Iterator[Sample]) -> list[Span]:
    book, spans = account(), []
    for sample in samples:
        spans += book.take(sample)
    return spans + book.finish()


def test_silence_out_of_hours_is_neither_off_nor_energy(
    agents: Agents, clock: Clock, tmp_path: Path
) -> None:
    driver = asking(agents.port, "ready", tmp_path)
    spans = settled(days(driver, clock, 2))
    driver.close()
    seconds: dict[str, int] = {}
    for span in spans:
        assert span.origin is Origin.ESTIMATED
        for state, state_s in (span.state_s or {}).items():
            seconds[state] = seconds.get(state, 0) + state_s
    assert seconds.keys() <= {"ready", "unknown"}, "no answer is not off"
    # Twice from the first to the last answer of 13 h.
    assert 2 * 12.5 * HOUR_S <= seconds["ready"] <= 2 * 13 * HOUR_S
    assert sum(span.energy_j for span in spans) == pytest.approx(40 * seconds["ready"], abs=2)


def test_a_state_is_held_until_the_next_answer_and_a_missed_round_is_bridged(
    clock: Clock,
) -> None:
    """method.md 2.5: left-hold up to 2.5 periods, 1500 s."""
    powers_w = {"ready": 40.0, "sleep": 4.0}

    def said() -> Iterator[Sample]:
        for state in ("ready", None, "sleep", None, None, "sleep"):
            if state is not None:
                yield Sample(clock.now(), Reading("p", power_w=powers_w[state], state=state))
            clock.now_s += 600

    spans = settled(said())
    seconds: dict[str, int] = {}
    for span in spans:
        for state, state_s in (span.state_s or {}).items():
            seconds[state] = seconds.get(state, 0) + state_s
    # Three rounds after the second answer are more than 1500 s: nobody knows.
    assert seconds.pop("unknown", 0) in (0, 1800)
    assert seconds == {"ready": 1200}
    assert sum(span.energy_j for span in spans) == 22 * 1200


def test_the_pages_of_another_printer_are_not_added(
    clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    objects: dict[str, int | str] = {TYPE: "1.3.6.1.2.1.25.3.1.5", STATUS: 4, DEVICE: 2, UNIT: 7}
    with Tiny(objects | {COUNT: 1000, SERIAL: 11}) as tiny:
        driver = asking(tiny.port, "public", tmp_path)
        pages = [driver.read()[0].pages]
        tiny.objects |= {COUNT: 250_000, SERIAL: 12}
        pages += [driver.read()[0].pages for _ in range(2)]
        driver.close()
    assert pages == [1000, None, 250_000]
    assert caplog.text.count("another serial number") == 1


def test_a_printer_that_states_its_delay_is_not_asked_within_it(
    clock: Clock, tmp_path: Path
) -> None:
    """HP's object; 30 minutes."""
    objects: dict[str, int | str] = {TYPE: "1.3.6.1.2.1.25.3.1.5", STATUS: 3, DEVICE: 2, UNIT: 7}
    objects |= {COUNT: 1000, "1.3.6.1.4.1.11.2.3.9.4.2.1.1.1.1.0": 1800}
    with Tiny(objects) as tiny:
        driver = asking(tiny.port, "public", tmp_path)
        at_s = [sample.at.mono_s for sample in days(driver, clock)]
        driver.close()
    assert {after - before for before, after in itertools.pairwise(at_s[2:])} == {2400.0}
