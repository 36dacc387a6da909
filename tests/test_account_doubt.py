"""What a meter cannot have seen is held back by its account, whatever protocol brought it."""

import math
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from sobre_agent.account import Account, Span
from sobre_agent.cutters import cutter_for
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.load import Origin
from sobre_drivers.sample import UJ_PER_J, Described, Instant, Reading, Sample

MINUTE = cutter_for("minute", ZoneInfo("Europe/Paris"), WorkingHours())
METER = Described("m", "server", 1000.0, "snmp", Origin.MEASURED, None, 3_600 * UJ_PER_J)
BEGINS_S = 1_790_000_040.0


def taken(account: Account, second: float, **shown: float) -> list[Span]:
    at = Instant(BEGINS_S + second, second, second)
    return account.take(Sample(at, Reading("m", **shown)))  # type: ignore[arg-type]


@pytest.mark.parametrize("power_w", [1101.0, 1e30, math.inf, math.nan, -1.0, -1e9], ids=repr)
def test_a_power_that_cannot_be_is_no_power_and_is_named_once(power_w: float) -> None:
    account = Account(METER, MINUTE, 10)
    spans: list[Span] = []
    for second in range(0, 600, 10):
        spans += taken(account, second, power_w=power_w if 120 <= second < 300 else 100.0)
    (finding,) = account.findings()
    assert finding == f"power {power_w:g} W cannot be; rated_w allows 1100 W"
    assert sum(each.energy_j for each in spans) == 100 * sum(each.span_s for each in spans)
    # From the last good sample before to the first one after.
    assert sum(each.span_s for each in spans) == 540 - (300 - 110)
    assert all(each.power_max_w in (None, 100) for each in spans)


def test_power_may_flow_back_where_a_register_counts() -> None:
    account = Account(METER, MINUTE, 10)
    for second in range(0, 130, 10):
        taken(account, second, power_w=-500.0, register_uj=0)
    assert account.findings() == []
    taken(account, 130, power_w=-5000.0, register_uj=0)
    assert account.findings() == ["power -5000 W cannot be; rated_w allows 1100 W"]


@pytest.mark.parametrize(
    "register_j",
    [
        lambda second: 10_000 * second,
        lambda second: 10**9 * (second * 7919 % 997 + 1),
    ],
    ids=["more-than-rated", "jumps-about"],
)
def test_a_register_that_is_never_plausible_is_named_once(
    register_j: Callable[[int], int],
) -> None:
    account = Account(METER, MINUTE, 10)
    spans: list[Span] = []
    told: list[str] = []
    for second in range(0, 1200, 10):
        spans += taken(account, second, register_uj=(10**12 + register_j(second)) * UJ_PER_J)
        told += account.findings()
    said = [each for each in told if "nothing is booked" in each]
    assert len(said) == 1
    assert "see rated_w, word order and the model" in said[0]
    assert spans == []


def test_one_spike_of_a_register_is_a_spike_and_no_more() -> None:
    account = Account(METER, MINUTE, 10)
    for second in range(0, 300, 10):
        spike = 10**9 if second == 100 else 0
        taken(account, second, register_uj=(100 * second + spike) * UJ_PER_J)
    assert account.findings() == ["register: spike"]


def test_this_machines_own_model_is_believed() -> None:
    own = Described("m", "workstation.desktop", 100.0, "model", Origin.ESTIMATED, own=True)
    account = Account(own, MINUTE, 60)
    spans: list[Span] = []
    for second in range(0, 300, 60):
        spans += taken(account, second, power_w=120.0)
    assert account.findings() == []
    assert {each.energy_j for each in spans} == {7200}
