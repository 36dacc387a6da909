"""What one device's loads add up to in one local day, and what is put in for what is missing."""

from datetime import date
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sobre_collector.rows import DayRow, Key, LoadPart, Run
from sobre_drivers.calendar import WorkingHours, day_bounds, working_span
from sobre_drivers.load import Load, Origin

# A measured load that is longer than this and crosses an edge is measured as a whole only: how much
# of it lies on either side is a guess.
CUT_IS_GUESS_S = 3_600
# In these a device is in use, so that a hole between two of them was most likely the same.
ACTIVE = frozenset({"on", "printing", "warmup", "ready"})


class Frame(NamedTuple):
    """A local day: its bounds and those of its working hours, in Unix seconds."""

    day: str
    begins: int
    ends: int
    work_begins: int
    work_ends: int


@lru_cache(maxsize=4096)
def frame(day: date, hours: WorkingHours, zone: ZoneInfo) -> Frame:
    """The frame of a local day; a day of rest is out of hours from end to end."""
    begins, ends = day_bounds(day, zone)
    return Frame(day.isoformat(), begins, ends, *(working_span(day, hours, zone) or (ends, ends)))


class DaySums:
    """The sums of the loads within a day, added in order of their end.

    In the row, `state_s["unknown"]` is the missing time that lies between two samples in use; other
    missing time is the rest of the day that is not observed.
    """

    __slots__ = (
        "_active_j",
        "_active_s",
        "_allocated_j",
        "_blank_s",
        "_bridged_s",
        "_covered",
        "_estimated_j",
        "_frame",
        "_idle_in_active_s",
        "_idle_j",
        "_idle_s",
        "_measured_j",
        "_out_j",
        "_pages",
        "_state_s",
        "begins",
        "ends",
    )

    def __init__(self, of: Frame) -> None:
        self._frame, self.begins, self.ends = of, of.begins, of.ends
        self._measured_j = self._estimated_j = self._allocated_j = self._out_j = 0
        self._state_s: dict[str, int] = {}
        self._pages: int | None = None
        # Energy and time of loads with and without use, for the mean power in use.
        self._active_j = self._active_s = self._idle_in_active_s = 0
        self._idle_j = self._idle_s = 0
        # Seconds inside loads of which the energy is unknown: [in hours, out of hours].
        self._bridged_s, self._blank_s = [0, 0], [0, 0]
        # What loads cover: [start, end, used at the start, used at the end], merged.
        self._covered: list[list[int]] = []

    def add(self, load: Load | LoadPart, start: int, end: int) -> None:
        """Add the part of a load that lies in this day; `start` and `end` are the load's own."""
        _, begins, ends, work_begins, work_ends = self._frame
        low = start if start > begins else begins
        high = end if end < ends else ends
        work_low = low if low > work_begins else work_begins
        work_high = high if high < work_ends else work_ends
        energy_j, origin, pages = load.energy_j, load.origin, load.pages
        whole = low == start and high == end
        outside = work_low >= work_high
        if outside:
            in_j = 0
        elif whole and work_low == low and work_high == high:
            in_j = energy_j
        else:
            in_j = cut(energy_j, load, work_high) - cut(energy_j, load, work_low)
        if not whole:
            energy_j = cut(energy_j, load, high) - cut(energy_j, load, low)
            if pages is not None:
                pages = cut(pages, load, high) - cut(pages, load, low)
        if not (whole and (outside or (work_low == low and work_high == high))):
            origin = cut_origin(load)
        if origin is Origin.MEASURED:
            self._measured_j += energy_j
        elif origin is Origin.ESTIMATED:
            self._estimated_j += energy_j
        else:
            self._allocated_j += energy_j
        self._out_j += energy_j - in_j
        if pages is not None:
            self._pages = (self._pages or 0) + pages
        used = 1
        if load.state_s is None:
            self._active_j += energy_j
            self._active_s += high - low
        else:
            in_s = 0 if outside else work_high - work_low
            used = self._add_states(load, energy_j, low, high, in_s, whole)
        covered = self._covered
        if covered and covered[-1][1] == low:
            covered[-1][1], covered[-1][3] = high, used
        else:
            self._cover(low, high, used)

    def add_run(self, run: Run) -> None:
        """Add loads without states that were added up elsewhere, the only ones of this day."""
        energy_j = run.measured_j + run.estimated_j + run.allocated_j
        self._measured_j, self._estimated_j = run.measured_j, run.estimated_j
        self._allocated_j = run.allocated_j
        self._out_j = energy_j - run.in_hours_j
        self._active_j, self._active_s = energy_j, run.end - run.start
        self._covered.append([run.start, run.end, 1, 1])

    def _add_states(
        self, load: Load | LoadPart, energy_j: int, low: int, high: int, in_s: int, whole: bool
    ) -> int:
        known_s = active_s = unknown_s = 0
        states = self._state_s
        for state, part_s in (load.state_s or {}).items():
            if not whole:
                part_s = cut(part_s, load, high) - cut(part_s, load, low)
            if state == "unknown":
                unknown_s = part_s
                continue
            if part_s:
                states[state] = states.get(state, 0) + part_s
            known_s += part_s
            if state in ACTIVE:
                active_s += part_s
        if active_s:
            self._active_j += energy_j
            self._active_s += active_s
            self._idle_in_active_s += known_s - active_s
        else:
            self._idle_j += energy_j
            self._idle_s += known_s
        if unknown_s:
            missing_s = self._bridged_s if active_s else self._blank_s
            in_part_s = unknown_s * in_s // (high - low)
            missing_s[0] += in_part_s
            missing_s[1] += unknown_s - in_part_s
        return int(active_s > 0)

    def _cover(self, low: int, high: int, used: int) -> None:
        covered = self._covered
        # Two streams may cover the same time: what is covered twice is covered once.
        used_first = used
        while covered and covered[-1][1] >= low:
            before = covered.pop()
            if before[0] <= low:
                low, used_first = before[0], before[2]
        covered.append([low, high, used_first, used])

    def row(self, key: Key, personal: bool) -> DayRow:
        """The day as it stands; holes are filled if enough of it was observed (method.md 2.0)."""
        bridged_s, blank_s = self._missing()
        length_s = self.ends - self.begins
        missing_s = sum(bridged_s) + sum(blank_s)
        observed_s = max(0, length_s - missing_s)
        energy_j = self._measured_j + self._estimated_j + self._allocated_j
        valid = 10 * observed_s >= 9 * length_s
        filled_j = filled_out_j = 0
        if valid and missing_s:
            in_use = self._in_use(energy_j, observed_s)
            blank_j = rounded(sum(blank_s) * energy_j, observed_s)
            bridged_j = rounded(sum(bridged_s) * in_use[0], in_use[1])
            filled_j = blank_j + bridged_j
            filled_out_j = _part(blank_j, blank_s) + _part(bridged_j, bridged_s)
        states = dict(self._state_s)
        if sum(bridged_s):
            states["unknown"] = sum(bridged_s)
        return DayRow(
            key=key,
            personal=personal,
            day=self._frame.day,
            length_s=length_s,
            observed_s=observed_s,
            off_s=min(observed_s, states.get("off", 0)),
            measured_j=self._measured_j,
            estimated_j=self._estimated_j + filled_j,
            allocated_j=self._allocated_j,
            out_of_hours_j=self._out_j + filled_out_j,
            filled_j=filled_j,
            valid=valid,
            state_s=states,
            pages=self._pages,
        )

    def _in_use(self, energy_j: int, observed_s: int) -> tuple[int, int]:
        """Mean power in use as a fraction, J over s.

        Loads without use say what the device draws then; that is taken off the loads with both.
        """
        if self._active_s == 0:
            return energy_j, observed_s
        if self._idle_s == 0 or self._idle_in_active_s == 0:
            return self._active_j, self._active_s
        idle_j = self._idle_in_active_s * self._idle_j
        return max(0, self._active_j * self._idle_s - idle_j), self._active_s * self._idle_s

    def _missing(self) -> tuple[list[int], list[int]]:
        """Seconds of unknown energy, between samples in use and elsewhere: [in, out] of hours."""
        bridged_s, blank_s = list(self._bridged_s), list(self._blank_s)
        _, at, _, work_begins, work_ends = self._frame
        used = 0
        edge = [self.ends, self.ends, 0, 0]
        for low, high, used_first, used_last in [*self._covered, edge]:
            if low > at:
                in_s = max(0, min(low, work_ends) - max(at, work_begins))
                missing_s = bridged_s if used and used_first else blank_s
                missing_s[0] += in_s
                missing_s[1] += low - at - in_s
            at, used = high, used_last
        return bridged_s, blank_s


def cut_origin(load: Load | LoadPart) -> Origin:
    """What crossing an edge leaves of a load's origin (method.md 2.1.4)."""
    if load.origin is Origin.MEASURED:
        return Origin.ALLOCATED if load.span_s > CUT_IS_GUESS_S else Origin.MEASURED
    return Origin.ESTIMATED


def cut(amount: int, load: Load | LoadPart, at: int) -> int:
    """The part of an amount of a load that lies before the second `at`, rounded down.

    Parts are differences of two such cuts, so that they add up to the amount exactly.
    """
    return amount * (at - load.end + load.span_s) // load.span_s


def rounded(numerator: int, denominator: int) -> int:
    """A fraction of non-negative integers to the nearest integer."""
    return (2 * numerator + denominator) // (2 * denominator)


def _part(amount: int, in_out: list[int]) -> int:
    whole = sum(in_out)
    return rounded(amount * in_out[1], whole) if whole else 0
