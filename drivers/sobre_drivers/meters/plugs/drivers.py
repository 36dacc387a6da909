"""A plug's driver from its settings, and what may not be said of one."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import login
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.sample import Described

if TYPE_CHECKING:
    from sobre_drivers.meters.plugs.polled import PolledPlug, Question
    from sobre_drivers.meters.plugs.published import PublishedPlug

HTTP_PORT = 80


def check_polled(meter: MeterSettings) -> None:
    """ConfigError unless the plug has an address, and nothing else."""
    if not meter.host or meter.topic:
        raise ConfigError(
            f"{meter.device}: a plug with profile {meter.profile} is asked at its host; name it, "
            "and leave topic out"
        )
    login.check(meter.device, meter.login)


def check_published(meter: MeterSettings) -> None:
    """ConfigError unless one topic and its broker are named."""
    if not meter.host or not meter.topic:
        raise ConfigError(
            f"{meter.device}: a plug with profile {meter.profile} publishes by itself; name its "
            "topic, and its broker as host"
        )
    if set(meter.topic) & set("#+\0") or not meter.topic.strip("/ "):
        raise ConfigError(
            f"{meter.device}: topic is {meter.topic!r}; name the one topic of this plug, without "
            "# and +"
        )
    login.check(meter.device, meter.login)


def polled(
    meter: MeterSettings, described: list[Described], questions: Mapping[str, "Question"]
) -> "PolledPlug":
    """The driver of a plug that is asked over HTTP."""
    from sobre_drivers.meters.plugs.polled import PolledPlug
    from sobre_drivers.meters.web import Web

    server = Web(meter.host, meter.port or HTTP_PORT, meter.timeout_s)
    return PolledPlug(meter.device, server, meter.login, described, questions)


def published(
    meter: MeterSettings,
    described: list[Described],
    silent_s: float,
    meaning: Callable[[Mapping[str, Any]], Figures],
    lines: Lines,
) -> "PublishedPlug":
    """The driver of a plug that publishes; those on one broker share a connection."""
    from sobre_drivers.meters.plugs.published import PublishedPlug
    from sobre_drivers.meters.plugs.subscription import Subscription

    key = ("mqtt", f"{meter.login.username}@{meter.address}")
    line = lines.get(key)
    if line is None:
        line = Subscription(meter.host, meter.port, meter.login, meter.timeout_s)
        lines[key] = line
    return PublishedPlug(described[0], line, meter.topic, silent_s, meaning)
