"""The databases that are there before the first load comes."""

from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.databases import Databases

DAY_S = 86_400


def prepare(
    database: Database,
    prefix: str,
    keep_loads_days: int | None = None,
    keep_days_days: int | None = None,
) -> list[str]:
    """Make what is not there yet; the names of all. None keeps for ever."""
    names = Databases(database, prefix)
    kept = {
        names.state: None,
        names.loads: None if keep_loads_days is None else keep_loads_days * DAY_S,
        names.days: None if keep_days_days is None else keep_days_days * DAY_S,
    }
    for name, keep_s in kept.items():
        database.create(name, keep_s)
    return list(kept)
