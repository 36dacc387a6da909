"""Asks upsd for the variables of one UPS."""

import socket
import time
from collections.abc import Sequence

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.nut import decoding
from sobre_drivers.sample import Described, Reading

# A UPS has some hundred variables of less than a hundred characters.
MAX_ANSWER = 256 * 1024


class NutDriver:
    """Reads one UPS; a connection lasts one question, since upsd counts those that it keeps."""

    def __init__(
        self,
        described: Described,
        address: tuple[str, int],
        ups: str,
        source: decoding.Source,
        timeout_s: float,
    ) -> None:
        self.name = described.device
        self._described = described
        self._address, self._ups = address, ups
        self._source: decoding.Source = source
        self._timeout_s = timeout_s

    def describe(self) -> Sequence[Described]:
        """What the UPS feeds."""
        return (self._described,)

    def read(self) -> Sequence[Reading]:
        """Power now; MeterError if upsd does not tell it."""
        try:
            said = self._variables()
            power_w = decoding.power_w(said, self._source)
        except MeterError as error:
            raise MeterError(f"{self._subject}: {error}") from error
        return (Reading(self.name, power_w=power_w, serial=decoding.serial(said)),)

    def shown(self) -> list[Value]:
        """All variables, as upsd has them."""
        try:
            said = self._variables()
        except MeterError as error:
            raise MeterError(f"{self._subject}: {error}") from error
        return [Value(self.name, name, text, "") for name, text in sorted(said.items())]

    def close(self) -> None:
        """Nothing is held."""

    def _variables(self) -> dict[str, str]:
        try:
            answer = self._asked(f"LIST VAR {self._ups}\n", f"END LIST VAR {self._ups}\n")
        except TimeoutError as error:
            raise MeterError(f"no answer within {self._timeout_s:g} s; is it busy?") from error
        except OSError as error:
            raise MeterError(
                f"cannot be reached ({error.strerror or error}); check host and port, and that "
                "upsd listens beyond its own machine (LISTEN in upsd.conf)"
            ) from error
        return decoding.variables(answer, self._ups)

    def _asked(self, question: str, end: str) -> str:
        deadline_s = time.monotonic() + self._timeout_s
        with socket.create_connection(self._address, self._timeout_s) as connection:
            connection.sendall(question.encode())
            answer = b""
            while not answer.endswith(end.encode()) and len(answer) <= MAX_ANSWER:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError
                connection.settimeout(left_s)
                more = connection.recv(65536)
                answer += more
                if not more or (answer.startswith(b"ERR ") and answer.endswith(b"\n")):
                    break
            return answer.decode("utf-8", "replace")

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._ups}@{self._address[0]}:{self._address[1]})"
