"""Printers that being asked wakes, and those it does not: how often each is asked in a week."""

from dataclasses import dataclass, field

import pytest

from sobre_drivers.meters import patience

HOUR_S = 3600.0


@dataclass
class Clock:
    """A clock that a test moves on."""

    now_s: float = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "monotonic", lambda: made.now_s)
    return made


@dataclass
class Sleeper:
    """A printer that sleeps `delay_s` after it was last asked or used, and says so when asked.

    `wakes`: being asked begins the wait anew, as makers say of some.
    """

    clock: Clock
    delay_s: float
    wakes: bool
    used_s: list[float] = field(default_factory=list)
    awake_until_s: float = 0.0
    awake_s: float = 0.0

    def ask(self) -> str:
        now_s = self.clock.now_s
        while self.used_s and self.used_s[0] <= now_s:
            self._wake(self.used_s.pop(0))
        state = "ready" if now_s < self.awake_until_s else "sleep"
        if self.wakes:
            self._wake(now_s)
        return state

    def _wake(self, at_s: float) -> None:
        until_s = at_s + self.delay_s
        self.awake_s += until_s - max(at_s, self.awake_until_s)
        self.awake_until_s = max(until_s, self.awake_until_s)


def week(own: patience.Patience, sleeper: Sleeper, clock: Clock) -> tuple[int, float]:
    """How often it is asked in five working days of 13 h, and for how long (s) it is awake."""
    asked, before_s = 0, sleeper.awake_s
    start_s = clock.now_s - clock.now_s % (24 * HOUR_S) + 24 * HOUR_S
    for day in range(5):
        for turn in range(78):
            clock.now_s = start_s + (24 * day + 7) * HOUR_S + turn * 600
            if not own.rests():
                own.note(sleeper.ask(), None)
                asked += 1
    return asked, sleeper.awake_s - before_s


@pytest.mark.parametrize("delay_s", [1800, 3600], ids=["30-min", "1-h"])
def test_a_printer_that_asking_keeps_awake_is_left_alone(clock: Clock, delay_s: float) -> None:
    sleeper, own = Sleeper(clock, delay_s, wakes=True), patience.Patience()
    week(own, sleeper, clock)
    assert own.keeps_awake
    asked, awake_s = week(own, sleeper, clock)
    assert asked <= 5 * 13
    # Asked each ten minutes it would be awake from the first question to the last, and a while.
    assert awake_s < 5 * 13 * HOUR_S * delay_s / 4200 * 1.1


def test_a_printer_with_a_short_delay_sleeps_between_two_questions(clock: Clock) -> None:
    sleeper, own = Sleeper(clock, 300, wakes=True), patience.Patience()
    asked, awake_s = week(own, sleeper, clock)
    assert not own.keeps_awake
    assert asked <= 5 * 41
    assert awake_s <= 5 * 41 * 300


def test_a_printer_that_sleeps_while_it_is_asked_is_asked_on(clock: Clock) -> None:
    # Once in the morning; later it is used so often that it stays ready for two hours.
    hours = (8, 10, 10.5, 11, 11.5)
    used_s = [(24 * day + hour) * HOUR_S for day in range(1, 20) for hour in hours]
    sleeper, own = Sleeper(clock, 3000, wakes=False, used_s=used_s), patience.Patience()
    for _ in range(2):
        week(own, sleeper, clock)
    assert not own.keeps_awake
