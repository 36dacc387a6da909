"""What there is to show of this PC, as plain JSON: read from the spool, or left for its users.

The spool is the agent's alone. What everybody at this PC may see of it is written beside: sums of
days and months, where no user can change them.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sobre_agent.config import AgentConfig
from sobre_agent.history import placed
from sobre_agent.open_load import OpenLoad, Span
from sobre_agent.spool import Spool
from sobre_drivers import birth
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Origin
from sobre_drivers.sample import UJ_PER_J

VERSION = 1
FILE = "own.json"
# Where the service's unit has a folder made for it; see `place`.
DEFAULT = Path(
    r"C:\ProgramData\Sobre\own\own.json" if os.name == "nt" else f"/run/sobre-agent/{FILE}"
)
# Days that are shown singly; of what is older, months are.
DAYS, MONTHS = 14, 13
# Anybody who may read the folder may read the file, whatever the umask.
MODE = 0o644

Facts = dict[str, Any]


def place(config: AgentConfig, environment: Mapping[str, str]) -> Path | None:
    """Where what users may see is written; None: nowhere, if neither file nor unit say so."""
    folder = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return config.own_figures or (Path(folder) / FILE if folder else None)


def gathered(spool: Spool, device: str, config: AgentConfig, now_s: float) -> Facts:
    """What the spool knows of this PC up to now, the load that is still open included."""
    today = datetime.fromtimestamp(now_s, tz=UTC).astimezone(config.zone).date()
    first = _months_before(today, MONTHS - 1).isoformat()
    rows = spool.rows("SELECT seq, state, method, birth FROM device WHERE device = ?", device)
    seq, state, method, payload = rows[0] if rows else (0, None, "", None)
    seen = [
        (each.day, each.energy_j, each.night_j)
        for each in spool.history("", today.isoformat())
        if each.device == device
    ]
    seen += _still_open(json.loads(state) if state else {}, device, config)
    born = None if payload is None else birth.decode(bytes(payload))
    shown = (today - timedelta(days=DAYS - 1)).isoformat()
    hours = config.working_hours
    return {
        "v": VERSION,
        "time": int(now_s),
        "timezone": config.timezone,
        "language": config.language,
        "hours": [hours.start_h, hours.end_h],
        "device": device,
        "method": method,
        "origin": (Origin.ESTIMATED if born is None else born.origin).value,
        "uncertainty_ratio": None if born is None else born.uncertainty_ratio,
        "since": min((day for day, _, _ in seen), default=None),
        "days": _sums(seen, shown, 10),
        "months": _sums(seen, first, 7),
        **_delivered(spool, device, seq),
    }


def write(path: Path, facts: Facts) -> None:
    """Put the facts where users find them; OSError. They see the old file or the new one."""
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # The unit's umask keeps others out of everything else.
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, MODE)
        json.dump(facts, file, separators=(",", ":"))
    new.replace(path)


def read(path: Path) -> Facts:
    """What was written; StoreError if it is no such file, OSError if it cannot be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise StoreError(f"{path}: is no file of this agent; restart it") from error
    if not isinstance(found, dict) or found.get("v") != VERSION:
        raise StoreError(f"{path}: was written by another version; restart the agent")
    return found


def _sums(seen: list[tuple[str, int, int]], first: str, digits: int) -> list[tuple[str, int, int]]:
    """Energy (J) and that out of hours by day (10 digits of its ISO date) or month (7)."""
    sums: dict[str, tuple[int, int]] = {}
    for day, energy_j, night_j in seen:
        if day >= first:
            before_j, before_night_j = sums.get(day[:digits], (0, 0))
            sums[day[:digits]] = (before_j + energy_j, before_night_j + night_j)
    return [(name, *both) for name, both in sorted(sums.items())]


def _still_open(
    state: Mapping[str, Any], device: str, config: AgentConfig
) -> list[tuple[str, int, int]]:
    """The load that was open at the last checkpoint: nothing of it is in the history yet."""
    if not state.get("open"):
        return []
    found = OpenLoad(**{**state["open"], "device": device})
    energy_j = found.energy_uj // UJ_PER_J
    if found.start is None or found.covered <= found.start or energy_j == 0:
        return []
    span = Span(device, found.covered, found.covered - found.start, energy_j, Origin.ESTIMATED)
    day, night = placed(span, config.zone, config.working_hours)
    return [(day, energy_j, energy_j if night else 0)]


def _delivered(spool: Spool, device: str, seq: int) -> Facts:
    ((waiting,),) = spool.rows(
        "SELECT coalesce(sum(replaces), 0) FROM load WHERE device = ?", device
    )
    ((refused,),) = spool.rows("SELECT count(*) FROM aside WHERE device = ?", device)
    at = spool.noted("confirmed_at")
    return {
        "confirmed": max(0, seq - waiting - refused),
        "waiting": waiting,
        "refused": refused,
        "answered": None if at is None else int(at),
    }


def _months_before(day: date, count: int) -> date:
    """The first day of the month that lies `count` months before."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)
