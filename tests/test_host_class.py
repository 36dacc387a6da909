"""Whether this PC is a laptop or a desktop."""

from pathlib import Path

import pytest

from sobre_drivers.chassis import DESKTOP, LAPTOP, detected_class
from sobre_drivers.host import Host


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("chassis", "status", "device_class"),
    [
        ("10", None, LAPTOP),
        ("31", "Full", LAPTOP),
        ("3", None, DESKTOP),
        ("13", "Full", DESKTOP),
        ("1", None, DESKTOP),
        ("1", "Full", LAPTOP),
        (None, "Full", LAPTOP),
        (None, None, DESKTOP),
    ],
    ids=[
        "notebook",
        "convertible",
        "desktop",
        "all-in-one-with-a-battery",
        "other",
        "other-with-a-battery",
        "battery-only",
        "nothing",
    ],
)
def test_a_laptop_is_told_from_its_chassis_else_from_its_battery(
    tmp_path: Path, chassis: str | None, status: str | None, device_class: str
) -> None:
    (tmp_path / "class").mkdir()
    if chassis is not None:
        write(tmp_path / "class/dmi/id/chassis_type", f"{chassis}\n")
    if status is not None:
        properties = f"POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS={status}\n"
        write(tmp_path / "class/power_supply/BAT0/uevent", properties)
    assert detected_class(tmp_path) == device_class
    assert Host("pc-1", root=tmp_path).describe()[0].device_class == device_class
