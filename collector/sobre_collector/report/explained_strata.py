"""The energy of a period down to its strata, with every number that a pocket calculator needs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import fsum, sqrt

from sobre_collector.indicators.moments import PAIRS, Stratum, StratumMonth
from sobre_collector.indicators.ratio import covered_ratio, rate_kwh, residual_square
from sobre_collector.indicators.total import StratumTotal, Total, year_total
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.explanation import Block, Writer
from sobre_collector.report.monthly import RECTANGULAR
from sobre_collector.report.open_strata import open_strata
from sobre_collector.report.wording import name


def strata_block(drawn: Drawn, months: Sequence[str], write: Writer) -> Block:
    """One line a stratum that may be shown, one for the rest of each organisation, and the sum."""
    totals = drawn.fleet.of(months)
    allowed = open_strata(drawn.fleet, months)
    hidden_organisations = {
        one.stratum.organisation
        for one in totals
        if one.stratum.organisation not in drawn.fleet.disclosed[one.month].organisations
    }
    groups: dict[tuple[str, str, str], list[StratumTotal]] = defaultdict(list)
    for one in totals:
        s = one.stratum
        if s in allowed:
            groups[s.organisation, s.site, s.device_class].append(one)
        elif s.organisation in hidden_organisations:
            groups["", "", ""].append(one)
        else:
            groups[s.organisation, "", ""].append(one)
    lines, squares = [], []
    for key, members in sorted(groups.items()):
        part = year_total(members)
        squares.append(part.se_kwh**2)
        label = " / ".join(key) if key[1] else write.say("rest_of", name=key[0])
        if not key[0]:
            label = write.say("rest_of_several")
        lines.append(
            f"{write.of(label)} T = {write.kwh(part.total_kwh)} ; SE = {write.kwh(part.se_kwh)}"
        )
    whole = year_total(totals)
    common = max(0.0, whole.se_kwh**2 - fsum(squares))
    lines.append(f"ΣT = {write.kwh(whole.total_kwh)}")
    lines.append(
        f"SE = √(ΣSE² + c²) ; c = {write.kwh(sqrt(common))} ({write.say('common')}) "
        f"⇒ {write.kwh(whole.se_kwh)}"
    )
    return Block(write.say("strata"), tuple(lines))


def interval_lines(whole: Total, write: Writer, level: float = 0.95) -> list[str]:
    """t, ν and the ends of an interval that is T ± t·SE."""
    low, high = whole.interval(level)
    t = (high - whole.total_kwh) / whole.se_kwh if whole.se_kwh > 0 else 0.0
    return [
        f"t({write.percent(level)}, ν = {write.number(whole.df, 1)}) = {write.number(t, 4)}",
        f"T ± t·SE = {write.kwh(low)} … {write.kwh(high)}",
    ]


def stratum_block(
    drawn: Drawn, months: Sequence[str], stratum: Stratum, write: Writer
) -> Iterator[Block]:
    """Each month of a stratum from its sums, then the year by the bound."""
    rows = {row.month: row for row in drawn.fleet.rows_of(months) if row.stratum == stratum}
    members = [one for one in drawn.fleet.of(months) if one.stratum == stratum]
    for one in members:
        row = rows.get(one.month)
        lines = _ratio_lines(row, one, write) if row is not None and row.devices else []
        if row is not None and one.method == "census":
            meter_u = drawn.fleet.meter_u.get(stratum.device_class, 0.0)
            lines.append(_census_line(row, one, meter_u, write))
        units = drawn.fleet.perimeter.inventory_of(one.month).values.get(stratum)
        if units is not None and one.inventory_n > 0:
            of_units = (one.total_kwh / one.inventory_n * units[1] / RECTANGULAR) ** 2
            lines.append(
                f"u(N) = {write.number(units[1], 2)}/√3 ; "
                f"SE² = V + (T/N·u(N))² = V + {write.number(of_units, 4)} kWh²"
            )
        lines.append(
            f"T = {write.kwh(one.total_kwh)} ; SE = {write.kwh(sqrt(one.variance))} "
            f"({name(write.lang, 'method', one.method)})"
        )
        if one.flags:
            words = ", ".join(name(write.lang, "flag", flag) for flag in one.flags)
            lines.append(f"{write.of(write.say('flags'))} {words}")
        yield Block(one.month, tuple(lines))
    whole = year_total(members)
    yield Block(
        write.say("stratum_year"),
        (
            f"ΣT = {write.kwh(whole.total_kwh)}",
            f"SE = ΣSE (ρ = 1) = {write.kwh(whole.se_kwh)}",
        ),
    )


def _ratio_lines(row: StratumMonth, one: StratumTotal, write: Writer) -> list[str]:
    lines = [
        f"N = {write.number(one.inventory_n, 2)} ; n = {row.devices} ; "
        f"D = {row.calendar_days[0]} + {row.calendar_days[1]}",
        f"Σx = {write.kwh(row.sums[0])} + {write.kwh(row.sums[1])} ; "
        f"Σw = {write.number(row.sums[2], 1)} + {write.number(row.sums[3], 1)}",
    ]
    terms = []
    for t in (0, 1):
        rate = rate_kwh(row, t)
        if rate is not None:
            terms.append(
                f"{write.number(one.inventory_n, 2)}×{row.calendar_days[t]}×{write.number(rate, 6)}"
            )
    lines.append("T = ΣN·D·r = " + " + ".join(terms))
    f = covered_ratio(row, one.inventory_n)
    if row.squares is not None and f < 1:
        n = row.devices
        weights = [
            one.inventory_n * row.calendar_days[t] / row.sums[2 + t] if row.sums[2 + t] else 0.0
            for t in (0, 1)
        ]
        square = residual_square(row.sums, row.squares, (weights[0], weights[1]))
        moments = " ; ".join(
            f"{_pair(i, j)} = {write.number(value, 4)}"
            for (i, j), value in zip(PAIRS, row.squares, strict=True)
        )
        lines.append(moments)
        lines.append(
            f"V = (1 − f)·n/(n − 1)·Σu² = (1 − {write.number(f, 6)})·{n}/{n - 1}·"
            f"{write.number(square, 4)} = {write.number((1 - f) * n / (n - 1) * square, 4)} kWh²"
        )
    return lines


def _census_line(row: StratumMonth, one: StratumTotal, meter_u: float, write: Writer) -> str:
    u = write.number(meter_u, 6)
    if row.squares is None:
        formula, numbers = "(u_m·T)²", f"({u}×{write.number(one.total_kwh, 3)})²"
        variance = (meter_u * one.total_kwh) ** 2
    else:
        xx = dict(zip(PAIRS, row.squares, strict=True))
        square = xx[0, 0] + 2 * xx[0, 1] + xx[1, 1]
        formula, numbers = "u_m²·Σ(x + x′)²", f"{u}²×{write.number(square, 4)}"
        variance = meter_u**2 * square
    return f"V = {formula} = {numbers} = {write.number(variance, 4)} kWh² ({write.say('meters')})"


# Work days and days of rest of kWh (x) and of valid days (w).
_LETTERS = ("x", "x′", "w", "w′")


def _pair(i: int, j: int) -> str:
    return f"Σ{_LETTERS[i]}²" if i == j else f"Σ{_LETTERS[i]}{_LETTERS[j]}"
