"""From the spool to the collector and back: a batch is sent until its own content is confirmed.

The broker is only a pipe: nothing depends on its acknowledgements or on its disk.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sobre_agent import crash
from sobre_agent.config import LOAD_LENGTHS, Allowed, Delivery
from sobre_agent.elapsed import Reference, believed
from sobre_agent.entropy import Draw, Entropy
from sobre_agent.mqtt import Link, Message
from sobre_agent.outbox import Outbox, Parcel
from sobre_agent.resend import Flight, backoff_s
from sobre_agent.spool import Spool
from sobre_agent.spool_schema import CONTROL, REFERENCE
from sobre_drivers.clock import COUNTS_SLEEP, Clock, SystemClock
from sobre_drivers.errors import StoreError, WireError
from sobre_drivers.sample import Instant
from sobre_drivers.topics import parse, topic
from sobre_drivers.wire import Control, decode_answer, decode_control

# Loads close rarely: a connection that waits for them looks up from time to time all the same.
LOOK_UP_S = 60.0
# A batch that was sent so often without an answer is taken apart.
TRIES = 4
# So long (s) a retained message may take to come, once the broker knows that we want it.
HEARS_CONTROL_S = 10.0
# A broker drops what is more than it keeps for a collector: births are said so many each second.
BIRTHS_AT_ONCE = 500
BIRTHS_EVERY_S = 1.0
# Live figures that have not been sent yet; the oldest give way.
MOST_LIVE = 64
# Later than any load (Unix seconds).
ANY_TIME_S = 2.0**53

log = logging.getLogger(__name__)


def topics(node: str) -> list[str]:
    """What a node reads."""
    return [topic(node, kind) for kind in ("confirmed", "refused", "control")]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who delivers: `node`, with so many batches under way at a time.

    `tells_status` only where no person's presence shows in it.
    """

    node: str
    window: int
    delivery: Delivery
    keepalive_s: int
    tells_status: bool = False


