"""From the configuration to drivers: the one place that imports them, each when it is used."""

from dataclasses import dataclass
from typing import Any

from sobre_agent.config import AgentConfig, LoadLength, Meter
from sobre_agent.version import VERSION
from sobre_drivers import birth
from sobre_drivers.sample import Described, Driver

# This machine is asked in the main thread, at no address.
HERE = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A driver and how it is asked: every `sample_s` s, its energy cut into loads of `load`.

    Sources of one `address` share a line and are asked one after another.
    """

    name: str
    driver: Driver
    sample_s: float
    load: LoadLength
    address: str = HERE


def node_of(config: AgentConfig) -> str:
    """The name of this node; ConfigError if it can neither be read nor derived."""
    if config.node or config.organisation_key_file is None:
        return config.node
    from sobre_agent.naming import derived_elsewhere

    return derived_elsewhere(config.organisation_key_file)


def sources_of(config: AgentConfig, node: str) -> list[Source]:
    """All that is to be asked, this machine first; nothing is connected yet."""
    made = [_this_machine(config, node)] if config.host.enabled else []
    if config.meters:
        from sobre_drivers import catalog

        lines: dict[tuple[str, int], Any] = {}
        for meter in config.meters:
            driver = catalog.driver_for(meter, config.profiles_folder, lines=lines)
            made.append(_meter(meter, driver))
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
        )
    )


def _this_machine(config: AgentConfig, node: str) -> Source:
    from sobre_drivers.host import Host

    own_class = None if config.host.device_class == "auto" else config.host.device_class
    driver = Host(node, device_class=own_class)
    return Source(driver.name, driver, config.host.sample_s, config.host.load)


def _meter(meter: Meter, driver: Driver) -> Source:
    address = f"{meter.host}:{meter.port}"
    return Source(meter.device, driver, meter.sample_s, meter.load, address)
