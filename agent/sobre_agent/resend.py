"""When a batch is sent again, and when a silent connection is given up: time in, decisions out."""

from collections.abc import Iterable
from dataclasses import dataclass

from sobre_agent.entropy import Draw


def backoff_s(attempt: int, rng: Draw, base_s: float = 60.0, max_s: float = 3600.0) -> float:
    """A random wait (s) before attempt 0, 1, 2…: up to `base_s`, twice that, … `max_s`.

    Full jitter: agents that failed together do not come back together.
    """
    return rng.uniform(0.0, min(max_s, base_s * 2.0 ** min(attempt, 32)))


@dataclass(slots=True)
class _Sent:
    attempt: int
    due_s: float


class Flight:
    """The batches under way on a connection; all times in s of one monotonic clock."""

    def __init__(
        self, confirm_timeout_s: float, retry_max_s: float, keepalive_s: float, rng: Draw
    ) -> None:
        self._confirm_timeout_s = confirm_timeout_s
        self._retry_max_s = retry_max_s
        self._deaf_s = 2 * keepalive_s
        self._patience_s = self._deaf_s
        self._rng = rng
        self._sent: dict[int, _Sent] = {}
        self._heard_s = 0.0

    def opened(self, now_s: float) -> None:
        """A connection begins: whatever was under way may be lost, and is due at once."""
        self._heard_s = now_s
        for sent in self._sent.values():
            sent.due_s = now_s

    def due(self, numbers: Iterable[int], now_s: float) -> list[int]:
        """Which of these batches are to be sent now."""
        return [n for n in numbers if n not in self._sent or self._sent[n].due_s <= now_s]

    def sent(self, number: int, now_s: float) -> None:
        """A batch has left; it is due again unless it is answered in time."""
        if not self._sent:
            self._heard_s = now_s
        before = self._sent.get(number)
        attempt = 0 if before is None else before.attempt + 1
        wait_s = self._confirm_timeout_s
        if attempt:
            wait_s += backoff_s(attempt, self._rng, self._confirm_timeout_s, self._retry_max_s)
        self._sent[number] = _Sent(attempt, now_s + min(wait_s, self._retry_max_s))

    def in_vain(self, number: int) -> int:
        """How often a batch was sent without an answer."""
        return 0 if number not in self._sent else self._sent[number].attempt + 1

    def forget(self, number: int) -> None:
        """A batch is no more: it was taken apart."""
        self._sent.pop(number, None)

    def answered(self, number: int, now_s: float) -> None:
        """The collector has answered a batch: it hears us."""
        self._sent.pop(number, None)
        self._heard_s = now_s
        self._patience_s = self._deaf_s

    def next_s(self) -> float | None:
        """When something is to be done next; None while nothing is under way."""
        if not self._sent:
            return None
        return min(*(sent.due_s for sent in self._sent.values()), self._deaf_at_s())

    def deaf(self, now_s: float) -> bool:
        """Whether batches wait for so long that the connection is worth nothing.

        Each time it was in vain we wait twice as long: perhaps it is the collector that is away.
        """
        if not self._sent or now_s < self._deaf_at_s():
            return False
        self._patience_s = max(self._deaf_s, min(self._patience_s * 2, self._retry_max_s))
        return True

    def _deaf_at_s(self) -> float:
        return self._heard_s + self._patience_s
