"""One unit of the infrastructure in one month: what the ledger keeps of printers, outlets, feeders.

Nothing of a personal class has such a row: these tell of machines (method 2.2.4 A). Pairs are by
day type: index 0 "work" days, 1 "rest" days.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sobre_drivers.errors import StoreError

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PageSums:
    """Sums over the printer-days of which energy and pages are known: what a line needs."""

    days: int = 0
    kwh: float = 0.0
    pages: int = 0
    pages_square: int = 0
    kwh_pages: float = 0.0


@dataclass(frozen=True, slots=True)
class Printing:
    """What only printers have. Hours are those of the days of which at most 10 % is unknown.

    `running_h` is scaled to the whole day, `seen_h` and `most_h` bound it. `state_h` holds hours by
    state of all days that reported, "unknown" among them; `set_aside_days` are days whose pages the
    printer cannot have printed. `energy_pages` are sums for kWh per page.
    """

    model: str
    size: str
    unit: str
    private: bool
    valid_days: Pair
    running_h: Pair
    seen_h: Pair
    most_h: Pair
    state_h: Mapping[str, float]
    pages: tuple[int, int]
    page_days: Pair
    set_aside_days: int
    energy_pages: PageSums


@dataclass(frozen=True, slots=True)
class UnitMonth:
    """A device's valid days and the kWh of these, of which out of working hours and estimated.

    `counts` says whether a total adds it up on any day of the month (design 3, counted once).
    """

    month: str
    node: str
    device: str
    device_class: str
    organisation: str
    site: str
    calendar_days: tuple[int, int]
    valid_days: Pair
    kwh: Pair
    out_kwh: Pair
    estimated_kwh: float
    counts: bool
    printing: Printing | None = None

    @property
    def whole_kwh(self) -> float | None:
        """kWh of the month, missing days at the mean of their type; None if too few are valid.

        At least 90 % of the days, as a day needs 90 % of its seconds, and one of each type.
        """
        if 10 * sum(self.valid_days) < 9 * sum(self.calendar_days):
            return None
        whole = 0.0
        for days, valid, kwh in zip(self.calendar_days, self.valid_days, self.kwh, strict=True):
            if days and not valid:
                return None
            whole += kwh * days / valid if valid else 0.0
        return whole


def to_json(row: UnitMonth) -> dict[str, Any]:
    """A JSON object; `from_json` gives back an equal row."""
    return asdict(row)


def from_json(stored: Mapping[str, Any]) -> UnitMonth:
    """The row that `to_json` wrote; StoreError if it is another shape."""
    try:
        given = dict(stored)
        printing = given.pop("printing")
        if printing is not None:
            sums = PageSums(**printing.pop("energy_pages"))
            printing = Printing(**_paired(printing), energy_pages=sums)
        return UnitMonth(**_paired(given), printing=printing)
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"stored month of a device: {error!r} in {sorted(stored)}; rebuild it or restore the "
            "ledger's back-up"
        ) from error


def _paired(given: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
