"""Formulas of sections with the numbers put in: PUE, printing, carbon, LMDI, outlook."""

from collections.abc import Callable, Iterator
from math import hypot, log

from sobre_collector.indicators.lmdi import log_mean
from sobre_collector.indicators.quantiles import two_sided
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.carbon import LEVEL, Carbon
from sobre_collector.report.datacentre import Datacentre
from sobre_collector.report.decomposition import Decomposition
from sobre_collector.report.expected import (
    LEVEL as LEVEL_OF_OUTLOOK,
)
from sobre_collector.report.expected import (
    Outlook,
    forecast_of,
    per_user_kwh,
    reference_per_user_kwh,
)
from sobre_collector.report.explained_errors import freedom
from sobre_collector.report.explanation import Writer
from sobre_collector.report.printers import Printers
from sobre_collector.report.waste import Waste, lever_name
from sobre_collector.report.wording import name
from sobre_collector.report.working import Worked

Formula = Callable[[Worked, object, Writer], Iterator[str]]


def datacentre(worked: Worked, figures: object, write: Writer) -> Iterator[str]:
    """PUE as a ratio of sums, never a mean of months."""
    if not isinstance(figures, Datacentre):
        return
    for room in figures.rooms:
        if room.pue is None or not room.facility_kwh or not room.it_kwh:
            continue
        yield (
            f"{write.of(room.room)} PUE = ΣE_F/ΣE_IT = {write.number(room.facility_kwh, 3)}/"
            f"{write.number(room.it_kwh, 3)} = {write.number(room.pue, 6)}"
        )
        if room.low is not None and room.high is not None:
            u_f, u_it = room.facility_u_ratio, room.it_u_ratio
            u = room.pue * hypot(u_f, u_it)
            yield (
                f"u = PUE·√(u_F² + u_IT²) = {write.number(room.pue, 6)}×"
                f"√({write.number(u_f, 6)}² + {write.number(u_it, 6)}²) = {write.number(u, 6)} ; "
                f"PUE ± {write.number(two_sided(LEVEL), 4)}·u = {write.number(room.low, 6)} … "
                f"{write.number(room.high, 6)}"
            )


def printers(worked: Worked, figures: object, write: Writer) -> Iterator[str]:
    """Hours and pages before and after; of the hours, by fewer printers and by shorter hours."""
    if not isinstance(figures, Printers):
        return
    by_name = {change.name: change for change in figures.changes}
    now = {"running": figures.running_h, "devices": figures.inventory, "pages": figures.pages}
    pairs = {}
    for key, change in by_name.items():
        amount = now[key]
        if amount is None or change.reduction_ratio >= 1:
            continue
        before = amount.value / (1 - change.reduction_ratio)
        pairs[key] = before, amount.value
        yield (
            f"{write.of(name(write.lang, 'printing', key))} 1 − {write.number(amount.value, 3)}/"
            f"{write.number(before, 3)} = {write.number(change.reduction_ratio, 6)}"
        )
    if not {"running", "devices"} <= pairs.keys() or not figures.points_ratio:
        return
    (h0, h1), (n0, n1) = pairs["running"], pairs["devices"]
    weight = log_mean(h1, h0)
    yield (
        f"L = (H_R − H_B)/ln(H_R/H_B) = {write.number(weight, 3)} ; N_B = {write.number(n0, 2)} ; "
        f"N_R = {write.number(n1, 2)}"
    )
    for key, formula, ratio in (
        ("fewer", "ln(N_R/N_B)", n1 / n0),
        ("shorter", "ln[(H_R/N_R)/(H_B/N_B)]", (h1 / n1) / (h0 / n0)),
    ):
        yield (
            f"{write.of(write.say(key))} L·{formula}/H_B = {write.number(weight, 3)}×"
            f"{write.number(log(ratio), 6)}/{write.number(h0, 3)} = "
            f"{write.number(figures.points_ratio[key], 6)}"
        )


