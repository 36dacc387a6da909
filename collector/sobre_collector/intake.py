"""What comes from the broker becomes loads on disk and answers, whatever it is.

Nothing here knows MQTT: messages go in, answers come out once everything is durable. Where the disk
refuses there is no answer, and the agents send again.
"""

import logging
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Protocol
from zoneinfo import ZoneInfo

from sobre_collector.limits import ROW_BYTES, Limits
from sobre_collector.registry import greatest_w, step_j
from sobre_collector.rows import Arrival, Device, Key, Refused
from sobre_collector.store.base import Series
from sobre_collector.store.personal import month_of
from sobre_collector.store.sorting import LATE
from sobre_drivers import birth, topics
from sobre_drivers.birth import Birth
from sobre_drivers.clock import Clock
from sobre_drivers.errors import StoreError, WireError
from sobre_drivers.load import Load, personal
from sobre_drivers.strict_json import MAX_BYTES, shown
from sobre_drivers.wire import Answer, Batch, decode_batch, digest, encode_answer, identity

log = logging.getLogger(__name__)

Message = tuple[str, bytes]

ABOVE = "power above the device's maximum"
FUTURE = "future"
UNKNOWN = "unknown-device"
# Clocks of agents and collector may differ by this much.
FUTURE_S = 300

# Where mosquitto counts the messages that it dropped, and under whose name that is flagged: `$` is
# in no node's name.
DROPPED = "$SYS/broker/publish/messages/dropped"
BROKER = Key("$broker", "$broker")
# Quarantined rows are counted again this often, since some are forgotten or decided upon.
RECOUNT_S = 3_600
# Nodes of which a refused message was told; beyond, each is told.
MOST_REMEMBERED = 10_000
BIRTH, MOST_UNBORN = "/birth/", 50_000

# What decoding may raise when a payload finds a way that nobody thought of.
HOSTILE = (
    WireError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
)


# Greatest mean power (W), what one step of the register adds (J), whether it is a person's.
Bound = tuple[float, int, bool]
_STRANGER: Bound = (0.0, 0, True)


class Books(Protocol):
    """What the intake reads of the ledger and notes in it; a collector without one has a copy."""

    def closed_months(self) -> set[str]: ...

    def put_late(self, month: str, loads: int, energy_j: int) -> None: ...

    def add_late(self, late: Iterable[tuple[str, int]]) -> None: ...

    def flag(self, key: Key, text: str, at: int) -> None: ...

    def add_exceeded(self, exceeded: Iterable[tuple[str, str, int]]) -> None: ...


class Devices(Protocol):
    """Which devices are known: the ledger's registry, or a copy of it."""

    def device(self, key: Key) -> Device | None: ...

    def of_node(self, node: str) -> int: ...

    def born(self, key: Key, birth: Birth, at: int) -> Device | None: ...


