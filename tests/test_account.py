"""A device's account under an injected clock: what it settles is worked out by hand."""

import json
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sobre_agent.account import Account, Span
from sobre_agent.cutters import cutter_for
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.load import Origin
from sobre_drivers.sample import UJ_PER_J, Described, Instant, Reading, Sample

PARIS = ZoneInfo("Europe/Paris")
HOURS = WorkingHours(8, 18)
DAY = cutter_for("day", PARIS, HOURS)
MINUTE = cutter_for("minute", PARIS, HOURS)

PC = Described(
    "pc-1",
    "workstation.desktop",
    200.0,
    "model",
    Origin.ESTIMATED,
    off_w=0.5,
    sleep_w=2.0,
    own=True,
)
METER = Described(
    "pdu/outlet-1", "server", 1000.0, "modbus", Origin.MEASURED, None, 3_600 * UJ_PER_J
)


def paris(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


class Machine:
    """The clocks of a machine, moved by hand."""

    def __init__(self, wall: str, booted_s_ago: float = 1000.0) -> None:
        self.wall_s = paris(wall)
        self.boot_s = self.mono_s = booted_s_ago

    def now(self) -> Instant:
        return Instant(self.wall_s, self.mono_s, self.boot_s)

    def awake(self, span_s: float) -> None:
        self.wall_s += span_s
        self.boot_s += span_s
        self.mono_s += span_s

    def asleep(self, span_s: float) -> None:
        self.wall_s += span_s
        self.boot_s += span_s

    def off(self, span_s: float, booting_s: float = 0.0) -> None:
        self.wall_s += span_s + booting_s
        self.boot_s = self.mono_s = booting_s


def at_work(account: Account, machine: Machine, span_s: int, power_w: float) -> list[Span]:
    """Samples each minute at a constant power; the first one now."""
    spans = account.take(Sample(machine.now(), Reading(PC.device, power_w=power_w, state="on")))
    for _ in range(span_s // 60):
        machine.awake(60)
        reading = Reading(PC.device, power_w=power_w, state="on")
        spans += account.take(Sample(machine.now(), reading))
    return spans


def total(spans: list[Span]) -> tuple[int, dict[str, int]]:
    states: dict[str, int] = {}
    for span in spans:
        for state, seconds in (span.state_s or {}).items():
            states[state] = states.get(state, 0) + seconds
    return sum(span.energy_j for span in spans), states


def test_a_pc_day_is_cut_at_the_edges_of_the_working_day() -> None:
    machine = Machine("2026-11-24T07:00")
    account = Account(PC, DAY, 60)
    spans = at_work(account, machine, 18 * 3600, 40.0)
    assert [(span.end, span.span_s) for span in spans] == [
        (int(paris("2026-11-24T08:00")), 3600),
        (int(paris("2026-11-24T18:00")), 36_000),
        (int(paris("2026-11-25T00:00")), 21_600),
    ]
    assert [span.energy_j for span in spans] == [144_000, 1_440_000, 864_000]
    assert all(span.state_s == {"on": span.span_s} for span in spans)
    assert {span.power_max_w for span in spans} == {40}


def test_night_off_then_crash_gives_the_total_of_the_method_and_not_mean_times_24_h() -> None:
    """8 h at 40 W, 1 h of which nothing is known, 15 h off at 0.5 W: 1,179,000 J are known."""
    machine = Machine("2026-11-24T00:00")
    account = Account(PC, DAY, 60)
    machine.off(8 * 3600)
    spans = account.take(Sample(machine.now(), Reading(PC.device, power_w=40.0, state="on")))
    spans += at_work(account, machine, 4 * 3600, 40.0)
    account = Account(PC, DAY, 60, json.loads(json.dumps(account.saved())))
    machine.awake(3600)
    spans += at_work(account, machine, 4 * 3600, 40.0)
    account = Account(PC, DAY, 60, json.loads(json.dumps(account.saved(clean=True))))
    machine.off(15 * 3600)
    spans += at_work(account, machine, 60, 40.0)
    energy_j, states = total(spans + account.finish())
    # The 15 h end at 08:00 the next day; one minute of work follows.
    assert states == {"on": 8 * 3600 + 60, "unknown": 3600, "off": 15 * 3600}
    assert energy_j == 40 * 8 * 3600 + 40 * 60 + round(0.5 * 15 * 3600)
    assert {span.origin for span in spans} == {Origin.ESTIMATED}


def test_power_lost_without_warning_leaves_the_time_since_the_checkpoint_unknown() -> None:
    machine = Machine("2026-11-24T10:00")
    account = Account(PC, DAY, 60)
    at_work(account, machine, 600, 40.0)
    account = Account(PC, DAY, 60, json.loads(json.dumps(account.saved())))
    machine.off(3600)
    spans = at_work(account, machine, 0, 40.0) + account.finish()
    assert total(spans)[1] == {"on": 600, "unknown": 600, "off": 3000}


def test_sleep_has_its_own_power_and_wakes_without_a_spike() -> None:
    machine = Machine("2026-11-24T10:00")
    account = Account(PC, DAY, 60)
    at_work(account, machine, 600, 40.0)
    machine.asleep(3600)
    machine.awake(30)
    at_work(account, machine, 0, 60.0)
    energy_j, states = total(account.finish())
    assert states == {"on": 630, "sleep": 3600}
    assert energy_j == 40 * 600 + 2 * 3600 + (40 + 60) // 2 * 30


@pytest.mark.parametrize("set_by_s", [7200, -3600], ids=["forward", "back"])
def test_a_clock_that_is_set_invents_no_energy(set_by_s: int) -> None:
    machine = Machine("2026-11-24T10:00")
    account = Account(PC, DAY, 60)
    spans = at_work(account, machine, 600, 40.0)
    machine.wall_s += set_by_s
    machine.awake(60)
    spans += at_work(account, machine, 600, 40.0) + account.finish()
    energy_j, states = total(spans)
    assert energy_j == 40 * 1260
    assert states == {"on": 1260}
    assert any("the clock was set" in finding for finding in account.findings())


@pytest.mark.parametrize(
    ("day", "length_h"), [("2026-10-25", 25), ("2027-03-28", 23)], ids=["autumn", "spring"]
)
def test_days_of_23_and_25_hours_are_whole(day: str, length_h: int) -> None:
    machine = Machine(f"{day}T00:00")
    account = Account(PC, DAY, 60)
    spans = at_work(account, machine, length_h * 3600, 10.0)
    assert [(span.span_s, span.energy_j) for span in spans] == [
        (length_h * 3600, 10 * length_h * 3600)
    ]


def counts(account: Account, machine: Machine, value: int, serial: str = "A") -> list[Span]:
    register_uj = value * METER.count_uj
    return account.take(
        Sample(machine.now(), Reading(METER.device, register_uj=register_uj, serial=serial))
    )


def test_a_register_bridges_days_away_without_losing_a_joule() -> None:
    machine = Machine("2026-11-24T10:00:00")
    account = Account(METER, MINUTE, 10)
    spans = counts(account, machine, 1000)
    machine.awake(10)
    spans += counts(account, machine, 1002)
    machine.awake(3 * 86_400)
    spans += counts(account, machine, 9002)
    machine.awake(110)
    spans += counts(account, machine, 9010)
    spans += account.finish()
    assert sum(span.energy_j for span in spans) == 8010 * 3600
    assert [span.origin for span in spans[1:5]] == [Origin.ALLOCATED] * 4
    assert [span.span_s for span in spans[1:5]] == [50_390, 86_400, 86_400, 36_010]
    assert all(span.state_s is None for span in spans)


def test_a_replaced_meter_leaves_a_hole_and_no_energy() -> None:
    machine = Machine("2026-11-24T10:00:00")
    account = Account(METER, MINUTE, 10)
    spans = counts(account, machine, 1000)
    machine.awake(20)
    spans += counts(account, machine, 1005)
    machine.awake(20)
    spans += counts(account, machine, 3, serial="B")
    machine.awake(20)
    spans += counts(account, machine, 5, serial="B")
    spans += account.finish()
    assert [(span.span_s, span.energy_j) for span in spans] == [(20, 18_000), (20, 7_200)]
    assert spans[1].end - spans[0].end == 40
    assert account.findings() == ["register: meter_replaced"]


def test_a_register_that_was_not_read_once_is_not_replaced_by_its_power() -> None:
    machine = Machine("2026-11-24T10:00:00")
    account = Account(METER, MINUTE, 10)
    spans = counts(account, machine, 1000)
    for value in (None, 1004):
        machine.awake(10)
        uj = None if value is None else value * METER.count_uj
        reading = Reading(METER.device, register_uj=uj, power_w=700.0)
        spans += account.take(Sample(machine.now(), reading))
    assert sum(span.energy_j for span in spans + account.finish()) == 4 * 3600


def fractions_of_a_joule() -> Iterator[float]:
    yield from (0.1, 0.7, 3.3, 0.05, 12.345, 99.9)


def test_what_does_not_make_a_joule_is_carried_over_boundaries_and_restarts() -> None:
    machine = Machine("2026-11-24T10:00:00")
    account = Account(PC, MINUTE, 5)
    energy_j = expected_uj = 0
    before_w = None
    for n in range(1000):
        for power_w in fractions_of_a_joule():
            reading = Reading(PC.device, power_w=power_w, state="on")
            energy_j += total(account.take(Sample(machine.now(), reading)))[0]
            if before_w is not None:
                expected_uj += round((before_w + power_w) / 2 * 7 * 1e6)
            before_w = power_w
            machine.awake(7)
        if n % 100 == 0:
            saved = json.loads(json.dumps(account.saved()))
            account = Account(PC, MINUTE, 5, saved)
    energy_j += total(account.finish())[0]
    assert energy_j == expected_uj // UJ_PER_J


def test_power_of_a_meter_that_fell_silent_is_a_hole_even_if_its_reader_was_off() -> None:
    meter = Described("plug-1", "printer", 1000.0, "plug", Origin.MEASURED)
    machine = Machine("2026-11-24T10:00:00")
    account = Account(meter, MINUTE, 10)
    account.take(Sample(machine.now(), Reading("plug-1", power_w=100.0)))
    machine.awake(10)
    account.take(Sample(machine.now(), Reading("plug-1", power_w=100.0)))
    account = Account(meter, MINUTE, 10, json.loads(json.dumps(account.saved(clean=True))))
    machine.off(7200)
    spans = account.take(Sample(machine.now(), Reading("plug-1", power_w=100.0)))
    machine.awake(10)
    spans += account.take(Sample(machine.now(), Reading("plug-1", power_w=100.0)))
    spans += account.finish()
    assert [(span.span_s, span.energy_j) for span in spans] == [(10, 1000), (10, 1000)]
