"""Every source at its own pace: one that fails, hangs or lies stops no other."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulated_meters import START, Steady, Turned, ask_until, source
from sobre_agent.loop import Loop
from sobre_agent.schedule import Group, Round, after
from sobre_agent.silence import Silence
from sobre_drivers.calendar import Times, WorkingHours
from sobre_drivers.errors import MeterError
from sobre_drivers.sample import Instant, Reading


def fails() -> None:
    raise MeterError("no answer within 3 s")


@pytest.mark.parametrize(
    ("due_s", "now_s", "period_s", "failures", "next_s"),
    [
        (100, 100.2, 10, 0, 110),
        (100, 109.9, 10, 0, 110),
        (100, 110.0, 10, 0, 120),
        (100, 3735.0, 10, 0, 3740),
        (100, 101, 10, 1, 120),
        (100, 101, 10, 2, 130),
        (100, 101, 5, 2, 120),
        (100, 101, 10, 9, 130),
        (100, 101, 600, 9, 700),
    ],
    ids=[
        "in-time",
        "late",
        "missed-one",
        "slept",
        "failed",
        "again",
        "rarer",
        "bounded",
        "slow-meter",
    ],
)
def test_source_is_due_in_step_with_its_pace(
    due_s: float, now_s: float, period_s: float, failures: int, next_s: float
) -> None:
    assert after(due_s, now_s, period_s, failures) == next_s


def test_sources_of_one_address_keep_their_own_paces() -> None:
    clock = Turned()
    fast, slow = Steady("fast", clock), Steady("slow", clock)
    group = Group([source(fast, 10), source(slow, 60)], clock)
    ask_until(group, clock, START + 3600)
    assert (fast.asked, slow.asked) == (361, 61)


def test_failing_source_is_asked_less_often_and_the_others_as_before() -> None:
    clock = Turned()
    good, bad = Steady("good", clock), Steady("bad", clock, says=fails)
    group = Group([source(bad), source(good)], clock)
    ask_until(group, clock, START + 3600)
    assert good.asked == 361
    assert 120 <= bad.asked <= 122


def test_what_is_asked_in_working_hours_only_sleeps_out_of_them() -> None:
    zone = ZoneInfo("Europe/Paris")
    clock = Turned()
    asked_at: list[datetime] = []
    printer = Steady("printer", clock, says=lambda: asked_at.append(local(clock.at_s, zone)))
    bulb = Steady("bulb", clock)
    hours = WorkingHours(start_h=8, end_h=18)
    at_work = replace(source(printer, 600), times=Times(zone, hours))
    group = Group([at_work, source(bulb, 600)], clock)
    # From a Monday to the next; 21 September 2026 is no holiday.
    said = ask_all(group, clock, START + 7 * 86_400)
    assert {at.isoweekday() for at in asked_at} == {1, 2, 3, 4, 5}
    assert {at.hour for at in asked_at} == set(range(8, 18))
    assert len(asked_at) == pytest.approx(5 * 10 * 6, abs=2)
    assert bulb.asked == 7 * 144 + 1, "who has no hours is asked always"
    # Out of hours is neither silence nor a value.
    assert all(each.problem is None for each in said)
    assert sum(bool(each.readings) for each in said) == len(asked_at) + bulb.asked


def local(wall_s: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(wall_s, tz=UTC).astimezone(zone)


def ask_all(group: Group, clock: Turned, end_s: float) -> list[Round]:
    said = []
    while (due_s := START - 1000 + group.due_s()) <= end_s:
        clock.at_s = due_s
        said.append(group.ask())
    return said


@pytest.mark.parametrize(
    "slip", [ValueError("odd"), KeyError("x"), ZeroDivisionError(), OSError("gone")], ids=repr
)
def test_a_drivers_slip_is_that_meters_failure(slip: Exception) -> None:
    def slips() -> None:
        raise slip

    clock = Turned()
    assert Group([source(Steady("odd", clock, says=slips))], clock).ask().problem


def test_silence_and_return_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock, silence = Turned(), Silence(ZoneInfo("Europe/Paris"))
    made = source(Steady("pdu-a3", clock))
    for problem in (None, "no answer", "no answer", "refused", None, None):
        silence.note(Round(made, clock.now(), (), problem))
        clock.at_s += 140
    said = [record.getMessage() for record in caplog.records]
    assert said == ["pdu-a3 silent since 16:15: no answer", "pdu-a3 back after 7 min"]


@pytest.mark.parametrize(
    ("before", "now", "finding"),
    [
        ({"register_uj": 5, "power_w": 60.0}, {"power_w": 60.0}, "no longer says its register"),
        ({"register_uj": 5}, {}, "no longer says its register"),
        ({"power_w": 60.0}, {}, "says no value"),
        ({"state": "ready"}, {"state": "unknown"}, None),
        ({"power_w": 60.0}, {"power_w": 0.0}, None),
    ],
    ids=["register-gone", "all-gone", "power-gone", "unknown-is-said", "zero-is-said"],
)
def test_a_device_that_answers_without_a_value_is_named_once(
    before: dict[str, Any],
    now: dict[str, Any],
    finding: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock, silence = Turned(), Silence(ZoneInfo("Europe/Paris"))
    made = source(Steady("pdu-a3", clock), at="pdu-a3:502")
    for said in (before, now, now, now, now, now, before, before):
        devices = [Reading(f"pdu-a3/outlet-0{n}", **said) for n in (1, 2)]
        silence.note(Round(made, clock.now(), devices))
        clock.at_s += 60
    told = [record.getMessage() for record in caplog.records]
    if finding is None:
        assert told == []
        return
    assert told[0].startswith(f"pdu-a3/outlet-01 (and 1 more) {finding}")
    assert told[1:] == [f"pdu-a3/outlet-0{n} says its values again after 5 min" for n in (1, 2)]


def test_a_value_that_is_missing_once_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    clock, silence = Turned(), Silence(ZoneInfo("Europe/Paris"))
    made = source(Steady("pdu-a3", clock), at="pdu-a3:502")
    for register_uj in (5, None, 6, None, None, 7):
        silence.note(Round(made, clock.now(), [Reading("pdu-a3", register_uj)]))
    assert caplog.records == []


def test_loop_sleeps_until_the_next_sample() -> None:
    clock = Turned()
    loop = Loop([source(Steady("pc-1", clock), 60)], clock, lambda heard: None)
    assert loop.wait_s() == 0
    assert loop.turn(0.0)
    assert loop.wait_s() == 60
    assert (
        Loop([source(Steady("x", clock), at="x:502")], clock, lambda heard: None).wait_s() is None
    )


@dataclass
class Now:
    """The real clock, for threads."""

    def now(self) -> Instant:
        return Instant(time.time(), time.monotonic(), time.monotonic())


@dataclass
class Heard:
    """What the loop handed over; `enough` ends the loop."""

    loop: Loop | None = None
    counts: dict[str, int] = field(default_factory=dict)
    enough: Callable[[dict[str, int]], bool] = lambda counts: False

    def enter(self, heard: Round) -> None:
        self.counts[heard.source.name] = self.counts.get(heard.source.name, 0) + 1
        if self.loop is not None and self.enough(self.counts):
            self.loop.stop()


def test_hanging_meter_delays_only_its_own_line() -> None:
    clock, release = Turned(), threading.Event()

    def hangs() -> None:
        release.wait(30)

    hung = Steady("hung", clock, says=hangs)
    good, own = Steady("good", clock), Steady("own", clock)
    sources = [
        source(hung, 0.01, at="a:502"),
        source(good, 0.01, at="b:502"),
        source(own, 0.01),
    ]
    heard = Heard(enough=lambda counts: min(counts.get("good", 0), counts.get("own", 0)) >= 5)
    heard.loop = Loop(sources, Now(), heard.enter)
    assert loop_ends(heard.loop, release)
    assert "hung" not in heard.counts


def test_many_addresses_are_asked_in_turn_by_few_threads() -> None:
    clock = Turned()
    meters = [Steady(f"m{n}", clock) for n in range(200)]
    heard = Heard(enough=lambda counts: len(counts) == 200 and min(counts.values()) >= 2)
    threads: set[int] = set()
    for each in meters:
        each.says = lambda: threads.add(threading.get_ident())
    heard.loop = Loop([source(m, 0.5, at=f"{m.name}:502") for m in meters], Now(), heard.enter)
    assert loop_ends(heard.loop, threading.Event())
    # As many as the machine happened to wait for at a time.
    assert len(threads) < 150


def test_each_hanging_meter_keeps_a_thread_and_no_more() -> None:
    clock, release = Turned(), threading.Event()

    def hangs() -> None:
        release.wait(30)

    hung = [Steady(f"hung{n}", clock, says=hangs) for n in range(10)]
    good = [Steady(f"good{n}", clock) for n in range(10)]
    asked_of_the_hung: list[int] = []

    def enough(counts: dict[str, int]) -> bool:
        if len(counts) < 10 or min(counts.values()) < 5:
            return False
        asked_of_the_hung.extend(each.asked for each in hung)
        release.set()
        return True

    heard = Heard(enough=enough)
    sources = [source(m, 0.01, at=f"{m.name}:502") for m in (*hung, *good)]
    heard.loop = Loop(sources, Now(), heard.enter)
    assert loop_ends(heard.loop, release)
    assert asked_of_the_hung[:10] == [1] * 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_driver_that_fails_as_none_should_ends_the_loop() -> None:
    def breaks() -> None:
        raise AttributeError("a mistake of ours")

    loop = Loop([source(Steady("x", Turned(), says=breaks), at="x:502")], Now(), lambda heard: None)
    limit = threading.Timer(30, loop.stop)
    limit.start()
    assert loop.run() is False
    limit.cancel()


def test_first_turns_are_spread() -> None:
    clock = Turned()
    loop = Loop(
        [source(Steady(f"m{n}", clock), 60, at=f"m{n}:502") for n in range(4)], clock, print
    )
    due_s = [group.due_s() - clock.now().mono_s for group in loop._elsewhere]
    assert due_s == [0.0, 2.5, 5.0, 7.5]


def loop_ends(loop: Loop, release: threading.Event) -> bool:
    """Run a loop, with a limit; what `run` answered."""
    limit = threading.Timer(30, loop.end)
    limit.start()
    try:
        return loop.run()
    finally:
        limit.cancel()
        release.set()


def test_loop_tells_when_a_thread_ended_on_its_own() -> None:
    loop = Loop([source(Steady("own", Turned()), 3600)], Now(), lambda heard: None)
    loop.end()
    assert loop.run() is False


def test_this_machine_is_asked_once_more_at_the_end() -> None:
    own = Steady("own", Turned())
    heard = Heard(enough=lambda counts: True)
    heard.loop = Loop([source(own, 3600)], Now(), heard.enter)
    assert heard.loop.run()
    assert own.asked == 2
