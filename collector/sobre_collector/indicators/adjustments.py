"""Adjustments of the baseline, as rows of an append-only ledger (method 2.3).

Each change of E* must be defensible years later: who approved it, when, on what evidence. Nothing
is edited: a correction is a new row that names the row it replaces, and both stay.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from math import fsum, hypot, inf, isfinite
from typing import Any, Literal, NoReturn

from sobre_collector.indicators.reduction import Adjustment, EnergyUse
from sobre_drivers.errors import ConfigError, StoreError

Kind = Literal["perimeter", "non-routine", "weather", "withdrawn"]
_SHA256 = re.compile("[0-9a-f]{64}")

# Screens, printers and PCs follow people; a server room does not unless somebody argues it.
PEOPLE_DRIVEN = ("workstation", "monitor", "printer")


@dataclass(frozen=True, slots=True)
class Slope:
    """How a use at a site follows the weather: kWh per degree-day above `base_c`, and u (k = 1)."""

    site: str
    base_c: float
    slope_kwh: float
    u_slope_kwh: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One signed row: kWh that it adds to E* (negative: takes off), u (k = 1), who answers for it.

    `replaces` names an earlier row that this one corrects; kind "withdrawn" takes it back, and
    "weather" holds a `slope` instead of kWh. `on` is the day from which the change acts and `until`
    its last (None: for good); it counts, unscaled, in each reporting period that it touches.
    `approved_on` is the day of the signature (ISO dates), `approver` a role. `evidence_sha256` is
    "" where the evidence is no file that could be hashed.
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
    until: str | None = None
    slope: Slope | None = None

    def __post_init__(self) -> None:
        lacking = [
            field
            for field in ("name", "reason", "evidence", "approver")
            if not getattr(self, field).strip()
        ]
        if lacking:
            self._refuse(f"without {', '.join(lacking)}; an auditor asks for each of them")
        if self.evidence_sha256 and _SHA256.fullmatch(self.evidence_sha256) is None:
            self._refuse(f"evidence_sha256 {self.evidence_sha256!r}; 64 hexadecimal digits are due")
        if "@" in self.approver:
            # The ledger is kept for ever and published: it names functions, not people.
            self._refuse(f"approver {self.approver!r}; name a role, such as 'head of energy'")
        for field in ("on", "approved_on", *(("until",) if self.until is not None else ())):
            try:
                date.fromisoformat(getattr(self, field))
            except ValueError:
                self._refuse(f"{field} {getattr(self, field)!r} is no date; write 2026-11-24")
        if self.until is not None and self.until < self.on:
            self._refuse(f"until {self.until} is before {self.on}; correct one")
        if not (isfinite(self.kwh) and isfinite(self.u_kwh)):
            self._refuse(f"{self.kwh} kWh ± {self.u_kwh}; finite numbers are needed")
        self._check_kind()

    def _check_kind(self) -> None:
        if (self.slope is not None) != (self.kind == "weather"):
            self._refuse(f"kind {self.kind!r}; a slope belongs to 'weather', and it needs one")
        if self.kind == "withdrawn":
            if self.replaces is None or self.kwh or self.u_kwh:
                self._refuse("a withdrawal names the row it takes back and is 0 kWh")
        elif self.slope is not None:
            if self.kwh or self.u_kwh:
                self._refuse("its kWh follow from the degree-days of both periods; give none")
            if not (isfinite(self.slope.slope_kwh) and 0 < self.slope.u_slope_kwh < inf):
                self._refuse(f"u of the slope = {self.slope.u_slope_kwh}; take both from the fit")
            if not -50 <= self.slope.base_c <= 50:
                self._refuse(f"base temperature {self.slope.base_c} °C; one such as 18 is needed")
        elif not self.u_kwh > 0:
            self._refuse(
                f"u = {self.u_kwh} kWh; nothing is known to ± 0, ask its author how sure the "
                "figure is"
            )

    def _refuse(self, finding: str) -> NoReturn:
        raise ConfigError(f"adjustment {self.name or self.reason!r}: {finding}")

    def acts(self, start: str | None, end: str | None) -> bool:
        """Whether it touches a period (ISO dates of its first and last day; None: open)."""
        begun = end is None or self.on <= end
        return begun and (start is None or self.until is None or start <= self.until)


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
    entries: Sequence[Entry],
    weather_uses: Iterable[DegreeDays] = (),
    through: str | None = None,
    start: str | None = None,
) -> list[Adjustment]:
    """What the reduction takes: the weather, and rows in force that act from `start` to `through`.

    Rows of kind "weather" come in through `weather_uses` (see `indicators.degree_days`).
    """
    return [signed(entry) for entry in acting(entries, through, start)] + [
        weather(use) for use in weather_uses
    ]


def acting(
    entries: Sequence[Entry], through: str | None = None, start: str | None = None
) -> list[Entry]:
    """The rows with kWh that are in force and touch the period, in the ledger's order."""
    return [e for e in in_force(entries) if e.kind != "weather" and e.acts(start, through)]


def signed(entry: Entry) -> Adjustment:
    """A row with kWh as the reduction takes it."""
    kind: Literal["perimeter", "non-routine"] = (
        "perimeter" if entry.kind == "perimeter" else "non-routine"
    )
    return Adjustment(kind, entry.kwh, entry.u_kwh)


def to_json(entry: Entry) -> dict[str, Any]:
    """A JSON object; `from_json` gives back an equal row."""
    return asdict(entry)


def from_json(stored: Mapping[str, Any]) -> Entry:
    """The row that `to_json` wrote; StoreError if it is another shape."""
    try:
        slope = stored.get("slope")
        return Entry(**{**stored, "slope": None if slope is None else Slope(**slope)})
    except (TypeError, AttributeError, ConfigError) as error:
        raise StoreError(
            f"stored adjustment: {error}; restore the ledger's back-up, never edit a row"
        ) from error