def carbon(worked: Worked, figures: object, write: Writer) -> Iterator[str]:
    """Emissions, then the reduction with one factor, with each year's, and the difference."""
    if not isinstance(figures, Carbon):
        return
    now, energy = figures.factor, worked.drawn.absolute
    if now is not None and figures.kg is not None:
        cv_e = energy.se_kwh / energy.total_kwh
        yield (
            f"C = E_R·EF_R = {write.number(energy.total_kwh, 3)}×{write.number(now.kg_per_kwh, 6)} "
            f"= {write.number(figures.kg, 3)} kgCO₂e"
        )
        if figures.low_kg is not None and figures.high_kg is not None:
            yield (
                f"cv = √(cv_E² + u_EF²) = √({write.number(cv_e, 6)}² + "
                f"{write.number(now.u_ratio, 6)}²) = {write.number(hypot(cv_e, now.u_ratio), 6)} ; "
                f"C·exp(± {write.number(two_sided(LEVEL), 4)}·cv) = "
                f"{write.number(figures.low_kg, 3)} … {write.number(figures.high_kg, 3)} kgCO₂e"
            )
    if not worked.found or figures.constant_factor_ratio is None:
        return
    e_r, e_b = worked.found[0].reporting.total_kwh, worked.found[0].adjusted.total_kwh
    yield (
        f"{write.of(write.say('constant'))} 1 − E_R/E* = 1 − "
        f"{write.number(e_r, 3)}/{write.number(e_b, 3)} "
        f"= {write.number(figures.constant_factor_ratio, 6)}"
    )
    before = figures.baseline_factor
    if now is None or before is None or figures.yearly_factor_ratio is None:
        return
    yield (
        f"{write.of(write.say('yearly'))} 1 − E_R·EF_R/(E*·EF_B) = 1 − {write.number(e_r, 3)}×"
        f"{write.number(now.kg_per_kwh, 6)}/({write.number(e_b, 3)}×"
        f"{write.number(before.kg_per_kwh, 6)}) = {write.number(figures.yearly_factor_ratio, 6)}"
    )
    yield (
        f"{write.of(write.say('grid'))} {write.number(figures.yearly_factor_ratio, 6)} − "
        f"{write.number(figures.constant_factor_ratio, 6)} = "
        f"{write.number(figures.grid_ratio or 0.0, 6)}"
    )


def decomposition(worked: Worked, figures: object, write: Writer) -> Iterator[str]:
    """The three effects of each group: a logarithmic mean times each factor's logarithm."""
    users, now = worked.drawn.before, worked.drawn.after
    if not isinstance(figures, Decomposition) or users is None or now is None:
        return
    yield (
        f"E = U·(N/U)·(E/N) ; L = (E_R − E_B)/ln(E_R/E_B) ; U_B = {write.number(users.count, 2)} ; "
        f"U_R = {write.number(now.count, 2)}"
    )
    growth = now.count / users.count
    for one in figures.groups:
        n0, n1 = one.devices_before, one.devices_after
        label = write.of(name(write.lang, "class", one.name))
        if one.whole or not n0 or not n1:
            yield (
                f"{label} {write.number(one.after_kwh, 3)} − {write.number(one.before_kwh, 3)} = "
                f"{write.kwh(one.change_kwh)}"
            )
            continue
        weight = log_mean(one.after_kwh, one.before_kwh)
        yield (
            f"{label} E_B = {write.kwh(one.before_kwh)} ; E_R = {write.kwh(one.after_kwh)} ; "
            f"N_B = {write.number(n0, 2)} ; N_R = {write.number(n1, 2)} ; "
            f"L = {write.kwh(weight)}"
        )
        for formula, ratio, kwh in (
            ("ln(U_R/U_B)", growth, one.users_kwh),
            ("ln[(N_R/U_R)/(N_B/U_B)]", n1 / n0 / growth, one.devices_per_user_kwh),
            (
                "ln[(E_R/N_R)/(E_B/N_B)]",
                one.after_kwh / n1 / (one.before_kwh / n0),
                one.per_device_kwh,
            ),
        ):
            yield (
                f"  L·{formula} = {write.number(weight, 3)}×{write.number(log(ratio), 6)} = "
                f"{write.kwh(kwh or 0.0)}"
            )


