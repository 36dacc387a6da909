"""From the configuration to drivers: the one place that imports them, each when it is used."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sobre_agent.config import AgentConfig, LoadLength, Meter
from sobre_agent.version import VERSION
from sobre_drivers import birth
from sobre_drivers.calendar import Times
from sobre_drivers.load import personal
from sobre_drivers.sample import UJ_PER_J, Described, Driver

if TYPE_CHECKING:
    from sobre_drivers.meters.kind import About, Lines

# 10 Wh: a register that counts in this or finer needs no word (sobre_drivers.birth).
FINE_COUNT_J = 36_000
# This machine is asked in the main thread, at no address.
HERE = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A driver and how it is asked: every `sample_s` s, its energy cut into loads of `load`.

    The parts of a device (`pdu-a3/outlet-07`) have loads of `part_load`, and devices in `by_day`
    those of a day. Sources of one `address` share a line and are asked one after another, and only
    in `times` if they are given.
    """

    name: str
    driver: Driver
    sample_s: float
    load: LoadLength
    address: str = HERE
    part_load: LoadLength | None = None
    times: Times | None = None
    by_day: frozenset[str] = frozenset()

    def load_of(self, device: str) -> LoadLength:
        """The length of this device's loads."""
        if device in self.by_day:
            return "day"
        return self.part_load if self.part_load and "/" in device else self.load


def node_of(config: AgentConfig) -> str:
    """The name of this node; ConfigError if it can neither be read nor derived."""
    if config.node or config.organisation_key_file is None:
        return config.node
    from sobre_agent.identity import derived_node

    return derived_node(config.organisation_key_file)


def sources_of(config: AgentConfig, node: str) -> list[Source]:
    """All that is to be asked, this machine first; nothing is connected yet."""
    made = [_this_machine(config, node)] if config.host.enabled else []
    if config.meters:
        from sobre_drivers.meters import catalog

        lines: Lines = {}
        for meter in config.meters:
            about = catalog.about(catalog.find(meter.profile, config.profiles_folder))
            driver = catalog.driver_for(meter, config.profiles_folder, lines)
            made.append(_meter(meter, about, driver, config))
    return made


def birth_of(described: Described, config: AgentConfig) -> bytes:
    """What is said of a device once, retained."""
    return birth.encode(
        birth.Birth(
            device_class=described.device_class,
            organisation=config.organisation,
            site=config.site,
            method=described.method,
            origin=described.origin,
            rated_w=described.rated_w,
            uncertainty_ratio=described.uncertainty_ratio,
            agent_version=VERSION,
            count_j=_count_j(described),
        )
    )


def _count_j(described: Described) -> int | None:
    """The step of a register that is coarser than what every collector allows for."""
    count_j = -(-described.count_uj // UJ_PER_J)
    return count_j if FINE_COUNT_J < count_j <= birth.MAX_COUNT_J else None


def _this_machine(config: AgentConfig, node: str) -> Source:
    from sobre_drivers.pc.host import Host

    own_class = None if config.host.device_class == "auto" else config.host.device_class
    driver = Host(node, device_class=own_class)
    return Source(driver.name, driver, config.host.sample_s, config.host.load)


def _meter(meter: Meter, about: "About", driver: Driver, config: AgentConfig) -> Source:
    from sobre_drivers.meters import fitting

    return Source(
        meter.device,
        driver,
        meter.sample_s or about.sample_s,
        meter.load or "minute",
        fitting.address(about.protocol, meter),
        meter.outlet_load,
        Times(config.zone, config.working_hours)
        if (meter.hours or about.hours) == "working"
        else None,
        _by_day(meter, driver.describe()),
    )


def _by_day(meter: Meter, described: Iterable[Described]) -> frozenset[str]:
    """The devices that tell when a person is there, where nobody decided for a finer curve.

    What is said of a PDU as a whole was not said of the PC on one of its outlets.
    """
    return frozenset(
        each.device
        for each in described
        if personal(each.device_class)
        and (meter.outlet_load if "/" in each.device else meter.load) is None
    )