class Intake:
    """Takes messages in groups; one thread at a time may use it, and nothing while `paused`.

    Without `limits` a node may send what it likes.
    """

    def __init__(
        self,
        series: Series,
        ledger: Books,
        registry: Devices,
        clock: Clock,
        zone: ZoneInfo,
        limits: Limits | None = None,
    ) -> None:
        self._series = series
        self._ledger = ledger
        self._registry = registry
        self._clock = clock
        self._limits = limits
        self._month = month_of(zone)
        self._failing = False
        self._refused: set[str] = set()
        self._lock = Lock()
        self._recount_s = float("-inf")
        self._dropped = 0
        self._bounds: dict[Key, tuple[Device, Bound]] = {}
        self._late_known = False
        self._waiting: set[Key] | None = None
        # Births that the store refused: unlike loads, nobody sends them again soon.
        self._unborn: list[Message] = []

    def paused(self) -> Lock:
        """While this is held, nothing is stored."""
        return self._lock

    def take(self, messages: Sequence[Message]) -> list[Message]:
        """Store a group of messages; the answers to publish, none if the disk refused."""
        try:
            with self._lock:
                answers = self._take(messages)
        except StoreError as error:
            if not self._failing:
                log.error("nothing can be stored, agents keep what they have: %s", error)
            self._failing = True
            return []
        if self._failing:
            log.info("storing works again")
            self._failing = False
        return answers

    def _take(self, messages: Sequence[Message]) -> list[Message]:
        instant = self._clock.now()
        now = int(instant.wall_s)
        # First, since a load may come in one group with the birth of its device.
        births = [*self._unborn, *(m for m in messages if BIRTH in m[0])]
        self._unborn = births if len(births) <= MOST_UNBORN else self._unborn
        self._look_back(instant.mono_s)
        answers: list[Message] = []
        refused: list[Refused] = []
        batches: list[tuple[str, Batch, bytes]] = []
        for name, payload in [*births, *(m for m in messages if BIRTH not in m[0])]:
            node = ""
            if name == DROPPED:
                self._broker_dropped(payload, now)
                continue
            try:
                node, kind, device = topics.parse(name)
                if kind == "birth":
                    self._born(Key(node, device), payload, now)
                    continue
                if kind != "load":
                    raise WireError(f"topic {shown(name)} is not for the collector")
                batch = decode_batch(payload)
            except HOSTILE as error:
                reason = str(error) if isinstance(error, WireError) else repr(error)[:500]
                self._refuse(name, node, payload, reason, now, refused, answers)
                continue
            if self._limits is None or self._limits.loads(node, len(batch.loads), instant.mono_s):
                batches.append((node, batch, payload))
        self._unborn = []
        if refused:
            self._series.refuse(refused)
        self._store(batches, now, answers)
        self._tell_exceeded(now)
        return answers

    def _store(
        self, batches: Sequence[tuple[str, Batch, bytes]], now: int, answers: list[Message]
    ) -> None:
        closed = self._ledger.closed_months()
        arrivals: list[Arrival] = []
        for node, batch, payload in batches:
            stream = batch.stream
            ours = [self._arrival(node, stream, load, now, closed) for load in batch.loads]
            if self._limits is not None:
                rows = sum(arrival.reason is not None for arrival in ours)
                # Not confirmed: what finds no room in the quarantine stays with its agent.
                if rows and not self._limits.aside(node, rows, rows * ROW_BYTES):
                    continue
            arrivals += ours
            answer = Answer(stream, batch.batch, digest(payload), now)
            answers.append((topics.topic(node, "confirmed"), encode_answer(answer)))
        if arrivals:
            late = self._series.append(arrivals).late
            if late:
                self._ledger.add_late(
                    (self._month(each.load.end), each.load.energy_j) for each in late
                )

    def _arrival(self, node: str, stream: str, load: Load, now: int, closed: set[str]) -> Arrival:
        device = self._registry.device(Key(node, load.device))
        # Until we know what it is, a device may be a person's.
        most_w, one_step_j, is_personal = _STRANGER if device is None else self._bound(device)
        reason = None
        if load.end > now + FUTURE_S:
            reason = FUTURE
        elif device is None:
            reason = UNKNOWN
        elif load.energy_j > most_w * load.span_s + one_step_j:
            reason = ABOVE
        elif closed and self._month(load.end) in closed:
            reason = LATE
        return Arrival(node, stream, load, is_personal, now, reason)

    def _bound(self, device: Device) -> Bound:
        """The greatest plausible power and the step beside it: worked out once a device."""
        known = self._bounds.get(device.key)
        if known is None or known[0] is not device:
            bound = greatest_w(device), step_j(device), personal(device.device_class)
            known = self._bounds[device.key] = device, bound
        return known[1]

    def _born(self, key: Key, payload: bytes, now: int) -> None:
        if not payload:
            # How MQTT says that a retained message was taken back.
            return
        said = birth.decode(payload)
        known_n = self._registry.of_node(key.node)
        new = self._registry.device(key) is None
        if new and self._limits is not None and not self._limits.devices(key.node, known_n):
            return
        device = self._registry.born(key, said, now)
        if device is None:
            return
        waiting = self._waiting_loads()
        if new:
            waiting.add(key)
        if key in waiting:
            is_personal = personal(device.device_class)
            self._series.readmit(key, UNKNOWN, is_personal, greatest_w(device), step_j(device))
            waiting.remove(key)

    def _waiting_loads(self) -> set[Key]:
        """Devices whose loads may wait; a fleet's births, said again at each start, ask no more."""
        if self._waiting is None:
            self._waiting = {
                Key(row.node, row.load.device)
                for row in self._series.quarantined()
                if row.reason == UNKNOWN and row.load is not None
            }
        return self._waiting

    def _refuse(
        self,
        name: str,
        node: str,
        payload: bytes,
        reason: str,
        now: int,
        refused: list[Refused],
        answers: list[Message],
    ) -> None:
        level = logging.DEBUG if node in self._refused else logging.WARNING
        if len(self._refused) < MOST_REMEMBERED:
            self._refused.add(node)
        log.log(level, "set a message on %s aside: %s", shown(name), shown(reason))
        kept = payload[:MAX_BYTES]
        if self._limits is None or self._limits.aside(node, 1, len(kept) + ROW_BYTES):
            refused.append(Refused(node, kept, reason, now))
        if node and name == topics.topic(node, "load"):
            stream, number = identity(payload[: MAX_BYTES + 1])
            answer = Answer(stream, number, digest(payload), now, reason)
            answers.append((topics.topic(node, "refused"), encode_answer(answer)))

    def _broker_dropped(self, payload: bytes, now: int) -> None:
        """The broker says how many messages it dropped since it started: an alarm if they grow."""
        text = payload.decode(errors="replace")
        count = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
        if count > self._dropped:
            text = "the broker drops messages; agents send them again, but look at its limits"
            self._ledger.flag(BROKER, text, now)
            log.warning("%s (%s so far)", text, count)
        self._dropped = count

    def _look_back(self, mono_s: float) -> None:
        if not self._late_known:
            # A crash may have come between the quarantine and the ledger: the quarantine is right.
            for month, figures in self._series.late().items():
                self._ledger.put_late(month, *figures)
            self._late_known = True
        if self._limits is not None and mono_s >= self._recount_s:
            self._limits.recount(self._series.quarantined())
            self._recount_s = mono_s + RECOUNT_S

    def _tell_exceeded(self, now: int) -> None:
        exceeded = [] if self._limits is None else self._limits.told()
        if not exceeded:
            return
        self._ledger.add_exceeded(exceeded)
        for node, what, _ in exceeded:
            self._ledger.flag(Key(node, node), f"sends more {what} than one node may", now)
