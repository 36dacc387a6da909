"""Every tree in ../shared/captures/linux-sysfs, and what is read of it, or why nothing is."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sobre_drivers.errors import MeterError
from sobre_drivers.pc import battery, chassis, hwmon, powercap
from sobre_drivers.pc.chassis import DESKTOP, LAPTOP

CAPTURES = Path(__file__).parents[2] / "shared" / "captures" / "linux-sysfs"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CAPTURES.is_dir(), reason="../shared/captures/linux-sysfs is not here"),
]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a tree says, from its SOURCE.md. A text in place of a figure is why there is none.

    `zones_uj` are all counters that it shows, `counted` those that are added up.
    """

    folder: str
    device_class: str
    battery_w: float | str
    zones_uj: dict[str, int] = field(default_factory=dict)
    counted: tuple[str, ...] = ()
    range_uj: dict[str, int | None] = field(default_factory=dict)


TREES = {
    "node_exporter_sys": Expected(
        "",
        LAPTOP,
        5.002,
        {"intel-rapl:0 package-0": 240_422_366_267, "intel-rapl:0:0 core": 118_821_284_256},
        # Cores are inside their package.
        ("intel-rapl:0",),
        {"intel-rapl:0": 262_143_328_850, "intel-rapl:0:0": 262_143_328_850},
    ),
    "issue_dell_li-poly": Expected(
        "sys",
        LAPTOP,
        # It tells no power: 0.756 A × 12.6 V.
        9.5256,
    ),
    "issue_i7-4770S_haswell": Expected(
        "sys",
        DESKTOP,
        "absent",
        {"intel-rapl:0:2 dram": 2_469_474_853},
        # Memory without its package is not the machine; zone 0:1 has lost its name and counter.
        (),
        {"intel-rapl:0:2": 262_143_999_938},
    ),
}
# Not a tree but what a program printed of batteries that do not discharge: `test_battery.py`.
PRINTED = {"upower_glpi"}


def test_no_tree_is_left_out() -> None:
    there = {path.name for path in CAPTURES.iterdir() if path.is_dir()}
    assert there == TREES.keys() | PRINTED


@pytest.mark.parametrize("name", TREES)
def test_a_tree_reads_to_its_expected_values(tmp_path: Path, name: str) -> None:
    expected = TREES[name]
    root = tmp_path / name
    shutil.copytree(CAPTURES / name, root)
    for path in [*root.rglob("*")]:
        # The captures are read-only; what a test makes must be removable.
        path.chmod(0o755 if path.is_dir() else 0o644)
    for link in [*root.rglob("*.symlink")]:
        link.with_suffix("").symlink_to(link.read_text().strip())
    root /= expected.folder

    found = powercap.zones(root)
    assert {f"{zone.key} {zone.name}": powercap.read_uj(zone) for zone in found} == (
        expected.zones_uj
    )
    assert tuple(zone.key for zone in powercap.counted(found)) == expected.counted
    assert {zone.key: zone.range_uj for zone in found} == expected.range_uj
    # Temperatures and fans, and no power of the whole machine, in any of them.
    assert hwmon.whole(root) is None
    assert chassis.detected_class(root, "linux") == expected.device_class
    if isinstance(expected.battery_w, str):
        with pytest.raises(MeterError, match=f"^{expected.battery_w}"):
            battery.discharge_w(root)
    else:
        assert battery.discharge_w(root) == pytest.approx(expected.battery_w, rel=1e-9)
