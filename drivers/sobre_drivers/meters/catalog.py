"""Which meter models are known, and the driver for a configured meter.

The library that speaks to a meter is imported when a driver is made, and not before.
"""

import difflib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import fitting
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Kind, Lines, MeterDriver, Own
from sobre_drivers.registers import Limits
from sobre_drivers.sample import RATED_MARGIN, Described
from sobre_drivers.settings import read_toml

OWN_FOLDER = Path(__file__).parent / "profiles"
# A profile that names no protocol is of the first.
PROTOCOLS = (
    "modbus",
    "tic",
    "snmp",
    "ipp",
    "p1",
    "nut",
    "dcmi",
    "redfish",
    "tasmota",
    "shelly",
    "zigbee2mqtt",
)
# A reader may be down over a long holiday; a register that wraps twice within it deceives.
LONGEST_GAP_S = 14 * 86400.0


def paths(profiles_folder: Path | None = None) -> dict[str, Path]:
    """Profile files by name; one in the user's own folder stands in for ours of that name."""
    found = {path.stem: path for path in sorted(OWN_FOLDER.glob("*/*.toml"))}
    if profiles_folder is not None:
        if not profiles_folder.is_dir():
            raise ConfigError(f"{profiles_folder}: no such folder; create it or name another")
        found |= {path.stem: path for path in sorted(profiles_folder.glob("*.toml"))}
    return dict(sorted(found.items()))


def find(name: str, profiles_folder: Path | None = None) -> Path:
    """The file of the profile of that name; ConfigError with the nearest one if there is none."""
    known = paths(profiles_folder)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else "`sobre-agent meters` lists those that are"
        raise ConfigError(f"profile {name!r} is not known; {hint}")
    return known[name]


def about(path: Path) -> About:
    """The model of a profile file; ConfigError holds one line for each mistake in it."""
    return kind_of(path).about(path)


def kind_of(path: Path) -> Kind:
    """The module of the protocol that a profile file is for; ConfigError as for `protocol_of`."""
    return cast(Kind, import_module(f"sobre_drivers.meters.{protocol_of(path)}.kind"))


def protocol_of(path: Path) -> str:
    """The protocol that a profile file is for; ConfigError if it is none of ours."""
    protocol = read_toml(path).get("protocol", PROTOCOLS[0])
    if protocol not in PROTOCOLS:
        near = difflib.get_close_matches(str(protocol), PROTOCOLS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(PROTOCOLS)}"
        raise ConfigError(f"{path}: protocol is {protocol!r}; {hint}")
    return str(protocol)


def describe(meter: MeterSettings, profiles_folder: Path | None = None) -> list[Described]:
    """The devices behind a meter, without asking it; ConfigError if the settings do not fit."""
    path = find(meter.profile, profiles_folder)
    kind = kind_of(path)
    own = {
        f"{meter.device}/{part.name}": Own(part.device_class, part.rated_w) for part in meter.parts
    }
    described = kind.describe(meter.profile, path, meter, own)
    unused = fitting.unused(protocol_of(path), meter)
    if unused:
        raise ConfigError(*unused)
    strange = sorted(own.keys() - {each.device for each in described})
    if strange:
        raise ConfigError(f"{strange[0]}: no part of a {meter.profile} that is read; see outlets")
    return described


def warnings(described: Sequence[Described], longest_gap_s: float = LONGEST_GAP_S) -> list[str]:
    """What is doubtful about a meter that can be read: registers that may wrap twice unseen."""
    found = []
    for each in described:
        limits = Limits(each.rated_w * RATED_MARGIN, each.count_uj, each.modulus_uj)
        if limits.hides_a_rollover(longest_gap_s):
            found.append(
                f"{each.device}: at {each.rated_w:g} W its register wraps within "
                f"{longest_gap_s / 3600:g} h, and a longer silence could hide a turn; state a "
                "smaller rated_w if it is one, or read it without pauses"
            )
    return found


def driver_for(
    meter: MeterSettings, profiles_folder: Path | None = None, lines: Lines | None = None
) -> MeterDriver:
    """The driver of a configured meter; it connects when it is first read.

    Meters that are handed the same `lines` may share a connection, so that a gateway is asked one
    thing at a time.
    """
    described = describe(meter, profiles_folder)
    path = find(meter.profile, profiles_folder)
    return kind_of(path).driver(path, meter, described, {} if lines is None else lines)
