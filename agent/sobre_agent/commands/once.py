"""`sobre-agent once`: read everything, print it, and print what would be sent. Nothing is sent.

Whoever wants to know what leaves this machine reads it here, byte for byte as it would travel.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sobre_agent import config as agent_config
from sobre_agent.account import Account
from sobre_agent.config import AgentConfig
from sobre_agent.cutters import cutter_for
from sobre_agent.own import facts
from sobre_agent.sources import Source, birth_of, node_of, sources_of
from sobre_drivers import wire
from sobre_drivers.clock import Clock, SystemClock
from sobre_drivers.errors import ConfigError, MeterError, StoreError
from sobre_drivers.load import Load, Origin
from sobre_drivers.pc import host
from sobre_drivers.sample import UJ_PER_J, Described, Driver, Sample
from sobre_drivers.topics import topic

BETWEEN_S = 1.0
# A stream is born with a spool; this command has none.
NO_STREAM = "00000000-0000-0000-0000-000000000000"
NO_CONFIG = AgentConfig(organisation="(none)", site="(none)", node="this-pc")


@dataclass(frozen=True, slots=True)
class Row:
    """What a device showed; `problem` says why it showed nothing."""

    device: str
    power_w: float | None
    method: str
    origin: Origin
    uncertainty_ratio: float | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """All that was seen, and the messages (topic, payload) that it would become."""

    node: str
    rows: tuple[Row, ...]
    sources: tuple[host.Source, ...]
    messages: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class _Round:
    samples: Mapping[str, Sample]
    problem: str | None


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the agent's configuration (default: {agent_config.DEFAULT_PATH}, "
        "or this PC alone if that is not there)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    path = args.config or agent_config.DEFAULT_PATH
    configured = args.config is not None or os.access(path, os.R_OK)
    config = agent_config.load(path) if configured else NO_CONFIG
    node, named = _node(config)
    asked = sources_of(config, node)
    try:
        seen = look(config, node, asked, SystemClock(), time.sleep)
    finally:
        for each in asked:
            each.driver.close()
    print(as_json(seen) if args.json else as_text(seen, configured, named))
    return 1 if any(row.problem for row in seen.rows) else 0


def look(
    config: AgentConfig,
    node: str,
    asked: Sequence[Source],
    clock: Clock,
    pause: Callable[[float], None],
) -> Look:
    """Read every driver twice, `BETWEEN_S` apart: energy is what passes between two readings."""
    first = [_read(each.driver, clock) for each in asked]
    pause(BETWEEN_S)
    rows: list[Row] = []
    loads: list[Load] = []
    births: list[tuple[str, bytes]] = []
    sources: tuple[host.Source, ...] = ()
    for each, before in zip(asked, first, strict=True):
        after = _read(each.driver, clock)
        if isinstance(each.driver, host.Host):
            sources = each.driver.sources()
        for described in each.driver.describe():
            both = (before.samples.get(described.device), after.samples.get(described.device))
            samples = [sample for sample in both if sample is not None]
            own = sources if isinstance(each.driver, host.Host) else ()
            rows.append(_row(described, samples, after.problem, own))
            cutter = cutter_for(each.load_of(described.device), config.zone, config.working_hours)
            loads += _loads(Account(described, cutter, each.sample_s), samples)
            name = topic(node, "birth", described.device)
            births.append((name, birth_of(described, config)))
    batches = [
        (topic(node, "load"), wire.encode_batch(wire.Batch(NO_STREAM, number, tuple(group))))
        for number, group in enumerate(wire.split(loads), 1)
    ]
    return Look(node, tuple(rows), sources, (*births, *batches))


def as_text(seen: Look, configured: bool, named: bool = True) -> str:
    """What was seen, as a person reads it; `named` if the node's name is the agent's own."""
    head = ("device", "power W", "method", "origin", "error (95 %)")
    table = [head, *(_cells(row) for row in seen.rows)]
    widths = [max(len(cells[i]) for cells in table) for i in range(len(head))]
    out = [_line(cells, widths) for cells in table]
    out += [f"{row.device}: {row.problem}" for row in seen.rows if row.problem]
    unused = [source for source in seen.sources if source.reason]
    if unused:
        out += ["", "Not used on this PC:"]
        out += [f"  {source.name}: {source.reason}" for source in unused]
    out += ["", f"This is what node {seen.node} would send. Nothing was sent.", ""]
    for name, payload in seen.messages:
        out += [name, payload.decode("utf-8"), ""]
    out.append("The loads last as long as this look; real ones last as configured (a PC's: a day).")
    out.append(f"Stream {NO_STREAM} stands for the one that the agent's spool is given.")
    if not configured:
        out.append("There is no configuration: organisation, site and node stand for yours.")
    elif not named:
        out.append(f"Only the agent may read the organisation's key: {seen.node} is not its name.")
    if any((source.reason or "").startswith("permission") for source in seen.sources):
        out.append("The agent may read more than you: its figures may be better than these.")
    return "\n".join(out)


def as_json(seen: Look) -> str:
    """What was seen, for a program; `payload` is the exact text of a message."""
    return json.dumps(
        {
            "node": seen.node,
            "sent": False,
            "devices": [asdict(row) for row in seen.rows],
            "sources": [asdict(source) for source in seen.sources],
            "would_send": [
                {"topic": name, "payload": payload.decode("utf-8")}
                for name, payload in seen.messages
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _node(config: AgentConfig) -> tuple[str, bool]:
    """The name of this node, and whether it is; a user may look who may not read its key."""
    try:
        return node_of(config), True
    except ConfigError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
    try:
        # What the agent left for its users names this PC.
        return str(facts.read(config.own_figures or facts.DEFAULT)["device"]), True
    except (OSError, StoreError, KeyError):
        return NO_CONFIG.node, False


def _read(driver: Driver, clock: Clock) -> _Round:
    try:
        readings = driver.read()
    except MeterError as error:
        return _Round({}, str(error))
    at = clock.now()
    return _Round({reading.device: Sample(at, reading) for reading in readings}, None)


def _row(
    described: Described,
    samples: Sequence[Sample],
    problem: str | None,
    sources: Sequence[host.Source],
) -> Row:
    """A device's line; of this PC, with the source that is in use at this moment."""
    method, origin = described.method, described.origin
    uncertainty_ratio = described.uncertainty_ratio
    used = next((source for source in sources if source.reason is None), None)
    if used is not None:
        method, uncertainty_ratio = used.method, used.uncertainty_ratio
        origin = Origin.MEASURED if used.name == "battery" else Origin.ESTIMATED
    if not samples:
        problem = problem or "it was read and said nothing; is it in its profile?"
    power_w = None if problem else _power_w(samples)
    return Row(described.device, power_w, method, origin, uncertainty_ratio, problem)


