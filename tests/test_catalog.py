"""Models by name, from our folder and the user's; drivers made from a configuration."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import Part
from sobre_drivers.meters.modbus import profile
from sobre_drivers.sample import Described


def meter(**changed: Any) -> Meter:
    return Meter(**{"device": "pdu-a3", "profile": "sobre-demo-pdu", "host": "127.0.0.1"} | changed)


def described(**changed: Any) -> dict[str, Described]:
    return {each.device: each for each in catalog.describe(meter(**changed))}


def test_outlets_are_children_of_the_configured_device() -> None:
    assert list(described()) == ["pdu-a3", *(f"pdu-a3/outlet-{n:02d}" for n in range(1, 9))]


def test_only_the_configured_outlets_are_read() -> None:
    assert list(described(outlets=(7, 2))) == ["pdu-a3", "pdu-a3/outlet-02", "pdu-a3/outlet-07"]


@pytest.mark.parametrize(
    ("profile", "finding"),
    [("sobre-demo-pdu", r"\[9\].* has 1 to 8"), ("eastron-sdm120", r"\[9\].* has none at all")],
)
def test_an_outlet_that_the_model_lacks_is_refused(profile: str, finding: str) -> None:
    with pytest.raises(ConfigError, match=finding):
        catalog.describe(meter(profile=profile, outlets=(9,)))


def test_the_meters_own_power_and_class_are_not_its_outlets() -> None:
    found = described(rated_w=3680.0, device_class="facility")
    assert (found["pdu-a3"].rated_w, found["pdu-a3"].device_class) == (3680, "facility")
    outlet = found["pdu-a3/outlet-01"]
    assert (outlet.rated_w, outlet.device_class) == (2300, "server")


def test_a_part_is_overridden_by_its_name() -> None:
    parts = (Part("outlet-02", "network", 200.0),)
    found = {each.device: each for each in catalog.describe(meter(parts=parts))}
    outlet = found["pdu-a3/outlet-02"]
    assert (outlet.rated_w, outlet.device_class) == (200, "network")
    assert found["pdu-a3/outlet-03"].rated_w == 2300
    with pytest.raises(ConfigError, match="outlet-09: no part"):
        catalog.describe(meter(parts=(Part("outlet-09"),)))


def test_a_power_that_nobody_states_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"^m: rated_w is missing.*in W$"):
        catalog.describe(meter(device="m", profile="sunspec-203"))
    (found,) = catalog.describe(meter(device="m", profile="sunspec-203", rated_w=9000.0))
    assert found.rated_w == 9000


def test_a_register_tells_its_count_and_its_wrap() -> None:
    outlet = described()["pdu-a3/outlet-01"]
    assert (outlet.count_uj, outlet.modulus_uj) == (3_600_000_000, (1 << 32) * 3_600_000_000)
    (feeder,) = catalog.describe(meter(device="m", profile="eastron-sdm120"))
    assert feeder.modulus_uj is None, "where the modulus is unknown no rollover is assumed"


@pytest.mark.parametrize(
    ("profile", "method"),
    [
        ("eastron-sdm120", "modbus eastron-sdm120"),
        ("raritan-px", "modbus raritan-px (unconfirmed)"),
    ],
)
def test_how_it_is_measured_says_whether_it_is_confirmed(profile: str, method: str) -> None:
    assert described(profile=profile)["pdu-a3"].method == method


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'eastron-sdm12' is not known; did you mean 'eastron-s"):
        catalog.driver_for(meter(profile="eastron-sdm12"))


def test_the_users_folder_adds_and_stands_in(tmp_path: Path) -> None:
    ours = (catalog.OWN_FOLDER / "modbus" / "eastron-sdm120.toml").read_text(encoding="utf-8")
    changed = ours.replace("rated_w = 10350", "rated_w = 2300")
    (tmp_path / "eastron-sdm120.toml").write_text(changed, encoding="utf-8")
    (tmp_path / "acme.toml").write_text(ours, encoding="utf-8")
    assert profile.read(catalog.find("eastron-sdm120", tmp_path)).rated_w == 2300
    assert profile.read(catalog.find("acme", tmp_path)).rated_w == 10350
    assert catalog.about(catalog.find("abb-b23", tmp_path)).maker == "ABB"
    with pytest.raises(ConfigError, match="no such folder"):
        catalog.paths(tmp_path / "missing")


def test_a_register_that_could_wrap_twice_unseen_is_told(tmp_path: Path) -> None:
    ours = (catalog.OWN_FOLDER / "modbus" / "sobre-demo-pdu.toml").read_text(encoding="utf-8")
    narrow = ours.replace("4294967296", "65536")
    (tmp_path / "narrow.toml").write_text(narrow, encoding="utf-8")
    behind = catalog.describe(meter(profile="narrow"), tmp_path)
    # 65536 Wh at 1.1 × 7360 W pass in 8.1 h, at 1.1 × 2300 W in 25.9 h.
    assert len(catalog.warnings(behind, 8 * 3600)) == 0
    (warned,) = catalog.warnings(behind, 9 * 3600)
    assert warned.startswith("pdu-a3: at 7360 W its register wraps within 9 h")
    assert len(catalog.warnings(behind, 26 * 3600)) == 9
    assert catalog.warnings(catalog.describe(meter())) == []


def test_the_library_is_loaded_with_the_first_driver_and_not_before() -> None:
    code = (
        "import sys\n"
        "from sobre_drivers.meters import catalog\n"
        "catalog.find('sobre-demo-pdu')\n"
        "assert not [m for m in sys.modules if m.startswith(('pymodbus', 'serial', 'asyncio'))]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("driver", "lines", "tcp", "rtu", "pdu"):
        monkeypatch.delitem(sys.modules, f"sobre_drivers.meters.modbus.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "pymodbus", None)
    with pytest.raises(ConfigError, match=r"pymodbus is not installed; pip install 'sobre\[meters"):
        catalog.driver_for(meter())
