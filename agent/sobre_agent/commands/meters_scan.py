"""`sobre-agent meters scan`: what answers on a bus, a host or a range that a person names.

It only reads, one request at a time on a line, says before how many there may be, and hands over
tables that a configuration takes as they are.
"""

import argparse
import json
import sys
import textwrap
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from zoneinfo import ZoneInfo

from sobre_agent.commands import meters_options
from sobre_drivers.calendar import Times, WorkingHours
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import found as finding
from sobre_drivers.meters.commissioning.found import Found
from sobre_drivers.meters.commissioning.scan import Job, Way
from sobre_drivers.meters.commissioning.targets import Pace, Stopped, hosts, numbers
from sobre_drivers.meters.configured import MeterSettings

ON_HOSTS = ("modbus", "snmp", "redfish", "plug", "nut", "ipp")
ON_PORTS = ("listen", "modbus")
PER_S = 20.0
HOST_TIMEOUT_S, BUS_TIMEOUT_S = 1.0, 0.3
AT_ONCE = 8
WIDTH = 80
# Where nobody says otherwise, printers sleep as the agent's own defaults have it.
ZONE = "Europe/Paris"


@dataclass(slots=True)
class _Seen:
    """What several threads found, and what went wrong, in the order in which it was."""

    found: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters scan`."""
    parser.add_argument(
        "--host", nargs="+", default=[], metavar="HOST", help="addresses or networks, up to a /22"
    )
    parser.add_argument(
        "--protocol",
        nargs="+",
        choices=dict.fromkeys((*ON_HOSTS, *ON_PORTS)),
        metavar="NAME",
        help=f"on hosts {', '.join(ON_HOSTS)}; on a serial port {', '.join(ON_PORTS)} (all)",
    )
    parser.add_argument(
        "--unit-ids", nargs="+", metavar="N", help="Modbus units, such as 1-32 (1-247; a range: 1)"
    )
    parser.add_argument("--serial-port", metavar="PATH", help="serial adapter")
    parser.add_argument("--baud-rates", nargs="+", type=int, metavar="BD", help="speeds to try")
    parser.add_argument("--parities", nargs="+", choices=("none", "even", "odd"))
    parser.add_argument("--port", type=int, metavar="N", help="port, with one --protocol")
    parser.add_argument("--timeout-s", type=float, metavar="S", help="longest wait for an answer")
    parser.add_argument(
        "--per-s", type=float, default=PER_S, metavar="N", help=f"requests a second ({PER_S:g})"
    )
    parser.add_argument(
        "--now", action="store_true", help="scan a range outside working hours: it wakes printers"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    meters_options.snmp(parser)
    meters_options.folder(parser)


def run(options: argparse.Namespace, as_json: bool) -> int:
    """Exit code: 0 something was found, 1 nothing."""
    jobs = _jobs(options)
    _announce(jobs, options.per_s)
    if options.dry_run:
        return 0
    seen, pace = _Seen(), Pace(options.per_s)
    stopped = _scanned(jobs, options, pace, seen)
    _clear()
    print(f"{pace.sent} requests sent.", file=sys.stderr)
    if stopped:
        print("Stopped; this was found so far.", file=sys.stderr)
    for problem in seen.problems:
        print(problem, file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(each) for each in seen.found], indent=1, default=str))
    else:
        _print(seen.found)
    return 0 if seen.found else 1


def _announce(jobs: Sequence[Job], per_s: float) -> None:
    """What will be sent, before any of it is."""
    probes, each = sum(job.probes for job in jobs), max(job.each for job in jobs)
    places = len({job.subject for job in jobs})
    print(
        f"{probes} requests tell who answers on {places} addresses or ports, and about\n"
        f"{each} more for each that does; they only read, {per_s:g} a second:\n"
        f"{probes / per_s / 60:.1f} min, and the time-outs of who is silent.",
        file=sys.stderr,
    )


def _jobs(options: argparse.Namespace) -> list[Job]:
    if not options.host and not options.serial_port:
        raise ConfigError("meters scan: name a --host, a network or a --serial-port")
    if not 0 < options.per_s <= 1000:
        raise ConfigError(f"meters scan: per-s: {options.per_s:g}; more than 0, 1000 at most")
    if options.timeout_s is not None and not options.timeout_s > 0:
        raise ConfigError("meters scan: timeout-s: more than 0 s is needed")
    named = hosts(options.host)
    if len(named) > 1 and not options.now and not _working_hours():
        raise ConfigError(
            "meters scan: a range outside working hours wakes printers that sleep; say --now if "
            "there are none, or scan by day"
        )
    protocols = options.protocol or [*ON_HOSTS, *ON_PORTS]
    if options.port is not None and (len(options.protocol or ()) != 1 or options.port > 65535):
        raise ConfigError(f"meters scan: port: {options.port}; one port for one --protocol")
    try:
        made = [*_host_jobs(named, protocols, options)]
        if options.serial_port:
            made += _port_jobs(protocols, options)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"meters scan: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    if not made:
        raise ConfigError(f"meters scan: protocol: {' '.join(protocols)} is none of this place")
    return made


def _host_jobs(
    named: Sequence[str], protocols: Sequence[str], options: argparse.Namespace
) -> Iterable[Job]:
    """By protocol, so that a host is not asked in all ways at once."""
    if not named:
        return
    if "modbus" in protocols:
        from sobre_drivers.meters.commissioning import modbus_match, modbus_scan

        each = modbus_match.requests(modbus_match.profiles(options.profiles_folder))
        wanted = options.unit_ids or (["1-247"] if len(named) == 1 else ["1"])
        units = numbers(wanted, 0, 255, "unit-ids")
        for host in named:
            yield modbus_scan.host_job(host, options.port or modbus_scan.PORT, units, each)
    if "snmp" in protocols:
        from sobre_drivers.meters.commissioning import snmp_scan
        from sobre_drivers.meters.snmp.exchange import Exchange

        try:
            access = meters_options.snmp_access(options)
        except ValueError as error:
            raise ConfigError(f"meters scan: {error}") from error
        exchange, count = Exchange(), len(snmp_scan.profiles(options.profiles_folder))
        for host in named:
            yield snmp_scan.job(host, options.port, access, exchange, count)
    from sobre_drivers.meters.commissioning import host_scan

    for protocol in (each for each in host_scan.ASKED if each in protocols):
        for host in named:
            yield host_scan.job(protocol, host, options.port)


def _port_jobs(protocols: Sequence[str], options: argparse.Namespace) -> Iterable[Job]:
    from sobre_drivers.meters.commissioning import modbus_match, modbus_scan, serial_scan

    if "listen" in protocols:
        yield serial_scan.job(options.serial_port)
    if "modbus" in protocols:
        yield modbus_scan.serial_job(
            options.serial_port,
            numbers(options.unit_ids or ["1-247"], 1, 247, "unit-ids"),
            options.baud_rates or modbus_scan.BAUD_RATES,
            options.parities or modbus_scan.PARITIES,
            modbus_match.requests(modbus_match.profiles(options.profiles_folder)),
        )


def _scanned(jobs: Sequence[Job], options: argparse.Namespace, pace: Pace, seen: _Seen) -> bool:
    """Whether a person stopped it."""
    default_s = HOST_TIMEOUT_S if options.host else BUS_TIMEOUT_S
    way = Way(pace, options.timeout_s or default_s, options.profiles_folder, _say)
    on_port = [job for job in jobs if job.subject == options.serial_port]
    on_hosts = [job for job in jobs if job not in on_port]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(_done, job, way, seen) for job in on_hosts]
        try:
            for job in on_port:
                _done(job, way, seen)
                if seen.found:
                    # Who speaks by himself must not be spoken to.
                    break
            for each in waiting:
                while not each.done():
                    time.sleep(0.05)
        except KeyboardInterrupt:
            pace.stop()
            pool.shutdown(cancel_futures=True)
            return True
    return False


def _done(job: Job, way: Way, seen: _Seen) -> None:
    try:
        for each in job.run(way):
            with seen.lock:
                seen.found.append(each)
                best = each.matches[0].profile if each.matches else "no profile fits"
                _clear()
                print(f"found {each.name}: {best}", file=sys.stderr)
    except Stopped:
        return
    except MeterError as error:
        with seen.lock:
            seen.problems.append(f"{job.subject}: {error}")


def _print(found: Sequence[Found]) -> None:
    if not found:
        print("Nothing answers; docs/commissioning.md says what may be in the way.")
    for each in found:
        lines = finding.block(each, _asks_power(each)).splitlines()
        for line in lines:
            long = line.startswith("#")
            print(textwrap.fill(line, WIDTH, subsequent_indent="#   ") if long else line)
        print()


def _asks_power(each: Found) -> bool:
    """Whether a person must state the greatest power; the file says the rest."""
    if not each.matches:
        return False
    plain = {key: value for key, value in each.where.items() if "." not in key}
    try:
        meter = MeterSettings(device="found", profile=each.matches[0].profile, **plain)  # type: ignore[arg-type]
        catalog.describe(meter)
    except (ConfigError, ValueError) as error:
        return "rated_w is missing" in str(error)
    return False


def _working_hours() -> bool:
    return Times(ZoneInfo(ZONE), WorkingHours()).hold(time.time())


def _live() -> bool:
    return sys.stderr.isatty()


def _say(text: str) -> None:
    if _live():
        print(f"\r\033[K{text[: WIDTH - 1]}", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if _live():
        print("\r\033[K", end="", file=sys.stderr)
