"""What a processor is called, and when that says nothing of this PC."""

from pathlib import Path

import pytest

from sobre_drivers.pc import processor

CPU = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Core(TM) i5-8265U CPU @ 1.60GHz
flags\t\t: fpu vme de{more}

processor\t: 1
model name\t: another
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (CPU.format(more=""), "Intel(R) Core(TM) i5-8265U CPU @ 1.60GHz"),
        (CPU.format(more=" hypervisor lahf_lm"), ""),
        ("processor\t: 0\nBogoMIPS\t: 48.00\n", ""),
        ("", ""),
    ],
    ids=["named", "virtual-machine-shows-its-host", "arm-says-no-name", "empty"],
)
def test_the_first_processor_names_itself(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert processor.name(tmp_path, "linux") == name


def test_without_the_file_there_is_no_name(tmp_path: Path) -> None:
    assert processor.name(tmp_path, "linux") == ""


def test_other_systems_than_these_say_nothing(tmp_path: Path) -> None:
    assert processor.name(tmp_path, "freebsd") == ""
