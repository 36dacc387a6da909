"""A data folder with a closed year, from which a result can be published; and a way to alter it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from report_fleet import half_monitored
from sobre_collector.cli import main
from sobre_collector.perimeter.facts import months_of
from sobre_collector.store.ledger import Ledger

TOML = """
[baseline]
year = 2022
kind = "declared"
approved_by = "digital director"
approved_on = "2023-09-29"
[target]
year = 2030
[users]
definition = "active accounts"
source = "directory"
[[organisations]]
id = "bx"
name = "Bordeaux"
[[sites]]
id = "hdv"
name = "Hôtel de ville"
[[sites]]
id = "dc1"
name = "Salle 1"
[files]
inventory = "inventory.csv"
headcount = "headcount.csv"
baseline = "baseline.csv"
"""
SIGNED = (
    *("--reason", "The site north closed", "--approver", "head of energy"),
    *("--approved-on", "2024-04-02"),
)


def house(folder: Path, closed: bool = True) -> Path:
    """2022 declared at 100 MWh for 1,000 users; 2024 as `report_fleet` has it, for 1,100."""
    (folder / "perimeter.toml").write_text(TOML, "utf-8")
    (folder / "inventory.csv").write_text(
        "month,organisation,site,class,units,half_width\n"
        "2022-01,bx,hdv,workstation.laptop,200,2\n2022-01,bx,dc1,server,1,0\n"
    )
    (folder / "headcount.csv").write_text(
        "month,organisation,users,half_width\n2022-01,bx,1000,10\n2024-01,bx,1100,10\n"
    )
    (folder / "baseline.csv").write_text(
        "organisation,class,kwh,half_width_kwh,document\n"
        "bx,workstation.laptop,60000,1800,bilan.pdf\nbx,server,40000,1200,bilan.pdf\n"
    )
    (folder / "bilan.pdf").write_bytes(b"a balance")
    ledger = Ledger(folder / "ledger.db")
    for row in half_monitored(2024):
        ledger.put_month(row)
    if closed:
        for month in months_of(2024):
            ledger.close_month(month, 1)
    ledger.close()
    return folder


def sobre(folder: Path, command: str, *words: str) -> int:
    """Run a command on the folder: its exit code."""
    return main([command, "--data", str(folder), *words])


def publish(folder: Path, *words: str) -> int:
    """Publish 2024 as the digital director."""
    return sobre(folder, "publish", "2024", "--by", "digital director", *words)


def alter(folder: Path, sql: str, triggers: Sequence[str] = ()) -> None:
    """Change the ledger as somebody would who owns its file; exactly one row must change."""
    with closing(sqlite3.connect(folder / "ledger.db")) as db, db:
        for trigger in triggers:
            db.execute(f"DROP TRIGGER {trigger}")
        assert db.execute(sql).rowcount == 1
