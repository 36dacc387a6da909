"""Rows of the tables that state something by month: bills, and degree-days."""

from collections.abc import Sequence

from sobre_collector.indicators.degree_days import DegreeDayTable
from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.facts import Bill
from sobre_collector.perimeter.tables import Row

Bills = dict[str, dict[Stratum, Bill]]


def bills_of(rows: Sequence[Row], problems: list[str]) -> Bills:
    """Bills by month and stratum; a bill of ± 0 is a problem, for no meter is without error."""
    found: Bills = {}
    for row in rows:
        v = row.values
        if v["half_width_kwh"] == 0 and v["kwh"] > 0:
            problems.append(
                f"{row.where}: column 'half_width_kwh' is 0; state how far the bill may be wrong "
                "(a class-1 meter: 1 %)"
            )
        stratum = Stratum(v["organisation"], v["site"], v["class"])
        bill = Bill(v["kwh"], v["half_width_kwh"], v["document"])
        found.setdefault(v["month"], {})[stratum] = bill
    return found


def degree_days_of(rows: Sequence[Row]) -> DegreeDayTable:
    """Degree-days and their half-width by site and base temperature, then by month."""
    found: dict[tuple[str, float], dict[str, tuple[float, float]]] = {}
    for row in rows:
        v = row.values
        at = found.setdefault((v["site"], v["base_c"]), {})
        at[v["month"]] = (v["degree_days"], v["half_width"])
    return found