def outlook(worked: Worked, figures: object, write: Writer) -> Iterator[str]:
    """The forecast year per user, its interval, and the probability of reaching the target."""
    if not isinstance(figures, Outlook) or figures.forecast is None or not worked.found:
        return
    found, told = worked.found[0], figures.forecast
    months = months_of(figures.target_year)
    seen = forecast_of(worked.drawn, found, per_user_kwh(worked.drawn), months)
    if seen is None:
        return
    reference_kwh = reference_per_user_kwh(found)
    cv_b = found.adjusted.u_kwh / found.adjusted.total_kwh
    yield f"ln(E/U) = trend·t + season + AR(1) ; ρ = {write.number(seen.rho_ratio, 4)}"
    parts = " + ".join(write.number(kwh, 3) for kwh in seen.by_month_kwh.values())
    yield f"F = Σ E/U = {parts} = {write.kwh(seen.total_kwh)}"
    yield (
        f"R = 1 − F/(E*/U_R) = 1 − {write.number(seen.total_kwh, 3)}/"
        f"{write.number(reference_kwh, 3)} = {write.number(told.reduction_ratio, 6)}"
    )
    yield (
        f"cv_F = √(s² + cv_R²) = √({write.number(seen.se_log, 6)}² + "
        f"{write.number(seen.cv_panel_ratio, 6)}²) = {write.number(seen.cv_ratio, 6)} ; "
        f"t({write.percent(LEVEL_OF_OUTLOOK)}, ν = {freedom(seen.df, write)}) = "
        f"{write.number(two_sided(LEVEL_OF_OUTLOOK, seen.df), 4)}"
    )
    yield (
        f"1 − F·exp(± t·cv_F)/(E*/U_R) = {write.number(told.low_ratio, 6)} … "
        f"{write.number(told.high_ratio, 6)}"
    )
    distance = log((1 - figures.target_ratio) * reference_kwh) - log(seen.total_kwh)
    spread = hypot(seen.se_log, cv_b, seen.cv_panel_ratio)
    yield (
        f"x = ln[(1 − g)·E*/U_R] − ln F = {write.number(distance, 6)} ; "
        f"s_x = √(s² + cv*² + cv_R²) = {write.number(spread, 6)} ; cv* = {write.number(cv_b, 6)}"
    )
    yield (
        f"P(R ≥ {write.percent(figures.target_ratio)}) = F_t(x/s_x, ν) = "
        f"{write.number(told.probability_ratio, 4)}"
    )


def waste(worked: Worked, figures: object, write: Writer) -> Iterator[str]:
    """Each lever from its share out of hours, then its price and its carbon."""
    if not isinstance(figures, Waste):
        return
    for priced in figures.levers:
        lever, values = priced.lever, priced.lever.values
        if lever.excluded is not None:
            continue
        label = write.of(lever_name(lever.subject, write.lang))
        if "share_ratio" in values:
            numbers = (
                f"{write.number(float(values['share_ratio']), 8)}×"
                f"{write.number(float(values['of_kwh']), 3)}"
            )
            formula = "s·E"
            if "off_kwh" in values:
                formula += " − A"
                numbers += f" − {write.number(float(values['off_kwh']), 3)}"
            if lever.excluded_units:
                formula, numbers = (
                    f"({formula})·(1 − n/N)",
                    (
                        f"({numbers})×(1 − {write.number(lever.excluded_units, 2)}/"
                        f"{write.number(lever.units, 2)})"
                    ),
                )
            yield f"{label} {formula} = {numbers} = {write.kwh(lever.kwh)}"
        else:
            yield f"{label} ΣP·8766 h = {write.kwh(lever.kwh)}"
        kwh = write.number(lever.kwh, 3)
        if priced.euros is not None and figures.euros_per_kwh is not None:
            price = write.number(figures.euros_per_kwh, 6)
            yield f"  {kwh}×{price} = {write.number(priced.euros, 2)} €"
        if priced.kg_co2e is not None and lever.kwh > 0:
            factor = write.number(priced.kg_co2e / lever.kwh, 6)
            yield f"  {kwh}×{factor} = {write.number(priced.kg_co2e, 3)} kgCO₂e"


# By the name of the section.
FORMULAS: dict[str, Formula] = {
    "datacentre": datacentre,
    "printers": printers,
    "carbon": carbon,
    "decomposition": decomposition,
    "outlook": outlook,
    "waste": waste,
}
