"""The tables of the spool, made by numbered steps; a file of a newer version is left as it is."""

import sqlite3
from pathlib import Path

from sobre_drivers.errors import ConfigError

# "Sobr" in ASCII: tells our file from another program's.
APPLICATION_ID = 0x536F6272

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE device (
    device TEXT PRIMARY KEY,
    seq INTEGER NOT NULL DEFAULT 0,
    register_j INTEGER NOT NULL DEFAULT 0,
    state TEXT,
    method TEXT NOT NULL DEFAULT '',
    birth BLOB
) WITHOUT ROWID;
CREATE TABLE load (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    seq INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    span_s INTEGER NOT NULL,
    energy_j INTEGER NOT NULL,
    register_j INTEGER NOT NULL,
    origin TEXT NOT NULL,
    state_s TEXT,
    power_max_w INTEGER,
    pages INTEGER,
    replaces INTEGER NOT NULL DEFAULT 1,
    alone INTEGER NOT NULL DEFAULT 0,
    batch INTEGER
);
CREATE INDEX load_by_batch ON load (batch);
CREATE TABLE batch (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    payload BLOB NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE TABLE aside (
    device TEXT NOT NULL,
    seq INTEGER NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (device, seq)
) WITHOUT ROWID;
CREATE TABLE day (
    day TEXT NOT NULL,
    device TEXT NOT NULL,
    energy_j INTEGER NOT NULL,
    night_j INTEGER NOT NULL,
    method TEXT NOT NULL,
    PRIMARY KEY (day, device)
) WITHOUT ROWID;
"""

STEPS = (_FIRST,)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to this version; a spool that is born now gets its stream.

    Raises ConfigError, and changes nothing, if the file is another program's or a newer version's.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise ConfigError(f"{path}: is another program's; name another folder for the spool")
    if version > len(STEPS):
        raise ConfigError(
            f"{path}: written by a newer version (schema {version}, this one knows {len(STEPS)}); "
            "install that version again, or name another folder for the spool"
        )
    if version == len(STEPS):
        return
    script = [f"PRAGMA application_id = {APPLICATION_ID};"]
    script += STEPS[version:]
    if not version:
        import uuid

        script.append(f"INSERT INTO meta VALUES ('stream', '{uuid.uuid4()}');")
    script.append(f"PRAGMA user_version = {len(STEPS)};")
    connection.executescript("BEGIN IMMEDIATE;" + "".join(script) + "COMMIT;")
