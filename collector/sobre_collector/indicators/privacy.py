"""Which figures may be shown, so that none tells about a few people (method 2.0, privacy).

What is published is one fixed tree: the whole, its organisations, their classes. A figure needs ten
monitored devices of which none makes more than a fifth. Hiding it is not enough, since a total
minus what is shown gives it back: further figures are then hidden until what remains in the
difference could itself be shown.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators.moments import POOLED, StratumMonth

MIN_DEVICES = 10
MAX_SHARE_RATIO = 0.20
# Classes whose hours are the hours of a person at work.
PERSONAL_CLASSES = ("workstation", "monitor")


@dataclass(frozen=True, slots=True)
class Cell:
    """One class of one organisation: monitored devices, their kWh, and the largest of them."""

    organisation: str
    device_class: str
    devices: int
    energy_kwh: float
    largest_kwh: float
    personal: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be published; each cell is named by (organisation, class)."""

    whole: bool
    organisations: frozenset[str]
    cells: frozenset[tuple[str, str]]


def is_personal(device_class: str) -> bool:
    """Whether devices of the class tell when somebody is present."""
    return device_class.partition(".")[0] in PERSONAL_CLASSES


def cells(rows: Iterable[StratumMonth]) -> list[Cell]:
    """The cells of one month, without what belongs to several organisations.

    A stratum too small to say its largest counts as one device's.
    """
    groups: dict[tuple[str, str], list[StratumMonth]] = defaultdict(list)
    for row in rows:
        if row.stratum.organisation == POOLED:
            continue
        groups[row.stratum.organisation, row.stratum.device_class].append(row)
    return [
        Cell(
            organisation,
            device_class,
            sum(row.devices for row in members),
            fsum(row.sums[0] + row.sums[1] for row in members),
            max(
                row.sums[0] + row.sums[1] if row.largest_kwh is None else row.largest_kwh
                for row in members
            ),
            is_personal(device_class),
        )
        for (organisation, device_class), members in sorted(groups.items())
    ]


def publishable(group: Sequence[Cell], at_least: int = MIN_DEVICES) -> bool:
    """Whether the sum of these cells may be known; cells about no person do not matter to it.

    They do not count towards `at_least` either: whoever knows the servers' kWh could take them off.
    """
    personal = [cell for cell in group if cell.personal and cell.devices > 0]
    if not personal:
        return True
    energy_kwh = fsum(cell.energy_kwh for cell in personal)
    largest_kwh = max(cell.largest_kwh for cell in personal)
    devices = sum(cell.devices for cell in personal)
    return devices >= at_least and largest_kwh <= MAX_SHARE_RATIO * energy_kwh


def _covered(hidden: Sequence[Cell], at_least: int) -> bool:
    # A single hidden cell is given back by subtraction, even one that is hidden for an older table.
    return publishable(hidden, at_least) and len(_personal(hidden)) != 1


def shown(
    table: Sequence[Cell],
    hidden_before: frozenset[tuple[str, str]] = frozenset(),
    organisations_hidden_before: frozenset[str] = frozenset(),
    at_least: int = MIN_DEVICES,
) -> Shown:
    """What of the tree may be shown, with groups of `at_least` monitored devices.

    `hidden_before` names every cell that an earlier month or version hid and this one could give
    back: it stays hidden. Hand in all that was not shown, not only what was too small.
    """
    by_organisation: dict[str, list[Cell]] = defaultdict(list)
    for cell in table:
        by_organisation[cell.organisation].append(cell)

    hidden: dict[str, list[Cell]] = {}
    closed: set[str] = set()
    for organisation, members in by_organisation.items():
        hidden[organisation] = _hidden_cells(members, hidden_before, at_least)
        covered = _covered(hidden[organisation], at_least)
        if organisation in organisations_hidden_before or not covered:
            closed.add(organisation)
    # The whole minus the organisations shown, minus single cells shown, leaves these.
    whole = True
    while not _covered([cell for o in closed for cell in hidden[o]], at_least):
        left = [o for o in by_organisation if o not in closed and _personal(by_organisation[o])]
        if not left:
            whole = False
            break
        smallest = min(left, key=lambda o: (_devices(by_organisation[o]), o))
        closed.add(smallest)
        # Its cells would add up to the total that was just hidden.
        hidden[smallest] = _personal(by_organisation[smallest])
    return Shown(
        whole,
        frozenset(by_organisation) - closed,
        frozenset(
            (cell.organisation, cell.device_class)
            for cell in table
            if cell not in hidden[cell.organisation]
        ),
    )


def _hidden_cells(
    members: Sequence[Cell], hidden_before: frozenset[tuple[str, str]], at_least: int
) -> list[Cell]:
    hidden = [
        cell
        for cell in members
        if not publishable([cell], at_least)
        or (cell.organisation, cell.device_class) in hidden_before
    ]
    others = sorted(
        (cell for cell in _personal(members) if cell not in hidden),
        key=lambda cell: (cell.devices, cell.device_class),
    )
    while others and not _covered(hidden, at_least):
        hidden.append(others.pop(0))
    return hidden


def _personal(members: Iterable[Cell]) -> list[Cell]:
    return [cell for cell in members if cell.personal and cell.devices > 0]


def _devices(members: Iterable[Cell]) -> int:
    return sum(cell.devices for cell in _personal(members))