class Publisher:
    """Delivers until stopped, or until nothing waits. Lives in the thread that opened its spool."""

    def __init__(
        self,
        sender: Sender,
        spool: Spool,
        link: Link,
        rng: Draw | None = None,
        now_s: Callable[[], float] = time.monotonic,
        clock: Clock | None = None,
    ) -> None:
        self._sender, self._spool, self._link = sender, spool, link
        self._outbox = Outbox(spool)
        self._rng = Entropy() if rng is None else rng
        self._now_s = now_s
        self._clock = SystemClock() if clock is None else clock
        self._reference: Reference | None = None
        noted = spool.noted(REFERENCE)
        self._off_s = 0.0 if noted is None else float(noted.split()[2])
        self._clock_wrong = False
        self._allowed = Allowed.of(spool.noted(CONTROL))
        self._heard_control = False
        # What is seen now; nobody wants to hear of it later.
        self._live: deque[bytes] = deque(maxlen=MOST_LIVE)
        self._births, self._births_due_s = list[tuple[str, bytes]](), 0.0
        delivery = sender.delivery
        self._flight = Flight(
            delivery.confirm_timeout_s, delivery.retry_max_s, sender.keepalive_s, self._rng
        )
        self._parcels: dict[int, Parcel] = {}
        self._attempt = 0
        self._empty = False
        self._said: str | None = None
        self._stopping = False

    def stop(self) -> None:
        """End `run` or `drain` soon; may be called from any thread."""
        self._stopping = True
        self._link.wake()

    def tell(self, live: bytes) -> None:
        """Say what is seen now, if there is a connection; may be called from any thread."""
        self._live.append(live)
        self._link.wake()

    def run(self) -> None:
        """Deliver as loads close, for as long as the agent runs."""
        while not self._stopping:
            wait_s = self._connected()
            deadline_s = self._now_s() + wait_s
            while not self._stopping and (left_s := deadline_s - self._now_s()) > 0:
                self._link.pause(left_s)

    def drain(self, within_s: float) -> bool:
        """Deliver what waits, within `within_s`, and disconnect; whether nothing is left to do."""
        self._connected(self._now_s() + within_s)
        return self._empty or self._allowed.paused

    def _connected(self, until_s: float | None = None) -> float:
        """One connection, from its opening to its end; how long to wait (s) before the next.

        With `until_s` it ends then, or when nothing is left.
        """
        try:
            self._link.open()
            self._well()
            self._greet()
            self._serve(until_s)
        except (ConnectionError, StoreError) as error:
            self._ill(str(error))
        finally:
            self._link.close()
        delivery = self._sender.delivery
        wait_s = backoff_s(
            self._attempt, self._rng, delivery.confirm_timeout_s, delivery.retry_max_s
        )
        self._attempt += 1
        return wait_s

    def _greet(self) -> None:
        if self._sender.tells_status:
            self._link.publish(topic(self._sender.node, "status"), b"online", retain=True)
        self._births = self._spool.births()
        self._flight.opened(self._now_s())
        self._live.clear()
        self._heard_control = False

    def _serve(self, until_s: float | None) -> None:
        asks_until_s = self._now_s() + HEARS_CONTROL_S
        while not self._stopping:
            if not self._said_births():
                # A load whose device nobody knows yet would be set aside.
                if until_s is not None and self._now_s() >= until_s:
                    break
                for message in self._link.wait(max(0.0, self._births_due_s - self._now_s())):
                    self._read(message)
                continue
            paused = self._allowed.paused
            if not paused:
                self._part_unanswered()
                self._fill()
            now_s = self._now_s()
            for number in () if paused else self._flight.due(self._parcels, now_s):
                self._link.publish(topic(self._sender.node, "load"), self._parcels[number].payload)
                self._flight.sent(number, now_s)
                crash.point("sent")
            while self._live:
                live = self._live.popleft()
                self._link.publish(topic(self._sender.node, "live"), live, qos=0)
            self._empty = not self._parcels and not paused
            # Whoever comes for a moment and is paused waits for what was said meanwhile.
            heard = self._heard_control or now_s >= asks_until_s
            done = self._empty or (paused and heard)
            if until_s is not None and (done or now_s >= until_s):
                break
            waits_s = asks_until_s if paused and until_s is not None else None
            due_s = None if paused else self._flight.next_s()
            ends = [until_s, waits_s, due_s, now_s + LOOK_UP_S]
            wait_s = min(end_s for end_s in ends if end_s is not None) - now_s
            for message in self._link.wait(wait_s):
                self._read(message)
            if not self._allowed.paused and self._flight.deaf(self._now_s()):
                raise ConnectionError("no answer from the collector; connecting anew")
        if self._sender.tells_status:
            self._link.publish(topic(self._sender.node, "status"), b"offline", retain=True)

    def _said_births(self) -> bool:
        """Say the next births when it is time to; whether all have been said."""
        now_s = self._now_s()
        if self._births and now_s >= self._births_due_s:
            for device, payload in self._births[:BIRTHS_AT_ONCE]:
                name = topic(self._sender.node, "birth", device)
                self._link.publish(name, payload, retain=True)
            del self._births[:BIRTHS_AT_ONCE]
            self._births_due_s = now_s + BIRTHS_EVERY_S
            self._flight.opened(now_s)
        return not self._births

    def _part_unanswered(self) -> None:
        """Send in halves what was sent so often in vain: it may be too large for the broker."""
        for number in self._flight.due(self._parcels, self._now_s()):
            if self._flight.in_vain(number) >= TRIES and self._outbox.part(number):
                log.info("batch %d is not answered: its loads are sent in smaller ones", number)
                del self._parcels[number]
                self._flight.forget(number)

    def _fill(self) -> None:
        """Have as many batches under way as may be."""
        window = self._sender.window
        if (room := window - len(self._parcels)) > 0:
            after = max(self._parcels, default=0)
            self._parcels |= {p.number: p for p in self._outbox.unconfirmed(room, after)}
        while len(self._parcels) < window:
            parcel = self._outbox.next_parcel(self._wall_s())
            if parcel is None:
                return
            self._parcels[parcel.number] = parcel

    def _read(self, message: Message) -> None:
        try:
            _, kind, _ = parse(message.topic)
            if kind == "control":
                self._obey(decode_control(message.payload))
                return
            answer = decode_answer(message.payload)
        except WireError as error:
            log.warning("an answer was not understood and is ignored: %s", error)
            return
        if kind == "confirmed":
            now = self._clock.now()
            number = answer.batch if self._outbox.confirm(answer, now) else None
            if number is not None:
                self._compare(answer.time, now)
        else:
            number = self._outbox.refuse(answer)
            if number is not None:
                log.error("batch %d was refused: %s", number, answer.reason)
        if number is None:
            # Answers to what was sent before a restart come twice, and are no news.
            known = answer.batch in self._parcels and answer.stream == self._spool.stream
            log.log(
                logging.WARNING if known else logging.DEBUG,
                "batch %d: %s with another content; it stays",
                answer.batch,
                kind,
            )
            return
        self._parcels.pop(number, None)
        self._flight.answered(number, self._now_s())
        self._attempt = 0

    def _obey(self, control: Control) -> None:
        """Note what is allowed, for the process that samples as well."""
        self._heard_control = True
        length = next((each for each in LOAD_LENGTHS if each == control.load), LOAD_LENGTHS[0])
        allowed = Allowed(control.paused, control.slower, length)
        if allowed == self._allowed:
            return
        log.info("the organisation asks: %s", allowed)
        if self._allowed.paused:
            # However long it was, it was no fault of the connection.
            self._flight.opened(self._now_s())
        self._allowed = allowed
        self._spool.note(**{CONTROL: allowed.noted()})

    def _compare(self, time_s: int, now: Instant) -> None:
        """Hold our clock beside the collector's; a wrong one is said once."""
        if COUNTS_SLEEP:
            self._reference = Reference(time_s, now.boot_s)
        off_s = now.wall_s - time_s
        wrong = abs(off_s) > self._sender.delivery.clock_tolerance_s
        if wrong and not self._clock_wrong:
            log.error("this clock is %+.0f s off the collector's; switch NTP on", off_s)
        self._clock_wrong = wrong

    def _wall_s(self) -> float:
        """The time up to which loads may leave: any, while nobody knows what time it is.

        The later of our clock and the collector's, by which loads are stamped if ours is wrong.
        """
        now = self._clock.now()
        at = believed(now, self._reference, self._sender.delivery.clock_tolerance_s)
        if at is None:
            return ANY_TIME_S
        # A delivery that comes for a moment must send something before it hears of the time.
        likely_s = now.wall_s - (self._off_s if self._reference is None else 0.0)
        return max(now.wall_s, at.wall_s, likely_s)

    def _ill(self, problem: str) -> None:
        if problem != self._said:
            log.warning("delivery waits: %s", problem)
        self._said = problem

    def _well(self) -> None:
        if self._said is not None:
            log.info("delivery goes on")
        self._said = None
