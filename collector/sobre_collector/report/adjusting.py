"""From the baseline to E*: users, weather and signed rows, each with its evidence (method 2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from sobre_collector.indicators.adjustments import Entry, acting, applied, weather
from sobre_collector.indicators.degree_days import weather_uses
from sobre_collector.indicators.reduction import Adjustment, Reduction
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_collector.report import notation
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note, Report
from sobre_collector.report.notation import bound
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, marked, name, say

NAME = "adjustments"
# So much of a hash tells two files apart on paper; the JSON has the whole.
HASH_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One adjustment: kWh that it adds to E*, its standard uncertainty, and who answers for it."""

    name: str
    kind: str
    kwh: float
    u_kwh: float
    on: str = ""
    until: str | None = None
    reason: str = ""
    evidence: str = ""
    evidence_sha256: str = ""
    approver: str = ""
    approved_on: str = ""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """E_B, what is added, and E*, in kWh: (E_B + perimeter) × factor + weather + non-routine.

    `factor_ratio` is the user factor, `elasticity_ratio` φ by class of the baseline.
    """

    baseline_kwh: float
    perimeter_kwh: float
    factor_ratio: float
    users_kwh: float
    weather_kwh: float
    non_routine_kwh: float
    adjusted_kwh: float
    u_kwh: float
    elasticity_ratio: dict[str, float] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()


def adjustments(
    entries: Sequence[Entry], perimeter: Perimeter, months: Sequence[str]
) -> tuple[list[Adjustment], list[Note]]:
    """What the reduction takes for these months, and what is missing for it."""
    found = weather_uses(entries, perimeter.degree_days, _before(perimeter), months)
    missing = [
        Note(
            "degree-days-missing",
            {"names": hole.name, "sites": hole.site, "months": ", ".join(hole.months)},
        )
        for hole in found.holes
    ]
    return applied(entries, found.uses, *_period(months)), missing


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Adjusted | None:
    """The way from E_B to E* of a result, whether anything was signed or not."""
    reference = drawn.reference.found
    if not found or reference is None:
        return None
    adjusted = found[0].adjusted
    perimeter, months = drawn.fleet.perimeter, drawn.months
    lines = [
        Line(e.name, e.kind, e.kwh, e.u_kwh, e.on, e.until, e.reason, *_evidence(e))
        for e in acting(facts.adjustments, *_period(months))
    ]
    by_name = {e.name: e for e in facts.adjustments}
    uses = weather_uses(facts.adjustments, perimeter.degree_days, _before(perimeter), months).uses
    for use in uses:
        entry, kwh = by_name[use.name], weather(use)
        lines.append(
            Line(
                use.name,
                "weather",
                kwh.kwh,
                kwh.u_kwh,
                entry.on,
                entry.until,
                entry.reason,
                *_evidence(entry),
            )
        )
    kwh_of = {
        kind: sum(line.kwh for line in lines if line.kind == kind)
        for kind in ("perimeter", "weather", "non-routine")
    }
    scope_kwh = reference.total_kwh + kwh_of["perimeter"]
    return Adjusted(
        reference.total_kwh,
        kwh_of["perimeter"],
        adjusted.user_factor_ratio,
        scope_kwh * (adjusted.user_factor_ratio - 1),
        kwh_of["weather"],
        kwh_of["non-routine"],
        adjusted.total_kwh,
        adjusted.u_kwh,
        {use.name: use.phi_ratio for use in drawn.reference.uses},
        tuple(lines),
    )


def _before(perimeter: Perimeter) -> list[str]:
    return months_of(perimeter.baseline.year)


def _period(months: Sequence[str]) -> tuple[str | None, str | None]:
    """The last day and the first of the months, as the ledger's rows compare them."""
    return (f"{months[-1]}-31", f"{months[0]}-01") if months else (None, None)


def _evidence(entry: Entry) -> tuple[str, str, str, str]:
    return entry.evidence, entry.evidence_sha256, entry.approver, entry.approved_on


def html(found: Adjusted, report: Report, lang: Lang) -> str:
    """The sum from E_B to E*, then each signed row with its evidence."""
    heads = [say(lang, "col.figure"), say(lang, "col.value"), say(lang, "adjustments.u")]
    parts = [table(say(lang, "title.adjustments"), heads, rows(found, report, lang))]
    if not found.lines:
        return parts[0] + f"<p>{marked(say(lang, 'adjustments.none'))}</p>"
    # Reason and evidence are sentences: seven columns fit no screen.
    signed = "".join(_signed_row(one, lang) for one in found.lines)
    return f"{parts[0]}<h3>{escape(say(lang, 'adjustments.signed'))}</h3><ul>{signed}</ul>"


def rows(found: Adjusted, report: Report, lang: Lang) -> list[list[str]]:
    """What is added, term by term; terms of 0 are left out, the users never."""
    terms = [
        ("baseline", found.baseline_kwh),
        ("perimeter", found.perimeter_kwh),
        ("users", found.users_kwh),
        ("weather", found.weather_kwh),
        ("non-routine", found.non_routine_kwh),
    ]
    factor = notation.number(found.factor_ratio, lang, 4)
    lines = [
        [
            say(lang, f"adjustments.row_{key}", factor=factor),
            notation.energy(kwh, lang) if key == "baseline" else _signed(kwh, lang),
            "",
        ]
        for key, kwh in terms
        if kwh or key in ("baseline", "users")
    ]
    u = f"± {notation.energy(found.u_kwh, lang)}"
    whole = notation.energy(found.adjusted_kwh, lang)
    return [*lines, [say(lang, "adjustments.row_adjusted"), whole, u]]


def _signed_row(one: Line, lang: Lang) -> str:
    colon = "\u00a0:" if lang == "fr" else ":"
    effect = f"{_signed(one.kwh, lang)} ± {notation.energy(one.u_kwh, lang)}"
    until = f" → {notation.day(one.until, lang)}" if one.until else ""
    sha = f" (SHA-256 {one.evidence_sha256[:HASH_SHOWN]}…)" if one.evidence_sha256 else ""
    kind = name(lang, "adjustments.of", one.kind)
    told = [
        f"{kind}, {say(lang, 'adjustments.since', day=notation.day(one.on, lang))}{until}",
        one.reason,
        f"{say(lang, 'adjustments.evidence')}{colon} {one.evidence}{sha}",
        say(lang, "row.approved", by=one.approver, on=notation.day(one.approved_on, lang)),
    ]
    head, join = f"{one.name}{colon} {effect}", " ; " if lang == "fr" else "; "
    return f"<li><strong>{escape(bound(head))}</strong><br>{escape(bound(join.join(told)))}</li>"


def _signed(kwh: float, lang: Lang) -> str:
    return f"{'+' if kwh > 0 else ''}{notation.energy(kwh, lang)}"
