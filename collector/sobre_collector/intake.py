"""What comes from the broker becomes loads on disk and answers, whatever it is.

Nothing here knows MQTT: messages go in, answers come out once everything is durable. Where the disk
refuses there is no answer, and the agents send again.
"""

import logging
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sobre_collector.registry import Registry, greatest_j, greatest_w
from sobre_collector.rows import Arrival, Key
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.personal import month_of
from sobre_drivers import birth, topics
from sobre_drivers.clock import Clock
from sobre_drivers.errors import StoreError, WireError
from sobre_drivers.load import Load, personal
from sobre_drivers.strict_json import MAX_BYTES, shown
from sobre_drivers.wire import Answer, Batch, decode_batch, digest, encode_answer, identity

log = logging.getLogger(__name__)

Message = tuple[str, bytes]

ABOVE = "power above the device's maximum"
FUTURE = "future"
LATE = "late"
UNKNOWN = "unknown-device"
# Clocks of agents and collector may differ by this much.
FUTURE_S = 300

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


class Intake:
    """Takes messages in groups; one thread at a time may use it."""

    def __init__(
        self,
        series: Series,
        ledger: Ledger,
        registry: Registry,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self._series = series
        self._ledger = ledger
        self._registry = registry
        self._clock = clock
        self._month = month_of(zone)
        self._failing = False
        self._refused: set[str] = set()

    def take(self, messages: Sequence[Message]) -> list[Message]:
        """Store a group of messages; the answers to publish, none if the disk refused."""
        try:
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
        now = int(self._clock.now().wall_s)
        answers: list[Message] = []
        # Births are taken first: a load may come in one group with the birth of its device.
        batches: list[tuple[str, Batch]] = []
        for name, payload in messages:
            node = ""
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
                self._refuse(name, node, payload, reason, now, answers)
                continue
            batches.append((node, batch))
            answer = Answer(batch.stream, batch.batch, digest(payload), now)
            answers.append((topics.topic(node, "confirmed"), encode_answer(answer)))
        self._store(batches, now)
        return answers

    def _store(self, batches: Sequence[tuple[str, Batch]], now: int) -> None:
        closed = self._ledger.closed_months()
        counting: list[Arrival] = []
        for node, batch in batches:
            for load in batch.loads:
                arrival = self._arrival(node, batch.stream, load, now, closed)
                if arrival.reason == LATE:
                    self._take_late(arrival)
                else:
                    counting.append(arrival)
        if counting:
            self._series.append(counting)

    def _arrival(self, node: str, stream: str, load: Load, now: int, closed: set[str]) -> Arrival:
        device = self._registry.device(Key(node, load.device))
        reason = None
        if load.end > now + FUTURE_S:
            reason = FUTURE
        elif device is None:
            reason = UNKNOWN
        elif load.energy_j > greatest_j(device, load.span_s):
            reason = ABOVE
        elif closed and self._month(load.end) in closed:
            reason = LATE
        # Until we know what it is, a device may be a person's.
        is_personal = device is None or personal(device.device_class)
        return Arrival(node, stream, load, is_personal, now, reason)

    def _take_late(self, arrival: Arrival) -> None:
        # Alone: only so can a load that came before be told from one that is new.
        if self._series.append([arrival]).quarantined:
            self._ledger.add_late(self._month(arrival.load.end), arrival.load.energy_j)

    def _born(self, key: Key, payload: bytes, now: int) -> None:
        if not payload:
            # How MQTT says that a retained message was taken back.
            return
        device = self._registry.born(key, birth.decode(payload), now)
        if device is not None:
            is_personal = personal(device.device_class)
            self._series.readmit(key, UNKNOWN, is_personal, greatest_w(device))

    def _refuse(
        self,
        name: str,
        node: str,
        payload: bytes,
        reason: str,
        now: int,
        answers: list[Message],
    ) -> None:
        level = logging.DEBUG if node in self._refused else logging.WARNING
        self._refused.add(node)
        log.log(level, "set a message on %s aside: %s", shown(name), shown(reason))
        self._series.quarantine(node, payload[:MAX_BYTES], reason, now)
        if node and name == topics.topic(node, "load"):
            stream, number = identity(payload[: MAX_BYTES + 1])
            answer = Answer(stream, number, digest(payload), now, reason)
            answers.append((topics.topic(node, "refused"), encode_answer(answer)))
