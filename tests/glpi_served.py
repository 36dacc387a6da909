"""GLPI's REST API as its own documentation describes it, answered by a real HTTP server.

The exchange is written from that documentation (apirest.md), with invented equipment; no GLPI runs
here. `asked` holds the path of every question, in order.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

APP, USER, SESSION = "app-token-1", "user-token-1", "session-1"


def option(table: str, name: str) -> dict[str, str]:
    return {"name": name, "table": table, "field": name}


# Numbers differ between kinds and versions, so the same thing has another number for a monitor.
OPTIONS: dict[str, dict[str, Any]] = {
    "Computer": {
        "common": "Characteristics",
        "1": option("glpi_computers", "name"),
        "2": option("glpi_computers", "id"),
        "3": option("glpi_locations", "completename"),
        "4": option("glpi_computertypes", "name"),
        "31": option("glpi_states", "completename"),
        "38": option("glpi_infocoms", "use_date"),
        "80": option("glpi_entities", "completename"),
        "159": option("glpi_infocoms", "decommission_date"),
    },
    "Monitor": {
        "1": option("glpi_monitors", "name"),
        "2": option("glpi_monitors", "id"),
        "3": option("glpi_locations", "completename"),
        "131": option("glpi_states", "completename"),
        "80": option("glpi_entities", "completename"),
    },
    "User": {
        "1": option("glpi_users", "name"),
        "2": option("glpi_users", "id"),
        "8": option("glpi_users", "is_active"),
        "80": option("glpi_entities", "completename"),
    },
}


def computer(name: str, entity: str, kind: str, state: str, until: str | None = None) -> Any:
    place = "Hôtel de ville &#62; 2e étage"
    row = {"1": name, "2": 7, "3": place, "4": kind, "31": state, "38": "2020-01-01"}
    return {**row, "80": entity, "159": until}


NORTH = "Racine &#62; Northtown &#62; Voirie"
ITEMS: dict[str, list[dict[str, Any]]] = {
    "Computer": [
        computer("PC-MARTIN", NORTH, "Portable", "En service"),
        computer("PC-DURAND", NORTH, "Portable", "En service"),
        computer("PC-OLD", NORTH, "Fixe", "Réformé", "2020-06-01"),
        computer("VM-1", NORTH, "Machine virtuelle", "En service"),
        computer("PC-SCHOOL", "Racine &#62; Écoles", "Fixe", "En service"),
    ],
    "Monitor": [
        {"1": f"SCR-{n}", "2": n, "3": "Hôtel de ville", "131": "En service", "80": NORTH}
        for n in range(3)
    ],
    "User": [
        {"1": "martin", "2": 1, "8": 1, "80": NORTH},
        {"1": "durand", "2": 2, "8": 1, "80": [NORTH, "Racine &#62; Northtown"]},
        {"1": "gone", "2": 3, "8": 0, "80": NORTH},
    ],
}


@dataclass
class Served:
    """A server that is up: its address, what was asked, and items that a test may change."""

    url: str
    items: dict[str, list[dict[str, Any]]]
    asked: list[str] = field(default_factory=list)
    open_sessions: int = 0
    everywhere: bool = False
    # Called before each answer to a search, with its first row: what changes meanwhile.
    meanwhile: Callable[[int], None] = lambda _: None
    moved: str | None = None


@contextmanager
def glpi() -> Iterator[Served]:
    """GLPI on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    items = {kind: list(rows) for kind, rows in ITEMS.items()}
    served = Served(f"http://127.0.0.1:{server.server_port}/apirest.php", items)
    server.served = served  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    @property
    def served(self) -> Served:
        found: Served = self.server.served  # type: ignore[attr-defined]
        return found

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.served.asked.append(self.path)
        if not self._known():
            return
        self.served.everywhere = body == {"entities_id": "all", "is_recursive": True}
        self._say(200, True)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        command = address.path.removeprefix("/apirest.php/")
        self.served.asked.append(command)
        if self.served.moved:
            self.send_response(302)
            self.send_header("Location", self.served.moved)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif command == "initSession":
            self._open()
        elif not self._known():
            pass
        elif command == "killSession":
            self.served.open_sessions -= 1
            self._say(200, True)
        elif command.startswith("listSearchOptions/"):
            self._say(200, OPTIONS[command.partition("/")[2]])
        else:
            self._search(command.removeprefix("search/"), parse_qs(address.query))

    def _open(self) -> None:
        if self.headers.get("App-Token") != APP:
            self._say(400, ["ERROR_WRONG_APP_TOKEN_PARAMETER", "parameter is wrong"])
        elif self.headers.get("Authorization") != f"user_token {USER}":
            self._say(401, ["ERROR_GLPI_LOGIN_USER_TOKEN", "parameter is not valid"])
        else:
            self.served.open_sessions += 1
            self._say(200, {"session_token": SESSION})

    def _known(self) -> bool:
        right = (self.headers.get("App-Token"), self.headers.get("Session-Token"))
        if right != (APP, SESSION):
            self._say(401, ["ERROR_SESSION_TOKEN_INVALID", "session_token seems invalid"])
        return right == (APP, SESSION)

    def _search(self, kind: str, query: dict[str, list[str]]) -> None:
        first, last = (int(part) for part in query["range"][0].split("-"))
        self.served.meanwhile(first)
        # Without changeActiveEntities a session sees its account's own entity only.
        rows = self.served.items[kind] if self.served.everywhere else []
        shown = {"1", "2", "80"} | {v[0] for k, v in query.items() if k.startswith("forcedisplay")}
        page = [{k: v for k, v in row.items() if k in shown} for row in rows[first : last + 1]]
        whole = len(page) == len(rows)
        said = f"{first}-{first + len(page) - 1}/{len(rows)}"
        answer: dict[str, Any] = {"totalcount": len(rows), "count": len(page), "data": page}
        if not page:
            del answer["data"]
        self._say(200 if whole else 206, answer, {"Content-Range": said, "Accept-Range": "990"})

    def _say(self, code: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
