"""The rows of the report's small tables, as texts in a language."""

from sobre_collector.report import notation
from sobre_collector.report.model import Conserved, Report
from sobre_collector.report.sentences import evolution_interval, span
from sobre_collector.report.wording import Lang, name, say


def figure_rows(report: Report, lang: Lang) -> list[list[str]]:
    """Key figures: what, value, interval at 95 %."""
    base, energy = report.baseline, report.energy
    kind = name(lang, "kind", base.kind)
    label = say(lang, "row.baseline", baseline_year=base.year, kind=kind)
    sure = _deviation(base.u_kwh, base.u_compared_kwh, lang)
    result = report.result
    rows = _change_rows(report, lang) if result is not None else []
    rows.append([label, _kwh(base.energy_kwh, lang), sure])
    if result is not None:
        rows.append([say(lang, "row.adjusted"), _kwh(result.adjusted_baseline_kwh, lang), ""])
    around = energy.interval
    rows.append(
        [
            say(lang, "row.energy", year=span(report, lang)),
            _kwh(energy.energy_kwh, lang),
            notation.energy_range(around.low_kwh, around.high_kwh, lang) if around else "",
        ]
    )
    if result is not None:
        rows += _result_rows(report, lang)
    rows.append([say(lang, "row.naive_sum"), _kwh(energy.naive_kwh, lang), ""])
    for key, value, at in (
        ("row.users_baseline", report.users.baseline, str(base.year)),
        ("row.users", report.users.reporting, span(report, lang)),
    ):
        text = say(lang, "unknown") if value is None else notation.number(value, lang)
        rows.append([say(lang, key, baseline_year=at, year=at), text, ""])
    shares = [
        energy.measured_share_ratio,
        energy.estimated_share_ratio,
        energy.extrapolated_share_ratio,
    ]
    known = [share for share in shares if share is not None]
    if len(known) == len(shares):
        keys = ("row.measured", "row.estimated", "row.extrapolated")
        texts = notation.percents(known, lang)
        rows += [[say(lang, key), text, ""] for key, text in zip(keys, texts, strict=True)]
    return rows


def _deviation(u_kwh: float | None, compared_kwh: float | None, lang: Lang) -> str:
    if u_kwh is None:
        return ""
    u = notation.energy(u_kwh, lang)
    compared = u if compared_kwh is None else notation.energy(compared_kwh, lang)
    # Where models had no part in it there is one error, and nothing to tell apart.
    return say(lang, "row.u" if compared == u else "row.u_both", u=u, compared=compared)


def _change_rows(report: Report, lang: Lang) -> list[list[str]]:
    result, beside = report.result, report.beside
    assert result is not None
    rows = []
    for level, key in ((0.95, "row.evolution"), (0.90, "row.evolution90")):
        low, high = evolution_interval(report, level)
        rows.append([say(lang, key), notation.change(result.evolution_ratio, lang)])
        rows[-1].append(_to(notation.change(low, lang), notation.change(high, lang), lang))
    for key, ratio, around in (
        ("row.raw", beside.raw_ratio, beside.raw_interval),
        ("row.phi0", beside.phi0_ratio, beside.phi0_interval),
        ("row.naive", beside.naive_ratio, None),
    ):
        if ratio is not None:
            interval = ""
            if around is not None:
                low, high = (-around.high_ratio, -around.low_ratio)
                interval = _to(notation.change(low, lang), notation.change(high, lang), lang)
            rows.append([say(lang, key), notation.change(-ratio, lang), interval])
    return rows


def _result_rows(report: Report, lang: Lang) -> list[list[str]]:
    result = report.result
    assert result is not None
    rows = []
    around = result.avoided_interval
    interval = notation.energy_range(around.low_kwh, around.high_kwh, lang) if around else ""
    rows.append([say(lang, "row.avoided"), _kwh(result.avoided_kwh, lang), interval])
    for key, kwh, at in (
        ("row.per_user_baseline", result.baseline_kwh_per_user, str(report.baseline.year)),
        ("row.per_user", result.reporting_kwh_per_user, span(report, lang)),
    ):
        rows.append([say(lang, key, baseline_year=at, year=at), _kwh(kwh, lang), ""])
    return rows


