"""The demonstration PDU: what it tells is what it used, to the Wh and through a wrap."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from meters.rack import HOST, SCRIPT, RackPdu
from sobre_agent.cli import main
from sobre_agent.config import Meter
from sobre_drivers.meters import catalog
from sobre_drivers.registers import Limits, Register, Shown, Verdict, settle
from sobre_drivers.sample import RATED_MARGIN, Reading

pytest_plugins = ("meters.fixtures",)

WH_UJ = 3_600_000_000
WRAP_WH = 1 << 32
DEADLINE_S = 30.0


def read(pdu: RackPdu) -> dict[str, Reading]:
    meter = Meter(device="pdu-a3", profile="sobre-demo-pdu", host=pdu.host, port=pdu.port)
    with closing(catalog.driver_for(meter)) as driver:
        return {each.device.partition("/")[2] or "inlet": each for each in driver.read()}


def test_it_tells_what_it_used(rack_pdu: RackPdu) -> None:
    before = read(rack_pdu)
    after, truth = read(rack_pdu), rack_pdu.stop()
    assert before.keys() == truth["energy_uj"].keys()
    for name, reading in after.items():
        assert reading.serial == str(truth["serial"])
        assert reading.register_uj is not None
        shown_wh = reading.register_uj // WH_UJ
        # A count may have come, and the counter wrapped, between the reading and the end.
        assert (truth["register_wh"][name] - shown_wh) % WRAP_WH <= 1, name
        assert reading.power_w is not None
        assert 0 < reading.power_w < 2300
    idle = after["outlet-08"].power_w
    assert idle == 6.0


def test_inlet_is_the_sum_of_its_outlets_and_of_itself(rack_pdu: RackPdu) -> None:
    readings = read(rack_pdu)
    inlet_w = readings.pop("inlet").power_w
    assert inlet_w == pytest.approx(5 + sum(each.power_w or 0 for each in readings.values()))
    truth = rack_pdu.stop()
    used = truth["energy_uj"]
    outlets_uj = sum(uj for name, uj in used.items() if name != "inlet")
    # Its own 5 W: a whole number of mJ, since time counts in ms.
    own_uj = used["inlet"] - outlets_uj
    assert own_uj > 0
    assert own_uj % 5_000 == 0


def test_counters_go_on_after_a_restart(start_rack_pdu: Callable[..., RackPdu]) -> None:
    first = start_rack_pdu().stop()
    second = start_rack_pdu().stop()
    for name, used_uj in first["energy_uj"].items():
        assert second["energy_uj"][name] >= used_uj
    assert second["register_wh"]["outlet-01"] - first["register_wh"]["outlet-01"] in (0, 1)


def test_a_wrap_is_settled_as_one(start_rack_pdu: Callable[..., RackPdu]) -> None:
    pdu = start_rack_pdu()
    pdu.stop()
    state = json.loads(pdu.state_file.read_text(encoding="utf-8"))
    # Two seconds of its power below its wrap, so that nobody waits long for it.
    state["start_uj"][3] = WRAP_WH * WH_UJ - 800_000_000 - state["used_uj"][3]
    pdu.state_file.write_text(json.dumps(state), encoding="utf-8")
    pdu = start_rack_pdu()
    before = read(pdu)["outlet-03"].register_uj
    assert before == (WRAP_WH - 1) * WH_UJ
    deadline = time.monotonic() + DEADLINE_S
    while (after := read(pdu)["outlet-03"].register_uj) == before:
        assert time.monotonic() < deadline
    assert after == 0
    meter = Meter(device="pdu-a3", profile="sobre-demo-pdu", host=HOST, port=pdu.port)
    described = {each.device: each for each in catalog.describe(meter)}["pdu-a3/outlet-03"]
    limits = Limits(described.rated_w * RATED_MARGIN, described.count_uj, described.modulus_uj)
    anchor = Register(Shown(0.0, before))
    _, (step,) = settle(anchor, Shown(10.0, after), limits)
    assert step.verdict is Verdict.ROLLOVER
    assert step.energy_uj == WH_UJ


def test_nothing_may_be_written_to_it(rack_pdu: RackPdu) -> None:
    from pymodbus.client import ModbusTcpClient

    client = ModbusTcpClient(HOST, port=rack_pdu.port)
    assert client.write_register(18, 7).isError()
    client.close()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly(rack_pdu: RackPdu, number: signal.Signals) -> None:
    rack_pdu.process.send_signal(number)
    _, said = rack_pdu.process.communicate(timeout=20)
    assert (rack_pdu.process.returncode, said) == (0, "")


def start_wrongly(*options: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *options], capture_output=True, text=True, timeout=60
    )
    return ended.returncode, ended.stderr


def test_a_taken_port_and_a_broken_state_are_told(rack_pdu: RackPdu, tmp_path: Path) -> None:
    code, said = start_wrongly("--port", str(rack_pdu.port))
    assert code == 1
    assert said.endswith(f"{HOST}:{rack_pdu.port}: cannot listen; is it taken?\n")
    broken = tmp_path / "broken.json"
    for text in ('{"start_uj": 3}', '{"start_uj": [1], "used_uj": [1]}', "[", "3"):
        broken.write_text(text, encoding="utf-8")
        code, said = start_wrongly("--port", "0", "--state", str(broken))
        assert (code, "remove it" in said) == (2, True), text


def test_meters_read_shows_values_with_units(
    rack_pdu: RackPdu, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--profile", "sobre-demo-pdu", "--host", HOST, "--port", str(rack_pdu.port)]
    assert main(["meters", "read", *where, "--device", "pdu-a3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["pdu-a3", "serial", "20260007"] for line in lines)
    assert any(line.split() == ["pdu-a3/outlet-08", "power", "6", "W", "ok"] for line in lines)
    assert main(["meters", "read", *where, "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    wanted = {"device": "meter/outlet-08", "name": "power", "value": 6.0, "unit": "W"}
    assert any(wanted.items() <= row.items() for row in rows)
    rack_pdu.stop()
    assert main(["meters", "read", *where]) == 1
    assert "no connection" in capsys.readouterr().err
