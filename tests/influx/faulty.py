"""A server that stands before a real InfluxDB and spoils the answers it is told to spoil."""

import http.client
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from services.ports import HOST


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked; `database` is the bucket or database, "" for none."""

    method: str
    path: str
    database: str
    body: bytes

    @property
    def writes(self) -> bool:
        """Whether points are written."""
        return self.path.endswith("/write")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of the answer.

    With `first`, InfluxDB gets the request all the same. `status` None hangs up, after `cut` bytes
    of the real answer; `slow` answers nothing until the client has gone.
    """

    status: int | None = None
    body: bytes = b'{"error":"injected"}'
    first: bool = False
    cut: int = 0
    slow: bool = False


Rule = Callable[[Request], Fault | None]


def well(_: Request) -> None:
    """No fault."""


@dataclass(slots=True)
class Faulty:
    """The server: `rule` decides for each request, `seen` keeps them all."""

    url: str
    rule: Rule = well
    seen: list[Request] = field(default_factory=list)
    released: Event = field(default_factory=Event)


@contextmanager
def faulty(target: str) -> Iterator[Faulty]:
    """Stand before the InfluxDB at this URL until the block ends."""
    address = urllib.parse.urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            split = urllib.parse.urlsplit(self.path)
            values = dict(urllib.parse.parse_qsl(split.query))
            database = values.get("db") or values.get("bucket") or ""
            request = Request(self.command, split.path, database, body)
            made.seen.append(request)
            fault = made.rule(request)
            if fault is None:
                status, headers, answer = self._forward(body)
                self._answer(status, headers, answer)
                return
            answer = self._forward(body)[2] if fault.first else b""
            self.close_connection = True
            if fault.slow:
                made.released.wait(30)
            elif fault.status is not None:
                self._answer(fault.status, {"Content-Type": "application/json"}, fault.body)
            elif fault.cut:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                part = answer[: fault.cut]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(address, timeout=30)
            kept = ("Authorization", "Content-Type", "Accept", "Content-Encoding")
            headers = {name: self.headers[name] for name in kept if name in self.headers}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            kind = answer.headers.get("Content-Type", "application/json")
            return answer.status, {"Content-Type": kind}, data

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            # A 204 has no body, and no length either (RFC 9110, 8.6).
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do_PATCH = _serve

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    made = Faulty(f"http://{HOST}:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
