"""A battery speaks for the machine while it discharges, and at no other time."""

import shutil
from pathlib import Path

import pytest

from sobre_drivers.errors import MeterError
from sobre_drivers.pc import battery

CAPTURES = Path(__file__).parents[2] / "shared" / "captures" / "linux-sysfs"

Supplies = dict[str, dict[str, str]]

BY_POWER = {"TYPE": "Battery", "STATUS": "Discharging", "POWER_NOW": "5002000"}
BY_CURRENT = {
    "TYPE": "Battery",
    "STATUS": "Discharging",
    "CURRENT_NOW": "756000",
    "VOLTAGE_NOW": "12600000",
}
ON_MAINS = {"TYPE": "Mains", "ONLINE": "1"}
OFF_MAINS = {"TYPE": "Mains", "ONLINE": "0"}
MOUSE = BY_POWER | {"SCOPE": "Device"}


def tree(root: Path, supplies: Supplies) -> Path:
    for name, properties in supplies.items():
        folder = root / "class" / "power_supply" / name
        folder.mkdir(parents=True)
        lines = [f"POWER_SUPPLY_{key}={value}" for key, value in properties.items()]
        (folder / "uevent").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize(
    ("supplies", "power_w"),
    [
        ({"BAT0": BY_POWER, "AC": OFF_MAINS}, 5.002),
        ({"BAT0": BY_CURRENT}, 9.5256),
        ({"BAT0": BY_CURRENT | {"CURRENT_NOW": "-756000"}}, 9.5256),
        ({"BAT0": BY_POWER, "BAT1": BY_CURRENT}, 14.5276),
        ({"BAT0": BY_POWER, "BAT1": BY_CURRENT | {"STATUS": "Not charging"}}, 5.002),
        ({"BAT0": BY_POWER, "hidpp_battery_0": MOUSE}, 5.002),
    ],
    ids=["power", "current×voltage", "negative-current", "two-batteries", "one-rests", "mouse"],
)
def test_what_discharges_is_the_machines_power(
    tmp_path: Path, supplies: Supplies, power_w: float
) -> None:
    assert battery.discharge_w(tree(tmp_path, supplies)) == pytest.approx(power_w, rel=1e-9)


@pytest.mark.parametrize(
    ("supplies", "reason"),
    [
        ({}, "absent"),
        ({"AC": ON_MAINS}, "absent"),
        ({"hidpp_battery_0": MOUSE}, "absent"),
        ({"BAT0": BY_POWER | {"PRESENT": "0"}}, "absent"),
        ({"BAT0": BY_POWER | {"STATUS": "Charging"}}, "not discharging"),
        ({"BAT0": BY_POWER | {"STATUS": "Full", "POWER_NOW": "0"}}, "not discharging"),
        ({"BAT0": BY_POWER | {"STATUS": "Unknown"}}, "not discharging"),
        ({"BAT0": BY_POWER, "BAT1": BY_POWER | {"STATUS": "Charging"}}, "not discharging"),
        ({"BAT0": BY_POWER, "AC": ON_MAINS}, "mains"),
        ({"BAT0": BY_POWER, "ucsi": {"TYPE": "USB", "ONLINE": "1"}}, "mains"),
        ({"BAT0": BY_POWER | {"POWER_NOW": "0"}}, "absurd"),
        ({"BAT0": {"TYPE": "Battery", "STATUS": "Discharging"}}, "absent"),
        ({"BAT0": BY_POWER | {"POWER_NOW": "lots"}}, "absent"),
    ],
    ids=[
        "nothing",
        "mains-only",
        "mouse-only",
        "taken-out",
        "charging",
        "full",
        "unknown",
        "one-charges-the-other",
        "weak-charger",
        "usb-c",
        "zero-while-discharging",
        "says-nothing",
        "says-text",
    ],
)
def test_otherwise_the_battery_says_why_not_and_never_0_w(
    tmp_path: Path, supplies: Supplies, reason: str
) -> None:
    with pytest.raises(MeterError, match=f"^{reason}: "):
        battery.discharge_w(tree(tmp_path, supplies))


@pytest.mark.parametrize(
    ("supplies", "there"),
    [
        ({"BAT0": BY_POWER}, True),
        ({"BAT0": BY_POWER | {"STATUS": "Full"}}, True),
        ({"AC": ON_MAINS}, False),
        ({"mouse": MOUSE}, False),
        ({}, False),
    ],
    ids=["discharging", "full", "mains", "mouse", "nothing"],
)
def test_a_battery_of_the_machine_itself_is_found(
    tmp_path: Path, supplies: Supplies, there: bool
) -> None:
    assert battery.present(tree(tmp_path, supplies)) is there


def said(text: str) -> dict[str, str]:
    """`upower -i` of a French machine, by its labels."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def micro(quantity: str) -> str:
    """`14,8 V` in millionths."""
    return str(round(float(quantity.split()[0].replace(",", ".")) * 1e6))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "watts", "state"),
    [("infos_1.txt", "0", "Full"), ("infos_2.txt", "194979", "Charging")],
    ids=["full", "charging"],
)
def test_what_flows_into_a_real_battery_is_never_the_machines_power(
    tmp_path: Path, name: str, watts: str, state: str
) -> None:
    if not CAPTURES.is_dir():
        pytest.skip("../shared/captures/linux-sysfs is not here")
    told = said((CAPTURES / "upower_glpi" / name).read_text("utf-8"))
    assert micro(told["energy-rate"]) == watts
    assert told["state"] == {"Full": "fully-charged", "Charging": "charging"}[state]
    battery_0 = {
        "TYPE": "Battery",
        "STATUS": state,
        "POWER_NOW": watts,
        "VOLTAGE_NOW": micro(told["voltage"]),
    }
    with pytest.raises(MeterError, match=f"^not discharging: the battery is {state}"):
        battery.discharge_w(tree(tmp_path, {"BAT0": battery_0}))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "power_w"),
    [("node_exporter_sys", 5.002), ("issue_dell_li-poly/sys", 9.5256)],
    ids=["lenovo-by-power", "dell-by-current"],
)
def test_real_trees_read_to_their_known_values(tmp_path: Path, name: str, power_w: float) -> None:
    if not CAPTURES.is_dir():
        pytest.skip("../shared/captures/linux-sysfs is not here")
    root = tmp_path / "sys"
    shutil.copytree(CAPTURES / name / "class" / "power_supply", root / "class" / "power_supply")
    assert battery.present(root)
    assert battery.discharge_w(root) == pytest.approx(power_w, rel=1e-9)
    for path in [*root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
