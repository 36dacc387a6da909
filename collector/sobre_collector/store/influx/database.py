"""The seam between the series and a version of InfluxDB, and what its answers mean.

A database is what InfluxDB 2 calls a bucket. Points are written synchronously, and what returned
was stored: the server had answered that it has them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from sobre_drivers.errors import StoreError


class RefusedError(StoreError):
    """The database will not have these points, however often they come; some may be stored.

    Where points are not loads that can be set aside, this is an error like any other.
    """

    def __init__(self, problem: str, reason: str) -> None:
        self.reason = reason
        super().__init__(problem)


class MissingError(StoreError):
    """There is no such database."""


class Group(NamedTuple):
    """Rows of one series (or of none, then `tags` is empty) in an answer to a query."""

    name: str
    tags: dict[str, str]
    columns: list[str]
    values: list[list[Any]]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each row by column."""
        for row in self.values:
            yield dict(zip(self.columns, row, strict=True))


class Database(Protocol):
    """One InfluxDB. Every call raises StoreError where it cannot be reached or does not work."""

    def write(self, database: str, lines: str) -> None:
        """Store points; RefusedError if it will never have one of them."""
        ...

    def query(self, database: str, *statements: str, slow: bool = False) -> Iterator[Group]:
        """What InfluxQL statements answer, in their order; StoreError if the answer was cut.

        One that reads a whole database is `slow`, and is waited for longer.
        """
        ...

    def names(self) -> set[str]:
        """The databases that are there."""
        ...

    def create(self, database: str, keep_s: int | None = None) -> None:
        """Make a database if it is not there; its points go after `keep_s` (None: never)."""
        ...

    def drop(self, database: str) -> None:
        """Remove a database with all that is in it, if it is there."""
        ...

    def delete(
        self, database: str, measurement: str, tags: Mapping[str, str], first: int, last: int
    ) -> None:
        """Remove the points of some tags between two times (ns, inclusive)."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...


# Points that are refused for what they are, not for the state of the server: 400 no line protocol
# or a field of another type, 413 too many at once, 422 older than what is kept.
REFUSING = (400, 413, 422)
REACH = "see that InfluxDB runs and can be reached, and that influx.ca_file vouches for it"
_REMEDIES = {
    401: "look at its tokens or password",
    403: "its token or user may not do this: run `sobre influx setup` again",
    404: "run `sobre influx setup`",
    429: "it is busy: agents keep what they have",
    503: "it is busy: agents keep what they have",
}


def raise_for(status: int, body: bytes, where: str, writing: bool) -> None:
    """Raise what an answer means, unless it means success."""
    if 200 <= status < 300:
        return
    message = _message(body)
    if writing and status in REFUSING:
        raise RefusedError(f"{where}: refuses what is written ({message}); see its log", message)
    kind = MissingError if status == 404 and "not found" in message else StoreError
    remedy = _REMEDIES.get(status, "see its log")
    raise kind(f"{where}: answered {status} ({message}); {remedy}")


def groups(answer: Iterable[bytes], where: str, statements_n: int) -> Iterator[Group]:
    """The rows of a chunked answer; StoreError if a statement failed or the answer is not whole."""
    finished = 0
    for line in answer:
        if not line.strip():
            continue
        try:
            results = json.loads(line).get("results", ())
        except ValueError as error:
            raise StoreError(f"{where}: its answer was cut; it is asked again later") from error
        for result in results:
            if "error" in result:
                kind = MissingError if "not found" in result["error"] else StoreError
                raise kind(f"{where}: {result['error']}; run `sobre influx setup`")
            for series in result.get("series", ()):
                yield Group(
                    series.get("name", ""),
                    series.get("tags", {}),
                    series["columns"],
                    series.get("values", []),
                )
            finished += not result.get("partial", False)
    if finished < statements_n:
        raise StoreError(f"{where}: its answer was cut; it is asked again later")


def _message(body: bytes) -> str:
    try:
        found = json.loads(body)
        words = str(found.get("error") or found.get("message") or "")
    except (ValueError, AttributeError):
        words = ""
    return (words or body.decode("utf-8", "replace") or "no reason given")[:300]
