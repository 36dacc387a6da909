"""The made-up fleet, fed to a store of its own through the product's own intake and jobs."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from sobre_collector.conservation import check_in_words
from sobre_collector.duties import House, duties, run_duty
from sobre_collector.idle import IDLE_JOB
from sobre_collector.intake import Intake
from sobre_collector.months import month_bounds
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.rebuild import rebuild_days
from sobre_collector.registry import Registry
from sobre_collector.simulate.fleet import make_fleet
from sobre_collector.simulate.messages import Agents
from sobre_collector.simulate.sender import sent_by
from sobre_collector.simulate.statements import write_statements
from sobre_collector.simulate.truth import Truth, settle_truth
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import midnight
from sobre_drivers.errors import ConfigError
from sobre_drivers.sample import Instant

NOON_S = 12 * 3600

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate, and the folder that it goes to."""

    folder: Path
    seed: int = 1
    first: date = date(2023, 1, 1)
    last: date = date(2025, 12, 31)
    devices: int = 3000
    organisations: int = 18
    reduction_ratio: float = 0.16

    def __post_init__(self) -> None:
        whole = (self.first.month, self.first.day, self.last.month, self.last.day) == (1, 1, 12, 31)
        if not whole:
            raise ConfigError(
                f"--start {self.first} --end {self.last}: whole calendar years are compared; "
                "start on 1 January and end on 31 December"
            )
        if self.last.year <= self.first.year:
            raise ConfigError("--end: a baseline year and a later year are needed; add a year")
        if not 1 <= self.organisations <= 99:
            raise ConfigError(f"--organisations {self.organisations}: choose 1 to 99")
        if not 12 * self.organisations <= self.devices <= 100_000:
            raise ConfigError(
                f"--devices {self.devices}: choose {12 * self.organisations} (12 an organisation) "
                "to 100000"
            )


class _SetClock:
    """The clock of the simulation: it shows what it was set to."""

    def __init__(self) -> None:
        self.wall_s = 0

    def now(self) -> Instant:
        return Instant(self.wall_s, self.wall_s, self.wall_s)


def simulate(plan: Plan, progress: Progress = lambda ratio, text: None) -> Truth:
    """Make the fleet, its statements and its store; the truth also stands in `truth.json`.

    ConfigError if the folder has a store already. `progress` is told the share done (0–1).
    """
    if (plan.folder / "series.db").exists():
        raise ConfigError(f"{plan.folder}: has a store already; name an empty folder")
    fleet = make_fleet(plan.seed, plan.first, plan.last, plan.devices, plan.organisations)
    progress(0.0, "drawing the fleet")
    truth = settle_truth(fleet, plan.reduction_ratio)
    agents = Agents(fleet, truth.saving_ratio, ZoneInfo("Europe/Paris"))
    write_statements(plan.folder, fleet, truth, agents.links(), agents.printers(), agents.room())
    perimeter = load_perimeter(plan.folder / "perimeter.toml")
    clock = _SetClock()
    series = SqliteSeries(plan.folder, zone=perimeter.timezone)
    ledger = Ledger(plan.folder / "ledger.db")
    try:
        ledger.mark_simulated()
        house = House(series, ledger, perimeter, check=check_in_words)
        intake = Intake(series, ledger, Registry(ledger), clock, perimeter.timezone)
        months = fleet.months()
        with sent_by(agents, fleet) as sent:
            for month, groups in groupby(sent, key=itemgetter(0)):
                progress(months.index(month) / len(months), f"month {month}")
                # Half a day after a month's end its loads are all there.
                after = month_bounds(month)[1] + timedelta(days=1)
                over = midnight(after, perimeter.timezone) + NOON_S
                for _, born, messages in groups:
                    clock.wall_s = midnight(born, perimeter.timezone) + NOON_S if born else over
                    intake.take(messages)
                clock.wall_s = over
                _work(house, over, {"close"})
        clock.wall_s += (house.keep.close_after_days + 2) * 86_400
        _work(house, clock.wall_s, {"close", "conservation", IDLE_JOB})
    finally:
        ledger.close()
        series.close()
    progress(1.0, "done")
    (plan.folder / "truth.json").write_text(json.dumps(asdict(truth), indent=1) + "\n", "utf-8")
    return truth


def _work(house: House, now: int, jobs: set[str]) -> None:
    """What these jobs would have done by now; totals of a month that stays open are overwritten."""
    rebuild_days(house.series, house.ledger, house.perimeter, now)
    for duty in list(duties(house, now)):
        if duty.job in jobs:
            run_duty(house, duty, now)
