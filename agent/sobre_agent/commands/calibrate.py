"""`sobre-agent calibrate`: this PC's estimate beside the plug that feeds it."""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sobre_agent import config as agent_config
from sobre_agent import readings_file, session
from sobre_agent.config import AgentConfig
from sobre_agent.pairs import Result, Step, by_register, compared, result
from sobre_agent.readings_file import J_PER_WH, Writer
from sobre_agent.sources import Source, node_of, sources_of
from sobre_drivers import comparison
from sobre_drivers.clock import SystemClock
from sobre_drivers.comparison import Comparison
from sobre_drivers.errors import ConfigError, MeterError, WireError
from sobre_drivers.load import Origin
from sobre_drivers.pc import processor
from sobre_drivers.pc.host import Host
from sobre_drivers.pc.parameters import generations
from sobre_drivers.pc.pc_model import matches
from sobre_drivers.power import gap_max_s
from sobre_drivers.sample import UJ_PER_J, Described, Instant, Reading

HOURS = 8.0
EVERY_S = 10.0
# Readings that another agent sent by the ten minutes still meet those of this one.
GAP_S = 900.0
TELL_S = 600.0
FAMILY_UNKNOWN = "not told"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `calibrate`, and of each way to do it."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    live = actions.add_parser("with", help="compare with a meter or outlet of this configuration")
    live.add_argument("device", metavar="DEVICE", help="its device id, such as pdu-a3/outlet-07")
    record = actions.add_parser("record", help="write readings, where another agent has the plug")
    record.add_argument("device", metavar="DEVICE", nargs="?", help="a meter (default: this PC)")
    compare = actions.add_parser("compare", help="compare two files of readings")
    compare.add_argument("own", type=Path, metavar="OWN", help="what `record` wrote on the PC")
    compare.add_argument("plug", type=Path, metavar="PLUG", help="readings of its plug")
    for each in (live, record):
        each.add_argument("--config", type=Path, metavar="FILE", help="the agent's configuration")
        each.add_argument("--hours", type=float, default=HOURS, help=f"how long ({HOURS:g})")
        each.add_argument("--every-s", type=float, default=EVERY_S, help=f"pace ({EVERY_S:g})")
    for each in (live, compare):
        each.add_argument(
            "--plug-error", type=float, metavar="RATIO", help="the plug's stated error (95 %%)"
        )
    for each in (live, record, compare):
        each.add_argument("--out", type=Path, required=True, metavar="FILE", help="written there")


def run(options: argparse.Namespace) -> int:
    """Exit code: 0 done, 1 too little could be compared (2, a wrong file, is the caller's)."""
    if options.action == "compare":
        return _compare(options)
    path = options.config or agent_config.DEFAULT_PATH
    config = agent_config.load(path)
    if options.hours <= 0 or options.every_s < 1:
        raise ConfigError("--hours must be above 0, and --every-s 1 or more")
    with ExitStack() as closing:
        sources = sources_of(config, node_of(config))
        for source in sources:
            closing.callback(source.driver.close)
        if options.action == "record":
            return _record(options, config, sources)
        return _live(options, config, sources)


def _live(options: argparse.Namespace, config: AgentConfig, sources: list[Source]) -> int:
    node = node_of(config)
    _, host = session.host_of(sources)
    plug = session.plug_of(sources, options.device)
    if plug.described.origin is not Origin.MEASURED:
        raise ConfigError(f"{options.device}: is itself an estimate; a meter is needed")
    error_ratio = _plug_error(options.plug_error, plug.described)
    told = _Telling(options.hours)
    found: list[Step] = []
    # Whoever stops early gets what there is, if it is enough.
    with suppress(KeyboardInterrupt):
        for step in session.steps(
            host,
            node,
            plug,
            SystemClock(),
            time.sleep,
            every_s=options.every_s,
            hours=options.hours,
        ):
            if step is not None:
                found.append(step)
            told.round(found)
    made = result(found, plug.described.count_uj / UJ_PER_J)
    _written(options.out, made, _about(host), error_ratio, SystemClock().now().wall_s)
    return 0


