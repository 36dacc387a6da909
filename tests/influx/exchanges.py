"""Exchanges with InfluxDB as golden files: recorded with a real one, replayed where there is none.

A file holds, in their order, what was asked (as which token, what, with which body) and what was
answered. Replayed, each request must be the recorded one to the letter, but for what differs each
time: the time, and secrets, which are not recorded.
"""

import http.client
import json
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from services.ports import HOST

GOLDEN = Path(__file__).with_name("golden")
# What differs each time: when a collector last wrote, and the password of a new administrator.
MASKS = ((re.compile(r"\bat=\d+i"), "at=0i"), (re.compile(r'("password": ?)"[^"]*"'), r'\1"…"'))
LABELS = {"sobre: reads": "reads", "sobre: writes": "writes"}


@dataclass(slots=True)
class Tape:
    """The exchanges of one scenario; `tokens` are real ones by the word that stands for each."""

    exchanges: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    at: int = 0
    wrong: list[str] = field(default_factory=list)

    def asked(self, method: str, path: str, header: str, body: bytes) -> dict[str, Any]:
        """A request as the file has it."""
        token = header.removeprefix("Token ").strip()
        who = next((word for word, known in self.tokens.items() if known == token), token)
        words = body.decode()
        if path.startswith("/query"):
            words = urllib.parse.unquote_plus(words)
        for mask, by in MASKS:
            words = mask.sub(by, words)
        return {"as": who, "ask": f"{method} {path}", "body": words.split("\n")}

    def answered(self, status: int, body: bytes) -> dict[str, Any]:
        """An answer as the file has it, with words in place of tokens."""
        try:
            found = json.loads(body)
        except ValueError:
            # Nothing, or an answer of several lines.
            return {"status": status, "answer": body.decode().split("\n")}
        self._learn(found)
        words = json.dumps(found, separators=(",", ":"))
        for word, known in self.tokens.items():
            words = words.replace(known, word)
        return {"status": status, "answer": [words]}

    def _learn(self, found: Any) -> None:
        if isinstance(found, list):
            for each in found:
                self._learn(each)
        elif isinstance(found, dict):
            if "token" in found:
                word = LABELS.get(found.get("description", ""), "admin")
                self.tokens[word] = found["token"]
            for each in found.values():
                self._learn(each)


@contextmanager
def recorded(target: str, tape: Tape) -> Iterator[str]:
    """A server that passes everything on to a real InfluxDB, and keeps it."""
    address = urllib.parse.urlsplit(target).netloc

    def answer(asked: dict[str, Any], handler: BaseHTTPRequestHandler, body: bytes) -> Any:
        kept = ("Authorization", "Content-Type", "Accept")
        headers = {name: handler.headers[name] for name in kept if name in handler.headers}
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request(handler.command, handler.path, body or None, headers)
        found = connection.getresponse()
        data = found.read()
        connection.close()
        tape.exchanges.append(asked | tape.answered(found.status, data))
        return found.status, data

    with _served(tape, answer) as url:
        yield url


@contextmanager
def replayed(tape: Tape) -> Iterator[str]:
    """A server that answers what was answered to the same request; others are noted as wrong."""

    def answer(asked: dict[str, Any], handler: BaseHTTPRequestHandler, body: bytes) -> Any:
        known = tape.exchanges[tape.at] if tape.at < len(tape.exchanges) else {}
        tape.at += 1
        for name, value in asked.items():
            if known.get(name) != value:
                tape.wrong.append(f"request {tape.at}, {name}: {value!r}, not {known.get(name)!r}")
                return 500, b'{"message":"not what was recorded"}'
        return known["status"], "\n".join(known["answer"]).encode()

    with _served(tape, answer) as url:
        yield url


@contextmanager
def _served(tape: Tape, answer: Any) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "")
            asked = tape.asked(self.command, self.path, token, body)
            status, data = answer(asked, self, body)
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _serve

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def load_tape(name: str) -> Tape:
    """The exchanges of a golden file."""
    return Tape(json.loads((GOLDEN / f"{name}.json").read_text("utf-8")))


def save_tape(name: str, tape: Tape) -> None:
    """Write a golden file."""
    GOLDEN.mkdir(exist_ok=True)
    text = json.dumps(tape.exchanges, indent=1, ensure_ascii=False)
    (GOLDEN / f"{name}.json").write_text(text + "\n", "utf-8")
