"""LMDI by group: effects against logarithms worked out here, and that they add up exactly."""

from dataclasses import replace
from math import log

import pytest

from report_fleet import FACTS, LAPTOP, SERVER, half_monitored, perimeter
from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report.decomposition import Decomposition
from sobre_collector.report.figures import report
from sobre_collector.report.html_file import html_file

FEWER = Stratum("bx", "hdv", "monitor")


def decomposed(stated: Perimeter) -> Decomposition:
    found = report(half_monitored(), stated, 2025, FACTS).sections["decomposition"]
    assert isinstance(found, Decomposition)
    return found


def growing() -> Perimeter:
    """160 laptops in 2022, 200 in 2025; the server is one."""
    inventory = {
        "2022-01": {LAPTOP: (160.0, 0.0), SERVER: (1.0, 0.0)},
        "2025-01": {LAPTOP: (200.0, 0.0), SERVER: (1.0, 0.0)},
    }
    return replace(perimeter(), inventory=inventory)


def test_effects_are_those_of_the_logarithmic_mean() -> None:
    laptops, servers = sorted(decomposed(growing()).groups, key=lambda g: g.name, reverse=True)
    # 60,000 kWh with 160 laptops and 1,000 users; 54,000 with 200 and 1,100.
    weight = (54_000 - 60_000) / log(54 / 60)
    assert laptops.name == "workstations"
    assert laptops.users_kwh == pytest.approx(weight * log(1.1))
    assert laptops.devices_per_user_kwh == pytest.approx(weight * log(200 / 160 / 1.1))
    assert laptops.per_device_kwh == pytest.approx(weight * log(54 / 60 * 160 / 200))
    # The server: 40,000 to 36,000 kWh.
    weight = -4_000 / log(36 / 40)
    assert servers.users_kwh == pytest.approx(weight * log(1.1))
    assert servers.devices_per_user_kwh == pytest.approx(-weight * log(1.1))
    assert servers.per_device_kwh == pytest.approx(-4_000)


def test_effects_add_up_to_the_change_by_group_and_in_all() -> None:
    found = decomposed(growing())
    assert found.total is not None
    for one in (*found.groups, found.total):
        assert one.users_kwh is not None
        assert one.devices_per_user_kwh is not None
        assert one.per_device_kwh is not None
        effects = one.users_kwh + one.devices_per_user_kwh + one.per_device_kwh
        assert effects == pytest.approx(one.change_kwh, abs=1e-9 * abs(one.change_kwh))
    assert found.total.change_kwh == pytest.approx(90_000 - 100_000)


def test_without_an_inventory_of_the_baseline_year_it_says_what_is_missing() -> None:
    units = {LAPTOP: (200.0, 0.0), SERVER: (1.0, 0.0)}
    stated = replace(perimeter(), inventory={"2025-01": units})
    shown = report(half_monitored(), stated, 2025, FACTS)
    found = shown.sections["decomposition"]
    assert (found.groups, found.total) == ((), None)
    assert [one.code for one in found.missing] == ["decomposition-inventory"]
    assert "L’inventaire de l’année de référence 2022" in html_file(shown, "fr")


def test_a_group_of_one_period_only_has_its_whole_change_and_no_factor() -> None:
    rows = perimeter().baseline.rows
    gone = replace(rows[0], device_class="ups", kwh=500.0)
    baseline = replace(perimeter().baseline, rows=(*rows, gone))
    found = decomposed(replace(growing(), baseline=baseline))
    ups = next(one for one in found.groups if one.name == "ups")
    assert ups.whole
    assert ups.change_kwh == pytest.approx(-500.0)
    assert found.total is not None
    assert found.total.change_kwh == pytest.approx(90_000 - 100_500)


def test_laptops_desktops_and_screens_are_one_group() -> None:
    inventory = {**growing().inventory["2025-01"], FEWER: (150.0, 0.0)}
    stated = replace(growing(), inventory={**growing().inventory, "2025-01": inventory})
    # Nobody monitors the screens: no result, and so nothing to decompose.
    shown = report(half_monitored(), stated, 2025, FACTS)
    assert shown.result is None
    assert "decomposition" not in shown.sections
    assert {one.name for one in decomposed(growing()).groups} == {"workstations", "server"}
