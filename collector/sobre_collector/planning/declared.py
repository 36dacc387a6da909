"""Powers and hours by class, from the data file that holds them with their sources."""

from dataclasses import dataclass
from pathlib import Path

from sobre_collector.indicators.estimate import Declared
from sobre_drivers import settings
from sobre_drivers.load import CLASSES

OWN_FILE = Path(__file__).parent / "declared.toml"
YEAR_H = 8_760.0


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """A class as the file states it; of three figures: the least, what is taken, the most."""

    device_class: str
    on_w: float
    sleep_w: float
    off_w: float
    on_h: tuple[float, ...]
    asleep_ratio: float
    power_ratio: tuple[float, ...]
    model_cv_ratio: float
    models_n: int
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        _require(self.device_class in CLASSES, f"device_class: choose one of {', '.join(CLASSES)}")
        for name, three in (("on_h", self.on_h), ("power_ratio", self.power_ratio)):
            ordered = len(three) == 3 and 0 < three[0] <= three[1] <= three[2]
            _require(ordered, f"{name}: the least, the usual and the most, all above 0")
        _require(self.on_h[2] <= YEAR_H, f"on_h: a year has {YEAR_H:g} hours")
        _require(0 <= self.asleep_ratio <= 1, "asleep_ratio: from 0 to 1")
        _require(self.on_w > 0 and self.model_cv_ratio > 0, "on_w, model_cv_ratio: above 0")
        _require(bool(self.sources), "sources: say where the figures come from")

    def year_kwh(self, which: int) -> float:
        """kWh of a year at the least (0), the usual (1) or the most (2) of the stated use."""
        on_h = self.on_h[which]
        rest_w = self.asleep_ratio * self.sleep_w + (1 - self.asleep_ratio) * self.off_w
        return (self.on_w * self.power_ratio[which] * on_h + rest_w * (YEAR_H - on_h)) / 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """The whole file."""

    version: int
    year: int
    fleet_models_n: int
    classes: tuple[ClassFigures, ...]


def figures(path: Path = OWN_FILE) -> Figures:
    """The figures in a file; ConfigError holds one line for each mistake in it."""
    # A variable of the environment is a setting, never a figure with a source.
    return settings.load(path, Figures, {})


def declared(stated: Figures) -> list[Declared]:
    """Each class with its mean, its spread between models and the bound of its use."""
    found = []
    for one in stated.classes:
        least, usual, most = (one.year_kwh(which) for which in (0, 1, 2))
        found.append(
            Declared(
                one.device_class,
                usual,
                usual * one.model_cv_ratio,
                one.models_n,
                # Half of what lies between the two ends, of what is taken.
                (most - least) / 2 / usual,
                "; ".join(one.sources),
                stated.year,
            )
        )
    return found


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)
