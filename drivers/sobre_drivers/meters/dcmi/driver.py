"""Runs `ipmitool` for each reading: no library speaks all controllers' dialects as it does."""

import os
import subprocess
from collections.abc import Sequence

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.dcmi import decoding
from sobre_drivers.meters.kind import Value
from sobre_drivers.sample import Described, Reading


class DcmiDriver:
    """Reads one server's power. `command` is complete; nothing of it goes through a shell."""

    def __init__(
        self, described: Described, where: str, command: Sequence[str], timeout_s: float
    ) -> None:
        self.name = described.device
        self._described = described
        self._where = where
        self._command = tuple(command)
        self._timeout_s = timeout_s

    def describe(self) -> Sequence[Described]:
        """The server."""
        return (self._described,)

    def read(self) -> Sequence[Reading]:
        """Power now; MeterError if the controller does not tell it."""
        try:
            return (Reading(self.name, power_w=decoding.power_w(self._output())),)
        except MeterError as error:
            raise MeterError(f"{self.name} ({self._where}): {error}") from error

    def shown(self) -> list[Value]:
        """All that ipmitool says of power."""
        said = decoding.lines(self.said())
        return [Value(self.name, name, text, "") for name, text in said.items()]

    def said(self) -> str:
        """What ipmitool prints; MeterError if it fails."""
        try:
            return self._output()
        except MeterError as error:
            raise MeterError(f"{self.name} ({self._where}): {error}") from error

    def close(self) -> None:
        """Nothing is held."""

    def _output(self) -> str:
        try:
            done = subprocess.run(
                self._command,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise MeterError(
                f"no answer within {self._timeout_s:g} s; check address and network"
            ) from error
        except OSError as error:
            raise MeterError(f"ipmitool cannot be run ({error.strerror}); install it") from error
        if done.returncode:
            raise MeterError(decoding.finding(done.stderr or done.stdout))
        return done.stdout
