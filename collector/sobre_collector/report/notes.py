"""What a report says against itself: what is missing, and what weakens its figures."""

from collections.abc import Sequence

from sobre_collector.indicators.moments import POOLED
from sobre_collector.indicators.reduction import MAX_CV_OF_BASELINE, Reduction
from sobre_collector.months import month_after
from sobre_collector.perimeter.bills import missing_bills
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.coverage import flagged
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import COVERAGE_FACTOR, Facts
from sobre_collector.report.model import Note, Values
from sobre_collector.report.monthly import source_of, uncounted

# What docs/method.md says must be printed with each result.
ASSUMPTIONS = (
    "exchangeable",
    "days-alike",
    "counts-right",
    "users-proportional",
    "baseline-proven",
    "months-bound",
)


def missing_of(drawn: Drawn) -> list[Note]:
    """What stands in the way of a percentage."""
    missing = list(drawn.reference.missing)
    baseline_year = drawn.fleet.perimeter.baseline.year
    if not drawn.months:
        missing.append(Note("no-months", {"year": drawn.year}))
    elif not drawn.full:
        lacking = ", ".join(drawn.fleet.lacking(months_of(drawn.year)))
        values: Values = {"known": len(drawn.months), "year": drawn.year, "months": lacking}
        missing.append(Note("months-missing", values))
    if drawn.year <= baseline_year:
        missing.append(Note("not-after-baseline", {"baseline_year": baseline_year}))
    missing += _no_users(drawn)
    unlisted = [m for m in _compared(drawn) if drawn.fleet.perimeter.inventory_of(m).month is None]
    if unlisted:
        # Without it a total is the sum of the devices that report: the roll-out, not the fleet.
        missing.append(Note("no-inventory", {"months": ", ".join(unlisted)}))
    unbilled = _unbilled(drawn)
    if unbilled:
        missing.append(Note("bills-missing", {"names": unbilled}))
    return missing + _too_few(drawn) if missing else []


def _unbilled(drawn: Drawn) -> str:
    """Each stratum of which a bill is due and missing, with its months."""
    fleet, perimeter = drawn.fleet, drawn.fleet.perimeter
    shares_year = perimeter.baseline.shares_year
    months = {*_compared(drawn), *(months_of(shares_year) if shares_year else ())}
    if not months:
        return ""
    holes: dict[str, list[str]] = {}
    for month, s in missing_bills(perimeter, min(months), max(months)):
        if month in months and s.organisation in fleet.organisations:
            holes.setdefault(f"{s.organisation} / {s.site} / {s.device_class}", []).append(month)
    return "; ".join(f"{name} {spans(found)}" for name, found in sorted(holes.items()))


def _model(drawn: Drawn) -> list[Note]:
    used = {source_of(one): one.stratum.device_class for one in drawn.fleet.of(drawn.months)}
    known: dict[str, float] = {}
    for name, u in drawn.fleet.common_u.items():
        if name in used and u > 0:
            known[used[name]] = max(u, known.get(used[name], 0.0))
    if not known:
        return []
    measured = drawn.fleet.perimeter.baseline.kind == "measured"
    values: Values = {
        "u_ratio": COVERAGE_FACTOR * max(known.values()),
        "class": ", ".join(sorted(known)),
    }
    return [Note("model-offset" if measured else "model-whole", values)]


def _no_users(drawn: Drawn) -> list[Note]:
    baseline_year = drawn.fleet.perimeter.baseline.year
    periods = [(baseline_year, drawn.before, months_of(baseline_year))]
    if drawn.months:
        periods.append((drawn.year, drawn.after, list(drawn.months)))
    names = {o.id: o.name for o in drawn.fleet.perimeter.organisations}
    found = []
    for year, known, months in periods:
        if known is None:
            lacking = uncounted(drawn.fleet.perimeter, months, drawn.fleet.organisations)
            listed = ", ".join(names.get(o, o) for o in lacking) or "–"
            found.append(Note("no-users", {"year": year, "names": listed}))
    return found


def _compared(drawn: Drawn) -> list[str]:
    """Months whose totals the result rests on."""
    baseline = drawn.fleet.perimeter.baseline
    own = months_of(baseline.year) if baseline.kind == "measured" else []
    return [m for m in own if m in drawn.fleet.complete] + list(drawn.months)


