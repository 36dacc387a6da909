"""The chain-linked index: blind to who was monitored first, and to renewals."""

import pytest

from method.examples import published
from sobre_collector.indicators.linked import (
    Linked,
    LinkedStratum,
    Matched,
    disagrees,
    link_ratio,
    linked_reduction,
    matched,
)
from sobre_collector.indicators.moments import DeviceMonth, Stratum

LAPTOPS = Stratum("a", "nord", "workstation.laptop")


def device(work_kwh: float, rest_kwh: float, work: float, rest: float) -> DeviceMonth:
    return DeviceMonth((work_kwh, rest_kwh), (work, rest), work_kwh + rest_kwh, 0.0, 0.0)


@pytest.mark.shared
def test_published_link() -> None:
    given = published("WE22_chain")
    # Its inputs are not given: two devices in both periods, 12 kWh a day before and 11 after.
    pairs = [Matched(1, 7.0, 6.5), Matched(1, 5.0, 4.5)]
    assert link_ratio(pairs) == pytest.approx(given["link"], rel=1e-6)


def test_matched_devices_are_compared_day_for_day() -> None:
    before = {"p": device(20, 2, 20, 10), "q": device(5, 0, 10, 0), "gone": device(50, 9, 20, 10)}
    after = {"p": device(9, 1, 10, 5), "q": device(8, 3, 20, 9), "new": device(90, 9, 20, 10)}
    found = matched(before, after, (21, 9))
    # p: 1 and 0.2 kWh a day before, 0.9 and 0.2 after; q only on work days: 0.5 against 0.4.
    assert found.devices == 2
    assert found.before_kwh == pytest.approx(21 * 1.0 + 9 * 0.2 + 21 * 0.5)
    assert found.after_kwh == pytest.approx(21 * 0.9 + 9 * 0.2 + 21 * 0.4)


def test_nothing_matched_is_no_link() -> None:
    assert link_ratio([matched({}, {"new": device(1, 1, 1, 1)}, (20, 10))]) is None


def linked(strata: list[LinkedStratum]) -> Linked | None:
    return linked_reduction(
        strata, census_before_kwh=0, census_after_kwh=0, users_before=10, users_after=10
    )


def test_unlinked_stratum_takes_the_link_of_its_class() -> None:
    other = Stratum("b", "sud", "workstation.laptop")
    seen = LinkedStratum(LAPTOPS, 100.0, 10, 10, (Matched(5, 10.0, 8.0),))
    printers = LinkedStratum(Stratum("a", "nord", "printer"), 0.0, 1, 1, (Matched(5, 9.0, 1.0),))
    found = linked([seen, printers, LinkedStratum(other, 100.0, 10, 10)])
    assert found is not None
    assert found.reduction_ratio == pytest.approx(0.2)
    assert found.borrowed == (other,)
    assert linked([LinkedStratum(other, 100.0, 10, 10)]) is None


@pytest.mark.parametrize(("r", "alarm"), [(0.12, False), (0.1201, True), (0.0799, True)])
def test_alarm_beyond_two_standard_errors(r: float, alarm: bool) -> None:
    assert disagrees(r, 0.01, Linked(0.1, (), 5)) is alarm
