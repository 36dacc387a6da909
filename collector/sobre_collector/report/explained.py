"""Each published figure with its inputs, what is left out, and its formula with the numbers put in.

Whoever holds a pocket calculator comes to the same figure from these lines alone.
"""

from collections.abc import Callable, Iterator, Sequence
from math import hypot, log

from sobre_collector.indicators.reduction import Reduction
from sobre_collector.indicators.trajectory import elapsed_years, path_ratio, required
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report import explained_errors, explained_sections
from sobre_collector.report.adjusting import Adjusted
from sobre_collector.report.class_factors import by_class
from sobre_collector.report.explained_strata import interval_lines, strata_block
from sobre_collector.report.explanation import Block, Writer
from sobre_collector.report.groups import group_of
from sobre_collector.report.model import Report
from sobre_collector.report.sections import shown
from sobre_collector.report.target import target_of
from sobre_collector.report.wording import name, plain
from sobre_collector.report.working import Worked

Part = Callable[[Worked, Report, Writer], Iterator[Block]]


def energy(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """E_R: strata, their sum, its interval."""
    drawn = worked.drawn
    yield strata_block(drawn, drawn.months, write)
    yield Block("E_R", tuple(interval_lines(drawn.total, write)))
    if drawn.absolute.se_kwh > drawn.total.se_kwh:
        yield Block(write.say("models"), tuple(interval_lines(drawn.absolute, write)))


def baseline(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """E_B by class, its evidence and its uncertainty."""
    drawn = worked.drawn
    found, stated = drawn.reference.found, drawn.fleet.perimeter.baseline
    if found is None:
        return
    if stated.kind == "measured":
        yield strata_block(drawn, months_of(stated.year), write)
    groups: dict[str, float] = {}
    for key, kwh in by_class(drawn).items():
        groups[group_of(key)] = groups.get(group_of(key), 0.0) + kwh
    lines = [
        f"{write.of(name(write.lang, 'class', key))} {write.kwh(groups[key])}"
        for key in sorted(groups)
    ]
    lines.append(
        f"E_B = {write.kwh(found.total_kwh)} ; u = {write.kwh(found.u_kwh)} ; "
        f"ν = {explained_errors.freedom(found.df, write)}"
    )
    if stated.kind in ("declared", "billed"):
        half_kwh = found.u_kwh * 3**0.5
        lines.append(f"u = a/√3 = {write.kwh(half_kwh)}/√3")
    if report.baseline.evidence:
        lines.append(f"{write.of(write.say('evidence'))} {report.baseline.evidence}")
    yield Block("E_B", tuple(lines))


def adjusted(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """E*: the user factor, then what was signed."""
    drawn, before, after = worked.drawn, worked.drawn.before, worked.drawn.after
    way = report.sections.get("adjustments")
    if not isinstance(way, Adjusted) or before is None or after is None:
        return
    lines = [
        f"U_B = {write.number(before.count, 2)} ; U_R = {write.number(after.count, 2)} ; "
        f"U_R/U_B = {write.number(after.count / before.count, 6)}"
    ]
    grouped: dict[str, tuple[float, float]] = {}
    for use in drawn.reference.uses:
        # People's classes stay one group, as in all that is published.
        share, driven = grouped.get(group_of(use.name), (0.0, 0.0))
        driven += use.share_ratio * use.phi_ratio
        grouped[group_of(use.name)] = (share + use.share_ratio, driven)
    terms = []
    for key in sorted(grouped):
        share, driven = grouped[key]
        phi = driven / share if share else 0.0
        lines.append(
            f"{write.of(name(write.lang, 'class', key))} s = {write.number(share, 6)} ; "
            f"φ = {write.number(phi, 4)}"
        )
        terms.append(
            f"{write.number(share, 6)}×[{write.number(1 - phi, 4)} + "
            f"{write.number(phi, 4)}×{write.number(after.count / before.count, 6)}]"
        )
    lines.append(f"k = Σ s·[(1 − φ) + φ·U_R/U_B] = {' + '.join(terms)}")
    lines.append(f"k = {write.number(way.factor_ratio, 6)}")
    lines += [
        f"{line.name} ({name(write.lang, 'adjustments.of', line.kind)}): {write.kwh(line.kwh)} ; "
        f"u = {write.kwh(line.u_kwh)} ; {line.evidence}"
        for line in way.lines
    ]
    lines.append(
        f"E* = (E_B + {write.number(way.perimeter_kwh, 3)})·k + {write.number(way.weather_kwh, 3)} "
        f"+ {write.number(way.non_routine_kwh, 3)} = ({write.number(way.baseline_kwh, 3)} + "
        f"{write.number(way.perimeter_kwh, 3)})×{write.number(way.factor_ratio, 6)} + "
        f"{write.number(way.weather_kwh + way.non_routine_kwh, 3)} = {write.kwh(way.adjusted_kwh)}"
    )
    lines += explained_errors.of_adjusted(drawn, way, before, after, write)
    yield Block("E*", tuple(lines))


def reduction(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """R with its interval on the logarithmic scale."""
    yield from baseline(worked, report, write)
    yield from adjusted(worked, report, write)
    yield from energy(worked, report, write)
    yield Block(
        "R",
        (
            *explained_errors.of_reporting(worked.drawn, worked.found[0], write),
            *_reduction_lines(worked.found[0], write),
        ),
    )


def _reduction_lines(found: Reduction, write: Writer) -> Iterator[str]:
    reporting, reference = found.reporting, found.adjusted
    q = reporting.total_kwh / reference.total_kwh
    cv_r, cv_b = reporting.u_kwh / reporting.total_kwh, reference.u_kwh / reference.total_kwh
    cv = (cv_r**2 + cv_b**2) ** 0.5
    yield (
        f"Q = E_R/E* = {write.number(reporting.total_kwh, 3)}/"
        f"{write.number(reference.total_kwh, 3)} = {write.number(q, 6)}"
    )
    yield f"R = 1 − Q = {write.number(1 - q, 6)} ⇒ {write.change(1 - q)}"
    yield (
        f"cv_R = {write.number(reporting.u_kwh, 3)}/E_R = {write.number(cv_r, 6)} ; "
        f"cv* = {write.number(reference.u_kwh, 3)}/E* = {write.number(cv_b, 6)}"
    )
    df = explained_errors.freedom(found.df, write)
    yield f"cv_Q = √(cv_R² + cv*²) = {write.number(cv, 6)} ; ν = {df}"
    if found.low_ratio is not None and found.high_ratio is not None:
        t = log((1 - found.low_ratio) / q) / cv if cv > 0 else 0.0
        yield (
            f"t({write.percent(found.level)}, ν) = {write.number(t, 4)} ; "
            f"1 − Q·exp(± t·cv_Q) = {write.number(found.low_ratio, 6)} … "
            f"{write.number(found.high_ratio, 6)}"
        )


def avoided(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """A = E* − E_R, with the interval of R times E*."""
    yield from adjusted(worked, report, write)
    found = worked.found[0]
    lines = [
        f"A = E* − E_R = {write.number(found.adjusted.total_kwh, 3)} − "
        f"{write.number(found.reporting.total_kwh, 3)} = {write.kwh(found.avoided_kwh)}"
    ]
    if found.avoided_interval_kwh is not None:
        low, high = found.avoided_interval_kwh
        lines.append(f"R·E* = {write.kwh(low)} … {write.kwh(high)}")
    yield Block("A", tuple(lines))


def per_user(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """E/U of both periods."""
    found, before, after = worked.found[0], worked.drawn.before, worked.drawn.after
    if before is None or after is None or worked.drawn.reference.found is None:
        return
    yield Block(
        "E/U",
        (
            f"{write.number(worked.drawn.reference.found.total_kwh, 3)}/"
            f"{write.number(before.count, 2)} = {write.kwh(found.baseline_kwh_per_user)}",
            f"{write.number(found.reporting.total_kwh, 3)}/{write.number(after.count, 2)} = "
            f"{write.kwh(found.reporting_kwh_per_user)}",
        ),
    )


def raw(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """1 − E_R/E_B: no users, no adjustment."""
    found, reference = worked.found[0], worked.drawn.reference.found
    if reference is None or found.raw_ratio is None:
        return
    lines = [
        f"1 − E_R/E_B = 1 − {write.number(found.reporting.total_kwh, 3)}/"
        f"{write.number(reference.total_kwh, 3)} = {write.number(found.raw_ratio, 6)}"
    ]
    if found.raw_interval is not None:
        cv_r = found.reporting.u_kwh / found.reporting.total_kwh
        cv_b = reference.u_kwh / reference.total_kwh
        lines.append(
            f"cv_Q = √(cv_R² + cv_B²) = √({write.number(cv_r, 6)}² + {write.number(cv_b, 6)}²) = "
            f"{write.number(hypot(cv_r, cv_b), 6)} ; {write.percent(found.level)}: "
            + " … ".join(write.number(end, 6) for end in found.raw_interval)
        )
    yield Block("R (raw)", tuple(lines))


def phi0(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """R with no use driven by people: the factor is 1."""
    way, found = report.sections.get("adjustments"), worked.found[0]
    if not isinstance(way, Adjusted) or found.phi0_ratio is None:
        return
    reference_kwh = way.baseline_kwh + way.perimeter_kwh + way.weather_kwh + way.non_routine_kwh
    lines = [
        f"1 − E_R/(E_B + ΣA) = 1 − {write.number(found.reporting.total_kwh, 3)}/"
        f"{write.number(reference_kwh, 3)} = {write.number(found.phi0_ratio, 6)}"
    ]
    if found.phi0_interval is not None:
        lines.append(" … ".join(write.number(end, 6) for end in found.phi0_interval))
    yield Block("R (φ = 0)", tuple(lines))


def shares(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """Measured, estimated, extrapolated: as they are published."""
    energy_ = report.energy
    parts = (
        energy_.measured_share_ratio,
        energy_.estimated_share_ratio,
        energy_.extrapolated_share_ratio,
    )
    if energy_.energy_kwh is not None and None not in parts:
        texts = " + ".join(write.percent(part or 0.0, 2) for part in parts)
        yield Block(
            write.say("shares"),
            (
                "Σx / [estimated + (n·D − Σw)·r] / (N − n)·D·r",
                f"{texts} = {write.percent(1.0)} ; E_R = {write.kwh(energy_.energy_kwh)}",
            ),
        )


def trajectory(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
    """Path, gap and required pace at the end of the last month."""
    drawn, target = worked.drawn, target_of(worked.drawn)
    found = report.trajectory
    if target is None or found.gap_ratio is None or found.trailing_ratio is None:
        return
    years = elapsed_years(drawn.months[-1], target.baseline_year)
    linear, compound = required(target, found.trailing_ratio, years)
    lines = [
        f"τ = {write.number(years, 4)} ; T = {target.duration_years} ; "
        f"g = {write.percent(target.goal_ratio, 2)} ; {name(write.lang, 'path', target.path)}",
        f"p(τ) = {write.number(path_ratio(target, years), 6)}",
        f"R − p = {write.number(found.trailing_ratio, 6)} − "
        f"{write.number(found.path_ratio or 0.0, 6)} = {write.number(found.gap_ratio, 6)}",
    ]
    if linear is not None and compound is not None:
        lines.append(f"(g − R)/(T − τ) = {write.number(linear, 6)}")
        lines.append(f"[(1 − g)/(1 − R)]^(1/(T − τ)) − 1 = {write.number(compound, 6)}")
    yield Block(write.say("trajectory"), tuple(lines))


def section(key: str) -> Part:
    """A section of the report as it stands, and its formulas with the numbers put in."""

    def part(worked: Worked, report: Report, write: Writer) -> Iterator[Block]:
        for one, figures in shown(report):
            if key == one.NAME:
                lines = [_row(row, write) for row in one.rows(figures, report, write.lang)]
                yield Block(name(write.lang, "title", key), tuple(lines))
                formula = explained_sections.FORMULAS.get(key)
                told = tuple(formula(worked, figures, write)) if formula is not None else ()
                if told:
                    yield Block(write.say("formula"), told)

    return part


def _row(row: Sequence[str], write: Writer) -> str:
    rest = f" ({row[2]})" if len(row) > 2 and row[2] else ""
    return plain(f"{write.of(row[0])} {row[1]}{rest}")


# Every indicator that can be explained; the first is what is published.
INDICATORS: dict[str, Part] = {
    "elec.reduction": reduction,
    "elec.energy": energy,
    "elec.baseline": baseline,
    "elec.adjusted": adjusted,
    "elec.avoided": avoided,
    "elec.per-user": per_user,
    "elec.raw": raw,
    "elec.phi0": phi0,
    "elec.shares": shares,
    "elec.trajectory": trajectory,
    "elec.forecast": section("outlook"),
    "elec.decomposition": section("decomposition"),
    "elec.checks": section("checks"),
    "elec.regression": section("regression"),
    "elec.calibration": section("calibration"),
    "printers": section("printers"),
    "datacentre": section("datacentre"),
    "carbon": section("carbon"),
    "waste": section("waste"),
}
