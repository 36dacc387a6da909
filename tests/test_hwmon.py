"""Which hwmon sensors see the whole machine, and which are left alone."""

import shutil
from pathlib import Path

import pytest

from sobre_drivers.errors import MeterError
from sobre_drivers.pc import hwmon
from sobre_drivers.pc.host import DESKTOP, Host

CAPTURES = Path(__file__).parents[2] / "shared" / "captures" / "linux-sysfs"


def chip(root: Path, files: dict[str, str], inside: str = "") -> Path:
    folder = root / "class" / "hwmon" / "hwmon0" / inside
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text + "\n")
    return root


METER = {"name": "power_meter", "power1_average": "61500000", "power1_input": "70000000"}
APPLE = {
    "name": "macsmc_hwmon",
    "power1_label": "AC Input Power",
    "power1_input": "9000000",
    "power2_label": "Total System Power",
    "power2_input": "8250000",
}


@pytest.mark.parametrize(
    ("files", "inside", "at_plug", "power_w"),
    [
        (METER, "", True, 61.5),
        (METER, "device", True, 61.5),
        ({"name": "power_meter", "power1_input": "70000000"}, "", True, 70.0),
        (APPLE, "", False, 8.25),
    ],
    ids=["acpi-meter", "beside-its-device", "without-average", "apple-silicon"],
)
def test_a_sensor_of_the_whole_machine_is_read(
    tmp_path: Path, files: dict[str, str], inside: str, at_plug: bool, power_w: float
) -> None:
    sensor = hwmon.whole(chip(tmp_path, files, inside))
    assert sensor is not None
    assert sensor.at_plug is at_plug
    assert hwmon.power_w(sensor) == pytest.approx(power_w)


@pytest.mark.parametrize(
    "files",
    [
        {"name": "amdgpu", "power1_average": "35000000"},
        {"name": "macsmc_hwmon", "power1_label": "CPU Power", "power1_input": "1000000"},
        {"name": "power_meter"},
        {"name": "ina3221", "power1_input": "5000000", "power1_label": "system"},
        {},
    ],
    ids=["graphics-card", "a-part", "meter-without-figure", "a-rail-called-system", "nameless"],
)
def test_a_sensor_of_a_part_is_not_the_machine(tmp_path: Path, files: dict[str, str]) -> None:
    assert hwmon.whole(chip(tmp_path, files)) is None


def test_a_machine_without_the_tree_has_none(tmp_path: Path) -> None:
    assert hwmon.whole(tmp_path) is None


@pytest.mark.parametrize("text", ["0", "-3", "", "n/a", "1e9", "9" * 13])
def test_an_absurd_figure_is_an_error_and_never_0_w(tmp_path: Path, text: str) -> None:
    sensor = hwmon.whole(chip(tmp_path, METER | {"power1_average": text}))
    assert sensor is not None
    with pytest.raises(MeterError, match=r"^absurd: "):
        hwmon.power_w(sensor)


def test_a_sensor_that_vanishes_is_unreadable_and_the_model_goes_on(tmp_path: Path) -> None:
    root = chip(tmp_path, METER)
    host = Host("pc-1", device_class=DESKTOP, root=root, processor_name="")
    assert host.describe()[0].method == "hwmon, model 2"
    assert host.describe()[0].uncertainty_ratio == 0.1
    (reading,) = host.read()
    assert (reading.power_w, reading.mean) == (61.5, False)
    (root / "class/hwmon/hwmon0/power1_average").unlink()
    (reading,) = host.read()
    assert reading.power_w != 0
    reasons = {source.name: source.reason for source in host.sources()}
    assert (reasons["hwmon"] or "").startswith("unreadable: ")
    assert host.describe()[0].method == "model 2 (utilisation)"


@pytest.mark.shared
def test_the_node_exporter_tree_has_temperatures_and_no_power(tmp_path: Path) -> None:
    if not CAPTURES.is_dir():
        pytest.skip("../shared/captures/linux-sysfs is not here")
    root = tmp_path / "sys"
    shutil.copytree(CAPTURES / "node_exporter_sys", root)
    for path in [*root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    for link in [*root.rglob("*.symlink")]:
        link.with_suffix("").symlink_to(link.read_text().strip())
    assert (root / "class/hwmon/hwmon0/name").read_text() == "coretemp\n"
    assert hwmon.whole(root) is None
