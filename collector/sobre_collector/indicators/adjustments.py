"""Adjustments of the baseline, as rows of an append-only ledger (method 2.3).

Each change of E* must be defensible years later: who approved it, when, on what evidence. Nothing
is edited: a correction is a new row that names the row it replaces, and both stay.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from math import fsum, hypot
from typing import Any, Literal

from sobre_collector.indicators.reduction import Adjustment, EnergyUse
from sobre_drivers.errors import ConfigError, StoreError

Kind = Literal["perimeter", "non-routine", "withdrawn"]

# Screens, printers and PCs follow people; a server room does not unless somebody argues it.
PEOPLE_DRIVEN = ("workstation", "monitor", "printer")


@dataclass(frozen=True, slots=True)
class Entry:
    """One signed row: kWh per baseline year (positive raises E*), u (k = 1), who answers for it.

    `replaces` names an earlier row that this one corrects; kind "withdrawn" takes it back. `on` is
    the day from which the change acts, `approved_on` that of the signature (ISO dates).
    """

    name: str
    kind: Kind
    kwh: float
    u_kwh: float
    on: str
    reason: str
    evidence: str
    evidence_sha256: str
    approver: str
    approved_on: str
    replaces: str | None = None

    def __post_init__(self) -> None:
        lacking = [
            field
            for field in ("name", "reason", "evidence", "evidence_sha256", "approver")
            if not getattr(self, field).strip()
        ]
        if lacking:
            raise ConfigError(
                f"adjustment {self.name or self.reason!r}: without {', '.join(lacking)}; an "
                "auditor asks for each of them"
            )
        for field in ("on", "approved_on"):
            try:
                date.fromisoformat(getattr(self, field))
            except ValueError as error:
                raise ConfigError(
                    f"adjustment {self.name}: {field} {getattr(self, field)!r} is no date; write "
                    "2026-11-24"
                ) from error
        if self.kind == "withdrawn":
            if self.replaces is None or self.kwh or self.u_kwh:
                raise ConfigError(
                    f"adjustment {self.name}: a withdrawal names the row it takes back and is 0 kWh"
                )
        elif not self.u_kwh > 0:
            raise ConfigError(
                f"adjustment {self.name}: u = {self.u_kwh} kWh; nothing is known to ± 0, ask its "
                "author how sure the figure is"
            )


@dataclass(frozen=True, slots=True)
class DegreeDays:
    """A use that follows the weather: slope b and u(b) in kWh per degree-day, both periods' sums.

    `u_degree_days` is the standard uncertainty of the difference, of the weather data; the slope
    and its uncertainty come from a regression at `base_c`.
    """

    name: str
    base_c: float
    slope_kwh: float
    u_slope_kwh: float
    before_degree_days: float
    after_degree_days: float
    u_degree_days: float = 0.0


def weather(use: DegreeDays) -> Adjustment:
    """b·(CDD_R − CDD_B), uncertain by the slope and by the degree-days themselves."""
    difference = use.after_degree_days - use.before_degree_days
    u_kwh = hypot(difference * use.u_slope_kwh, use.slope_kwh * use.u_degree_days)
    return Adjustment("weather", use.slope_kwh * difference, u_kwh)


def energy_uses(
    baseline_kwh: Mapping[str, float], argued_phi: Mapping[str, float] | None = None
) -> list[EnergyUse]:
    """The uses of the baseline, by class, with their share and elasticity φ to the head-count.

    φ is 1 for what people drive and 0 for rooms and network, unless `argued_phi` says otherwise for
    a class. ConfigError for an argument about a class that is not in the baseline.
    """
    argued = argued_phi or {}
    strangers = sorted(argued.keys() - baseline_kwh.keys())
    if strangers:
        raise ConfigError(
            f"elasticity argued for {', '.join(strangers)}: not in the baseline; its classes are "
            f"{', '.join(sorted(baseline_kwh))}"
        )
    whole_kwh = fsum(baseline_kwh.values())
    if not whole_kwh > 0:
        raise ConfigError("baseline of 0 kWh: give its kWh by class")
    return [
        EnergyUse(name, kwh / whole_kwh, argued.get(name, default_phi_ratio(name)))
        for name, kwh in sorted(baseline_kwh.items())
    ]


def default_phi_ratio(device_class: str) -> float:
    """φ of a class where nobody argued another."""
    return 1.0 if device_class.partition(".")[0] in PEOPLE_DRIVEN else 0.0


def in_force(entries: Sequence[Entry]) -> list[Entry]:
    """Rows that still count, in the order of the ledger.

    ConfigError if a name stands twice, or a row replaces one that does not stand before it or that
    was replaced already: the history would then have two ends.
    """
    current: dict[str, Entry] = {}
    names: set[str] = set()
    for entry in entries:
        if entry.name in names:
            raise ConfigError(f"adjustment {entry.name}: stands twice; give the new row a new name")
        names.add(entry.name)
        if entry.replaces is not None and current.pop(entry.replaces, None) is None:
            raise ConfigError(
                f"adjustment {entry.name}: replaces {entry.replaces!r}, which is not in force; "
                f"in force are {', '.join(current) or 'none'}"
            )
        if entry.kind != "withdrawn":
            current[entry.name] = entry
    return list(current.values())


def extended(entries: Sequence[Entry], more: Entry) -> list[Entry]:
    """The ledger with one row more; ConfigError if the row does not fit what is there."""
    longer = [*entries, more]
    in_force(longer)
    return longer


def applied(
    entries: Sequence[Entry], weather_uses: Iterable[DegreeDays] = (), through: str | None = None
) -> list[Adjustment]:
    """What the reduction takes: the weather, and rows in force that act by the day `through`."""
    chosen = [e for e in in_force(entries) if through is None or e.on <= through]
    signed = [
        Adjustment("perimeter" if e.kind == "perimeter" else "non-routine", e.kwh, e.u_kwh)
        for e in chosen
    ]
    return signed + [weather(use) for use in weather_uses]


def to_json(entry: Entry) -> dict[str, Any]:
    """A JSON object; `from_json` gives back an equal row."""
    return asdict(entry)


def from_json(stored: Mapping[str, Any]) -> Entry:
    """The row that `to_json` wrote; StoreError if it is another shape."""
    try:
        return Entry(**stored)
    except (TypeError, AttributeError, ConfigError) as error:
        raise StoreError(
            f"stored adjustment: {error}; restore the ledger's back-up, never edit a row"
        ) from error
