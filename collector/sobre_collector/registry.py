"""Which devices are known, to whom they belong and how much power they can plausibly draw.

A first birth proposes; from then on the ledger's word counts, and what a node says otherwise is a
flag that a person looks at.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from sobre_collector.rows import Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_drivers.birth import Birth
from sobre_drivers.sample import RATED_MARGIN
from sobre_drivers.strict_json import shown

# What people's devices may draw whatever they say of themselves (W).
FIXED_W = {"workstation.laptop": 150.0, "workstation.desktop": 800.0}
# The most that a rating may claim for its class (W).
GREATEST_W = {
    "monitor": 500.0,
    "printer": 5_000.0,
    "server": 10_000.0,
    "storage": 20_000.0,
    "network": 20_000.0,
    "pdu": 50_000.0,
    "ups": 2_000_000.0,
    "cooling": 2_000_000.0,
    "facility": 10_000_000.0,
}
# A register that counts in steps of 10 Wh, as common feeder meters do, gives a minute in which it
# steps 36 kJ, however little is drawn. People's devices are not measured that way.
COUNT_J = 36_000


def everyone(organisation: str, site: str) -> bool:
    """The policy that takes each new device as it says."""
    return True


class Registry:
    """The ledger's devices in memory. `accepts` is asked (organisation, site) of each new one.

    `version` changes with the devices.
    """

    def __init__(self, ledger: Ledger, accepts: Callable[[str, str], bool] = everyone) -> None:
        self._ledger = ledger
        self._accepts = accepts
        self._devices = ledger.devices()
        self.version = 0
        self._of_node = Counter(key.node for key in self._devices)

    def device(self, key: Key) -> Device | None:
        """What the ledger knows of a device; None if it was never accepted."""
        return self._devices.get(key)

    def all(self) -> list[Device]:
        """All devices that were ever accepted."""
        return list(self._devices.values())

    def of_node(self, node: str) -> int:
        """How many devices a node speaks for."""
        return self._of_node[node]

    def born(self, key: Key, birth: Birth, at: int) -> Device | None:
        """Take a birth: the device as it stands now, None if the policy does not accept it."""
        known = self._devices.get(key)
        if known is not None:
            return self._told_again(known, birth, at)
        if not self._accepts(birth.organisation, birth.site):
            place = f"organisation {shown(birth.organisation)}, site {shown(birth.site)}"
            self._ledger.flag(key, f"not accepted: {place} is not in the perimeter", at)
            return None
        device = Device(
            key,
            birth.device_class,
            birth.organisation,
            birth.site,
            birth.method,
            birth.rated_w,
            birth.uncertainty_ratio,
            at,
            birth.count_j,
        )
        self._put(device)
        return device

    def _told_again(self, known: Device, birth: Birth, at: int) -> Device:
        for name, kept, said in (
            ("class", known.device_class, birth.device_class),
            ("organisation", known.organisation, birth.organisation),
            ("site", known.site, birth.site),
            ("rated_w", known.rated_w, birth.rated_w),
            ("count_j", known.count_j, birth.count_j if known.count_j else known.count_j),
        ):
            if said != kept:
                text = f"{name} is {shown(kept)} here, and its node says {shown(said)}"
                self._ledger.flag(known.key, text, at)
        told = replace(
            known,
            method=birth.method,
            uncertainty_ratio=birth.uncertainty_ratio,
            # An agent may learn to say it.
            count_j=known.count_j or birth.count_j,
        )
        if told != known:
            self._put(told)
        return told

    def _put(self, device: Device) -> None:
        self._ledger.put_device(device)
        if device.key not in self._devices:
            self._of_node[device.key.node] += 1
        self._devices[device.key] = device
        self.version += 1


def greatest_w(device: Device) -> float:
    """The greatest plausible mean power of a device (W), by its class and what it was rated."""
    fixed_w = FIXED_W.get(device.device_class)
    if fixed_w is not None:
        return fixed_w
    return min(device.rated_w * RATED_MARGIN, GREATEST_W[device.device_class])


def step_j(device: Device) -> int:
    """The energy that one step of its register may add to a load, whatever the device draws (J)."""
    return 0 if device.device_class in FIXED_W else max(COUNT_J, device.count_j or 0)


def greatest_j(device: Device, span_s: int) -> float:
    """The most energy that a load of this device can hold (J)."""
    return greatest_w(device) * span_s + step_j(device)