def trajectory_rows(report: Report, lang: Lang) -> list[list[str]]:
    """Where the reduction stands; only the target and the status while it is insufficient."""
    found = report.trajectory
    rows = [
        [
            say(lang, "row.target", target_year=found.target_year),
            notation.percent(-found.target_ratio, lang, 0),
        ],
        [say(lang, "row.status"), name(lang, "status", found.status)],
    ]
    if found.trailing_ratio is None or found.window_end is None:
        return rows
    end = notation.month(found.window_end, lang)
    rows.append(
        [
            say(lang, "row.trailing", window_end=end),
            notation.change(-found.trailing_ratio, lang),
        ]
    )
    if found.path_ratio is not None:
        rows.append([say(lang, "row.path"), notation.change(-found.path_ratio, lang)])
    if found.gap_ratio is not None:
        text = notation.points(found.gap_ratio, lang)
        if found.gap_low_ratio is not None and found.gap_high_ratio is not None:
            low, high = (notation.number(r * 100, lang, 1) for r in _ends(report))
            text += f" ({_to(low, high, lang)})"
        rows.append([say(lang, "row.gap"), text])
    left_ratio = found.trailing_ratio - found.target_ratio
    reached = left_ratio >= 0
    left = notation.points(abs(left_ratio) if reached else left_ratio, lang).removeprefix("+")
    text = say(lang, "row.reached", points=left) if reached else left
    rows.append([say(lang, "row.left", target_year=found.target_year), text])
    # With less than a year to go, a yearly pace is a figure nobody can act on.
    running = int(found.window_end[:4]) < found.target_year
    if found.required_yearly_ratio is not None and running and not reached:
        text = notation.points(-found.required_yearly_ratio, lang)
        rows.append([say(lang, "row.required"), text])
    return rows


def conservation_rows(account: Conserved, lang: Lang) -> list[list[str]]:
    """Every joule since the store began."""
    return [
        [
            say(lang, f"row.{key}"),
            say(lang, "hidden")
            if joules is None
            else f"{notation.number(joules, lang)}{notation.NARROW}J",
        ]
        for key, joules in (
            ("stored", account.stored_j),
            ("quarantined", account.quarantined_j),
            ("voided", account.voided_j),
            ("late", account.late_j),
            ("missing", account.missing_j),
            ("doubled", account.doubled_j),
        )
    ]


def provenance_rows(report: Report, lang: Lang) -> list[list[str]]:
    """What is needed to compute it again."""
    made, unknown = report.provenance, say(lang, "unknown")
    return [
        [say(lang, "row.perimeter"), report.perimeter or unknown],
        [say(lang, "row.users_definition"), report.users.definition or unknown],
        [say(lang, "row.evidence"), _evidence(report, lang) or unknown],
        [say(lang, "row.method"), made.method_version],
        [say(lang, "row.software"), made.software_version],
        [say(lang, "row.input"), made.input_sha256],
        [say(lang, "row.generated"), notation.day(made.generated_at, lang)],
    ]


def _evidence(report: Report, lang: Lang) -> str:
    base = report.baseline
    text = base.evidence
    if base.kind == "measured" and text:
        text = say(lang, "row.evidence_measured", year=base.year)
    if base.approved_by:
        on = notation.day(base.approved_on, lang) if base.approved_on else say(lang, "unknown")
        text += f" ; {say(lang, 'row.approved', by=base.approved_by, on=on)}"
    return text.removeprefix(" ; ")


def _ends(report: Report) -> tuple[float, float]:
    return report.trajectory.gap_low_ratio or 0.0, report.trajectory.gap_high_ratio or 0.0


def _to(low: str, high: str, lang: Lang) -> str:
    return f"{low} {'à' if lang == 'fr' else 'to'} {high}"


def _kwh(kwh: float | None, lang: Lang) -> str:
    return say(lang, "unknown") if kwh is None else notation.energy(kwh, lang)
