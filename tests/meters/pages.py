"""A device's web server on loopback: real HTTP, with or without TLS, answers as it is told."""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

HOST = "127.0.0.1"
DEADLINE_S = 10.0


@dataclass(frozen=True)
class Question:
    """What was asked; `headers` by their names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """What is answered."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def said(message: Any, status: int = 200, **headers: str) -> Said:
    """An answer in JSON."""
    return Said(json.dumps(message).encode(), status, headers)


@dataclass
class Pages:
    """Answers each question with what `answer` makes of it; None hangs up without a word."""

    answer: Callable[[Question], Said | None]
    tls: ssl.SSLContext | None = None
    questions: list[Question] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        pages = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = DEADLINE_S

            def setup(self) -> None:
                super().setup()
                pages.connections += 1

            def _answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Question(self.command, self.path, headers, self.rfile.read(length))
                pages.questions.append(asked)
                answer = pages.answer(asked)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                for name, value in answer.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_DELETE = _answer

            def log_message(self, format: str, *args: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None: ...

        self._server = Server((HOST, 0), Handler)
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(DEADLINE_S)
        self._server.server_close()


def site(pages: Mapping[str, Any]) -> Callable[[Question], Said]:
    """Serve JSON by path; what is not there is 404."""

    def answer(asked: Question) -> Said:
        if asked.path in pages:
            return said(pages[asked.path])
        return said({"error": {"code": "Base.1.8.ResourceMissingAtURI"}}, 404)

    return answer
