"""From samples to spans: what one device used, settled to the joule and cut at the clock."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sobre_agent.cutters import Cutter, Never
from sobre_agent.elapsed import Elapsed, between, since_last_run
from sobre_agent.open_load import OpenLoad, Piece, Span
from sobre_agent.pages import Counter, PageCount, restored
from sobre_drivers.load import Origin
from sobre_drivers.power import constant_uj, gap_max_s, trapezoid_uj
from sobre_drivers.registers import Limits, Register, Shown, Step, Verdict, settle
from sobre_drivers.sample import RATED_MARGIN, Described, Instant, Reading, Sample

__all__ = ["Account", "Span"]

CHECKPOINT_S = 600.0
# A register that is implausible in so many samples in a row is said to be.
ASIDES = 3


@dataclass(frozen=True, slots=True)
class _Last:
    """The sample before: when, on which second of the time line, and what it showed."""

    at: Instant
    line_s: float
    age_s: float
    power_w: float | None
    state: str | None


class Account:
    """One device's running account; `saved` and the constructor's `saved` carry it over a restart.

    A device with a register is settled by it (a gap loses no energy), one without by its power. The
    time line follows the wall clock while that is known, and goes on by itself otherwise; lengths
    of time come from clocks that nobody sets. After a restart without a wall clock the line floats:
    one load stays open until it can be stamped.
    """

    def __init__(
        self,
        described: Described,
        cutter: Cutter,
        sample_s: float,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        self._described = described
        self._cutter = cutter
        self._gap_s = self._gap_next_s = gap_max_s(sample_s)
        self._limits = Limits(
            described.rated_w * RATED_MARGIN, described.count_uj, described.modulus_uj
        )
        self._open = OpenLoad(described.device)
        self._register = Register()
        self._pages = PageCount()
        self._last: _Last | None = None
        self._resumed = False
        self._clean = False
        self._floating = self._adrift = False
        self._findings: list[str] = []
        self._doubted = False
        self._asides = 0
        if saved is not None:
            self._restore(saved)

    def take(self, sample: Sample, known: bool = True) -> list[Span]:
        """Settle a sample against the one before; the spans that it closed.

        `known` is False while the sample's wall clock cannot be believed.
        """
        at, reading = sample.at, self._believed(sample.reading)
        sample = Sample(at, reading)
        last = self._last
        if last is None:
            self._floating = not known
            self._begin(at, at.wall_s, 0.0, reading)
            return []
        closed: list[Span] = []
        if self._floating or not known:
            if self._resumed and (self._adrift or at.boot_s < last.at.boot_s):
                return self._after_unknown_time(sample, last, known)
            wall_s = last.line_s + max(0.0, at.boot_s - last.at.boot_s)
            at = Instant(wall_s, at.mono_s, at.boot_s)
        if self._resumed:
            elapsed = since_last_run(last.at, at, self._clean, CHECKPOINT_S)
        else:
            elapsed = between(last.at, at)
        self._resumed = self._adrift = False
        end_s = max(last.line_s, at.wall_s - elapsed.jump_s)
        age_s = last.age_s + elapsed.total_s
        self._findings += self._pages.count(age_s, reading.pages, reading.serial)
        if reading.register_uj is not None:
            closed += self._by_register(reading, last, end_s, age_s)
        elif self._register.anchor is None:
            # Otherwise the register will say it all when it can be read again: power now would
            # count twice.
            closed += self._by_power(reading, last, end_s, elapsed)
        if elapsed.jump_s:
            self._findings.append(f"the clock was set by {elapsed.jump_s:+.0f} s")
            closed += self._open.close()
            end_s = at.wall_s
        self._remember(at, end_s, age_s, reading)
        self._gap_s = self._gap_next_s
        return closed + (self._stamped(sample) if known and self._floating else [])

    def pace(self, cutter: Cutter, sample_s: float) -> None:
        """Cut loads otherwise, and expect samples every `sample_s`, from the next one on."""
        self._cutter, self._gap_next_s = cutter, gap_max_s(sample_s)
        # The sample that comes next was still due at the old pace.
        self._gap_s = max(self._gap_s, self._gap_next_s)

    def finish(self) -> list[Span]:
        """Close the open load where it stands, before its boundary."""
        return self._open.close()

    def findings(self) -> list[str]:
        """What was implausible since the last call, in words for the log."""
        found, self._findings = self._findings, []
        return found

    def saved(self, clean: bool = False) -> dict[str, Any]:
        """All that a restart needs, as JSON; `clean` if nothing will be sampled after it."""
        return {
            "last": None if self._last is None else asdict(self._last) | self._pages.of_old(),
            "register": asdict(self._register),
            "pages": asdict(self._pages),
            "open": self._open.saved(),
            "clean": clean,
            "floating": self._floating,
            "adrift": self._adrift,
        }

    def _restore(self, saved: Mapping[str, Any]) -> None:
        if saved["last"] is not None:
            kept = dict(saved["last"])
            # An agent before this one kept the page counter here.
            pages = kept.pop("pages", None)
            self._last = _Last(**{**kept, "at": Instant(**kept["at"])})
            if pages is not None:
                self._pages = PageCount(Counter(self._last.age_s, pages))
        if "pages" in saved:
            self._pages = restored(saved["pages"])
        shown = {k: None if v is None else Shown(**v) for k, v in saved["register"].items()}
        self._register = Register(**shown)
        self._open = OpenLoad(**{**saved["open"], "device": self._described.device})
        self._clean = bool(saved["clean"])
        # An agent before this one knew neither.
        self._floating = bool(saved.get("floating", False))
        self._adrift = bool(saved.get("adrift", False))
        self._resumed = True

    def _after_unknown_time(self, sample: Sample, last: _Last, known: bool) -> list[Span]:
        """The machine restarted, and nobody knows how long it was down."""
        if self._register.anchor is not None and not self._floating:
            # The register will tell of all of it, once it is known how long it was.
            self._adrift = True
            return []
        closed = [] if self._floating else self._open.close()
        self._floating, self._resumed, self._adrift = True, False, False
        self._register = Register()
        at = Instant(last.line_s, sample.at.mono_s, sample.at.boot_s)
        self._begin(at, last.line_s, last.age_s, sample.reading)
        return closed + (self._stamped(sample) if known else [])

    def _stamped(self, sample: Sample) -> list[Span]:
        """Put what was open while the line floated in its place: it ends now."""
        last = self._last
        assert last is not None
        self._floating = False
        self._findings.append("the clock is known again")
        closed = self._open.stamped(sample.at.wall_s - last.line_s, self._cutter)
        self._last = replace(last, at=sample.at, line_s=sample.at.wall_s)
        return closed

    def _believed(self, reading: Reading) -> Reading:
        """The reading without a power that a meter cannot have seen; that is said once."""
        power_w, most_w = reading.power_w, self._limits.power_max_w
        if self._described.own:
            return reading
        counted = reading.register_uj is not None or self._register.anchor is not None
        wrong = power_w is not None and not (-most_w if counted else 0.0) <= power_w <= most_w
        if wrong and not self._doubted:
            self._findings.append(f"power {power_w:g} W cannot be; rated_w allows {most_w:g} W")
        self._doubted = wrong
        return replace(reading, power_w=None) if wrong else reading

    def _by_register(self, reading: Reading, last: _Last, end_s: float, age_s: float) -> list[Span]:
        closed: list[Span] = []
        steps = [each for each in self._settle(reading, age_s) if each.end_s > each.start_s]
        for step in steps:
            piece = self._piece(step, end_s - age_s, reading, last, step is steps[-1])
            if piece is None:
                closed += self._open.close()
            else:
                gap = step.end_s - step.start_s > self._gap_s
                closed += self._open.add(piece, self._boundaries, gap)
        return closed

    def _settle(self, reading: Reading, age_s: float) -> tuple[Step, ...]:
        assert reading.register_uj is not None
        shown = Shown(age_s, reading.register_uj, reading.serial)
        self._register, steps = settle(self._register, shown, self._limits)
        self._asides = 0 if self._register.aside is None else self._asides + 1
        if self._asides == ASIDES:
            self._findings.append(
                f"register: rises as it cannot at {self._limits.power_max_w:g} W, or jumps about; "
                "nothing is booked, see rated_w, word order and the model"
            )
        for step in steps:
            if step.verdict not in (Verdict.OK, Verdict.ROLLOVER):
                self._findings.append(f"register: {step.verdict.value}")
        return steps

    def _piece(
        self, step: Step, offset_s: float, reading: Reading, last: _Last, latest: bool
    ) -> Piece | None:
        """A register's step on the time line; None if its energy is unknown."""
        if step.energy_uj is None:
            return None
        lower_bound = step.verdict is Verdict.RESET
        return Piece(
            step.start_s + offset_s,
            step.end_s + offset_s,
            step.energy_uj,
            Origin.ESTIMATED if lower_bound else self._described.origin,
            last.state,
            reading.power_w,
            self._pages.taken() if latest else None,
        )

    def _by_power(
        self, reading: Reading, last: _Last, end_s: float, elapsed: Elapsed
    ) -> list[Span]:
        """Doubtful time first, then off, asleep, and awake up to now."""
        described = self._described
        if not described.own:
            elapsed = Elapsed(elapsed.total_s)
        off_uj = constant_uj(described.off_w, elapsed.off_s)
        sleep_uj = constant_uj(described.sleep_w, elapsed.asleep_s)
        at_s, closed = last.line_s, []
        for span_s, energy_uj, state in (
            (elapsed.doubtful_s, None, None),
            (elapsed.off_s, off_uj, "off"),
            (elapsed.asleep_s, sleep_uj, "sleep"),
        ):
            if span_s > 0:
                closed += self._stretch(at_s, at_s + span_s, energy_uj, state)
                at_s += span_s
        if at_s < end_s:
            # A mean tells of this stretch by itself, and what was drawn before the machine went
            # down says nothing of the time after it is up.
            alone = reading.mean or elapsed.off_s
            before_w = reading.power_w if alone else last.power_w
            energy_uj = self._seen_uj(before_w, reading.power_w, elapsed.awake_s)
            pages = self._pages.taken()
            closed += self._stretch(at_s, end_s, energy_uj, last.state, reading.power_w, pages)
        return closed

    def _seen_uj(self, before_w: float | None, now_w: float | None, span_s: float) -> int | None:
        if before_w is None or now_w is None or span_s > self._gap_s:
            return None
        return trapezoid_uj(before_w, now_w, span_s)

    def _stretch(
        self,
        start_s: float,
        end_s: float,
        energy_uj: int | None,
        state: str | None,
        power_w: float | None = None,
        pages: int | None = None,
    ) -> list[Span]:
        """Book a stretch; unknown time is a state where states or pages tell of it, else a hole."""
        described, long = self._described, end_s - start_s > self._gap_s
        if energy_uj is None:
            if not described.own and state is None and pages is None:
                return self._open.close()
            piece = Piece(start_s, end_s, 0, Origin.ESTIMATED, "unknown", pages=pages)
        elif state in ("off", "sleep") and described.own:
            piece = Piece(start_s, end_s, energy_uj, Origin.ESTIMATED, state)
        else:
            piece = Piece(start_s, end_s, energy_uj, described.origin, state, power_w, pages)
        return self._open.add(piece, self._boundaries, long)

    @property
    def _boundaries(self) -> Cutter:
        return Never() if self._floating else self._cutter

    def _begin(self, at: Instant, line_s: float, age_s: float, reading: Reading) -> None:
        self._remember(at, line_s, age_s, reading)
        self._pages.forget()
        self._pages.count(age_s, reading.pages, reading.serial)
        if reading.register_uj is not None:
            self._settle(reading, age_s)

    def _remember(self, at: Instant, line_s: float, age_s: float, reading: Reading) -> None:
        self._last = _Last(at, line_s, age_s, reading.power_w, reading.state)
