"""A folder and files of version 0.1 as it was first run, made by the statements of that day.

The report's figures are what the program of that day printed of this folder.
"""

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from itertools import combinations_with_replacement
from math import fsum
from pathlib import Path
from typing import Any

LEDGER = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE devices (node TEXT, device TEXT, class TEXT NOT NULL, organisation TEXT NOT NULL,
    site TEXT NOT NULL, method TEXT NOT NULL, rated_w REAL NOT NULL, uncertainty_ratio REAL,
    first_seen INTEGER NOT NULL, count_j INTEGER, PRIMARY KEY (node, device)) STRICT;
CREATE TABLE flags (node TEXT, device TEXT, text TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (node, device, text)) STRICT;
CREATE TABLE months (month TEXT, organisation TEXT, site TEXT, class TEXT, content TEXT NOT NULL,
    PRIMARY KEY (month, organisation, site, class)) STRICT;
CREATE TABLE closed (month TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE TABLE late (month TEXT PRIMARY KEY, loads INTEGER NOT NULL, energy_j INTEGER NOT NULL)
    STRICT;
CREATE TABLE jobs (job TEXT, period TEXT, at INTEGER NOT NULL, result TEXT NOT NULL,
    PRIMARY KEY (job, period)) STRICT;
CREATE TABLE checks (node TEXT, device TEXT, stream TEXT, seq INTEGER NOT NULL,
    register_j INTEGER NOT NULL, carried TEXT NOT NULL, PRIMARY KEY (node, device, stream)) STRICT;
CREATE TABLE results (number INTEGER PRIMARY KEY, indicator_id TEXT NOT NULL,
    content_json TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT;
CREATE TRIGGER results_stay BEFORE UPDATE ON results
    BEGIN SELECT RAISE(ABORT, 'results are never changed'); END;
CREATE TRIGGER results_last BEFORE DELETE ON results
    BEGIN SELECT RAISE(ABORT, 'results are never removed'); END;
CREATE TABLE decisions (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, by TEXT NOT NULL,
    why TEXT NOT NULL, action TEXT NOT NULL, node TEXT NOT NULL, device TEXT NOT NULL,
    loads INTEGER NOT NULL, energy_j INTEGER NOT NULL) STRICT;
CREATE TABLE pending (number INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;
CREATE TABLE verdicts (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, result TEXT NOT NULL)
    STRICT;
CREATE TABLE exceeded (node TEXT, what TEXT, count INTEGER NOT NULL, PRIMARY KEY (node, what))
    STRICT;
PRAGMA journal_mode=WAL;
PRAGMA user_version=3;
"""
PERIMETER = """
timezone = "Europe/Paris"
publish_at_least = 10
[working_hours]
start_h = 7
end_h = 20
days = [1, 2, 3, 4, 5]
[users]
definition = "Accounts"
source = "Directory"
[[organisations]]
id = "ville"
name = "Ville"
since = "2022-01"
[[sites]]
id = "mairie"
name = "Mairie"
[target]
reduction_ratio = 0.15
year = 2026
path = "linear"
[baseline]
year = 2024
kind = "measured"
approved_by = "Direction"
approved_on = "2025-02-01"
[user_factor]
"workstation.desktop" = 1.0
[files]
inventory = "inventory.csv"
headcount = "headcount.csv"
"""
INVENTORY = (
    "month,organisation,site,class,units,half_width\n"
    "2024-01,ville,mairie,workstation.desktop,100,5\n"
    "2025-01,ville,mairie,workstation.desktop,104,5\n"
)
HEADCOUNT = "month,organisation,users,half_width\n2024-01,ville,90,2\n2025-01,ville,95,2\n"
CLASS = "workstation.desktop"
PRINTED = ["trajectory.year", "trajectory.reduction"]
CLOSED_AT = 1_770_000_000
# `sobre report --year 2025 --json` of that day, of the folder made below.
REPORTED = {
    "energy": {"energy_kwh": 15694.0056, "u_kwh": 2414.51744361522},
    "baseline": {"energy_kwh": 16826.6, "u_kwh": 2591.994808199533},
    "result": {
        "adjusted_baseline_kwh": 17761.41111111111,
        "reduction_ratio": 0.11639871957120507,
        "avoided_kwh": 2067.4055111111084,
        "baseline_kwh_per_user": 186.9622222222222,
        "reporting_kwh_per_user": 165.20005894736843,
    },
    "beside": {
        "raw_ratio": 0.06730975954738316,
        "phi0_ratio": 0.06730975954738316,
        "naive_ratio": 0.15038338420308173,
    },
    "trajectory": {"gap_ratio": 0.04139871957120507, "gap_high_ratio": 0.1273430110492219},
}
INTERVAL = {
    "level_ratio": 0.95,
    "low_ratio": 0.021194280761721362,
    "high_ratio": 0.20234301104922192,
}
AGENT = """
organisation = "ville"
site = "mairie"
node = "reader-1"
organisation_key_file = "/etc/sobre/organisation.key"
timezone = "Europe/Paris"
language = "fr"
profiles_folder = "{profiles}"
status_file = "/run/sobre/status.json"
[mqtt]
host = "mqtt.example.org"
port = 8883
tls = "auto"
ca_file = "/etc/sobre/ca.pem"
certificate_file = "/etc/sobre/node.pem"
key_file = "/etc/sobre/node.key"
username = ""
password_file = "/etc/sobre/mqtt.password"
keepalive_s = 60
live = false
[spool]
folder = "/var/lib/sobre"
max_mib = 64
[delivery]
pace = "as-closed"
window = 32
confirm_timeout_s = 60
retry_max_s = 3600
clock_tolerance_s = 300
[host]
enabled = true
device_class = "auto"
sample_s = 60
load = "day"
[working_hours]
start_h = 7
end_h = 20
days = [1, 2, 3, 4, 5]
[[meters]]
device = "pdu-a3"
profile = "raritan-px"
host = "192.0.2.23"
port = 502
unit_id = 1
device_class = "pdu"
rated_w = 7360
outlets = [1, 2, 3]
sample_s = 10
load = "minute"
outlet_load = "ten-minutes"
timeout_s = 3.0
[[meters.parts]]
name = "outlet-03"
device_class = "network"
rated_w = 150
[[meters]]
device = "feeder-1"
profile = "own-e1"
host = "192.0.2.24"
"""
PROFILE = """
maker = "Example"
model = "E1"
source = "Its manual"
confirmed = "unconfirmed"
device_class = "facility"
uncertainty_ratio = 0.01
rated_w = 10000
function = 4
word_order = "high-first"

[[part]]
power = { address = 12, type = "float32", unit = "W" }
energy = { address = 72, type = "float32", unit = "kWh", resolution = 0.01 }
"""
COLLECTOR = """
data = "data"
ledger = "here"
[mqtt]
host = "broker.example.org"
port = 8883
tls = "auto"
username = "collector"
password_file = "/etc/sobre/collector.password"
ca_file = "/etc/sobre/ca.pem"
certificate_file = "/etc/sobre/collector.pem"
key_file = "/etc/sobre/collector.key"
queue_loads = 100000
shared = false
[web]
host = "127.0.0.1"
port = 8787
[policy]
accept = "all"
[keep]
close_after_days = 35
loads_months = 13
days_years = 5
backups = 14
[influx]
url = "https://influx.example.org:8086"
version = "2"
org = "sobre"
prefix = "sobre"
read_token_file = "/etc/sobre/influx.read-token"
write_token_file = "/etc/sobre/influx.write-token"
username = ""
password_file = "/etc/sobre/influx.password"
ca_file = "/etc/sobre/ca.pem"
timeout_s = 10.0
"""


def month_row(year: int, month: int) -> dict[str, Any]:
    """Twenty desktops, each 2 % above the one before; 2025 uses a tenth less."""
    first = date(year, month, 1)
    days = [first + timedelta(days=n) for n in range(31)]
    rests = [day.weekday() >= 5 for day in days if day.month == month]
    w = (float(rests.count(False)), float(rests.count(True)))
    level = 0.9 if year == 2025 else 1.0
    devices = [
        (level * (1 + 0.02 * n) * w[0] * 0.5, level * (1 + 0.02 * n) * w[1] * 0.1, *w)
        for n in range(20)
    ]
    pairs = combinations_with_replacement(range(4), 2)
    whole = [x + y for x, y, *_ in devices]
    return {
        "calendar_days": [int(w[0]), int(w[1])],
        "class": CLASS,
        "devices": 20,
        "estimated_kwh": 0.25 * fsum(whole),
        "largest_kwh": max(whole),
        "measured_kwh": 0.75 * fsum(whole),
        "month": f"{year}-{month:02}",
        "organisation": "ville",
        "out_of_hours_kwh": 0.3 * fsum(whole),
        "site": "mairie",
        "squares": [fsum(d[i] * d[j] for d in devices) for i, j in pairs],
        "sums": [fsum(column) for column in zip(*devices, strict=True)],
    }


def first_version(folder: Path) -> None:
    """The folder as that day's collector leaves it."""
    folder.mkdir(parents=True)
    for name, text in (
        ("perimeter.toml", PERIMETER),
        ("inventory.csv", INVENTORY),
        ("headcount.csv", HEADCOUNT),
    ):
        (folder / name).write_text(text, "utf-8")
    months = [month_row(year, month) for year in (2024, 2025) for month in range(1, 13)]
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as db:
        db.executescript(LEDGER)
        for row in months:
            name = row["month"]
            key = (name, "ville", "mairie", CLASS)
            text = json.dumps(row, sort_keys=True)
            db.execute("INSERT INTO months VALUES (?, ?, ?, ?, ?)", (*key, text))
            db.execute("INSERT INTO closed VALUES (?, ?)", (name, CLOSED_AT))
            for job in ("days", "close"):
                db.execute("INSERT INTO jobs VALUES (?, ?, ?, 'x')", (job, name, CLOSED_AT))
        db.execute(
            "INSERT INTO devices VALUES ('pc', 'pc', ?, 'ville', 'mairie', 'model 1 (utilisation)',"
            " 250.0, 0.3, 1704063600, NULL)",
            (CLASS,),
        )
        db.execute("INSERT INTO late VALUES ('2025-03', 2, 4000)")
        db.execute("INSERT INTO decisions VALUES (1, 1, 'ops', 'why', 'void', 'pc', 'pc', 1, 9)")
        db.execute("INSERT INTO verdicts VALUES (1, 2, '1 loads')")
        before = ""
        for name in PRINTED:
            content = json.dumps({"id": name, "value": 1.5})
            chained = json.dumps([before, name, content])
            before = hashlib.sha256(chained.encode()).hexdigest()
            db.execute(
                "INSERT INTO results (indicator_id, content_json, sha256) VALUES (?, ?, ?)",
                (name, content, before),
            )


def contents(folder: Path, table: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
