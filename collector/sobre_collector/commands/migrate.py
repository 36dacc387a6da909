"""`sobre migrate`: the series go from one store to another, and are proved to be the same."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from sobre_collector.commands.collect import Lease, perimeter_of, settings_of
from sobre_collector.config import CollectorConfig
from sobre_collector.migrate.move import KINDS, Proof, count, migrate
from sobre_collector.migrate.proof import Tally
from sobre_collector.migrate.side import Counts, Source, Target
from sobre_collector.migrate.sqlite import SqliteSource, SqliteTarget
from sobre_collector.migrate.sqlite import heal as heal_sqlite
from sobre_collector.progress import Bar
from sobre_collector.service import crash_point
from sobre_drivers.errors import ConfigError, StoreError

INFLUX, SQLITE = "influx", "sqlite"
# A migration asks for more at once than a collector does, and nobody waits for an answer.
TIMEOUT_S = 120.0
SHOWN_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Store:
    """A store as the command line names it; `folder` None: the InfluxDB of the settings."""

    folder: Path | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre migrate`."""
    what = "influx, sqlite (as the settings say), or sqlite:DIR"
    parser.add_argument("--from", dest="source", required=True, metavar="STORE", help=what)
    parser.add_argument("--to", dest="target", required=True, metavar="STORE", help=what)
    parser.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    parser.add_argument("--dry-run", action="store_true", help="count what would be copied")


def run(options: argparse.Namespace) -> int:
    """Copy, or go on with a copy that was cut; exit code 1 if the two are not the same."""
    config = settings_of(options.config, None)
    source = _store("--from", options.source, options.config, config)
    target = _store("--to", options.target, options.config, config)
    if source == target:
        raise ConfigError(f"--to {options.target}: is the same store as --from; name another")
    if source.folder is not None and not (source.folder / "series.db").is_file():
        raise ConfigError(f"--from {options.source}: {source.folder} has no series.db")
    zone = perimeter_of(config).timezone
    with ExitStack() as stack:
        for folder in _folders(config, source, target, options.dry_run):
            stack.enter_context(_alone(folder))
        left = stack.enter_context(closing(_source(config, source, zone)))
        if options.dry_run:
            _print_counts(left.name, count(left))
            return 0
        right = _target(config, target, zone)
        if isinstance(right, SqliteTarget) and right.moved:
            print(f"{target.folder}: was proved before it was cut; its files are in place now")
            return 0
        stack.callback(right.close)
        with Bar(sys.stderr) as bar:
            proof = migrate(left, right, bar.show, crash_point())
        return _print_proof(proof, left, right)


def _store(option: str, text: str, file: Path | None, config: CollectorConfig) -> Store:
    kind, colon, folder = text.partition(":")
    if kind == SQLITE and bool(colon) == bool(folder):
        if not folder and file is None:
            raise ConfigError(f"{option} {text}: which folder? Name it, or give --config")
        return Store(Path(folder).resolve() if folder else config.data.resolve())
    if text == INFLUX:
        if config.influx.url is None:
            raise ConfigError(
                f"{option} {text}: there is no influx.url in the settings; give --config"
            )
        return Store(None)
    raise ConfigError(f"{option} {text!r}: no store; write influx, sqlite or sqlite:DIR")


def _folders(config: CollectorConfig, source: Store, target: Store, dry: bool) -> list[Path]:
    """The folders of which no collector may run meanwhile."""
    sides = [source] if dry else [source, target]
    # A collector on an InfluxDB keeps its lock where its ledger is.
    return sorted({config.data.resolve() if s.folder is None else s.folder for s in sides})


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with Lease(folder) as lease:
        if not lease.take():
            raise StoreError(f"{folder}: a collector runs on this folder; stop it first")
        yield


def _source(config: CollectorConfig, store: Store, zone: ZoneInfo) -> Source:
    if store.folder is not None:
        heal_sqlite(store.folder, zone)
        return SqliteSource(store.folder)
    from sobre_collector.migrate.influx import InfluxSource
    from sobre_collector.migrate.influx import heal as heal_influx
    from sobre_collector.store.choose import connect

    influx = replace(config.influx, timeout_s=TIMEOUT_S)
    heal_influx(connect(influx), influx.prefix, zone)
    return InfluxSource(connect(influx), influx.prefix, zone)


def _target(config: CollectorConfig, store: Store, zone: ZoneInfo) -> Target:
    if store.folder is not None:
        return SqliteTarget(store.folder)
    from sobre_collector.migrate.influx_target import InfluxTarget
    from sobre_collector.store.choose import connect

    influx = replace(config.influx, timeout_s=TIMEOUT_S)
    return InfluxTarget(connect(influx), influx.prefix, zone)


def _print_counts(name: str, counts: dict[str, Counts]) -> None:
    print(f"{name} holds, and a migration would copy:")
    print(f"{'':16}{'loads':>14}{'days':>14}{'quarantine':>14}")
    for place, each in counts.items():
        print(f"{place or 'infrastructure':16}{each.loads:14,}{each.days:14,}{each.aside:14,}")


def _print_proof(proof: Proof, source: Source, target: Source) -> int:
    print(f"source: {source.name}\ntarget: {target.name}\n")
    for place, kinds in proof.totals.items():
        for kind in (*KINDS, "mark"):
            if kind in kinds:
                ours, theirs = kinds[kind]
                print(f"{place or 'infrastructure':16}{_line(kind, ours, theirs)}")
    if not proof.differing:
        print("\nEvery stream, day, quarantined row and mark is the same on both sides.")
        return 0
    print(f"\nNot the same, {len(proof.differing)} times:")
    for line in proof.differing[:SHOWN_DIFFERENCES]:
        print(f"  {line}")
    if len(proof.differing) > SHOWN_DIFFERENCES:
        print(f"  and {len(proof.differing) - SHOWN_DIFFERENCES} more")
    print(f"{target.name} is not to be used: empty it, and start again.")
    return 1


def _line(kind: str, ours: Tally, theirs: Tally) -> str:
    return f"{kind:12}{_short(ours)}   {'=' if ours == theirs else 'DIFFERS'} {_short(theirs)}"


def _short(tally: Tally) -> str:
    return f"{tally.count:12,}{tally.energy_j:20,} J  {tally.digest:032x}"
