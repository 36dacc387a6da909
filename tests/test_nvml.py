"""Graphics cards that count their own energy. The library is a fake: there is no card here."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sobre_drivers.errors import MeterError
from sobre_drivers.pc import sensors
from sobre_drivers.pc.chassis import DESKTOP
from sobre_drivers.pc.host import Host
from sobre_drivers.pc.nvml import Graphics
from sobre_drivers.pc.parameters import model_of
from sobre_drivers.pc.sensors import Counters, Counts
from sobre_drivers.sample import Instant


def test_a_card_is_looked_for_before_its_library_is(tmp_path: Path) -> None:
    (tmp_path / "bus/pci/drivers").mkdir(parents=True)
    absent: dict[str, str] = {}
    assert sensors._graphics(tmp_path, absent) is None
    assert absent["nvml"] == "absent: no NVIDIA graphics card"


class NVMLError(Exception):
    """As nvidia-ml-py has it."""


class Library:
    """As much of nvidia-ml-py as is used; counters in mJ."""

    NVMLError = NVMLError

    def __init__(self, *counters_mj: int) -> None:
        self.counters_mj, self.loaded, self.broken = list(counters_mj), 0, False

    def nvmlInit(self) -> None:
        self.loaded += 1

    def nvmlShutdown(self) -> None:
        self.loaded -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.counters_mj)

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:
        return number

    def nvmlDeviceGetTotalEnergyConsumption(self, card: int) -> int:
        if self.broken:
            raise NVMLError("GPU is lost")
        return self.counters_mj[card]


def card(root: Path, status: str = "active") -> Path:
    power = root / "bus/pci/drivers/nvidia/0000:01:00.0/power"
    power.mkdir(parents=True, exist_ok=True)
    (power / "runtime_status").write_text(status + "\n")
    return root


def test_counters_of_all_cards_are_told_in_microjoules(tmp_path: Path) -> None:
    library = Library(5_000, 7)
    graphics = Graphics(card(tmp_path), library)
    assert graphics.read_uj() == {"gpu-0": 5_000_000, "gpu-1": 7_000}
    graphics.read_uj()
    assert library.loaded == 1
    graphics.close()
    graphics.close()
    assert library.loaded == 0


def test_a_sleeping_card_is_not_woken(tmp_path: Path) -> None:
    library = Library(5_000)
    graphics = Graphics(card(tmp_path, "suspended"), library)
    with pytest.raises(MeterError, match=r"^asleep: "):
        graphics.read_uj()
    assert library.loaded == 0
    card(tmp_path, "active")
    assert graphics.read_uj() == {"gpu-0": 5_000_000}
    card(tmp_path, "suspended")
    library.counters_mj[0] = 9_000
    assert graphics.read_uj() == {"gpu-0": 5_000_000}


def test_a_card_that_is_lost_or_absent_says_so(tmp_path: Path) -> None:
    library = Library(5_000)
    graphics = Graphics(card(tmp_path), library)
    library.broken = True
    with pytest.raises(MeterError, match=r"^unreadable: .*GPU is lost"):
        graphics.read_uj()
    with pytest.raises(MeterError, match=r"^absent: "):
        Graphics(tmp_path, Library()).read_uj()


@pytest.mark.parametrize(
    ("counts_uj", "added_w"),
    [
        ((1_000_000, 1_000_000 + 60 * 25_000_000), 25.0),
        ((1_000_000, 1_000_000), 0.0),
        ((9_000_000, 5), 0.0),
        ((1, 10**15), 0.0),
    ],
    ids=["25-W", "idle-card", "driver-reloaded", "absurd"],
)
def test_a_card_adds_to_the_model_and_never_takes_away(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counts_uj: tuple[int, int],
    added_w: float,
) -> None:
    told = iter(counts_uj)
    closed: list[bool] = []
    graphics = Counters(
        "nvml",
        "graphics card",
        "powercap",
        lambda: Counts({"gpu-0": next(told)}),
        close=lambda: closed.append(True),
    )
    monkeypatch.setattr(sensors, "_graphics", lambda root, absent: graphics)
    at = SimpleNamespace(s=1000.0)
    host = Host(
        "pc-1",
        device_class=DESKTOP,
        root=tmp_path,
        clock=SimpleNamespace(now=lambda: Instant(1.7e9 + at.s, at.s, at.s)),
        cpu_times=lambda: SimpleNamespace(user=5.0, system=0.0, idle=at.s),
        processor_name="",
    )
    host.read()
    at.s += 60
    (reading,) = host.read()
    host.close()
    assert closed == [True]
    model = model_of(DESKTOP)
    expected_w = model.utilisation.idle_w + model.powercap.factor * added_w
    assert reading.power_w == pytest.approx(expected_w)
