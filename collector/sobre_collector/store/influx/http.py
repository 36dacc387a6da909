"""InfluxDB over its own HTTP endpoints: all of 1.x, and the queries of every version.

InfluxQL at `/query` is what 1.x, 2.x and 3.x have in common.
"""

import base64
import http.client
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from sobre_collector.store.influx.database import REACH, Group, groups, raise_for
from sobre_collector.store.influx.lines import name, quoted
from sobre_drivers.errors import StoreError

CHUNK = 10_000
# What reads a whole database is waited for this many times longer.
SLOW = 12


class Http:
    """POST requests to one server; `authorization` is the header's value, None for none."""

    def __init__(
        self, url: str, timeout_s: float, authorization: str | None, ca_file: Path | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._headers = {"Authorization": authorization} if authorization else {}
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.url.startswith("https"):
            context = ssl.create_default_context(cafile=ca_file)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def post(
        self, path: str, parameters: dict[str, str], body: bytes, slow: bool = False
    ) -> Iterator[bytes]:
        """The answer line by line; RefusedError for lines that `/write` will never take."""
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        request = urllib.request.Request(url, body, self._headers, method="POST")
        try:
            timeout_s = self._timeout_s * (SLOW if slow else 1)
            with self._opener.open(request, timeout=timeout_s) as answer:
                yield from answer
                # A body that ends early leaves some of its length over.
                if answer.length:
                    raise StoreError(f"{self.url}: its answer was cut; it is asked again later")
        except urllib.error.HTTPError as error:
            with error:
                raise_for(error.code, error.read(), self.url, path == "/write")
            raise StoreError(f"{self.url}: answered {error.code}; see its log") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error or type(error).__name__
            raise StoreError(f"{self.url}: no answer ({reason}); {REACH}") from error

    def query(self, database: str, *statements: str, slow: bool = False) -> Iterator[Group]:
        """What InfluxQL statements answer, in chunks, so that a long answer fits in memory."""
        parameters = {"epoch": "ns", "chunked": "true", "chunk_size": str(CHUNK)}
        if database:
            parameters["db"] = database
        body = urllib.parse.urlencode({"q": ";".join(statements)}).encode()
        answer = self.post("/query", parameters, body, slow)
        yield from groups(answer, self.url, len(statements))


class Influx1:
    """InfluxDB 1.x: `/write` and `/query`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def write(self, database: str, lines: str) -> None:
        """Store points; RefusedError if one of them cannot be stored."""
        parameters = {"db": database, "precision": "ns"}
        for _ in self._http.post("/write", parameters, lines.encode()):
            pass

    def query(self, database: str, *statements: str, slow: bool = False) -> Iterator[Group]:
        """What InfluxQL statements answer."""
        return self._http.query(database, *statements, slow=slow)

    def names(self) -> set[str]:
        """The databases that are there."""
        found = self._http.query("", "SHOW DATABASES")
        return {row[0] for group in found for row in group.values}

    def create(self, database: str, keep_s: int | None = None) -> None:
        """Make a database with its retention, if it is not there."""
        # One that is there with another retention would be an error.
        if database in self.names():
            return
        duration = "INF" if keep_s is None else f"{keep_s}s"
        policy = f"WITH DURATION {duration} REPLICATION 1 NAME {name('autogen')}"
        list(self._http.query("", f"CREATE DATABASE {name(database)} {policy}"))

    def drop(self, database: str) -> None:
        """Remove a database."""
        list(self._http.query("", f"DROP DATABASE {name(database)}"))

    def delete(
        self, database: str, measurement: str, tags: Mapping[str, str], first: int, last: int
    ) -> None:
        """Remove the points of some tags between two times (ns, inclusive)."""
        conditions = [f"{name(key)} = {quoted(value)}" for key, value in tags.items()]
        conditions += [f"time >= {first}", f"time <= {last}"]
        statement = f"DELETE FROM {name(measurement)} WHERE {' AND '.join(conditions)}"
        list(self._http.query(database, statement))

    def close(self) -> None:
        """Nothing is kept open."""


def basic(username: str, password: str) -> str:
    """The header by which a user of 1.x is known."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
