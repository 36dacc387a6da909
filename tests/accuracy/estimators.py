"""Each way of estimating as a thing that can be fitted on some rows and scored on others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from accuracy import fits
from accuracy.tables import LEVELS, Declared, Server, Step, declared, servers, steps
from sobre_drivers import settings
from sobre_drivers.pc.parameters import FOLDER
from sobre_drivers.pc.pc_model import Generations, PcModel, fitted, grown_ratio, plug_w, utilised_w
from sobre_drivers.pc.screens import Screen, ScreenModel

# A generation with fewer machines than this in a half has no parameters of its own there.
FEWEST = 3

Pairs = list[tuple[float, float]]  # estimate, truth


@dataclass(frozen=True, slots=True)
class Estimator:
    """`shipped` estimates with the data files; `fitted_on` with what some rows would ask for.

    `alone`: all rows are of one machine and too few to halve; each is scored by a fit on the rest.
    """

    name: str
    knows: str
    rows: Sequence[Any]
    shipped: Callable[[Sequence[Any]], Pairs]
    fitted_on: Callable[[Sequence[Any]], Callable[[Sequence[Any]], Pairs]]
    stated_ratio: float | None = None
    alone: bool = False


@cache
def model(name: str) -> PcModel:
    """A class of PC as it is shipped."""
    return settings.load(FOLDER / f"{name}.toml", PcModel, {})


@cache
def monitor() -> ScreenModel:
    """Screens as they are shipped."""
    return settings.load(FOLDER / "monitor.toml", ScreenModel, {})


@cache
def generations() -> Generations:
    """Processor generations as they are shipped."""
    return settings.load(FOLDER / "generations.toml", Generations, {})


def estimators() -> list[Estimator]:
    """All that are scored, in the order of the document."""
    machines, models = servers(), declared()
    return [
        *(
            _growth(name, levels, [m for m in machines if only(m)])
            for name, levels, only in (
                ("power between idle and full, at half load", (50,), _any),
                ("power between idle and full, all levels", LEVELS[1:-1], _any),
                ("the same, towers only", LEVELS[1:-1], _tower),
            )
        ),
        _server(machines),
        *(_desktop_at_plug(name, steps()) for name in ("load", "counters")),
        *(
            _year(name, [each for each in models if each.kind.startswith(kind)])
            for name, kind in (
                ("laptop", "laptop"),
                ("desktop", "desktop"),
                ("monitor", "monitor"),
            )
        ),
    ]


def _any(_: Server) -> bool:
    return True


def _tower(machine: Server) -> bool:
    return machine.tower


def _growth(name: str, levels: Sequence[int], machines: Sequence[Server]) -> Estimator:
    default = model("server").utilisation
    known = {each.name: (each.step, each.exponent) for each in generations().generations}

    def given(own: Mapping[str, tuple[float, float]], other: tuple[float, float]) -> Any:
        return lambda rows: [
            (fits.grown_w(row, level, *own.get(_generation(row), other)), row.power_w[level // 10])
            for row in rows
            for level in levels
        ]

    def fitted_on(rows: Sequence[Server]) -> Any:
        return given(
            {name: fits.curve(group) for name, group in _grouped(rows).items()}, fits.curve(rows)
        )

    return Estimator(
        name,
        "processor's name, own idle and full power",
        machines,
        given(known, (default.step, default.exponent)),
        fitted_on,
    )


def _server(machines: Sequence[Server]) -> Estimator:
    shipped = model("server")

    def pairs(rows: Sequence[Server], power_w: Callable[[Server, float], float]) -> Pairs:
        return [
            (power_w(row, level / 100), row.power_w[level // 10])
            for row in rows
            for level in LEVELS
        ]

    def as_shipped(row: Server, load_ratio: float) -> float:
        own, _ = fitted(shipped, generations().generations, None, row.processor)
        return utilised_w(own, load_ratio)

    def fitted_on(rows: Sequence[Server]) -> Any:
        groups = {"": list(rows), **_grouped(rows)}
        found = {
            name: (
                median(row.power_w[0] for row in group),
                median(row.power_w[-1] - row.power_w[0] for row in group),
                *fits.curve(group),
            )
            for name, group in groups.items()
        }

        def power_w(row: Server, load_ratio: float) -> float:
            idle_w, swing_w, step, exponent = found.get(_generation(row), found[""])
            return idle_w + swing_w * grown_ratio(load_ratio, step, exponent)

        return lambda rows: pairs(rows, power_w)

    return Estimator(
        "a server, all levels and idle",
        "processor's name",
        machines,
        lambda rows: pairs(rows, as_shipped),
        fitted_on,
        shipped.utilisation.uncertainty_ratio,
    )


def _desktop_at_plug(way: str, rows: Sequence[Step]) -> Estimator:
    name = "AMD Ryzen Threadripper 1950X 16-Core Processor"
    own, _ = fitted(model("desktop"), generations().generations, None, name)

    def by_load(steps: Sequence[Step]) -> Pairs:
        return [(utilised_w(own, step.load_ratio), step.plug_w) for step in steps]

    def by_counters(steps: Sequence[Step]) -> Pairs:
        return [(plug_w(own.powercap, step.package_w), step.plug_w) for step in steps]

    def fitted_by_load(rows: Sequence[Step]) -> Any:
        idle_w, swing_w, exponent = fits.plug_curve(rows)
        return lambda steps: [
            (idle_w + swing_w * grown_ratio(step.load_ratio, 0, exponent), step.plug_w)
            for step in steps
        ]

    def fitted_by_counters(rows: Sequence[Step]) -> Any:
        rest_w = fits.offset_w(rows)
        return lambda steps: [(rest_w + step.package_w, step.plug_w) for step in steps]

    loaded = way == "load"
    return Estimator(
        f"a desktop at a plug, by {way}",
        "processor's name, load" if loaded else "processor's name, package counter",
        rows,
        by_load if loaded else by_counters,
        fitted_by_load if loaded else fitted_by_counters,
        alone=True,
    )


def _year(name: str, models: Sequence[Declared]) -> Estimator:
    shipped = monitor() if name == "monitor" else model(name)
    off_w, sleep_w = shipped.off_w, shipped.sleep_w
    screen = name == "monitor"
    stated = monitor().uncertainty_ratio if screen else model(name).utilisation.uncertainty_ratio

    def as_shipped(row: Declared) -> float:
        if name == "monitor":
            return monitor().power_w(Screen(True, row.diagonal_in))
        return shipped_idle_w(row.kind)

    def pairs(rows: Sequence[Declared], idle_w: Callable[[Declared], float]) -> Pairs:
        return [(fits.year_kwh(row, idle_w(row), off_w, sleep_w), row.year_kwh) for row in rows]

    def fitted_on(rows: Sequence[Declared]) -> Any:
        if name == "monitor":
            base_w, w_per_in2 = fits.screen(rows, monitor())
            usual_in = monitor().usual_in
            return lambda rows: pairs(
                rows,
                lambda row: base_w + w_per_in2 * (row.diagonal_in or usual_in) ** 2 * 144 / 337,
            )
        found = {
            kind: fits.idle_w([row for row in rows if row.kind == kind], off_w, sleep_w)
            for kind in {row.kind for row in rows}
        }
        return lambda rows: pairs(rows, lambda row: found[row.kind])

    return Estimator(
        f"{name}: energy of a year",
        {"monitor": "diagonal", "laptop": "kind of processor"}.get(name, "enclosure"),
        models,
        lambda rows: pairs(rows, as_shipped),
        fitted_on,
        stated,
    )


def shipped_idle_w(kind: str) -> float:
    """Idle power (W) of a kind of laptop or desktop, as the data files say."""
    device, name = kind.split()
    parts = model(device)
    found: dict[str, float | None] = {each.name: each.idle_w for each in parts.shapes}
    found |= {each.name: each.idle_w for each in parts.processors}
    return found.get(name) or parts.utilisation.idle_w


def _generation(row: Server) -> str:
    found = fits.generation_of(row, generations().generations)
    return "" if found is None else found.name


def _grouped(rows: Sequence[Server]) -> dict[str, list[Server]]:
    groups: dict[str, list[Server]] = {}
    for row in rows:
        groups.setdefault(_generation(row), []).append(row)
    return {name: group for name, group in groups.items() if name and len(group) >= FEWEST}
