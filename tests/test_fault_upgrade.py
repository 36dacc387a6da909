"""A new version meets what the first version wrote: a full spool, and a store.

The bytes come from the first version's own statements, kept here as they were published: a step
that a later version adds must bring them forward without losing a joule.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from collecting import Collector
from faults.balance import balance
from faults.line import Agent, until
from services.mosquitto import Broker
from sobre_agent.spool import Spool

COUNT = 700
T0 = 1_790_000_000
FIRST_SPOOL = """
PRAGMA application_id = 1399808626;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE device (device TEXT PRIMARY KEY, seq INTEGER NOT NULL DEFAULT 0,
    register_j INTEGER NOT NULL DEFAULT 0, state TEXT, method TEXT NOT NULL DEFAULT '', birth BLOB
) WITHOUT ROWID;
CREATE TABLE load (number INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL,
    seq INTEGER NOT NULL, "end" INTEGER NOT NULL, span_s INTEGER NOT NULL,
    energy_j INTEGER NOT NULL, register_j INTEGER NOT NULL, origin TEXT NOT NULL, state_s TEXT,
    power_max_w INTEGER, pages INTEGER, replaces INTEGER NOT NULL DEFAULT 1,
    alone INTEGER NOT NULL DEFAULT 0, batch INTEGER);
CREATE INDEX load_by_batch ON load (batch);
CREATE TABLE batch (number INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL,
    sha256 TEXT NOT NULL);
CREATE TABLE aside (device TEXT NOT NULL, seq INTEGER NOT NULL, payload BLOB NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (device, seq)) WITHOUT ROWID;
CREATE TABLE day (day TEXT NOT NULL, device TEXT NOT NULL, energy_j INTEGER NOT NULL,
    night_j INTEGER NOT NULL, method TEXT NOT NULL, PRIMARY KEY (day, device)) WITHOUT ROWID;
INSERT INTO meta VALUES ('stream', '7f0f1a3e-0000-4000-8000-0000000000aa');
PRAGMA user_version = 1;
"""
BIRTH = (
    b'{"v":1,"class":"server","organisation":"ville","site":"mairie","method":"register",'
    b'"origin":"measured","rated_w":500,"uncertainty_ratio":null,"agent_version":"0.1.0"}'
)


def first_versions_spool(folder: Path, device: str) -> int:
    """A spool as version 1 leaves it, full; its register (J)."""
    folder.mkdir(parents=True)
    register_j = 0
    with closing(sqlite3.connect(folder / "spool.db", isolation_level=None)) as db:
        db.executescript(FIRST_SPOOL)
        db.execute("BEGIN")
        for seq in range(1, COUNT + 1):
            register_j += 100 + seq
            db.execute(
                'INSERT INTO load (device, seq, "end", span_s, energy_j, register_j, origin)'
                " VALUES (?, ?, ?, 60, ?, ?, 'measured')",
                (device, seq, T0 + 60 * seq, 100 + seq, register_j),
            )
        db.execute(
            "INSERT INTO device VALUES (?, ?, ?, NULL, 'register', ?)",
            (device, COUNT, register_j, BIRTH),
        )
        db.execute("COMMIT")
    return register_j


def test_full_spool_of_the_first_version_is_delivered_by_this_one(
    tmp_path: Path, broker: Broker
) -> None:
    agent = Agent(tmp_path / "pc", "pc", broker.port)
    register_j = first_versions_spool(agent.spool, "pc")
    with Collector(tmp_path / "collector", broker.port) as collector:
        collector.connected()
        agent.start()
        try:
            until(lambda: agent.waiting() == 0, "an empty spool")
            assert agent.stop() == 0
        finally:
            agent.kill()
        assert collector.stop() == 0
    found = balance(collector.data, [(agent.node, agent.spool)])
    assert found.generated_j >= register_j
    assert found.exact, found


def test_spool_that_this_version_migrated_keeps_its_stream_and_numbers(tmp_path: Path) -> None:
    register_j = first_versions_spool(tmp_path / "spool", "pc")
    for _ in range(2):
        with closing(Spool(tmp_path / "spool")) as spool:
            known = spool.meet("pc", "register", BIRTH)
            assert (known.seq, known.register_j) == (COUNT, register_j)
            assert spool.stream == "7f0f1a3e-0000-4000-8000-0000000000aa"
            assert spool.counts().waiting == COUNT
