"""To which local day a span belongs, and whether anybody was at work: what `me` shows."""

from zoneinfo import ZoneInfo

from sobre_agent.open_load import Span
from sobre_drivers.calendar import WorkingHours, local_day, working_span


def placed(span: Span, zone: ZoneInfo, hours: WorkingHours) -> tuple[str, bool]:
    """The local day (ISO) in which a span begins, and whether it lies outside working hours.

    A span that crosses an edge of the working hours belongs where its middle lies.
    """
    start = span.end - span.span_s
    day = local_day(start, zone)
    worked = working_span(day, hours, zone)
    middle = start + span.span_s / 2
    return day.isoformat(), worked is None or not worked[0] <= middle < worked[1]
