"""Why consumption changed: users, devices per user, kWh per device, by group and in all (LMDI).

The effects add up to the change exactly, group by group and over groups. Laptops, desktops and
screens are one group here as everywhere: a second weighting of the same classes would give each of
them away.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators.lmdi import energy_effects_kwh
from sobre_collector.indicators.moments import POOLED
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report import notation
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.groups import group_of
from sobre_collector.report.model import Note, Report
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, marked, name, note, say

NAME = "decomposition"
FACTORS = ("users", "devices-per-user", "kwh-per-device")


@dataclass(frozen=True, slots=True)
class Change:
    """What changed between both periods in a group, kWh; the three effects add up to `change_kwh`.

    `whole` where a group exists in one period only: then its change has no factors.
    """

    name: str
    before_kwh: float
    after_kwh: float
    devices_before: float | None
    devices_after: float | None
    users_kwh: float | None
    devices_per_user_kwh: float | None
    per_device_kwh: float | None

    @property
    def change_kwh(self) -> float:
        """Negative when consumption fell."""
        return self.after_kwh - self.before_kwh

    @property
    def whole(self) -> bool:
        """Whether the change cannot be told by factors."""
        return self.users_kwh is None


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Groups, and their sum (`total`); `missing` says why there is none."""

    groups: tuple[Change, ...]
    total: Change | None
    missing: tuple[Note, ...] = ()


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Decomposition | None:
    """The change from the baseline year to the period, of the constant perimeter."""
    reference, before, after = drawn.reference.found, drawn.before, drawn.after
    if not found or reference is None or before is None or after is None:
        return None
    before_kwh: dict[str, float] = defaultdict(float)
    for use in drawn.reference.uses:
        before_kwh[group_of(use.name)] += use.share_ratio * reference.total_kwh
    after_kwh: dict[str, float] = defaultdict(float)
    for one in drawn.fleet.of(drawn.months):
        after_kwh[group_of(one.stratum.device_class)] += one.total_kwh
    was = _units(drawn, months_of(drawn.fleet.perimeter.baseline.year))
    now = _units(drawn, drawn.months)
    if was is None or now is None:
        year = drawn.fleet.perimeter.baseline.year
        return Decomposition((), None, (Note("decomposition-inventory", {"baseline_year": year}),))
    groups = tuple(
        _change(
            group,
            (before.count, was.get(group, 0.0), before_kwh.get(group, 0.0)),
            (after.count, now.get(group, 0.0), after_kwh.get(group, 0.0)),
        )
        for group in sorted(before_kwh.keys() | after_kwh.keys())
    )
    return Decomposition(groups, _sum(groups))


def _units(drawn: Drawn, months: Sequence[str]) -> dict[str, float] | None:
    """Mean units by group; None if nobody stated an inventory for one of the months."""
    units: dict[str, list[float]] = defaultdict(list)
    for month in months:
        stated = drawn.fleet.perimeter.inventory_of(month)
        if stated.month is None:
            return None
        in_month: dict[str, float] = defaultdict(float)
        known = {one.stratum: one.inventory_n for one in drawn.fleet.of([month])}
        listed = {
            stratum: count
            for stratum, (count, _) in stated.values.items()
            if stratum.organisation in drawn.fleet.organisations
        }
        # What reports is the least there can be, as for the total.
        for stratum, count in {**listed, **known}.items():
            if stratum.site != POOLED:
                in_month[group_of(stratum.device_class)] += count
        for group, count in in_month.items():
            units[group].append(count)
    return {group: fsum(counts) / len(months) for group, counts in units.items()}


def _change(
    group: str, before: tuple[float, float, float], after: tuple[float, float, float]
) -> Change:
    if min(*before, *after) <= 0:
        return Change(group, before[2], after[2], before[1], after[1], None, None, None)
    effects = energy_effects_kwh(before, after)
    users, per_user, per_device = (effects[factor] for factor in FACTORS)
    return Change(group, before[2], after[2], before[1], after[1], users, per_user, per_device)


def _sum(groups: Sequence[Change]) -> Change:
    told = [one for one in groups if not one.whole]
    return Change(
        "total",
        fsum(one.before_kwh for one in groups),
        fsum(one.after_kwh for one in groups),
        None,
        None,
        fsum(one.users_kwh or 0.0 for one in told),
        fsum(one.devices_per_user_kwh or 0.0 for one in told),
        fsum(one.per_device_kwh or 0.0 for one in told),
    )


def html(found: Decomposition, report: Report, lang: Lang) -> str:
    """A table with one line a group, and the sum."""
    if found.total is None:
        why = " ".join(note(lang, one) for one in found.missing)
        return f"<p>{marked(say(lang, 'decomposition.insufficient'))} {marked(why)}</p>"
    keys = ("class", "change", "users", "devices-per-user", "kwh-per-device")
    heads = [say(lang, "col.class"), *(say(lang, f"decomposition.{key}") for key in keys[1:])]
    lines = [_line(one, found.total.before_kwh, lang) for one in (*found.groups, found.total)]
    said = f"<p>{marked(say(lang, 'decomposition.said'))}</p>"
    return said + table(say(lang, "title.decomposition"), heads, lines)


def rows(found: Decomposition, report: Report, lang: Lang) -> list[list[str]]:
    """The sum by factor, in points of the reference."""
    whole = found.total
    if whole is None:
        return []
    return [
        [say(lang, f"decomposition.{factor}"), _both(kwh, whole.before_kwh, lang), ""]
        for factor, kwh in (
            ("change", whole.change_kwh),
            ("users", whole.users_kwh),
            ("devices-per-user", whole.devices_per_user_kwh),
            ("kwh-per-device", whole.per_device_kwh),
        )
        if kwh is not None
    ]


def _line(one: Change, whole_kwh: float, lang: Lang) -> list[str]:
    label = (
        say(lang, "decomposition.total") if one.name == "total" else name(lang, "class", one.name)
    )
    parts = [one.users_kwh, one.devices_per_user_kwh, one.per_device_kwh]
    if one.whole:
        return [label, _both(one.change_kwh, whole_kwh, lang), *["–"] * len(parts)]
    return [label, *(_both(kwh or 0.0, whole_kwh, lang) for kwh in (one.change_kwh, *parts))]


def _both(kwh: float, whole_kwh: float, lang: Lang) -> str:
    """An effect in energy, with its points of the whole reference, which add up."""
    sign = "+" if kwh > 0 else ""
    points = notation.points(kwh / whole_kwh, lang).split()[0]
    return f"{sign}{notation.energy(kwh, lang)} ({points} pt)"
