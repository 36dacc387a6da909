"""When a batch is sent again and a connection given up, on a clock that the test turns."""

from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from sobre_agent.config import Delivery
from sobre_agent.pace import Plan
from sobre_agent.publisher import Publisher, Sender
from sobre_agent.resend import Flight, backoff_s
from sobre_agent.spool import Spool


@pytest.mark.parametrize(
    ("attempt", "cap_s"),
    [(0, 60), (1, 120), (5, 1920), (6, 3600), (400, 3600)],
    ids=["first", "doubled", "sixth", "bounded", "no-overflow"],
)
def test_backoff_is_spread_over_the_whole_of_its_range(attempt: int, cap_s: float) -> None:
    rng = Random(attempt)
    waits = [backoff_s(attempt, rng) for _ in range(2000)]
    assert 0 <= min(waits) < cap_s * 0.01
    assert cap_s * 0.99 < max(waits) <= cap_s
    assert sum(waits) / len(waits) == pytest.approx(cap_s / 2, rel=0.05)


def test_ten_thousand_agents_that_lost_the_broker_together_come_back_over_a_minute() -> None:
    """Each draws by its own seed; a broker that takes 300 connections a second refuses none."""
    moments = sorted(backoff_s(0, Random(seed)) for seed in range(10_000))
    assert moments[-1] - moments[0] >= 59
    per_second = [sum(second <= at < second + 1 for at in moments) for second in range(60)]
    assert min(per_second) > 100
    assert max(per_second) < 300


def test_agents_that_fail_again_come_back_ever_more_thinly() -> None:
    at = [0.0] * 10_000
    for attempt in range(4):
        at = [t + backoff_s(attempt, Random(n * 31 + attempt)) for n, t in enumerate(at)]
    busiest = max(sum(s <= t < s + 10 for t in at) for s in range(0, 900, 10))
    assert busiest < 300


class Nowhere:
    """A link to a broker that is gone."""

    def __init__(self) -> None:
        self.paused: list[float] = []
        self.publisher: Publisher | None = None

    def open(self) -> None:
        raise ConnectionError("gone")

    def close(self) -> None: ...

    def wake(self) -> None: ...

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        assert self.publisher is not None
        self.publisher.stop()


def test_publisher_waits_a_random_part_of_a_minute_before_it_tries_again(tmp_path: Path) -> None:
    waits = []
    with closing(Spool(tmp_path)) as spool:
        for seed in range(200):
            link = Nowhere()
            sender = Sender("pc-1", 2, Delivery(), 60)
            link.publisher = publisher = Publisher(sender, spool, link, Random(seed))  # type: ignore[arg-type]
            publisher.run()
            waits += link.paused
    assert len(waits) == 200
    assert min(waits) < 3
    assert 57 < max(waits) <= 60


def flight(confirm_timeout_s: float = 60) -> Flight:
    return Flight(confirm_timeout_s, 3600, 60, Random(1))


def test_unconfirmed_batch_is_due_again_after_a_minute_and_then_ever_later() -> None:
    under_way, now_s = flight(), 0.0
    under_way.sent(1, now_s)
    assert under_way.due([1], 59.9) == []
    assert under_way.due([1], 60) == [1]
    waits = []
    for _ in range(12):
        while not under_way.due([1], now_s):
            now_s += 1
        under_way.sent(1, now_s)
        waits.append(now_s)
    assert all(after - before >= 60 for before, after in pairwise(waits))
    assert max(b - a for a, b in pairwise(waits)) > 600


def test_a_new_connection_makes_everything_due() -> None:
    under_way = flight()
    under_way.sent(1, 0)
    under_way.opened(5)
    assert under_way.due([1, 2], 5) == [1, 2]


def test_confirmed_batch_is_not_due() -> None:
    under_way = flight()
    under_way.sent(1, 0)
    under_way.answered(1, 1)
    assert under_way.next_s() is None
    assert not under_way.deaf(10_000)


def test_deaf_connection_is_given_up_after_two_keepalives_and_then_less_often() -> None:
    under_way = flight()
    under_way.opened(0)
    under_way.sent(1, 1000)
    assert not under_way.deaf(1119)
    assert under_way.deaf(1120)
    under_way.opened(1120)
    assert not under_way.deaf(1120 + 239)
    assert under_way.deaf(1120 + 240)
    under_way.answered(1, 1400)
    under_way.sent(2, 1400)
    assert under_way.deaf(1520)


def test_daily_moments_are_spread_over_eight_hours_of_running() -> None:
    rng = Random(7)
    moments = [Plan().wanted("2026-11-24", 8 * 3600, rng).left_s or 0 for _ in range(2000)]
    assert min(moments) < 300
    assert max(moments) > 8 * 3600 - 300


def test_delivery_waits_for_running_hours_over_several_days() -> None:
    plan = Plan(left_s=3 * 3600)
    for _ in range(2):
        assert not plan.run(2 * 3600 - 1).due
        plan = plan.run(3600)
    assert not plan.due
    assert plan.run(3600).due


def test_only_one_delivery_a_day() -> None:
    rng = Random(1)
    done = Plan(left_s=0).done("2026-11-24")
    assert done.wanted("2026-11-24", 3600, rng).left_s is None
    assert done.wanted("2026-11-25", 3600, rng).left_s is not None


def test_failed_delivery_is_tried_again_later_and_later() -> None:
    rng, plan, waits = Random(3), Plan(left_s=0), []
    for _ in range(20):
        plan = plan.failed(rng, 60, 3600)
        waits.append(plan.left_s or 0)
    assert all(60 <= wait_s <= 3600 for wait_s in waits)
    assert max(waits[10:]) > max(waits[:2])
    assert Plan(**plan.saved()) == plan