def _record(options: argparse.Namespace, config: AgentConfig, sources: list[Source]) -> int:
    clock, pace = SystemClock(), {"every_s": options.every_s, "hours": options.hours}
    try:
        with (
            options.out.open("w", encoding="utf-8", newline="") as file,
            suppress(KeyboardInterrupt),
        ):
            if options.device is None:
                _, host = session.host_of(sources)
                node = node_of(config)
                heard = session.recorded(
                    lambda: session.own(host, node).reading, clock, time.sleep, **pace
                )
                writer = Writer(file, "energy_wh", _about(host))
                for at, energy_wh in session.running_wh(heard, gap_max_s(options.every_s)):
                    writer.add(at.wall_s, energy_wh)
            else:
                plug = session.plug_of(sources, options.device)
                heard = session.recorded(
                    lambda: session.plug_reading(plug), clock, time.sleep, **pace
                )
                _record_plug(file, plug.described, heard)
    except OSError as error:
        raise ConfigError(f"{options.out}: cannot be written ({error.strerror})") from error
    print(f"{options.out}: it tells when a PC was in use; remove it once it was compared")
    return 0


def _record_plug(
    file: TextIO, described: Described, heard: Iterable[tuple[Instant, Reading | None]]
) -> None:
    writer = None
    for at, reading in heard:
        if reading is None:
            continue
        registered = by_register(described, reading)
        if writer is None:
            writer = Writer(file, "energy_wh" if registered else "power_w", {})
        value = reading.power_w
        if registered and reading.register_uj is not None:
            value = reading.register_uj / UJ_PER_J / J_PER_WH
        if value is not None:
            writer.add(at.wall_s, value)


def _compare(options: argparse.Namespace) -> int:
    about, own = readings_file.read(options.own)
    _, plug = readings_file.read(options.plug)
    lacking = {"device_class", "processor", "method"} - about.keys()
    if lacking:
        raise ConfigError(
            f"{options.own}: its first line does not say {', '.join(sorted(lacking))}; it must be "
            "what `sobre-agent calibrate record` wrote on the PC"
        )
    if options.plug_error is None:
        raise ConfigError("--plug-error: say how far the plug may be wrong (95 %), such as 0.02")
    made = result(compared(own, plug, GAP_S, about["method"]))
    _written(options.out, made, about, options.plug_error, own.times_s[-1])
    return 0


def _plug_error(stated: float | None, described: Described) -> float:
    found = described.uncertainty_ratio if stated is None else stated
    if found is None:
        raise ConfigError(
            f"{described.device}: its profile states no error; give --plug-error, such as 0.02"
        )
    if not 0 < found < 1:
        raise ConfigError(f"--plug-error {found:g}: a ratio between 0 and 1, such as 0.02")
    return found


def _about(host: Host) -> dict[str, str]:
    """What a factor depends on, and nothing that tells which PC this is."""
    name = processor.name()
    family = next((one.name for one in generations() if matches(one.match, name)), FAMILY_UNKNOWN)
    described = host.describe()[0]
    method = described.method.removeprefix("battery, else ")
    return {"device_class": described.device_class, "processor": family, "method": method}


def _written(
    path: Path, made: Result, about: Mapping[str, str], error_ratio: float, ended_s: float
) -> None:
    found = Comparison(
        about["device_class"],
        about["processor"],
        made.method or about["method"],
        round(made.model_w, 4),
        round(made.plug_w, 4),
        round(made.se_ratio, 6),
        error_ratio,
        round(made.hours, 2),
        datetime.fromtimestamp(ended_s, tz=UTC).date().isoformat(),
    )
    payload = comparison.encode(found)
    try:
        # What the collector would refuse is not written.
        comparison.decode(payload)
    except WireError as error:
        raise MeterError(str(error)) from error
    try:
        path.write_bytes(payload)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
    low, high = (found.factor_ratio * (1 + sign * 2 * made.se_ratio) for sign in (-1, 1))
    print(
        f"{made.hours:.1f} h: {made.model_w:.1f} W by the model, {made.plug_w:.1f} W at the plug; "
        f"factor {found.factor_ratio:.3f} ({low:.3f} to {high:.3f} for this PC in these hours)"
    )
    if made.left_out_h > 0:
        print(f"{made.left_out_h:.1f} h by another method were left out")
    print(f"{path}: hand it to whoever runs `sobre calibration add`; one PC says little of others")


class _Telling:
    """Says now and then how far a session has come."""

    def __init__(self, hours: float) -> None:
        self._hours, self._begun_s = hours, time.monotonic()
        self._next_s = TELL_S

    def round(self, found: Sequence[Step]) -> None:
        """After each round of asking."""
        passed = time.monotonic() - self._begun_s
        if passed < self._next_s:
            return
        self._next_s += TELL_S
        paired_s = sum(step.span_s for step in found)
        print(
            f"{passed / 3600:.1f} of {self._hours:g} h, {paired_s / 3600:.1f} h compared",
            file=sys.stderr,
        )
