"""What a scan finds: where something answers, which profiles fit it, and how we know."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Sure = Literal["identified", "likely", "possible"]

SURE: tuple[Sure, ...] = ("identified", "likely", "possible")


@dataclass(frozen=True, slots=True)
class Match:
    """A profile that fits, and how: it says so itself, or what it shows could be."""

    profile: str
    sure: Sure
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """Something that answers. `where` holds keys of [[meters]]; `tells` is what it says it is."""

    protocol: str
    where: Mapping[str, object]
    tells: str = ""
    matches: tuple[Match, ...] = ()
    also: tuple[int, ...] = field(default=())

    @property
    def name(self) -> str:
        """Where it is, for people."""
        at = str(self.where.get("serial_port") or self.where.get("host", ""))
        port, unit = self.where.get("port"), self.where.get("unit_id")
        made = f"{at}:{port}" if port is not None else at
        made = f"{made}, unit {unit}" if unit is not None else made
        if self.also:
            made += f" (and as {_numbers(self.also)} alike)"
        return f"{made} ({self.protocol})"


def block(found: Found, asks_power: bool) -> str:
    """Its [[meters]] table, ready for a configuration; a comment where no profile fits.

    `asks_power`: nobody but the reader can state the greatest power that flows through it.
    """
    if not found.matches:
        return f"# {found.name}: no profile fits; docs/commissioning.md says how to make one\n"
    best, others = found.matches[0], found.matches[1:]
    lines = [f"# {best.sure}: {best.why}"]
    if found.tells:
        lines.insert(0, f"# {found.tells}")
    if others:
        lines.append("# or: " + ", ".join(f"{each.profile} ({each.sure})" for each in others))
    lines += ["[[meters]]", f"device = {_toml(device_name(found.where))}"]
    lines.append(f"profile = {_toml(best.profile)}")
    lines += [f"{key} = {_toml(value)}" for key, value in found.where.items() if "." not in key]
    if asks_power:
        lines.append("rated_w = 3680  # its greatest plausible power in W: state your own")
    tables = dict.fromkeys(key.partition(".")[0] for key in found.where if "." in key)
    for table in tables:
        lines.append(f"[meters.{table}]")
        for key, value in found.where.items():
            if key.startswith(f"{table}."):
                lines.append(f"{key.partition('.')[2]} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def device_name(where: Mapping[str, object]) -> str:
    """A name that says where it was found, until a person gives it a better one."""
    parts = [where.get("host") or where.get("serial_port"), where.get("port"), where.get("unit_id")]
    told = "-".join(str(part) for part in parts if part is not None)
    return "found-" + re.sub(r"[^a-z0-9]+", "-", told.lower()).strip("-")[-50:].strip("-")


def best_first(matches: Sequence[tuple[int, Match]], most: int = 8) -> tuple[Match, ...]:
    """The surest, and of those the ones with most evidence (a count) first."""
    ordered = sorted(matches, key=lambda each: (SURE.index(each[1].sure), -each[0]))
    return tuple(match for _, match in ordered[:most])


def _toml(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _numbers(units: Sequence[int]) -> str:
    return f"unit {', '.join(map(str, units[:4]))}{' …' if len(units) > 4 else ''}"
