"""A model's OID map as data: which objects say what. A new model takes a TOML file and no Python.

Everything that can be wrong in such a file is found here, before a connection is opened.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sobre_drivers.meters.configured import Hours
from sobre_drivers.meters.kind import Confirmed
from sobre_drivers.meters.parts import require_known_class, require_part
from sobre_drivers.meters.snmp.objects import (
    Energy,
    Object,
    Pages,
    Power,
    Rows,
    State,
    an_oid,
    places,
)
from sobre_drivers.settings import build, read_toml

# An answer should fit one unfragmented datagram; with long OIDs that is about so many values.
MAX_OIDS = 32
GIVEN = frozenset({"n", "unit"})


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured apart: the device itself (no name), its outlets, its phases.

    With `count` above 1 the name holds `{n:02d}` and its OIDs `{n}`, which runs from `first`: at
    most so many; those that the agent knows are read. `shown` is printed and never added up.
    """

    name: str = ""
    count: int = 1
    first: int = 1
    device_class: str | None = None
    rated_w: float | None = None
    power: Power | None = None
    energy: Energy | None = None
    pages: Pages | None = None
    state: State | None = None
    shown: dict[str, Object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_part(self.name, self.device_class, self.rated_w, self.count, self.first)
        repeats = [("{n" in self.name), *("{n}" in oid for oid in self.own_templates())]
        if (self.count > 1) != any(repeats) or len(set(repeats)) != 1:
            raise ValueError("count above 1 needs {n} in the name and in each OID, and only then")
        if self.power is None and self.energy is None and self.state is None:
            raise ValueError("power is missing, and so are energy and state; give one of them")

    def objects(self) -> dict[str, Object]:
        """Power, energy and what is shown, by name."""
        settled = {"power": self.power, "energy": self.energy}
        return {k: v for k, v in settled.items() if v is not None} | self.shown

    def own_templates(self) -> list[str]:
        """All OIDs that say something of this part, but not how it is written."""
        found = [oid for each in self.objects().values() for oid in each.templates]
        if self.pages is not None:
            found.append(self.pages.oid)
        return found + ([] if self.state is None else list(self.state.ask.values()))

    def templates(self) -> Iterator[str]:
        """All OIDs of this part."""
        yield from self.own_templates()
        yield from (each.scale_oid for each in self.objects().values() if each.scale_oid)
        if self.pages is not None:
            yield self.pages.unit_oid


@dataclass(frozen=True, slots=True)
class Identify:
    """How the model is recognised: its sysObjectID begins with one of `object_ids`, it has the
    object that `exists`, and `equals_oid` holds `equals`. What is left out is not looked at."""

    object_ids: tuple[str, ...] = ()
    exists: str = ""
    equals_oid: str = ""
    equals: str = ""

    def __post_init__(self) -> None:
        if bool(self.equals_oid) != bool(self.equals):
            raise ValueError("equals_oid and equals go together; give both or none")
        for oid in (*self.object_ids, *filter(None, (self.exists, self.equals_oid))):
            an_oid("identify", oid)


@dataclass(frozen=True, slots=True)
class Profile:
    """A model. `part` lists what it measures; `source` says where the OIDs are from.

    `rated_w` is the greatest plausible power of a part (W) and may be left to the configuration;
    `uncertainty_ratio` the stated error of its energy. `rows` are tables whose rows are looked for
    once, by name. `max_oids` is how many objects one request asks for. `first_unit` is how the
    agent numbers the first unit of a chain. `patient`: it may sleep, and being asked may wake it;
    `sleep_delay` is an object that says after how many seconds it does.
    """

    protocol: Literal["snmp"]
    maker: str
    model: str
    source: str
    confirmed: Confirmed
    device_class: str
    part: tuple[Part, ...]
    rated_w: float | None = None
    uncertainty_ratio: float | None = None
    identify: Identify = field(default_factory=Identify)
    serial: str = ""
    model_name: str = ""
    rows: dict[str, Rows] = field(default_factory=dict)
    first_unit: int = 1
    max_oids: int = MAX_OIDS
    sample_s: float = 10.0
    hours: Hours = "always"
    patient: bool = False
    sleep_delay: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        require_known_class(self.device_class)
        if not self.part:
            raise ValueError("part is empty; describe at least one [[part]]")
        if not 1 <= self.max_oids <= 128:
            raise ValueError(f"max_oids is {self.max_oids}; 1 to 128")
        if self.rated_w is not None and self.rated_w <= 0:
            raise ValueError(f"rated_w is {self.rated_w}; a power above 0 W is needed")
        if self.sample_s < 1:
            raise ValueError(f"sample_s is {self.sample_s}; at least 1 s between two samples")
        names = [name for part in self.part for name, _ in _repeated(part)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"part names {sorted(twice)} occur twice; each needs its own")
        for oid in (self.serial, self.model_name, self.sleep_delay):
            if oid:
                an_oid("serial, model_name or sleep_delay", oid)
        _places_known(self)


def read(path: Path) -> Profile:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), Profile, str(path))


def devices(profile: Profile) -> Iterator[tuple[str, Part, int]]:
    """(name within the meter, part, its number) of all that a model can have."""
    for part in profile.part:
        for name, number in _repeated(part):
            yield name, part, number


def _repeated(part: Part) -> Iterator[tuple[str, int]]:
    for number in range(part.first, part.first + part.count):
        yield part.name.format(n=number), number


def _places_known(profile: Profile) -> None:
    known = GIVEN | profile.rows.keys()
    templates = [oid for part in profile.part for oid in part.templates()]
    templates += [rows.column for rows in profile.rows.values()]
    for oid in (*templates, profile.serial, profile.model_name, profile.sleep_delay):
        strange = sorted(set(places(oid)) - known)
        if strange:
            raise ValueError(f"OID {oid} has {strange}; known are {', '.join(sorted(known))}")
