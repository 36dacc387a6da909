"""What the agent costs is told, and is part of what it reports: nothing is taken off."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sobre_agent.commands import doctor
from sobre_agent.config import AgentConfig, Meter
from sobre_agent.config import Host as HostSettings
from sobre_drivers.pc.host import DESKTOP, Host, cpu_times, model_of
from sobre_drivers.pc.pc_model import utilised_w
from sobre_drivers.pc.process import DAY_S, Cost, cost_of

WORK_S = 0.15
BUSY = ("user", "nice", "system", "irq", "softirq")
WORKS = f"import time\nwhile time.process_time() < {WORK_S}: pass"


def works(span_s: float) -> None:
    until_s = time.process_time() + span_s
    while time.process_time() < until_s:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it to the tick")
def test_own_work_is_in_the_power_that_is_reported(tmp_path: Path) -> None:
    seen = []

    def looked() -> object:
        seen.append(cpu_times())
        return seen[-1]

    host = Host("pc-1", device_class=DESKTOP, root=tmp_path, cpu_times=looked, processor_name="")
    host.read()
    own_s = time.process_time() + sum(os.times()[2:4])
    # As the agent samples, and as the process works that delivers for it.
    works(WORK_S)
    subprocess.run([sys.executable, "-c", WORKS], check=True)
    (reading,) = host.read()
    own_s = time.process_time() + sum(os.times()[2:4]) - own_s
    total_s = sum(seen[-1]) - sum(seen[0])
    tick_s = len(BUSY) / os.sysconf("SC_CLK_TCK")
    assert own_s >= 2 * WORK_S
    assert sum(getattr(seen[-1], n) - getattr(seen[0], n) for n in BUSY) >= own_s - tick_s
    assert reading.power_w is not None
    assert reading.power_w >= utilised_w(model_of(DESKTOP), (own_s - tick_s) / total_s)


def test_cost_of_a_process_is_its_own_and_that_of_its_children() -> None:
    before = cost_of(os.getpid())
    subprocess.run([sys.executable, "-c", WORKS], check=True)
    works(WORK_S)
    after = cost_of(os.getpid())
    assert after.cpu_s - before.cpu_s >= 2 * WORK_S - 0.03
    assert after.memory_mib > 5
    assert after.wakeups > before.wakeups


def test_cost_of_a_process_that_is_gone_is_an_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    with pytest.raises(OSError, match=str(gone.pid)):
        cost_of(gone.pid)


def test_rates_are_over_its_life() -> None:
    cost = Cost(span_s=7200.0, memory_mib=17.5, cpu_s=0.25, wakeups=180)
    assert cost.cpu_s_a_day == pytest.approx(3.0)
    assert cost.wakeups_a_second == pytest.approx(0.025)


def test_work_costs_what_the_model_says_of_a_load_so_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    model = model_of(DESKTOP)
    # One processor of four, all day.
    expected_j = (utilised_w(model, 0.25) - model.utilisation.idle_w) * DAY_S
    assert doctor._work_j(DAY_S, DESKTOP) == pytest.approx(expected_j)
    assert 0 < doctor._work_j(1.0, DESKTOP) < 100


@pytest.mark.parametrize(
    ("span_s", "enabled", "said"),
    [
        (3500.0, True, ", 17.5 MiB, 0.25 s of processor in 1.0 h with its deliveries"),
        (
            7200.0,
            False,
            ", 17.5 MiB, 0.25 s of processor in 2.0 h with its deliveries: "
            "3.0 s a day, 0.025 wake-ups a second",
        ),
        (7200.0, True, " J a day by the model, which are in what it reports"),
    ],
    ids=["young", "reader", "pc"],
)
def test_doctor_says_what_a_day_costs_once_it_can_tell(
    span_s: float, enabled: bool, said: str
) -> None:
    meters = () if enabled else (Meter(device="pdu-a3", profile="any", host="127.0.0.1"),)
    config = AgentConfig("o", "s", "pc-1", host=HostSettings(enabled=enabled), meters=meters)
    text = doctor.costing(Cost(span_s, 17.5, 0.25, 180), config)
    assert text.endswith(said)
    assert ("a day" in text) == (span_s >= 3600)