def _both(drawn: Drawn) -> list[str]:
    return [*months_of(drawn.fleet.perimeter.baseline.year), *drawn.months]


def spans(months: Sequence[str]) -> str:
    """Months of which those that follow one another are joined ("2025-02 – 2025-12")."""
    found: list[list[str]] = []
    for month in sorted(months):
        if found and month_after(found[-1][-1]) == month:
            found[-1].append(month)
        else:
            found.append([month])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} – {run[-1]}" for run in found)


def _too_few(drawn: Drawn) -> list[Note]:
    months, k = ", ".join(drawn.fleet.too_few), drawn.fleet.perimeter.publish_at_least
    return [Note("too-few-workstations", {"k": k, "months": months})] if months else []


def reason(code: str, found: Reduction, drawn: Drawn) -> Note:
    """Why the reduction itself gave no percentage."""
    if code == "baseline-too-uncertain":
        u_ratio = found.adjusted.u_kwh / found.adjusted.total_kwh
        return Note(code, {"u_ratio": u_ratio, "limit_ratio": MAX_CV_OF_BASELINE})
    if code == "no-energy" and found.adjusted.total_kwh <= 0 < found.reporting.total_kwh:
        return Note("adjusted-below-zero", {"adjusted_kwh": found.adjusted.total_kwh})
    if code == "no-data":
        months = [*drawn.months, *months_of(drawn.fleet.perimeter.baseline.year)]
        unseen = {
            one.stratum.device_class for one in drawn.fleet.of(months) if "no-data" in one.flags
        }
        return Note(code, {"class": ", ".join(sorted(unseen))})
    return Note(code)


def notes_of(drawn: Drawn, facts: Facts) -> list[Note]:
    """Assumptions, and what weakens the figures."""
    perimeter = drawn.fleet.perimeter
    notes = [Note(code) for code in ASSUMPTIONS]
    if perimeter.baseline.kind == "measured":
        notes.append(Note("independent"))
    notes += _model(drawn)
    if not drawn.reference.evidence:
        notes.append(Note("baseline-evidence", {"baseline_year": perimeter.baseline.year}))
    elif perimeter.baseline.unproven:
        rows = [f"{r.organisation} / {r.device_class}" for r in perimeter.baseline.unproven]
        notes.append(Note("baseline-rows", {"names": ", ".join(rows)}))
    notes += _too_few(drawn)
    if drawn.fleet.left_out:
        notes.append(Note("left-out", {"names": ", ".join(sorted(drawn.fleet.left_out))}))
    pooled = {row.month for row in drawn.fleet.rows_of(drawn.months) if row.stratum.site == POOLED}
    if pooled:
        notes.append(Note("pooled", {"count": len(pooled)}))
    carried = [m for m in drawn.months if perimeter.inventory_of(m).carried]
    if carried:
        notes.append(Note("inventory-carried", {"count": len(carried)}))
    # Of each organisation: a month that only one of two states is no count of both.
    holes = perimeter.headcount_holes(_both(drawn), drawn.fleet.organisations)
    if holes:
        of = {o: [m for whose, m in holes if whose == o] for o, _ in holes}
        names = "; ".join(f"{o} {spans(months)}" for o, months in of.items())
        count = len({m for _, m in holes})
        notes.append(Note("headcount-carried", {"count": count, "names": names}))
    shown = (*drawn.groups.organisations, *drawn.groups.classes)
    suppressed = sum(group.suppressed for group in shown)
    if suppressed:
        notes.append(Note("suppressed", {"count": suppressed, "k": perimeter.publish_at_least}))
    step_kwh = drawn.fleet.step_kwh(drawn.months)
    if step_kwh > 0:
        notes.append(Note("rounded", {"step_kwh": step_kwh}))
    account = facts.conservation
    if account and (account.missing_j or account.doubled_j):
        values = {"missing_j": account.missing_j, "doubled_j": account.doubled_j}
        notes.append(Note("unaccounted", values))
    if account and account.late_j:
        notes.append(Note("late", {"late_j": account.late_j}))
    return notes + flagged(drawn.fleet.of(drawn.months))
