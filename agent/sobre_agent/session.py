"""Asks this PC and its plug in turn for some hours, and keeps what both said of the same time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sobre_agent.pairs import Pairing, Step, model_j, passed_s
from sobre_agent.readings_file import J_PER_WH
from sobre_agent.sources import Source
from sobre_drivers.clock import Clock
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.pc.host import Host
from sobre_drivers.power import gap_max_s
from sobre_drivers.sample import Described, Instant, Reading


@dataclass(frozen=True, slots=True)
class Plug:
    """The meter, or the outlet of one, that this PC hangs on."""

    source: Source
    described: Described


@dataclass(frozen=True, slots=True)
class Own:
    """What this PC says at one moment; `reading` None while its estimate is no model's."""

    reading: Reading | None
    method: str


def host_of(sources: list[Source]) -> tuple[Source, Host]:
    """This machine among the sources; ConfigError if it is not measured."""
    for source in sources:
        if isinstance(source.driver, Host):
            return source, source.driver
    raise ConfigError("host.enabled is false: there is no estimate of this machine to compare")


def plug_of(sources: list[Source], device: str) -> Plug:
    """The meter of that device id; ConfigError names those that there are."""
    known = []
    for source in sources:
        if isinstance(source.driver, Host):
            continue
        for described in source.driver.describe():
            if described.device == device:
                return Plug(source, described)
            known.append(described.device)
    raise ConfigError(
        f"device {device!r}: no meter or outlet of this configuration; there are "
        f"{', '.join(known) or 'none'} ([[meters]])"
    )


def own(host: Host, device: str) -> Own:
    """Ask this PC. What runs from its battery draws nothing at the plug, so nothing is compared."""
    try:
        readings = host.read()
    except MeterError as error:
        return Own(None, str(error))
    used = next((each for each in host.sources() if each.reason is None), None)
    method = "" if used is None else used.method
    reading = next((each for each in readings if each.device == device), None)
    return Own(None if used is None or used.name == "battery" else reading, method)


def steps(
    host: Host,
    device: str,
    plug: Plug,
    clock: Clock,
    pause: Callable[[float], None],
    *,
    every_s: float,
    hours: float,
) -> Iterator[Step | None]:
    """A step after each round of asking, None where there is none; ends after `hours`."""
    pairing = Pairing(plug.described, gap_max_s(every_s))
    begun_s = clock.now().mono_s
    turn = 0
    while clock.now().mono_s - begun_s < hours * 3600:
        here = own(host, device)
        yield pairing.take(clock.now(), here.reading, plug_reading(plug), here.method)
        turn += 1
        pause(max(0.0, begun_s + turn * every_s - clock.now().mono_s))


def recorded(
    asked: Callable[[], Reading | None],
    clock: Clock,
    pause: Callable[[float], None],
    *,
    every_s: float,
    hours: float,
) -> Iterator[tuple[Instant, Reading | None]]:
    """What one device says at each turn, for `hours`."""
    begun_s = clock.now().mono_s
    turn = 0
    while clock.now().mono_s - begun_s < hours * 3600:
        reading = asked()
        yield clock.now(), reading
        turn += 1
        pause(max(0.0, begun_s + turn * every_s - clock.now().mono_s))


def running_wh(
    heard: Iterable[tuple[Instant, Reading | None]], gap_s: float
) -> Iterator[tuple[Instant, float | None]]:
    """Cumulative energy of this PC by its model (Wh); None where it is not known since before."""
    whole_j = 0.0
    last: tuple[Instant, Reading] | None = None
    for at, reading in heard:
        span_s = None if last is None else passed_s(last[0], at, gap_s)
        energy_j = None
        if last is not None and reading is not None and span_s is not None:
            energy_j = model_j(last[1], reading, span_s)
        if energy_j is not None:
            whole_j += energy_j
        # After a break the curve begins anew from where it stands.
        begins = reading is not None and last is None
        yield at, whole_j / J_PER_WH if energy_j is not None or begins else None
        last = None if reading is None or (last is not None and energy_j is None) else (at, reading)


def plug_reading(plug: Plug) -> Reading | None:
    """Ask the plug; None where it does not answer."""
    try:
        readings = plug.source.driver.read()
    except MeterError:
        return None
    return next((each for each in readings if each.device == plug.described.device), None)
