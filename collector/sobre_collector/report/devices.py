"""What the checks read of the ledger: months of single devices that are nobody's."""

from collections import Counter, defaultdict
from typing import Any

from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.store.ledger import Ledger
from sobre_drivers.load import personal


def sampled(ledger: Ledger, perimeter: Perimeter) -> Any:
    """(month, JSON) of the classes of which more are in service than are known; unread text.

    Printers are left out: their own section has read them. A class of which all are known has no
    sampling error to look at.
    """
    known = Counter(one.device_class for one in ledger.devices().values())
    units: dict[str, float] = {}
    for counts in perimeter.inventory.values():
        in_month: dict[str, float] = defaultdict(float)
        for stratum, (count, _) in counts.items():
            in_month[stratum.device_class] += count
        for name, count in in_month.items():
            units[name] = max(units.get(name, 0.0), count)
    wanted = sorted(n for n in known if not personal(n) and units.get(n, 0.0) > known[n])
    return (
        tuple(row for name in wanted if name != "printer" for row in ledger.units.contents(name))
        or None
    )
