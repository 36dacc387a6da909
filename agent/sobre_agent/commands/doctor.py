"""`sobre-agent doctor`: what keeps this agent from working, and what to do about it."""

import argparse
import json
import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sobre_agent import config as agent_config
from sobre_agent import preflight
from sobre_agent.commands.run import LOCK
from sobre_agent.config import AgentConfig
from sobre_agent.lock import held_now
from sobre_agent.spool import FILE, Spool
from sobre_agent.spool_schema import REFERENCE
from sobre_agent.version import VERSION
from sobre_drivers.clock import WRITTEN_S
from sobre_drivers.errors import ConfigError, SobreError

if TYPE_CHECKING:
    from sobre_drivers.pc.process import Cost

SILENT_DAYS = 3
MIB = 1024 * 1024
DAY_S = 86_400.0
# A start weighs more than hours of sampling: a day is not told from less (s).
SHORTEST_S = 3600.0

# The file itself never shrinks.
_USED = """SELECT (page_count - freelist_count) * page_size
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size"""

Grade = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how serious, about what, what was found and what to do."""

    grade: Grade
    subject: str
    text: str


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=agent_config.DEFAULT_PATH,
        metavar="FILE",
        help="the agent's configuration (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")


def run(args: argparse.Namespace) -> int:
    findings = list(examined(args.config))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.grade:<4}  {finding.subject}: {finding.text}")
    return 1 if any(finding.grade == "FAIL" for finding in findings) else 0


def examined(path: Path) -> Iterator[Finding]:
    """Everything that can be told without disturbing an agent that runs."""
    yield _itself()
    yield _clock()
    try:
        config = agent_config.load(path)
    except ConfigError as error:
        yield from (Finding("FAIL", "configuration", problem) for problem in error.problems)
        return
    problems = preflight.problems(config)
    yield from (Finding("FAIL", "configuration", problem) for problem in problems)
    yield from (Finding("WARN", "configuration", each) for each in preflight.warnings(config))
    if not problems:
        yield Finding("OK", "configuration", f"{path}: no mistake found")
    if config.host.enabled:
        yield from _this_machine(config)
    yield from _spool(config)
    yield _broker(config)


def _itself() -> Finding:
    text = f"{VERSION}, Python {platform.python_version()}, psutil {metadata.version('psutil')}"
    return Finding("OK", "version", text)


def _clock() -> Finding:
    now = datetime.now(UTC)
    if now.timestamp() < WRITTEN_S:
        return Finding("FAIL", "clock", f"{now:%Y-%m-%d} cannot be; switch NTP on")
    return Finding("OK", "clock", f"{now:%Y-%m-%d %H:%M} UTC")


def _this_machine(config: AgentConfig) -> Iterator[Finding]:
    from sobre_drivers.pc.host import Host

    device_class = None if config.host.device_class == "auto" else config.host.device_class
    with closing(Host(config.node or "this-pc", device_class=device_class)) as host:
        # Counters tell that they stand still only when they are read twice.
        for _ in range(2):
            try:
                host.read()
            except SobreError as error:
                yield Finding("FAIL", "this machine", str(error))
                return
            time.sleep(0.3)
        in_use = False
        for source in host.sources():
            if source.reason is None:
                used = "in use" if not in_use else "usable, a better one is in use"
                error_ratio = f"± {source.uncertainty_ratio:.0%}"
                yield Finding("OK", source.name, f"{used}: {source.method}, {error_ratio}")
                in_use = True
            else:
                forbidden = source.reason.startswith("permission")
                yield Finding("WARN" if forbidden else "OK", source.name, source.reason)


def _spool(config: AgentConfig) -> Iterator[Finding]:
    folder = config.spool.folder
    yield _agent(config)
    path = folder / FILE
    if not path.exists():
        yield Finding("WARN", "spool", f"{path} is not there yet; it is made at the first start")
        return
    try:
        with closing(Spool(folder, config.spool.max_mib)) as spool:
            counts = spool.counts()
            confirmed_at = spool.noted("confirmed_at")
            reference = spool.noted(REFERENCE)
            (merged,) = spool.rows("SELECT count(*) FROM load WHERE replaces > 1")[0]
            (used,) = spool.rows(_USED)[0]
    except (SobreError, sqlite3.Error) as error:
        yield Finding("FAIL", "spool", str(error))
        return
    size_mib = used / MIB
    grade: Grade = "FAIL" if size_mib > 0.9 * config.spool.max_mib else "OK"
    yield Finding(
        grade,
        "spool",
        f"{size_mib:.1f} of {config.spool.max_mib} MiB, {counts.waiting} loads wait, "
        f"{counts.unconfirmed} batches were sent and wait for their confirmation",
    )
    if counts.aside:
        text = f"{counts.aside} loads were refused by the collector; see its quarantine"
        yield Finding("WARN", "spool", text)
    if merged:
        yield Finding("WARN", "spool", f"it was full: {merged} loads are merged from several")
    yield _confirmed(confirmed_at, counts.waiting)
    if reference is not None:
        yield _beside(int(reference.split()[2]), config.delivery.clock_tolerance_s)


def _beside(off_s: int, tolerance_s: float) -> Finding:
    """Our clock beside the collector's, as it was at the last confirmation."""
    text = f"{off_s:+d} s beside the collector's when it last confirmed"
    if abs(off_s) > tolerance_s:
        return Finding("FAIL", "clock", f"{text}; loads are stamped by its clock: switch NTP on")
    return Finding("OK", "clock", text)


