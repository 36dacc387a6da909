"""One hash over everything that a report's figures depend on.

Twenty thousand months stand in a report of five years: their numbers go in as the doubles that they
are, since writing each in decimals would take longer than the report itself.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from struct import pack

from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.perimeter.correlation import Correlation
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report.facts import Facts


def input_sha256(rows: Sequence[StratumMonth], perimeter: Perimeter, facts: Facts) -> str:
    """The fingerprint, whatever the order of the rows."""
    whole = sha256()
    for row in sorted(rows, key=lambda row: (row.month, row.stratum)):
        s, numbers = row.stratum, _numbers(row)
        # No identifier holds a line feed, so that two of them never pass for one.
        names = f"{row.month}\n{s.organisation}\n{s.site}\n{s.device_class}\n{len(numbers)}\n"
        whole.update(names.encode())
        whole.update(pack(f"<{len(numbers)}d", *numbers))
    stated = [sorted(facts.meter_u.items()), sorted(facts.common_u.items())]
    whole.update("\n".join([repr(perimeter), json.dumps(stated)]).encode())
    # Left out where there are none, as they were before there could be any.
    correlation = perimeter.correlation
    stated_ = () if correlation == Correlation() else correlation
    for more in (sorted(facts.inputs.items()), facts.adjustments, stated_):
        if more:
            whole.update(repr(more).encode())
    return whole.hexdigest()


def _numbers(row: StratumMonth) -> list[float]:
    """All numbers of a row; what may be missing is preceded by how many there are of it."""
    numbers = [
        row.devices,
        *row.calendar_days,
        *row.sums,
        row.measured_kwh,
        row.estimated_kwh,
        row.out_of_hours_kwh,
        *_counted(row.squares),
        *_counted(None if row.largest_kwh is None else (row.largest_kwh,)),
        *_counted(None if row.billed_u_kwh is None else (row.billed_u_kwh,)),
        *_counted(None if row.calibration is None else (row.calibration,)),
    ]
    checks = row.checks
    if checks is None:
        return [*numbers, 0]
    numbers += (1, *checks.silent_days, checks.silent_devices)
    one = checks.joined
    if one is None:
        return [*numbers, 0]
    return [*numbers, 5, one.joined, one.present, one.difference_ratio, one.variance, one.df]


def _counted(values: Sequence[float] | None) -> Sequence[float]:
    return (0,) if values is None else (len(values), *values)
