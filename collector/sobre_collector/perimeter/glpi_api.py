"""GLPI's REST API (apirest.php): a session, its lists page by page, and its end.

What is not counted is not asked for; the names that GLPI sends all the same are dropped as they
come.
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from sobre_collector.perimeter.glpi import ApiTable, Item, Person
from sobre_collector.perimeter.glpi_csv import day, entities, plain
from sobre_drivers.errors import ConfigError, WireError

TIMEOUT_S = 60.0
MAX_BYTES = 64 << 20
# What is read, by the table and field behind GLPI's search options, whose numbers vary.
FIELDS = {
    "entity": ("glpi_entities", "completename"),
    "location": ("glpi_locations", "completename"),
    "status": ("glpi_states", "completename"),
    "started": ("glpi_infocoms", "use_date"),
    "decommissioned": ("glpi_infocoms", "decommission_date"),
    "active": ("glpi_users", "is_active"),
}
TYPES = {"Computer": ("glpi_computertypes", "name")}
_RANGE = re.compile(r"(\d+)-(\d+)/(\d+)")


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: another address would be handed our tokens."""


class Glpi:
    """An open session; `session` opens and ends it."""

    def __init__(self, table: ApiTable, app_token: str, opener: OpenerDirector) -> None:
        self._table, self._opener = table, opener
        self._headers = {"App-Token": app_token, "Content-Type": "application/json"}

    def items(self, kind: str) -> Iterator[Item]:
        """The equipment of one kind, deleted and templates left out (that is GLPI's default)."""
        wanted = {k: FIELDS[k] for k in ("entity", "location", "status", "decommissioned")}
        wanted |= {"started": FIELDS["started"]}
        if kind in TYPES:
            wanted["type"] = TYPES[kind]
        for row in self._search(kind, wanted, optional=("started", "decommissioned")):
            yield Item(
                kind,
                plain(row["entity"]),
                plain(row["location"]),
                plain(row.get("type")),
                plain(row["status"]),
                _day(row.get("started")),
                _day(row.get("decommissioned")),
            )

    def people(self) -> Iterator[Person]:
        """The accounts, active or not, with the entities that each belongs to."""
        for row in self._search("User", {k: FIELDS[k] for k in ("entity", "active")}):
            given = row["entity"]
            names = given if isinstance(given, list) else [given]
            found = [one for name in names for one in entities(plain(name))]
            yield Person(plain(row["active"]) in ("1", "Yes", "Oui"), tuple(found))

    def get(self, path: str, **query: str) -> tuple[Any, Message]:
        """The JSON of an answer and its headers."""
        address = f"{self._table.url.rstrip('/')}/{path}"
        if query:
            address += "?" + urlencode(query)
        return self.ask(Request(address, headers=self._headers))

    def ask(self, request: Request) -> tuple[Any, Message]:
        """The answer to a request; ConfigError where GLPI refuses us, WireError for the rest."""
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                data = answer.read(MAX_BYTES + 1)
                headers = answer.headers
        except HTTPError as error:
            with error:
                raise _refused(request, error) from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise WireError(f"{self._table.url}: {reason}; is GLPI there?") from error
        if len(data) > MAX_BYTES:
            raise WireError(f"{self._table.url}: more than {MAX_BYTES} bytes; lower api.page")
        try:
            return json.loads(data), headers
        except ValueError as error:
            raise WireError(
                f"{self._table.url}: answered no JSON; its address ends in apirest.php"
            ) from error

    def use(self, session_token: str) -> None:
        """Speak under a session from now on."""
        self._headers["Session-Token"] = session_token

    def _search(
        self, kind: str, wanted: Mapping[str, tuple[str, str]], optional: tuple[str, ...] = ()
    ) -> Iterator[dict[str, Any]]:
        numbers = self._options(kind, wanted, optional)
        columns = {f"forcedisplay[{n}]": number for n, number in enumerate(numbers.values())}
        begin, total = 0, None
        while total is None or begin < total:
            asked = {"range": f"{begin}-{begin + self._table.page - 1}", "sort": "2", **columns}
            found, headers = self.get(f"search/{quote(kind)}", **asked)
            rows, whole = _page(found, headers, f"{self._table.url} {kind}", begin)
            if total is not None and whole != total:
                raise WireError(f"{kind}: {total} items became {whole} while read; run it again")
            total = whole
            for row in rows:
                if not set(numbers.values()) <= row.keys():
                    raise WireError(f"{kind}: an item lacks a column; read it with enough rights")
                yield {key: row[number] for key, number in numbers.items()}
            begin += len(rows)

    def _options(
        self, kind: str, wanted: Mapping[str, tuple[str, str]], optional: tuple[str, ...]
    ) -> dict[str, str]:
        """The number of the search option of each thing wanted."""
        listed, _ = self.get(f"listSearchOptions/{quote(kind)}")
        behind: dict[tuple[Any, Any], str] = {}
        for number, option in listed.items() if isinstance(listed, dict) else ():
            if isinstance(option, dict):
                behind.setdefault((option.get("table"), option.get("field")), number)
        lacking = [k for k, place in wanted.items() if place not in behind and k not in optional]
        if lacking:
            raise WireError(f"{kind}: GLPI has no search option for {', '.join(lacking)}")
        return {key: behind[place] for key, place in wanted.items() if place in behind}


