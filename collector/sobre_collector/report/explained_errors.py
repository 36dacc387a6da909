"""What the uncertainties u* and u_R consist of, each with the numbers put in.

An error that two periods share cancels in part, and head-counts err as well: whoever only has the
standard error of the strata comes to another interval than the one that is published.
"""

from collections import defaultdict
from collections.abc import Iterator
from math import hypot, isinf

from sobre_collector.indicators.reduction import Reduction, Users
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.adjusting import Adjusted
from sobre_collector.report.common_error import shares
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.explanation import Writer
from sobre_collector.report.groups import group_of
from sobre_collector.report.monthly import source_of
from sobre_collector.report.wording import name


def of_adjusted(
    drawn: Drawn, way: Adjusted, before: Users, after: Users, write: Writer
) -> Iterator[str]:
    """u*: the baseline's own, the head-counts', and what each signed row adds."""
    found = drawn.reference.found
    if found is None:
        return
    growth = after.count / before.count
    driven = growth * sum(use.share_ratio * use.phi_ratio for use in drawn.reference.uses)
    of_users = hypot(before.u_count / before.count, after.u_count / after.count)
    base_kwh = way.baseline_kwh + way.perimeter_kwh
    u_users_kwh = base_kwh * driven * of_users
    yield (
        f"u(U_B) = {write.number(before.u_count, 4)} ; u(U_R) = {write.number(after.u_count, 4)} ; "
        f"d = Σ s·φ·U_R/U_B = {write.number(driven, 6)}"
    )
    yield (
        f"u_U = (E_B + {write.number(way.perimeter_kwh, 3)})·d·√[(u(U_B)/U_B)² + (u(U_R)/U_R)²] = "
        f"{write.number(base_kwh, 3)}×{write.number(driven, 6)}×{write.number(of_users, 8)} = "
        f"{write.kwh(u_users_kwh)} ({write.say('headcounts')})"
    )
    parts = [f"({write.number(way.factor_ratio, 6)}×{write.number(found.u_kwh, 3)})²"]
    for line in way.lines:
        # What belongs to the perimeter goes through the user factor, as its kWh do.
        factor = f"{write.number(way.factor_ratio, 6)}×" if line.kind == "perimeter" else ""
        parts.append(f"({factor}{write.number(line.u_kwh, 3)})²")
    parts.append(f"{write.number(u_users_kwh, 3)}²")
    yield f"u* = √[(k·u_B)² + Σu² + u_U²] = √[{' + '.join(parts)}] = {write.kwh(way.u_kwh)}"


def of_reporting(drawn: Drawn, found: Reduction, write: Writer) -> Iterator[str]:
    """u_R: the standard error of the strata, and what of the models' errors does not cancel."""
    if drawn.before is None or drawn.after is None:
        return
    se_kwh, u_kwh = drawn.total.se_kwh, found.reporting.u_kwh
    terms = list(_terms(drawn, drawn.before, drawn.after, write))
    cv = hypot(*(value for value, _ in terms))
    yield from (text for _, text in terms)
    yield (
        f"cv_m = √Σ[u_m·(s_R − s*)]² = {write.number(cv, 8)} ; u_m(E_R) = cv_m·E_R = "
        f"{write.kwh(cv * found.reporting.total_kwh)} ({write.say('models_left')})"
    )
    yield (
        f"u_R = √(SE² + u_m(E_R)²) = √({write.number(se_kwh, 3)}² + "
        f"{write.number(cv * found.reporting.total_kwh, 3)}²) = {write.kwh(u_kwh)}"
    )
    yield (
        f"ν_R = {freedom(found.reporting.df, write)} ; ν* = {freedom(found.adjusted.df, write)} ; "
        "ν = (cv_R² + cv*²)²/(cv_R⁴/ν_R + cv*⁴/ν*)"
    )


def freedom(df: float, write: Writer) -> str:
    """Degrees of freedom; as many as there may be are ∞."""
    return "∞" if isinf(df) else write.number(df, 1)


def _terms(drawn: Drawn, before: Users, after: Users, write: Writer) -> Iterator[tuple[float, str]]:
    """One term a group of classes: what its models leave, and how that reads."""
    now, then = shares(drawn, before, after)
    months = [*months_of(drawn.fleet.perimeter.baseline.year), *drawn.months]
    class_of = {source_of(one): one.stratum.device_class for one in drawn.fleet.of(months)}
    groups: dict[str, list[str]] = defaultdict(list)
    for source in sorted(now.keys() | then.keys()):
        if drawn.fleet.common_u.get(source, 0.0) > 0:
            groups[group_of(class_of[source])].append(source)
    shown = {one.name for one in drawn.groups.classes if not one.suppressed}
    for key, sources in sorted(groups.items()):
        left = [drawn.fleet.common_u[s] * (now.get(s, 0.0) - then.get(s, 0.0)) for s in sources]
        whole = hypot(*left)
        label = write.of(name(write.lang, "class", key))
        if len(sources) == 1 and key in shown:
            u = drawn.fleet.common_u[sources[0]]
            s_now, s_then = (share.get(sources[0], 0.0) for share in (now, then))
            yield (
                whole,
                (
                    f"{label} u_m = {write.number(u, 6)} ; s_R = {write.number(s_now, 6)} ; "
                    f"s* = {write.number(s_then, 6)} ; "
                    f"|u_m·(s_R − s*)| = {write.number(whole, 8)}"
                ),
            )
        else:
            # Shares of single classes of people are not published; their errors' sum is.
            yield whole, f"{label} √Σ[u_m·(s_R − s*)]² = {write.number(whole, 8)}"
