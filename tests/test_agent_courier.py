"""A PC's delivery: planned over its running hours, and planned anew if it was in vain."""

import json
import logging
import time
from contextlib import closing
from pathlib import Path

import pytest

from services.ports import free_port
from simulated_meters import START, Turned
from sobre_agent import config
from sobre_agent.courier import NOTE, Courier
from sobre_agent.open_load import Span
from sobre_agent.spool import Spool
from sobre_drivers.load import Origin


def configured(folder: Path, pace: str = "daily") -> Path:
    path = folder / "agent.toml"
    path.write_text(
        'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        f'[spool]\nfolder = "{folder}"\n[delivery]\npace = "{pace}"\n'
    )
    return path


class Low:
    """Draws the lowest or highest that it may."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.ratio


def with_load(folder: Path) -> Spool:
    spool = Spool(folder)
    spool.meet("pc-1", "model", b"{}")
    spool.append([Span("pc-1", int(START), 60, 1, Origin.MEASURED)], {})
    return spool


def plan(spool: Spool) -> dict[str, object]:
    found: dict[str, object] = json.loads(spool.noted(NOTE) or "{}")
    return found


def test_delivery_in_vain_is_said_once_and_planned_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "sobre_agent.courier")
    path, clock = configured(tmp_path), Turned()
    with closing(with_load(tmp_path)) as spool:
        courier = Courier(config.load(path), path, spool, Low(0))
        for failures in (1, 2):
            deadline = time.monotonic() + 30
            while plan(spool).get("failures") != failures:
                assert time.monotonic() < deadline
                # Longer than the least wait before the next attempt.
                clock.at_s += 61
                courier.look(clock.now(), False)
                courier.save()
                time.sleep(0.05)
        courier.stop()
        assert spool.counts().waiting == 1
    said = [r.getMessage() for r in caplog.records if "did not come through" in r.getMessage()]
    assert len(said) == 1


def test_plan_survives_a_restart(tmp_path: Path) -> None:
    path, clock = configured(tmp_path), Turned()
    with closing(with_load(tmp_path)) as spool:
        for left_h in (8, 7, 6):
            courier = Courier(config.load(path), path, spool, Low(1))
            courier.look(clock.now(), False)
            courier.save()
            assert plan(spool)["left_s"] == left_h * 3600
            clock.at_s += 3600
            courier.look(clock.now(), False)
            courier.stop()
            # A night switched off counts for nothing.
            clock.at_s += 50_000


def test_pc_with_nothing_to_say_plans_nothing(tmp_path: Path) -> None:
    path, clock = configured(tmp_path, "hourly"), Turned()
    with closing(Spool(tmp_path)) as spool:
        courier = Courier(config.load(path), path, spool, Low(1))
        courier.look(clock.now(), False)
        courier.save()
        assert plan(spool)["left_s"] is None
        courier.look(clock.now(), True)
        courier.save()
        assert plan(spool)["left_s"] == 3600
        courier.stop()
