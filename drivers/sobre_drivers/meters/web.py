"""Meters that are asked over HTTP: one connection, no redirects, answers of bounded size.

A device that sends us elsewhere would be given the password of the first.
"""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sobre_drivers.errors import MeterError

MAX_ANSWER = 1024 * 1024
_REFUSALS = {
    401: "the user or password is not right, or is missing; see login",
    403: "the user may not read this; give it the right to",
    404: "no such page; is this the model of the profile?",
    429: "asked too often; raise sample_s",
    503: "busy; ask it less often",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `headers` by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Refused(MeterError):
    """The device answered, and not with what was asked for."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        why = _REFUSALS.get(answer.status, "see its own log")
        super().__init__(f"answered with status {answer.status}, {why}")


class Web:
    """A device's web server. Everything that goes wrong with it is a MeterError."""

    def __init__(
        self, host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self.where = f"{host}:{port}"
        self._timeout_s = timeout_s
        self._connection = (
            http.client.HTTPConnection(host, port, timeout=timeout_s)
            if tls is None
            else http.client.HTTPSConnection(host, port, timeout=timeout_s, context=tls)
        )

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        """What the device answers, whatever its status; the path never stands in a message."""
        kept = self._connection.sock is not None
        try:
            return self._once(method, path, body, dict(headers or {}))
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            # Devices end connections that idle between two rounds; that is no failure yet.
            if not kept:
                raise self._failed(error) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failed(error) from error
        try:
            return self._once(method, path, body, dict(headers or {}))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Hang up; the next question connects again."""
        self._connection.close()

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            data = response.read(MAX_ANSWER + 1)
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            raise
        if len(data) > MAX_ANSWER:
            self._connection.close()
            raise ValueError(f"more than {MAX_ANSWER} bytes")
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, data)

    def _failed(self, error: Exception) -> MeterError:
        self._connection.close()
        if isinstance(error, ssl.SSLCertVerificationError):
            return MeterError(
                f"its certificate is not trusted ({error.verify_message}); give the authority "
                "that signed it as login.ca_file"
            )
        if isinstance(error, TimeoutError):
            return MeterError(f"no answer within {self._timeout_s:g} s; check power and network")
        if isinstance(error, OSError):
            return MeterError(
                f"cannot be reached ({error.strerror or error}); check host, port and network"
            )
        return MeterError(f"an answer that is not HTTP ({error!r:.100}); check what listens there")


def accepted(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; MeterError if the device refused, or sent something else."""
    if answer.status != 200:
        raise Refused(answer)
    return json_object(answer.body)


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object, with nothing but finite numbers; MeterError if it is none."""
    try:
        found = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise MeterError("an answer that is not JSON; is this the model of the profile?") from error
    if not isinstance(found, dict):
        raise MeterError("JSON that is no object; is this the model of the profile?")
    return found


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 at least; the device's certificate must lead to `ca_file`, or to the system's own."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise MeterError(f"{ca_file}: cannot be used ({error.strerror or error})") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def password(file: Path | None) -> str:
    """The password in its file, without the line's end; MeterError if it cannot be read."""
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise MeterError(f"{file}: the password cannot be read; see login") from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
