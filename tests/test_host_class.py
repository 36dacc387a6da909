"""Whether this PC is a laptop or a desktop."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sobre_drivers.birth import MAX_TEXT
from sobre_drivers.pc.chassis import DESKTOP, LAPTOP, SERVER, detected_class
from sobre_drivers.pc.host import Host
from sobre_drivers.pc.parameters import generations, model_of


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


@pytest.mark.parametrize(
    ("chassis", "processor", "method"),
    [
        ("35", "", "model 2 (utilisation, micro)"),
        ("7", "Intel(R) Core(TM) i7-9700K CPU @ 3.60GHz", None),
        ("99", "", "model 2 (utilisation)"),
        ("thirty", "", "model 2 (utilisation)"),
    ],
    ids=["micro", "tower", "unheard-of", "text"],
)
def test_the_method_names_what_was_known_of_the_pc(
    tmp_path: Path, chassis: str, processor: str, method: str | None
) -> None:
    write(tmp_path / "class/dmi/id/chassis_type", f"{chassis}\n")
    host = Host("pc-1", root=tmp_path, processor_name=processor, cpu_times=idle)
    (described,) = host.describe()
    expected = "model 2 (utilisation, tower, unlocked, Skylake to Comet Lake)"
    assert described.method == (method or expected)
    assert len(described.method) <= MAX_TEXT
    shapes = {each.name: each for each in model_of(DESKTOP).shapes}
    if chassis == "35":
        assert host.read()[0].power_w == shapes["micro"].idle_w
        assert described.uncertainty_ratio == shapes["micro"].uncertainty_ratio


def idle() -> SimpleNamespace:
    return SimpleNamespace(user=0.0, system=0.0, idle=1000.0)


def test_every_name_of_a_method_fits_into_a_birth() -> None:
    """The longest names of every list together, behind the longest beginning."""
    for device_class in (LAPTOP, DESKTOP, SERVER):
        model = model_of(device_class)
        lists = (model.shapes, model.processors, generations())
        names = [max((each.name for each in found), key=len, default="") for found in lists]
        method = f"battery, else model {model.version} ({', '.join(('utilisation', *names))})"
        assert len(method) <= MAX_TEXT, method
