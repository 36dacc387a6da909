"""What `check` says of meters: each needs its own library, and no other."""

import sys
from pathlib import Path
from typing import Any

import pytest

from sobre_agent import preflight
from sobre_agent.config import AgentConfig, Meter, SpoolSettings

LIBRARIES = {"modbus": "pymodbus", "tic": "serial", "snmp": "pysnmp"}
METERS: dict[str, dict[str, Any]] = {
    "modbus": {"profile": "sobre-demo-pdu", "host": "127.0.0.1"},
    "tic": {"profile": "linky-standard", "serial_port": "/dev/ttyUSB0", "rated_w": 9000.0},
    "snmp": {"profile": "apc-rpdu2", "host": "127.0.0.1", "rated_w": 7360.0},
    "nut": {"profile": "nut-realpower", "host": "127.0.0.1", "rated_w": 1500.0},
}


def problems(folder: Path, kind: str) -> list[str]:
    config = AgentConfig(
        "ville",
        "salle",
        node="reader-1",
        spool=SpoolSettings(folder),
        meters=(Meter(device="m", **METERS[kind]),),
    )
    return [line for line in preflight.problems(config) if line.startswith("meters")]


def without(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    drivers = [f"sobre_drivers.meters.{name}." for name in LIBRARIES]
    loaded = (*drivers, "sobre_drivers.meters.serial_port", f"{library}.")
    for name in [name for name in sys.modules if name.startswith(loaded)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)


@pytest.mark.parametrize("kind", METERS)
@pytest.mark.parametrize("missing", LIBRARIES)
def test_a_library_is_missed_by_its_own_meters_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, missing: str
) -> None:
    without(monkeypatch, LIBRARIES[missing])
    found = problems(tmp_path, kind)
    if kind == missing:
        assert len(found) == 1
        assert "is not installed; pip install 'sobre[meters]'" in found[0]
    else:
        assert found == []
