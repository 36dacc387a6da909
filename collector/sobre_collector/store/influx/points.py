"""Loads and days as points, and back.

Tags are what a point is asked by and what there is a bounded number of: node, device, stream (one
for each life of an agent's spool). All else is a field: a tag's values stay in the index for ever.
A point is replaced by one of the same tags and time, field by field, so that what a day may lose
(pages, a state) is also told as one text that is always there.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sobre_collector.rows import DayRow, Key, StoredLoad
from sobre_collector.store.influx.database import Group
from sobre_collector.store.influx.lines import (
    UnstorableError,
    quoted,
    tag,
    text,
    truth,
    whole,
)
from sobre_drivers.load import STATES, Load, Origin

# Loads over more than a day of 25 hours stand apart: without them, no load that ends later than a
# day after a time can begin before it.
LOAD, LONG, DAY = "load", "long", "day"
DAY_S = 25 * 3_600
LOADS = f'"{LOAD}", "{LONG}"'
TAGS = '"device", "node", "stream"'

NS = 1_000_000_000
_STATE = {state: f"state_{state}_s" for state in sorted(STATES)}
_STATES = {field: state for state, field in _STATE.items()}
_EPOCH = date(1970, 1, 1)
_ORIGINS = {origin.value: origin for origin in Origin}
_INTEGERS = (
    "length_s",
    "observed_s",
    "off_s",
    "measured_j",
    "estimated_j",
    "allocated_j",
    "out_of_hours_j",
    "filled_j",
)


def load_time(load: Load) -> int:
    """The time stamp of a load (ns): its end, and its number so that a clock set back repeats none.

    Numbers from a thousand million on begin again at 0: two loads then meet only if their ends are
    equal too, which whoever writes such a one must look for.
    """
    return load.end * NS + load.seq % NS


def wraps(load: Load) -> bool:
    """Whether another load of the stream could have the same time stamp."""
    return load.seq >= NS


def series_key(node: str, device: str, stream: str) -> str:
    """The tags of a stream's points."""
    return f",device={tag(device)},node={tag(node)},stream={tag(stream)} "


def load_line(key: str, load: Load) -> str:
    """A load as a line; `key` is its series_key."""
    device, seq, end, span_s, energy_j, register_j, origin, state_s, top_w, pages, replaces = load
    more = ""
    if state_s is not None:
        known = [f",state_{state}_s={whole(seconds)}" for state, seconds in state_s.items()]
        more = "".join(known) or ",stateless=true"
    if top_w is not None:
        more += f",power_max_w={whole(top_w)}"
    if pages is not None:
        more += f",pages={whole(pages)}"
    if replaces != 1:
        more += f",replaces={whole(replaces)}"
    if register_j.bit_length() > 63 or energy_j.bit_length() > 63 or seq.bit_length() > 63:
        raise UnstorableError(f"{device}: an integer of more than 64 bits")
    return (
        f"{LONG if span_s > DAY_S else LOAD}{key}energy_j={energy_j}i"
        f',origin="{origin._value_}",register_j={register_j}i,seq={seq}i,span_s={span_s}i{more}'
        f" {end * NS + seq % NS}"
    )


def loads_of(group: Group) -> list[StoredLoad]:
    """The loads in rows that have their tags in columns, or as those of their series."""
    found = []
    for row in group.rows():
        row.update(group.tags)
        found.append(StoredLoad(row["node"], row["stream"], _load(row["device"], row)))
    return found


def _load(device: str, row: Mapping[str, Any]) -> Load:
    states = {state: row[field] for field, state in _STATES.items() if row.get(field) is not None}
    return Load(
        device,
        row["seq"],
        row["time"] // NS,
        row["span_s"],
        row["energy_j"],
        row["register_j"],
        _ORIGINS[row["origin"]],
        states if states or row.get("stateless") else None,
        row.get("power_max_w"),
        row.get("pages"),
        row.get("replaces") or 1,
    )


def of_stream(node: str, device: str, stream: str) -> str:
    """The condition in InfluxQL that a point is of this stream."""
    return f'{of_device(Key(node, device))} AND "stream" = {quoted(stream)}'


def of_device(key: Key) -> str:
    """The condition in InfluxQL that a point is of this device."""
    return f'"node" = {quoted(key.node)} AND "device" = {quoted(key.device)}'


def day_time(day: str) -> int:
    """The time stamp of a day (ns): its midnight in UTC, whatever the time zone it is of."""
    return (date.fromisoformat(day) - _EPOCH).days * 86_400 * NS


def day_line(row: DayRow) -> str:
    """A day as a line."""
    integers = "".join(f",{name}={whole(getattr(row, name))}" for name in _INTEGERS)
    states = dict(row.state_s)
    if states:
        integers += "".join(f",{_STATE[s]}={whole(states.get(s, 0))}" for s in _STATE)
    if row.pages is not None:
        integers += f",pages={whole(row.pages)}"
    said = json.dumps([states, row.pages], sort_keys=True, separators=(",", ":"))
    return (
        f"{DAY},device={tag(row.key.device)},node={tag(row.key.node)} "
        f"said={text(said)},valid={truth(row.valid)}{integers} {day_time(row.day)}"
    )


def days_of(group: Group, personal: bool) -> list[DayRow]:
    """The days in the rows of one device, in order."""
    key = Key(group.tags["node"], group.tags["device"])
    found = []
    for row in group.rows():
        states, pages = json.loads(row["said"])
        day = _EPOCH + timedelta(days=row["time"] // NS // 86_400)
        integers = {name: row[name] for name in _INTEGERS}
        found.append(
            DayRow(
                key,
                personal,
                day.isoformat(),
                **integers,
                valid=row["valid"],
                state_s=states,
                pages=pages,
            )
        )
    return found
