"""What a printer printed while nobody looked is counted, and no energy with it."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sobre_agent.account import Account
from sobre_agent.cutters import Midnights
from sobre_agent.open_load import Span
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.load import Origin
from sobre_drivers.sample import Described, Instant, Reading, Sample

PARIS = ZoneInfo("Europe/Paris")
EVENING_S = datetime(2026, 3, 10, 19, 40, tzinfo=PARIS).timestamp()
PERIOD_S = 600.0


def printer(saved: Mapping[str, Any] | None = None) -> Account:
    about = Described("printer-1", "printer", 1500.0, "snmp", Origin.ESTIMATED)
    return Account(about, Midnights(PARIS, WorkingHours()), PERIOD_S, saved)


def showing(after_s: float, pages: int | None, serial: str | None = None) -> Sample:
    reading = Reading("printer-1", power_w=40.0, serial=serial, state="ready", pages=pages)
    return Sample(Instant(EVENING_S + after_s, after_s, after_s), reading)


def total(spans: Iterable[Span]) -> int:
    return sum(span.pages or 0 for span in spans)


def booked(*seen: tuple[float, str, float | None, int]) -> list[Span]:
    """The spans of a printer that showed (s after 19:40, state, W, pages)."""
    account = printer()
    spans = []
    for after_s, state, power_w, pages in seen:
        reading = Reading("printer-1", power_w=power_w, state=state, pages=pages)
        at = Instant(EVENING_S + after_s, after_s, after_s)
        spans += account.take(Sample(at, reading))
    return [*spans, *account.finish()]


@pytest.mark.parametrize(
    ("seen", "pages", "energy_j"),
    [
        # Seen at 19:40 and 19:50, then in the morning: the night's energy is nobody's guess.
        (
            [(0, "ready", 40.0, 100), (600, "ready", 40.0, 110), (43_200, "ready", 40.0, 160)],
            60,
            24_000,
        ),
        ([(0, "unknown", None, 100), (600, "unknown", None, 110)], 10, 0),
    ],
    ids=["overnight", "without-a-state"],
)
def test_pages_of_a_time_that_nobody_saw_are_counted(
    seen: list[tuple[float, str, float | None, int]], pages: int, energy_j: int
) -> None:
    spans = booked(*seen)
    assert sum(span.pages or 0 for span in spans) == pages
    assert sum(span.energy_j for span in spans) == energy_j
    unseen_s = sum((span.state_s or {}).get("unknown", 0) for span in spans)
    assert unseen_s == seen[-1][0] - energy_j / 40


def test_a_time_that_neither_state_nor_pages_tell_of_stays_a_hole() -> None:
    about = Described("pdu-1", "pdu", 1500.0, "modbus", Origin.MEASURED)
    account = Account(about, Midnights(PARIS, WorkingHours()), PERIOD_S)
    spans = []
    for after_s in (0.0, 600.0, 43_200.0):
        at = Instant(EVENING_S + after_s, after_s, after_s)
        spans += account.take(Sample(at, Reading("pdu-1", power_w=40.0)))
    spans += account.finish()
    assert [span.span_s for span in spans] == [600]


@pytest.mark.parametrize(
    ("counters", "pages", "finding"),
    [
        # Method 2.5, WE15.
        ([120_400, 120_950, 121_300, 150, 900, 1400], 2300, "the counter was reset"),
        # In ten minutes 200 pages a minute and the one on its way.
        ([1000, 3001], 2001, None),
        ([1000, 3002], 0, "3002 after 1000 cannot be printed"),
        ([1000, 900_000, 1100], 100, "900000 after 1000 cannot be printed"),
        ([1000, 900_000, 900_050], 50, "the counter is another one now"),
        # A board with a counter that is used: what it counted was printed elsewhere.
        ([90_000, 40_000, 40_030, 40_090], 90, "the counter is another one now"),
        ([1000, None, 1100], 100, None),
        ([1000, None, 4100], 3100, None),
    ],
    ids=[
        "reset",
        "as fast as can be",
        "one page more",
        "misread once",
        "another level",
        "another board",
        "silent for a round",
        "its time counts",
    ],
)
def test_no_more_pages_are_counted_than_can_be_printed(
    counters: list[int | None], pages: int, finding: str | None
) -> None:
    account = printer()
    spans, found = [], []
    for turn, counter in enumerate(counters):
        spans += account.take(showing(turn * PERIOD_S, counter))
        found += account.findings()
    assert total([*spans, *account.finish()]) == pages
    assert len(found) <= 2
    assert (finding or "") in " ".join(found)
    assert bool(found) == (finding is not None)


def test_another_serial_number_is_counted_anew() -> None:
    account = printer()
    spans = account.take(showing(0, 1000, "A"))
    spans += account.take(showing(600, 1100, "A"))
    spans += account.take(showing(1200, 1600, "B"))
    spans += account.take(showing(1800, 1601, "B"))
    assert total([*spans, *account.finish()]) == 101


@pytest.mark.parametrize(("counter", "pages"), [(1010, 10), (900_007, 7)])
def test_a_restart_forgets_neither_the_counter_nor_the_one_set_aside(
    counter: int, pages: int
) -> None:
    account = printer()
    spans = account.take(showing(0, 1000)) + account.take(showing(600, 900_000))
    again = printer(json.loads(json.dumps(account.saved(clean=True))))
    spans += again.take(showing(1200, counter))
    assert total([*spans, *again.finish()]) == pages


def test_a_counter_that_the_agent_before_kept_goes_on() -> None:
    account = printer()
    account.take(showing(0, 1000))
    saved = account.saved(clean=True)
    del saved["pages"]
    saved["last"]["pages"] = 1000
    again = printer(saved)
    assert total([*again.take(showing(600, 1040)), *again.finish()]) == 40
