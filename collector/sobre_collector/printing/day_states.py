"""States of printers whose meter tells only energy, put into their loads when a day is built.

One load is one sample: its mean power against the thresholds that a person confirmed for the model.
So a burst of printing shorter than two loads is counted to the state around it, which leaves
running time as it is and makes printing time a lower bound (docs/printers.md).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sobre_collector.indicators.printer_states import DWELL_SAMPLES, Thresholds, states
from sobre_collector.perimeter.printing import Printing
from sobre_collector.rows import Key, LoadPart
from sobre_collector.store.rulebook import Confirmed
from sobre_drivers.load import Load

# A longer load mixes states: its mean power is that of none of them, and its time stays unknown.
LONGEST_S = 120


@dataclass(frozen=True, slots=True)
class DayStates:
    """The thresholds of each registered printer whose model has confirmed ones."""

    thresholds: Mapping[Key, Thresholds] = field(default_factory=dict)

    def __contains__(self, key: Key) -> bool:
        return key in self.thresholds

    def filled(self, key: Key, loads: Iterable[Load | LoadPart]) -> Iterator[Load | LoadPart]:
        """The loads by their end, with a state where they had none and their power tells one."""
        thresholds = self.thresholds.get(key)
        if thresholds is None:
            yield from loads
            return
        run: list[Load | LoadPart] = []
        for load in loads:
            joins = not run or run[-1].end == load.end - load.span_s
            told = load.state_s is None and load.span_s <= LONGEST_S
            if run and not (told and joins):
                yield from _told(run, thresholds)
                run = []
            if told:
                run.append(load)
            else:
                yield load
        yield from _told(run, thresholds)


def day_states(printing: Printing, confirmed: Mapping[str, Confirmed]) -> DayStates:
    """Who gets states from power: printers of the register whose model was confirmed."""
    return DayStates(
        {
            key: confirmed[printer.model].thresholds
            for key, printer in printing.printers.items()
            if printer.model in confirmed
        }
    )


def _told(run: Sequence[Load | LoadPart], thresholds: Thresholds) -> Iterator[LoadPart]:
    if not run:
        return
    found = states(
        [load.energy_j / load.span_s for load in run], thresholds, dwell_samples=DWELL_SAMPLES
    )
    for load, state in zip(run, found, strict=True):
        yield LoadPart(
            load.end, load.span_s, load.energy_j, load.origin, {state: load.span_s}, load.pages
        )
