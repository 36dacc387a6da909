"""One question to a printer over HTTP, or HTTPS where its certificate can be held against one."""

import http.client
import ssl
from pathlib import Path

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.ipp import message

PORT = 631
# What some dozen attributes take, a hundred times over.
MAX_BYTES = 256 * 1024
_TYPE = "application/ipp"


class Client:
    """One printer; it is connected to for each question, so that nothing keeps it awake."""

    def __init__(
        self, host: str, port: int, path: str, timeout_s: float, ca_file: Path | None = None
    ) -> None:
        self.where = f"{host}:{port}"
        self._address = (host, port)
        self._path = path
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self._request = 0

    def ask(self, wanted: tuple[str, ...]) -> message.Answer:
        """The printer's attributes; MeterError if it does not answer, or refuses."""
        self._request = self._request % 0x7FFFFFFF + 1
        scheme = "ipp" if self._ca_file is None else "ipps"
        uri = f"{scheme}://{self.where}{self._path}"
        body = self._posted(message.question(uri, self._request, wanted))
        answer = message.answer(body)
        if answer.request != self._request:
            raise MeterError("an answer to another question; is there a proxy before it?")
        # RFC 8011, 4.1.8: what is below 0x0100 is well, and leaves out what it does not know.
        if answer.status >= 0x0100:
            raise MeterError(f"the printer refused (status {answer.status:#06x}); check `path`")
        return answer

    def _posted(self, question: bytes) -> bytes:
        connection = self._connection()
        try:
            connection.request("POST", self._path, question, {"Content-Type": _TYPE})
            response = connection.getresponse()
            body = response.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise MeterError(_finding(error, self._timeout_s)) from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise MeterError(f"HTTP {response.status}; check port and path, and that IPP is on")
        if response.getheader("Content-Type", "").split(";")[0].strip() != _TYPE:
            raise MeterError("an answer that is not IPP; check port and path")
        if len(body) > MAX_BYTES:
            raise MeterError(f"an answer of more than {MAX_BYTES} bytes; is it a printer?")
        return body

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address
        if self._ca_file is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        try:
            context = ssl.create_default_context(cafile=str(self._ca_file))
        except OSError as error:
            raise MeterError(f"{self._ca_file} cannot be used: {error}") from error
        return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)


def _finding(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s; check power and network"
    if isinstance(error, ssl.SSLError):
        return f"its certificate is not accepted ({error.reason}); check login.ca_file"
    if isinstance(error, ConnectionRefusedError):
        return "no connection; check the address, and that IPP is enabled"
    return f"no IPP answer ({error or type(error).__name__}); check address, port and path"
