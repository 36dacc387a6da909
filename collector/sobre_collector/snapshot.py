"""What a collector without a ledger must know: a copy that the one with it keeps on the broker.

Retained messages on a topic that no node may write: devices in parts, so that a change is small,
and a summary that says which parts there are and which months are closed.
"""

import json
import logging
import zlib
from collections.abc import Callable, Iterable
from threading import Lock

from sobre_collector.rows import Device, Key
from sobre_drivers.birth import Birth
from sobre_drivers.errors import WireError
from sobre_drivers.topics import PREFIX

log = logging.getLogger(__name__)

# `$` is in no node's name, so that no node's own topics can be these.
FOLDER = f"{PREFIX}/$collector"
SUMMARY = f"{FOLDER}/registry"
# Some hundred devices a part in the largest fleet: a message stays far below 64 KiB.
PARTS = 1_024
MOST_BYTES = 16 * 2**20

Publish = Callable[[str, bytes], object]


def part_of(key: Key) -> int:
    """In which part a device is told."""
    return zlib.crc32("\n".join(key).encode()) % PARTS


def encode_part(devices: Iterable[Device]) -> bytes:
    """The payload that tells devices."""
    rows = [
        [
            *device.key,
            device.device_class,
            device.organisation,
            device.site,
            device.method,
            device.rated_w,
            device.uncertainty_ratio,
            device.first_seen,
            device.count_j,
        ]
        for device in sorted(devices, key=lambda device: device.key)
    ]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode())


def decode_part(payload: bytes) -> dict[Key, Device]:
    """The devices in a part; WireError if it is none."""
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(payload, MOST_BYTES)
        if unpacking.unconsumed_tail:
            raise ValueError(f"more than {MOST_BYTES} bytes")
        return {
            Key(row[0], row[1]): Device(Key(row[0], row[1]), *row[2:]) for row in json.loads(text)
        }
    except (zlib.error, ValueError, TypeError, LookupError) as error:
        raise WireError(f"devices that another collector tells: {error}") from error


class Announcer:
    """Publishes what changed in the registry; safe for use from several threads."""

    def __init__(
        self,
        devices: Callable[[], Iterable[Device]],
        closed: Callable[[], set[str]],
        publish: Publish,
    ) -> None:
        self._devices, self._closed, self._publish = devices, closed, publish
        self._lock = Lock()
        self._told: dict[int, int] = {}
        self._summary = b""
        self._known = -1

    def again(self) -> None:
        """Forget what was published: the broker may have forgotten it too."""
        with self._lock:
            self._told, self._summary, self._known = {}, b"", -1

    def announce(self, version: int) -> None:
        """Publish what differs; `version` changes with the devices."""
        with self._lock:
            if version != self._known:
                self._tell_devices()
                self._known = version
            parts = {str(part): told for part, told in sorted(self._told.items())}
            summary = json.dumps({"v": 1, "parts": parts, "closed": sorted(self._closed())})
            if summary.encode() != self._summary:
                self._summary = summary.encode()
                self._publish(SUMMARY, self._summary)

    def _tell_devices(self) -> None:
        parts: dict[int, list[Device]] = {}
        for device in self._devices():
            parts.setdefault(part_of(device.key), []).append(device)
        for part, devices in parts.items():
            payload = encode_part(devices)
            told = zlib.crc32(payload)
            if self._told.get(part) != told:
                self._publish(f"{SUMMARY}/{part}", payload)
                self._told[part] = told


class Copy:
    """The registry and the books as another collector tells them: read only."""

    def __init__(self) -> None:
        self._parts: dict[int, dict[Key, Device]] = {}
        self._told: dict[int, int] = {}
        self._wanted: dict[str, int] | None = None
        self._closed: set[str] = set()

    def take(self, topic: str, payload: bytes) -> None:
        """Take a message of the other collector; one that is wrong is told and left."""
        try:
            if topic == SUMMARY:
                summary = json.loads(payload)
                wanted, closed = dict(summary["parts"]), set(summary["closed"])
                self._wanted, self._closed = wanted, closed
            else:
                part = int(topic.rpartition("/")[2])
                self._parts[part] = decode_part(payload)
                self._told[part] = zlib.crc32(payload)
        except (WireError, ValueError, TypeError, LookupError, RecursionError) as error:
            log.warning("%s: cannot be used: %r", topic, error)

    @property
    def complete(self) -> bool:
        """Whether all is here that the summary names, as it names it."""
        wanted = self._wanted
        return wanted is not None and all(
            self._told.get(int(part)) == told for part, told in wanted.items()
        )

    def device(self, key: Key) -> Device | None:
        """What is known of a device; None if the other collector never accepted it."""
        return self._parts.get(part_of(key), {}).get(key)

    def of_node(self, node: str) -> int:
        """Not known here, and births are not for us."""
        return 0

    def born(self, key: Key, birth: Birth, at: int) -> Device | None:
        """Only the other collector accepts a device."""
        return self.device(key)

    def closed_months(self) -> set[str]:
        """Months that are closed."""
        return self._closed

    def put_late(self, month: str, loads: int, energy_j: int) -> None:
        """The other collector finds late loads in the series."""

    def add_late(self, late: Iterable[tuple[str, int]]) -> None:
        """The other collector finds late loads in the series."""

    def flag(self, key: Key, text: str, at: int) -> None:
        """Tell it here: this collector has no ledger to note it in."""
        log.warning("%s: %s", "/".join(key), text)

    def add_exceeded(self, exceeded: Iterable[tuple[str, str, int]]) -> None:
        """Tell it here: this collector has no ledger to note it in."""
        for node, what, count in exceeded:
            log.info("%s: %s %s were left", node, count, what)
