"""The weekly look at outlets: which of them hardly draw anything any more, for whom nobody asks."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta

from sobre_collector.indicators.datacentre import IDLE_DAYS, idle_outlets
from sobre_collector.rows import Device, Key
from sobre_collector.store.base import Series
from sobre_drivers.load import personal

# The ledger notes what was found under this job.
IDLE_JOB = "idle-outlets"


def week_of(day: date) -> date:
    """The Monday of a day's week: outlets are looked at once a week."""
    return day - timedelta(days=day.weekday())


def outlets(devices: Mapping[Key, Device]) -> frozenset[Key]:
    """Children of a PDU or a meter: `pdu-a3/outlet-07`; never a person's device."""
    return frozenset(
        key
        for key, device in devices.items()
        if "/" in key.device and not personal(device.device_class)
    )


def idle_note(series: Series, devices: Mapping[Key, Device], last: date) -> str:
    """The outlets that idle up to a day, as JSON; days of which 90 % was not seen are missing."""
    known = outlets(devices)
    first = last - timedelta(days=IDLE_DAYS - 1)
    daily_w: dict[str, dict[str, float]] = defaultdict(dict)
    for row in series.days(first.isoformat(), last.isoformat()):
        if row.valid and row.key in known:
            watts = row.energy_j / row.length_s
            daily_w["/".join(row.key)][row.day] = watts
    found = []
    for outlet in idle_outlets(daily_w, last.isoformat()):
        one = asdict(outlet)
        node, _, device = str(one.pop("device")).partition("/")
        found.append({"node": node, "device": device, **one})
    return json.dumps({"last": last.isoformat(), "seen": len(daily_w), "outlets": found})
