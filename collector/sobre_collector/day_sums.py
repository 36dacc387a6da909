"""What one device's loads add up to in one local day, and what is put in for what is missing."""

from datetime import date
from zoneinfo import ZoneInfo

from sobre_collector.rows import DayRow, Key
from sobre_drivers.calendar import WorkingHours, working_span
from sobre_drivers.load import Load, Origin

# A measured load that is longer than this and crosses an edge is measured as a whole only: how much
# of it lies on either side is a guess.
CUT_IS_GUESS_S = 3_600
# In these a device is in use, so that a hole between two of them was most likely the same.
ACTIVE = ("on", "printing", "warmup", "ready")


class DaySums:
    """The sums of the loads between `begins` and `ends`, added in order of their end.

    In the row, `state_s["unknown"]` is the missing time that lies between two samples in use; other
    missing time is the rest of the day that is not observed.
    """

    def __init__(
        self, begins: int, ends: int, day: date, hours: WorkingHours, zone: ZoneInfo
    ) -> None:
        self.begins, self.ends = begins, ends
        self._day = day
        # A day of rest is out of hours from end to end.
        self._work_begins, self._work_ends = working_span(day, hours, zone) or (ends, ends)
        self._energy_j = {Origin.MEASURED: 0, Origin.ESTIMATED: 0, Origin.ALLOCATED: 0}
        self._out_j = 0
        self._state_s: dict[str, int] = {}
        self._pages: int | None = None
        # Energy and time of loads with and without use, for the mean power in use.
        self._active_j = self._active_s = self._idle_in_active_s = 0
        self._idle_j = self._idle_s = 0
        # Seconds inside loads of which the energy is unknown: [in hours, out of hours].
        self._bridged_s, self._blank_s = [0, 0], [0, 0]
        # What loads cover: [start, end, used at the start, used at the end], merged.
        self._covered: list[list[int]] = []

    def add(self, load: Load, start: int, end: int) -> None:
        """Add the part of a load that lies in this day; `start` and `end` are the load's own."""
        low = start if start > self.begins else self.begins
        high = end if end < self.ends else self.ends
        whole = low == start and high == end
        work_low = low if low > self._work_begins else self._work_begins
        work_high = high if high < self._work_ends else self._work_ends
        energy_j = load.energy_j
        if work_low >= work_high:
            in_j = 0
        elif work_low == low and work_high == high and whole:
            in_j = energy_j
        else:
            in_j = cut(load.energy_j, load, work_high) - cut(load.energy_j, load, work_low)
        if not whole:
            energy_j = cut(load.energy_j, load, high) - cut(load.energy_j, load, low)
        origin = load.origin
        if origin is not Origin.ESTIMATED:
            inside = work_low >= work_high or (work_low == low and work_high == high)
            origin = self._origin(load, whole and inside)
        self._energy_j[origin] += energy_j
        self._out_j += energy_j - in_j
        if load.pages is not None:
            pages = load.pages
            if not whole:
                pages = cut(pages, load, high) - cut(pages, load, low)
            self._pages = (self._pages or 0) + pages
        used = 1
        if load.state_s is None:
            self._active_j += energy_j
            self._active_s += high - low
        else:
            used = self._add_states(load, energy_j, low, high, max(0, work_high - work_low))
        self._cover(low, high, used)

    @staticmethod
    def _origin(load: Load, uncut: bool) -> Origin:
        """What a cut leaves of a load's origin (method.md 2.1.4: a guess across an edge)."""
        if uncut:
            return load.origin
        if load.origin is Origin.ALLOCATED:
            return Origin.ESTIMATED
        return Origin.ALLOCATED if load.span_s > CUT_IS_GUESS_S else Origin.MEASURED

    def _add_states(self, load: Load, energy_j: int, low: int, high: int, in_s: int) -> int:
        known_s = active_s = unknown_s = 0
        for state, seconds in (load.state_s or {}).items():
            part_s = cut(seconds, load, high) - cut(seconds, load, low)
            if state == "unknown":
                unknown_s = part_s
                continue
            if part_s:
                self._state_s[state] = self._state_s.get(state, 0) + part_s
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
        if covered and covered[-1][1] == low:
            covered[-1][1] = high
            covered[-1][3] = used
            return
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
        energy_j = sum(self._energy_j.values())
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
            day=self._day.isoformat(),
            length_s=length_s,
            observed_s=observed_s,
            off_s=min(observed_s, states.get("off", 0)),
            measured_j=self._energy_j[Origin.MEASURED],
            estimated_j=self._energy_j[Origin.ESTIMATED] + filled_j,
            allocated_j=self._energy_j[Origin.ALLOCATED],
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
        at, used = self.begins, 0
        edge = [self.ends, self.ends, 0, 0]
        for low, high, used_first, used_last in [*self._covered, edge]:
            if low > at:
                in_s = max(0, min(low, self._work_ends) - max(at, self._work_begins))
                missing_s = bridged_s if used and used_first else blank_s
                missing_s[0] += in_s
                missing_s[1] += low - at - in_s
            at, used = high, used_last
        return bridged_s, blank_s


def cut(amount: int, load: Load, at: int) -> int:
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
