"""What keeps a collector from working, found by looking and never by changing anything."""

import os
import platform
import shutil
import socket
import sqlite3
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from sobre_collector.config import CollectorConfig, Mqtt
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.metering import counted, shown
from sobre_collector.rows import Key
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from sobre_drivers.calendar import local_day
from sobre_drivers.errors import ConfigError, StoreError
from sobre_drivers.load import personal

Level = Literal["OK", "WARN", "FAIL"]

LOW_BYTES, NO_BYTES = 2 * 1024**3, 200 * 1024**2
CONNECT_S = 5.0
# Outlets report every ten minutes; three reports that did not come are a silence.
SILENT_S = 1_800
SHOWN_DEVICES = 5
# A running collector carries out what is decided within seconds.
WAITS_S = 300
NIGHTLY = ("conservation", "backup")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do unless it is OK."""

    level: Level
    subject: str
    text: str
    remedy: str = ""


def versions() -> Finding:
    """The programs that run here."""
    named = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    for name in ("sobre", "paho-mqtt", "apscheduler"):
        try:
            named.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return Finding(
                "FAIL", "versions", f"{name} is not installed", "pip install 'sobre[collector]'"
            )
    return Finding("OK", "versions", ", ".join(named))


def disk_room(data: Path) -> Finding:
    """Room on the disk of the data folder, or of the first folder above it that exists."""
    folder = next(path for path in (data, *data.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 1024**3:.1f} GiB free for {data}"
    if not os.access(folder, os.W_OK):
        return Finding("FAIL", "disk", f"{folder} cannot be written", "give it to this account")
    if free < NO_BYTES:
        return Finding("FAIL", "disk", text, "make room; nothing is confirmed without it")
    if free < LOW_BYTES:
        return Finding("WARN", "disk", text, "make room before it is full")
    return Finding("OK", "disk", text)


def store_file(path: Path, known: int) -> Finding:
    """Whether a file of the store can be read and is of a version that this program knows."""
    subject = f"store {path.name}"
    if not path.exists():
        return Finding(
            "WARN", subject, f"{path} does not exist", "start the collector, or name its folder"
        )
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            found = int(db.execute("PRAGMA user_version").fetchone()[0])
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        return Finding("FAIL", subject, f"{path}: {error}", "restore its back-up, or its rights")
    if found > known:
        return Finding(
            "FAIL",
            subject,
            f"version {found}, and this program knows {known}",
            "install the newer Sobre that wrote it",
        )
    return Finding("OK", subject, f"version {found}, {path.stat().st_size / 1024**2:.1f} MiB")


def broker(mqtt: Mqtt) -> Finding:
    """Whether the broker answers, and proves who it is where TLS is on.

    No login is tried: a second connection under the collector's name would throw it out.
    """
    host, port = mqtt.address
    where = f"{host}:{port}{' with TLS' if mqtt.secure else ''}"
    try:
        with socket.create_connection((host, port), CONNECT_S) as plain:
            if mqtt.secure:
                context = ssl.create_default_context(cafile=mqtt.ca_file)
                if mqtt.certificate_file is not None:
                    context.load_cert_chain(mqtt.certificate_file, mqtt.key_file)
                with context.wrap_socket(plain, server_hostname=host):
                    pass
    except ssl.SSLError as error:
        return Finding(
            "FAIL",
            "broker",
            f"{where}: {error}",
            "compare mqtt.host and ca_file with its certificate",
        )
    except OSError as error:
        return Finding(
            "FAIL", "broker", f"{where}: {error}", "start it, or correct mqtt.host and mqtt.port"
        )
    return Finding("OK", "broker", f"{where} answers")


def arrivals(series: Series, ledger: Ledger, now: int) -> list[Finding]:
    """When the last load ended, and which devices should have sent one since.

    Workstations are off at night and in holidays: their silence says nothing.
    """
    last: dict[Key, int] = {}
    for mark in series.marks():
        last[mark.key] = max(mark.end, last.get(mark.key, 0))
    if not last:
        remedy = "start an agent, and let it reach the broker"
        return [Finding("WARN", "loads", "none has come in yet", remedy)]
    newest = max(last.values())
    found = [Finding("OK", "loads", f"the last one ended {_ago(now - newest)} ago")]
    if now - newest > 86_400:
        found = [
            Finding(
                "WARN",
                "loads",
                f"the last one ended {_ago(now - newest)} ago",
                "look at the broker, then at an agent with sobre-agent doctor",
            )
        ]
    silent = [
        (key, last.get(key))
        for key, device in sorted(ledger.devices().items())
        if not personal(device.device_class) and now - last.get(key, 0) > SILENT_S
    ]
    if silent:
        names = [
            f"{shown(key)} ({'never' if end is None else _ago(now - end)})"
            for key, end in silent[:SHOWN_DEVICES]
        ]
        more = f" and {len(silent) - SHOWN_DEVICES} more" if len(silent) > SHOWN_DEVICES else ""
        text = f"{len(silent)} silent: {', '.join(names)}{more}"
        remedy = "run sobre-agent doctor on their node"
        found.append(Finding("WARN", "infrastructure", text, remedy))
    else:
        found.append(Finding("OK", "infrastructure", "no device is silent"))
    return found


def metering(ledger: Ledger, perimeter: Perimeter, now: int) -> Finding:
    """Whether the devices that report and the metering tree count each joule once."""
    try:
        today = local_day(now, perimeter.timezone)
        counting = counted(ledger.devices(), perimeter.metering, today)
    except ConfigError as error:
        remedy = "correct metering.csv: until then no month is totalled"
        return Finding("FAIL", "metering", "; ".join(error.problems), remedy)
    return Finding("OK", "metering", f"{len(counting)} devices count")


def quarantine(series: Series) -> Finding:
    """What came in and may not count, by reason."""
    reasons = Counter(row.reason for row in series.quarantined())
    if not reasons:
        return Finding("OK", "quarantine", "empty")
    told = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(5))
    return Finding(
        "WARN",
        "quarantine",
        f"{reasons.total()} set aside: {told}",
        "look at them with sobre quarantine; what is right can be readmitted",
    )


def exceeded(ledger: Ledger) -> Finding:
    """Which nodes send more than one node may."""
    found = ledger.exceeded()
    if not found:
        return Finding("OK", "limits", "no node sends more than it may")
    named = [f"{node} ({count} {what})" for node, what, count in found[:SHOWN_DEVICES]]
    return Finding(
        "WARN",
        "limits",
        f"left because a node sent too much: {', '.join(named)}",
        "look at that node; what an honest agent sends comes again by itself",
    )


def decisions(ledger: Ledger, now: int) -> Finding:
    """Whether what people decided is carried out."""
    waiting = [each for each, _ in ledger.decisions.pending() if now - each.at > WAITS_S]
    if waiting:
        return Finding(
            "WARN",
            "decisions",
            f"{len(waiting)} wait since {_ago(now - waiting[0].at)}",
            "start the collector; it carries them out",
        )
    return Finding("OK", "decisions", "all carried out")


def jobs(ledger: Ledger, perimeter: Perimeter, config: CollectorConfig, now: int) -> Finding:
    """Whether the nightly jobs and the closing of months keep up."""
    yesterday = local_day(now, perimeter.timezone) - timedelta(days=1)
    last: dict[str, str] = {}
    built: set[str] = set()
    for job in ledger.jobs():
        last[job.job] = max(job.period, last.get(job.job, ""))
        if job.job == "days":
            built.add(job.period)
    late = [
        f"{name} last done for {last.get(name, 'no night')}"
        for name in NIGHTLY
        if built and last.get(name, "") < yesterday.isoformat()
    ]
    grace = timedelta(days=config.keep.close_after_days + 2)
    for month in sorted(built - ledger.closed_months()):
        ended = date(int(month[:4]), int(month[5:]), 1) + timedelta(days=31)
        if ended + grace < yesterday:
            late.append(f"month {month} is not closed, and its workstations are not forgotten")
    if late:
        remedy = "look into the collector's log; a job that fails is named there"
        return Finding("WARN", "jobs", "; ".join(late), remedy)
    return Finding("OK", "jobs", "none is late")


def looked_at(subject: str, look: Callable[[], Iterable[Finding]]) -> Sequence[Finding]:
    """The findings of a look into the store, or that it cannot be read."""
    try:
        return list(look())
    except StoreError as error:
        return [Finding("FAIL", subject, str(error), "see the line above")]


def _ago(seconds: int) -> str:
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(0, seconds)} s"
