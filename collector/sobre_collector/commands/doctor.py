"""`sobre doctor`: what keeps the collector from working, one line each with what to do."""

import argparse
import json
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

from sobre_collector import diagnosis
from sobre_collector.commands.check import reviewed
from sobre_collector.config import CollectorConfig
from sobre_collector.diagnosis import Finding, looked_at
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.review import Review
from sobre_collector.store import ledger as ledgers
from sobre_collector.store import sqlite
from sobre_collector.store.choose import open_series
from sobre_collector.store.ledger import Ledger


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre doctor`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder, in place of the settings' own"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(options: argparse.Namespace) -> int:
    """Exit code 1 if something fails, 0 if all is well or only worth a look."""
    found = reviewed(options.config, options.data)
    findings = [diagnosis.versions(), *_files(found)]
    if found.config is not None:
        # A folder alone says nothing of a broker.
        if options.config is not None:
            findings.append(diagnosis.broker(found.config.mqtt))
        data = options.data or found.config.data
        findings += _store(data, found.config, found.perimeter, int(time.time()))
    if options.json:
        print(json.dumps([asdict(each) for each in findings], indent=2, ensure_ascii=False))
    else:
        for each in findings:
            print(f"{each.level:4} {each.subject}: {each.text}")
            if each.remedy:
                print(f"     → {each.remedy}")
    return int(any(each.level == "FAIL" for each in findings))


def _files(found: Review) -> list[Finding]:
    wrong = [
        Finding("FAIL", "settings", problem, "correct it; sobre check tells when all is right")
        for problem in found.problems
    ]
    weak = [Finding("WARN", "settings", remark, "see config/README.md") for remark in found.remarks]
    return [*wrong, *weak] or [Finding("OK", "settings", "no mistake")]


def _store(
    data: Path, config: CollectorConfig, perimeter: Perimeter | None, now: int
) -> list[Finding]:
    files = [diagnosis.store_file(data / "ledger.db", len(ledgers.STEPS))]
    if config.influx.url is None:
        files.insert(0, diagnosis.store_file(data / "series.db", len(sqlite.STEPS)))
    findings = [diagnosis.disk_room(data), *files]
    if any(each.level != "OK" for each in files):
        return findings
    stated = perimeter or Perimeter(Baseline(time.gmtime(now).tm_year, "measured"))
    findings += looked_at("store", lambda: _inside(data, config, stated, now))
    return findings


def _inside(data: Path, config: CollectorConfig, perimeter: Perimeter, now: int) -> list[Finding]:
    with (
        closing(Ledger(data / "ledger.db", create=False)) as ledger,
        closing(
            open_series(replace(config, data=data), perimeter.timezone, "doctor", create=False)
        ) as series,
    ):
        return [
            *diagnosis.arrivals(series, ledger, now),
            diagnosis.metering(ledger, perimeter, now),
            diagnosis.quarantine(series),
            diagnosis.exceeded(ledger),
            diagnosis.decisions(ledger, now),
            diagnosis.jobs(ledger, perimeter, config, now),
        ]