@contextmanager
def session(table: ApiTable, app_token: str, user_token: str) -> Iterator[Glpi]:
    """A session over all entities, ended whatever happens; nothing in GLPI is changed."""
    _safe(table.url)
    glpi = Glpi(table, app_token, build_opener(_Stay))
    base = table.url.rstrip("/")
    headers = {"App-Token": app_token, "Authorization": f"user_token {user_token}"}
    opened, _ = glpi.ask(Request(f"{base}/initSession", headers=headers))
    token = opened.get("session_token") if isinstance(opened, dict) else None
    if not isinstance(token, str):
        raise WireError(f"{table.url}: opened no session; its address ends in apirest.php")
    glpi.use(token)
    try:
        # A session begins in its account's own entity; without this, the others are not seen.
        body = json.dumps({"entities_id": "all", "is_recursive": True}).encode()
        own = {
            "App-Token": app_token,
            "Session-Token": token,
            "Content-Type": "application/json",
        }
        glpi.ask(Request(f"{base}/changeActiveEntities", body, own, method="POST"))
        yield glpi
    finally:
        glpi.get("killSession")


def _page(found: Any, headers: Message, what: str, begin: int) -> tuple[list[dict[str, Any]], int]:
    """The rows of a page and how many there are in all; WireError unless both say the same."""
    if not isinstance(found, dict) or not isinstance(found.get("totalcount"), int):
        raise WireError(f"{what}: the answer is no list")
    total, data = found["totalcount"], found.get("data") or []
    rows = list(data.values()) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise WireError(f"{what}: the answer is no list of items")
    said = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if rows and said is not None and (int(said[1]), int(said[3])) != (begin, total):
        raise WireError(f"{what}: asked from {begin}, got {said[0]} of {total}; run it again")
    if not rows and begin < total:
        raise WireError(f"{what}: {begin} items came of {total}; lower api.page")
    return rows, total


def _refused(request: Request, error: HTTPError) -> ConfigError | WireError:
    try:
        told = json.loads(error.read(4096))
        code = str(told[0]) if isinstance(told, list) and told else ""
    except ValueError:
        code = ""
    address = urlsplit(request.full_url)
    where = f"{address.scheme}://{address.netloc}{address.path}"
    if error.code in (400, 401, 403):
        return ConfigError(
            f"{where}: refused ({code or error.code}); check both tokens, that the account may "
            "read, and that the API client allows this address"
        )
    return WireError(f"{where}: answered {error.code} {code}".rstrip())


def _safe(url: str) -> None:
    address = urlsplit(url)
    host = address.hostname or ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if address.scheme != "https" and not (address.scheme == "http" and near):
        raise ConfigError(f"api.url {url!r}: https is needed, for tokens go with each question")


def _day(value: Any) -> date | None:
    # The API writes dates as the database does, whatever its account prefers to see.
    try:
        return day(plain(value), "ymd")
    except ValueError as error:
        raise WireError(str(error)) from error