def _confirmed(confirmed_at: str | None, waiting: int) -> Finding:
    if confirmed_at is None:
        return Finding("WARN" if waiting else "OK", "collector", "has confirmed nothing yet")
    at = datetime.fromtimestamp(int(confirmed_at), tz=UTC)
    days = (datetime.now(UTC) - at).days
    text = f"last confirmed {at:%Y-%m-%d %H:%M} UTC"
    if waiting and days >= SILENT_DAYS:
        return Finding("FAIL", "collector", f"{text}, {days} days ago; does it run?")
    return Finding("OK", "collector", text)


def _agent(config: AgentConfig) -> Finding:
    """Whether an agent runs on this spool, and what it costs."""
    lock = config.spool.folder / LOCK
    try:
        if held_now(lock):
            return Finding("OK", "agent", f"runs{_cost(int(lock.read_text('ascii')), config)}")
    except (OSError, ValueError) as error:
        return Finding("WARN", "agent", f"{lock}: {error}; run this as the agent's user")
    return Finding("WARN", "agent", "none runs on this spool; systemctl start sobre-agent")


def _cost(pid: int, config: AgentConfig) -> str:
    """What a process weighs and has worked, in words; nothing where the system does not tell."""
    from sobre_drivers.pc.process import cost_of

    try:
        return costing(cost_of(pid), config)
    except OSError:
        return ""


def costing(cost: "Cost", config: AgentConfig) -> str:
    """The same of a cost; what a day of it is can be told once it has run for an hour."""
    worked = f"{cost.cpu_s:.2f} s of processor in {cost.span_s / 3600:.1f} h"
    text = f", {cost.memory_mib:.1f} MiB, {worked} with its deliveries"
    if cost.span_s < SHORTEST_S:
        return text
    text += f": {cost.cpu_s_a_day:.1f} s a day, {cost.wakeups_a_second:.3f} wake-ups a second"
    if not config.host.enabled:
        return text
    work_j = _work_j(cost.cpu_s_a_day, config.host.device_class)
    return f"{text}; {work_j:.0f} J a day by the model, which are in what it reports"


def _work_j(cpu_s_a_day: float, device_class: str) -> float:
    """What so much work adds to an idle PC's energy in a day (J), by the model of its class."""
    from sobre_drivers.pc.chassis import detected_class
    from sobre_drivers.pc.parameters import model_of
    from sobre_drivers.pc.pc_model import utilised_w

    model = model_of(detected_class() if device_class == "auto" else device_class)
    load_ratio = cpu_s_a_day / (DAY_S * (os.cpu_count() or 1))
    return (utilised_w(model, load_ratio) - utilised_w(model, 0.0)) * DAY_S


def _broker(config: AgentConfig) -> Finding:
    from sobre_agent.broker_probe import reached

    answers, text = reached(config.mqtt)
    if not answers:
        return Finding("FAIL", "broker", text)
    return Finding("WARN" if "days only" in text else "OK", "broker", text)
