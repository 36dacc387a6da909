"""Servers by DCMI: the real `ipmitool` against a controller of the tests' own that speaks IPMI; a
script stands in for the tool where it must say what no tool can be brought to say."""

import os
import stat
from pathlib import Path

import pytest

from meters.bmc import HOST, Bmc
from meters.secret import secret
from services import unpacked
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.load import Origin
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import Login
from sobre_drivers.meters.dcmi.driver import DcmiDriver
from sobre_drivers.sample import Described

# In the form that ipmitool 1.8.19 prints it.
READING = """
    Instantaneous power reading:                   214 Watts
    Minimum during sampling period:                  2 Watts
    Maximum during sampling period:                468 Watts
    Average power reading over sample period:      216 Watts
    IPMI timestamp:                           Tue Nov 24 10:31:18 2026
    Sampling period:                          00000010 Seconds.
    Power reading state is:                   activated


"""
SERVER = Described("server-1", "server", 800.0, "dcmi", Origin.MEASURED)


def stand_in(folder: Path, prints: str, code: int = 0) -> Path:
    """An `ipmitool` that notes what it was told and prints this."""
    path = folder / "ipmitool"
    (folder / "prints").write_text(prints)
    where = 2 if code else 1
    told = f'printf "%s\\n" "$@" > {folder}/told'
    path.write_text(f"#!/bin/sh\n{told}\ncat {folder}/prints >&{where}\nexit {code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def server(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tool: Path | None = None,
    host: str = "192.0.2.9",
) -> DcmiDriver:
    monkeypatch.setenv("PATH", f"{tool or tmp_path}{os.pathsep}{os.environ['PATH']}")
    login = Login("sobre; reboot", secret(tmp_path))
    made = catalog.driver_for(Meter("server-1", "dcmi", host=host, login=login))
    assert isinstance(made, DcmiDriver)
    return made


def test_power_is_read_and_the_password_stays_in_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, READING)
    driver = server(tmp_path, monkeypatch)
    (reading,) = driver.read()
    assert (reading.power_w, reading.register_uj) == (214.0, None)
    told = (tmp_path / "told").read_text().splitlines()
    assert told[-3:] == ["dcmi", "power", "reading"]
    assert told[told.index("-f") + 1] == str(tmp_path / "password")
    assert told[told.index("-U") + 1] == "sobre; reboot"
    assert told[told.index("-H") + 1] == "192.0.2.9"
    shown = {value.name: value.value for value in driver.shown()}
    assert shown["Maximum during sampling period"] == "468 Watts"


@pytest.mark.parametrize(
    ("prints", "code", "finding"),
    [
        ("Error: Unable to establish IPMI v2 / RMCP+ session", 1, "no session; check address"),
        ("DCMI request failed because: Invalid command (c1)", 1, "try profile redfish"),
        ("something new", 1, "'something new'; run"),
        ("", 1, "gave no reason"),
        ("", 0, "no power reading"),
        (READING.replace("214 Watts", "n/a"), 0, "no power reading"),
        (READING.replace("activated", "deactivated"), 0, r"no power reading \(state: deactivated"),
        (READING.replace("  214", "    0"), 0, "says 0 W while it answers"),
    ],
    ids=["no-session", "no-dcmi", "new", "silent", "empty", "no-number", "off", "zero"],
)
def test_nonsense_is_named_and_is_never_0_w(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: str, code: int, finding: str
) -> None:
    stand_in(tmp_path, prints, code)
    driver = server(tmp_path, monkeypatch)
    with pytest.raises(MeterError, match=rf"^server-1 \(192.0.2.9\): .*{finding}"):
        driver.read()


def test_a_controller_that_hangs_is_given_up(tmp_path: Path) -> None:
    driver = DcmiDriver(SERVER, "192.0.2.9", ["sleep", "5"], 0.1)
    with pytest.raises(MeterError, match=r"no answer within 0.1 s"):
        driver.read()
    gone = DcmiDriver(SERVER, "192.0.2.9", [str(tmp_path / "gone")], 1.0)
    with pytest.raises(MeterError, match="cannot be run"):
        gone.read()


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the real ipmitool; programs find its libraries."""
    found = unpacked.program("ipmi", "ipmitool")
    if found is None:
        pytest.skip("no ipmitool: `python3 tests/services/fetch.py ipmi` says why")
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return Path(found.path).parent


def behind(bmc: Bmc, tool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> DcmiDriver:
    monkeypatch.setenv("PATH", f"{tool}{os.pathsep}{os.environ['PATH']}")
    login = Login("sobre", secret(folder))
    made = catalog.driver_for(Meter("server-1", "dcmi", host=HOST, port=bmc.port, login=login))
    assert isinstance(made, DcmiDriver)
    return made


def test_a_controller_is_read_by_the_real_tool(
    tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Bmc(b"s3cret", 214) as bmc:
        driver = behind(bmc, tool, tmp_path, monkeypatch)
        assert [reading.power_w for reading in driver.read()] == [214]
        shown = {value.name: value.value for value in driver.shown()}
    assert shown["Maximum during sampling period"] == "468 Watts"


@pytest.mark.parametrize(
    ("bmc", "finding"),
    [
        (Bmc(b"another", 214), "no session; check address"),
        (Bmc(b"s3cret", None), "knows no DCMI; try profile redfish"),
        (Bmc(b"s3cret", 0), "says 0 W while it answers"),
        (Bmc(b"s3cret", 214, active=False), r"no power reading \(state: deactivated"),
    ],
    ids=["password", "no-dcmi", "zero", "switched-off"],
)
def test_what_a_controller_refuses_is_named_with_a_remedy(
    tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bmc: Bmc, finding: str
) -> None:
    with bmc, pytest.raises(MeterError, match=rf"^server-1 \(127.0.0.1\): {finding}"):
        behind(bmc, tool, tmp_path, monkeypatch).read()


@pytest.mark.skipif(Path("/dev/ipmi0").exists(), reason="this machine has a controller")
def test_the_real_tool_says_that_this_machine_has_no_controller(
    tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = server(tmp_path, monkeypatch, tool, "localhost")
    with pytest.raises(MeterError, match=r"^server-1 \(localhost\): no IPMI driver"):
        driver.read()


def test_a_server_without_tool_host_or_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="ipmitool is not installed"):
        catalog.driver_for(Meter("s", "dcmi", host="localhost"))
    with pytest.raises(ConfigError, match="login is missing"):
        catalog.describe(Meter("s", "dcmi", host="192.0.2.9"))
    with pytest.raises(ConfigError, match="name its management controller"):
        catalog.describe(Meter("s", "dcmi", host="-oProxy"))
