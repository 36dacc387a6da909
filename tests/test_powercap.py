"""Which RAPL counters are read, and which joules are not counted twice."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sobre_drivers.errors import MeterError
from sobre_drivers.pc import powercap
from sobre_drivers.pc.pc_model import counted_uj

CAPTURES = Path(__file__).parents[2] / "shared" / "captures" / "linux-sysfs"

PACKAGE = {"intel-rapl:0": "package-0"}
CORE = {"intel-rapl:0:0": "core"}
DRAM = {"intel-rapl:0:2": "dram"}
TWIN = {"intel-rapl-mmio:0": "package-0"}


def tree(
    root: Path, names: dict[str, str], energy: str = "1000000", limit: str = "5000000"
) -> Path:
    """A sysfs tree as the kernel shows it: each zone flat, its parts inside it as well."""
    top = root / "class" / "powercap"
    (top / "intel-rapl").mkdir(parents=True)
    for key, name in names.items():
        parent = key.rpartition(":")[0]
        above = (top / parent) if parent in names else top / parent.partition(":")[0]
        above.mkdir(parents=True, exist_ok=True)
        zone = above / key
        zone.mkdir()
        (zone / "name").write_text(name + "\n")
        (zone / "energy_uj").write_text(energy + "\n")
        (zone / "max_energy_range_uj").write_text(limit + "\n")
        if above != top:
            (top / key).symlink_to(zone)
    return root


def capture(name: str, tmp_path: Path) -> Path:
    """A captured tree as it was: `.symlink` files become the links that they describe."""
    if not CAPTURES.is_dir():
        pytest.skip("../shared/captures/linux-sysfs is not here")
    root = tmp_path / name
    shutil.copytree(CAPTURES / name, root)
    for path in [*root.rglob("*")]:
        # The captures are read-only; what a test makes must be removable.
        path.chmod(0o755 if path.is_dir() else 0o644)
    for link in [*root.rglob("*.symlink")]:
        link.with_suffix("").symlink_to(link.read_text().strip())
    return root


@pytest.mark.parametrize(
    ("names", "counted"),
    [
        (PACKAGE | CORE, ["intel-rapl:0"]),
        (PACKAGE | CORE | DRAM, ["intel-rapl:0", "intel-rapl:0:2"]),
        (PACKAGE | {"intel-rapl:1": "package-1"}, ["intel-rapl:0", "intel-rapl:1"]),
        (PACKAGE | DRAM | {"intel-rapl:1": "psys"}, ["intel-rapl:1"]),
        (PACKAGE | TWIN, ["intel-rapl:0"]),
        (TWIN, ["intel-rapl-mmio:0"]),
        ({"intel-rapl:0": "package-0-die-0", "intel-rapl:1": "package-0-die-1"}, None),
        (CORE, []),
        ({"intel-rapl:0": "core"} | DRAM, []),
        ({"intel-rapl-mmio:0": "dram"}, []),
        ({}, []),
    ],
    ids=[
        "core-is-inside-its-package",
        "memory-is-beside-its-package",
        "two-packages",
        "platform-alone",
        "memory-mapped-twin-is-a-copy",
        "memory-mapped-only",
        "two-dies",
        "core-alone-is-not-the-machine",
        "memory-alone-is-not-the-machine",
        "nor-is-its-twin",
        "nothing",
    ],
)
def test_no_joule_is_counted_twice(
    tmp_path: Path, names: dict[str, str], counted: list[str] | None
) -> None:
    found = powercap.zones(tree(tmp_path, names))
    assert [zone.key for zone in found] == sorted(names)
    expected = sorted(names) if counted is None else counted
    assert [zone.key for zone in powercap.counted(found)] == expected


def test_a_machine_without_the_tree_has_no_zones(tmp_path: Path) -> None:
    assert powercap.zones(tmp_path) == ()


@pytest.mark.parametrize(
    ("limit", "range_uj"),
    [("262143328850", 262143328850), ("", None), ("0", None), ("-1", None), ("n/a", None)],
    ids=["told", "empty", "zero", "negative", "text"],
)
def test_a_range_that_makes_no_sense_is_not_said(
    tmp_path: Path, limit: str, range_uj: int | None
) -> None:
    (zone,) = powercap.zones(tree(tmp_path, PACKAGE, limit=limit))
    assert zone.range_uj == range_uj


def test_a_missing_range_is_not_said(tmp_path: Path) -> None:
    root = tree(tmp_path, PACKAGE)
    (root / "class/powercap/intel-rapl:0/max_energy_range_uj").unlink()
    (zone,) = powercap.zones(root)
    assert zone.range_uj is None


@pytest.mark.parametrize("text", ["", "-5", "1e9", "12 34", "9" * 21, "\u0663"])
def test_an_absurd_counter_is_an_error_that_shows_it(tmp_path: Path, text: str) -> None:
    root = tree(tmp_path, PACKAGE)
    (root / "class/powercap/intel-rapl:0/energy_uj").write_text(text, "utf-8")
    (zone,) = powercap.zones(root)
    with pytest.raises(MeterError, match=r"absurd|unreadable"):
        powercap.read_uj(zone)


def test_a_counter_that_vanishes_is_unreadable(tmp_path: Path) -> None:
    root = tree(tmp_path, PACKAGE)
    (zone,) = powercap.zones(root)
    zone.energy.unlink()
    with pytest.raises(MeterError, match="unreadable"):
        powercap.read_uj(zone)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="sobre-powercap-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_counter_for_root_only_is_a_matter_of_permission(open_folder: Path) -> None:
    (zone,) = powercap.zones(tree(open_folder, PACKAGE))
    zone.energy.chmod(0o400 if os.geteuid() == 0 else 0)
    was = os.geteuid()
    # Root reads everything: as nobody the kernel really refuses.
    os.seteuid(65534 if was == 0 else was)
    try:
        with pytest.raises(MeterError, match=r"^permission: .*sobre-rapl\.tmpfiles.*to undo it"):
            powercap.read_uj(zone)
    finally:
        os.seteuid(was)


@pytest.mark.shared
def test_the_node_exporter_tree_reads_as_its_own_tests_expect(tmp_path: Path) -> None:
    found = powercap.zones(capture("node_exporter_sys", tmp_path))
    assert {zone.name: powercap.read_uj(zone) for zone in found} == {
        "package-0": 240_422_366_267,
        "core": 118_821_284_256,
    }
    (package,) = powercap.counted(found)
    assert package.range_uj == 262_143_328_850
    wrapped = counted_uj({"p": 262_143_000_000}, {"p": 1_000_000}, {"p": package.range_uj})
    assert wrapped == 1_328_850


@pytest.mark.shared
def test_a_partial_haswell_tree_shows_memory_that_is_not_taken_for_the_machine(
    tmp_path: Path,
) -> None:
    found = powercap.zones(capture("issue_i7-4770S_haswell", tmp_path) / "sys")
    (dram,) = found
    assert (dram.key, dram.name, dram.range_uj) == ("intel-rapl:0:2", "dram", 262_143_999_938)
    assert powercap.read_uj(dram) == 2_469_474_853
    assert powercap.counted(found) == ()