def _power_w(samples: Sequence[Sample]) -> float | None:
    """The power that a meter shows, or what its register says passed between two readings."""
    if not samples:
        return None
    last = samples[-1]
    if last.reading.power_w is not None or len(samples) < 2:
        return last.reading.power_w
    before_uj, now_uj = samples[0].reading.register_uj, last.reading.register_uj
    span_s = last.at.mono_s - samples[0].at.mono_s
    if before_uj is None or now_uj is None or now_uj < before_uj or span_s <= 0:
        return None
    return (now_uj - before_uj) / UJ_PER_J / span_s


def _loads(account: Account, samples: Sequence[Sample]) -> list[Load]:
    spans = [span for sample in samples for span in account.take(sample)] + account.finish()
    register_j, loads = 0, []
    for seq, span in enumerate(spans, 1):
        register_j += span.energy_j
        loads.append(
            Load(
                span.device,
                seq,
                span.end,
                span.span_s,
                span.energy_j,
                register_j,
                span.origin,
                span.state_s,
                span.power_max_w,
                span.pages,
            )
        )
    return loads


def _cells(row: Row) -> tuple[str, ...]:
    error = "not stated"
    if row.uncertainty_ratio is not None:
        error = f"± {row.uncertainty_ratio:.0%}".replace("%", " %")
    power = "–" if row.power_w is None else f"{row.power_w:.1f}"
    return row.device, power, row.method, row.origin.value, error


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    # Figures stand under one another, texts begin together.
    padded = [
        cell.rjust(width) if i == 1 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()
