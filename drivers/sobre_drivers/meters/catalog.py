"""Which meter models are known, and the driver for a configured meter.

The library that speaks to a meter is imported when a driver is made, and not before.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.modbus import points, profile
from sobre_drivers.meters.modbus.points import Own
from sobre_drivers.meters.modbus.profile import Profile
from sobre_drivers.registers import Limits
from sobre_drivers.sample import RATED_MARGIN, Described

if TYPE_CHECKING:
    from sobre_drivers.meters.modbus.driver import Line, ModbusDriver

OWN_FOLDER = Path(__file__).parent / "profiles"
# A reader may be down over a long holiday; a register that wraps twice within it deceives.
LONGEST_GAP_S = 14 * 86400.0


class MeterSettings(Protocol):
    """What a configuration says of one meter."""

    @property
    def device(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def unit_id(self) -> int: ...
    @property
    def device_class(self) -> str | None: ...
    @property
    def rated_w(self) -> float | None: ...
    @property
    def outlets(self) -> tuple[int, ...]: ...
    @property
    def timeout_s(self) -> float: ...


def paths(profiles_folder: Path | None = None) -> dict[str, Path]:
    """Profile files by name; one in the user's own folder stands in for ours of that name."""
    found = {path.stem: path for path in sorted(OWN_FOLDER.glob("*.toml"))}
    if profiles_folder is not None:
        if not profiles_folder.is_dir():
            raise ConfigError(f"{profiles_folder}: no such folder; create it or name another")
        found |= {path.stem: path for path in sorted(profiles_folder.glob("*.toml"))}
    return found


def find(name: str, profiles_folder: Path | None = None) -> Profile:
    """The profile of that name; ConfigError with the nearest one if there is none."""
    known = paths(profiles_folder)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else "`sobre-agent meters` lists those that are"
        raise ConfigError(f"profile {name!r} is not known; {hint}")
    return profile.read(known[name])


def describe(
    meter: MeterSettings,
    profiles_folder: Path | None = None,
    own: Mapping[str, Own] | None = None,
) -> list[Described]:
    """The devices behind a meter, without asking it; ConfigError if the settings do not fit.

    `own` is what the configuration says of single parts, by their name (`outlet-07`).
    """
    model = find(meter.profile, profiles_folder)
    whole = Own(meter.device_class, meter.rated_w)
    parts = {f"{meter.device}/{name}": value for name, value in (own or {}).items()}
    behind = points.points(model, meter.device, meter.outlets)
    strange = sorted(parts.keys() - {point.device for point in behind})
    if strange:
        raise ConfigError(f"{strange[0]}: no part of a {meter.profile} that is read; see outlets")
    return [
        points.described(model, meter.profile, point, whole, parts.get(point.device))
        for point in behind
    ]


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
    meter: MeterSettings,
    profiles_folder: Path | None = None,
    own: Mapping[str, Own] | None = None,
    lines: dict[tuple[str, int], "Line"] | None = None,
) -> "ModbusDriver":
    """The driver of a configured meter; it connects when it is first read.

    Meters that are handed the same `lines` share the connection to one address, so that a gateway
    is asked one thing at a time.
    """
    described = describe(meter, profiles_folder, own)
    model = find(meter.profile, profiles_folder)
    try:
        from sobre_drivers.meters.modbus.driver import Line, ModbusDriver
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{meter.device}: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    address = (meter.host, meter.port)
    shared = {} if lines is None else lines
    line = shared.setdefault(address, Line(*address, meter.timeout_s))
    behind = points.points(model, meter.device, meter.outlets)
    return ModbusDriver(meter.device, line, meter.unit_id, model, behind, described)
