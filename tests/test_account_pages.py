"""What a printer printed while nobody looked is counted, and no energy with it."""

from datetime import datetime
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


def booked(*seen: tuple[float, str, float | None, int]) -> list[Span]:
    """The spans of a printer that showed (s after 19:40, state, W, pages)."""
    about = Described("printer-1", "printer", 1500.0, "snmp", Origin.ESTIMATED)
    account = Account(about, Midnights(PARIS, WorkingHours()), PERIOD_S)
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
