"""What a person names for a scan: addresses and numbers, and never more than is polite."""

import ipaddress
import re
import threading
import time
from collections.abc import Callable, Sequence

from sobre_drivers.errors import ConfigError

# A /22: what a person can own and oversee.
MOST_HOSTS = 1024
# IPv4 and IPv6 networks of so many addresses.
_LONGEST_PREFIX = {4: 22, 6: 118}
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


def hosts(named: Sequence[str]) -> list[str]:
    """Addresses and names; a network stands for all in it. ConfigError if they are too many."""
    found: dict[str, None] = {}
    for each in named:
        if "/" not in each:
            found[each] = None
            continue
        try:
            network = ipaddress.ip_network(each, strict=False)
        except ValueError as error:
            raise ConfigError(
                f"host: {each!r} is no network ({error}); 192.0.2.0/24 is one"
            ) from error
        if network.prefixlen < _LONGEST_PREFIX[network.version]:
            raise ConfigError(
                f"host: {each} has {network.num_addresses} addresses; {MOST_HOSTS} at most "
                f"(/{_LONGEST_PREFIX[network.version]}), name the one that meters are in"
            )
        found |= dict.fromkeys(map(str, network.hosts()))
    if len(found) > MOST_HOSTS:
        raise ConfigError(f"host: {len(found)} addresses; {MOST_HOSTS} at a time")
    return list(found)


def numbers(named: Sequence[str], lowest: int, highest: int, what: str) -> list[int]:
    """`1-8 12` as nine numbers; ConfigError if one of them cannot be."""
    found: dict[int, None] = {}
    for piece in named:
        told = _RANGE.fullmatch(piece)
        first = int(told[1]) if told else -1
        last = int(told[2] or told[1]) if told else -1
        if not lowest <= first <= last <= highest:
            raise ConfigError(
                f"{what}: {piece!r}; numbers from {lowest} to {highest}, such as 1-8 12"
            )
        found |= dict.fromkeys(range(first, last + 1))
    return list(found)


class Stopped(Exception):
    """A person has seen enough: nothing more is sent."""


class Pace:
    """Lets `per_s` requests a second pass, from however many threads, and counts them."""

    def __init__(
        self,
        per_s: float,
        sleep: Callable[[float], None] = time.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap_s = 1 / per_s
        self._sleep, self._now_s = sleep, now_s
        self._lock = threading.Lock()
        self._next_s = now_s()
        self._stopped = False
        self.sent = 0

    def stop(self) -> None:
        """Let nobody pass any more."""
        self._stopped = True

    def turn(self) -> None:
        """Wait for one's turn; Stopped if there is none any more."""
        if self._stopped:
            raise Stopped
        with self._lock:
            now_s = self._now_s()
            at_s = max(now_s, self._next_s)
            self._next_s = at_s + self._gap_s
            self.sent += 1
        if at_s > now_s:
            self._sleep(at_s - now_s)
