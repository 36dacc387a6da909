"""InfluxDB 2.x: writes, buckets and deletions through influxdb-client, queries as InfluxQL.

The client's batching writer loses points without an exception: the synchronous one is used, and one
text for all lines, since a Point object for each costs twenty times as much. The client has no
InfluxQL; 2.x answers it at `/query` for every bucket under the bucket's name.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from sobre_collector.store.influx.database import REACH, Group, raise_for
from sobre_collector.store.influx.http import Http
from sobre_drivers.errors import StoreError

# The most that 2.x lists at once.
PAGE = 100


class Influx2:
    """One organisation of an InfluxDB 2.x; it needs a token that writes, one that reads, or both.

    Without `write_token` nothing can be changed.
    """

    def __init__(
        self,
        url: str,
        org: str,
        read_token: str,
        write_token: str | None,
        timeout_s: float,
        ca_file: Path | None = None,
    ) -> None:
        self._url, self._org = url.rstrip("/"), org
        self._http = Http(url, timeout_s, f"Token {read_token}", ca_file)
        # Most of the client's functions have no types.
        options: dict[str, Any] = {
            "timeout": round(timeout_s * 1000),
            "ssl_ca_cert": None if ca_file is None else str(ca_file),
        }
        self._reader: Any = InfluxDBClient(self._url, read_token, org=org, **options)
        self._writer: Any = None
        if write_token is not None:
            self._writer = InfluxDBClient(self._url, write_token, org=org, **options)
            self._write_api: Any = self._writer.write_api(write_options=SYNCHRONOUS)
        self._org_id: str | None = None

    def write(self, database: str, lines: str) -> None:
        """Store points; RefusedError if one of them cannot be stored."""
        self._writing()
        with self._translated(writing=True):
            self._write_api.write(
                database, self._org, lines.encode(), write_precision=WritePrecision.NS
            )

    def query(self, database: str, *statements: str, slow: bool = False) -> Iterator[Group]:
        """What InfluxQL statements answer."""
        return self._http.query(database, *statements, slow=slow)

    def names(self) -> set[str]:
        """The buckets that the reading token sees."""
        with self._translated():
            return set(self._buckets())

    def create(self, database: str, keep_s: int | None = None) -> None:
        """Make a bucket with its retention, if it is not there."""
        writer = self._writing()
        with self._translated():
            if database in self._buckets():
                return
            rules = [] if keep_s is None else [{"type": "expire", "everySeconds": keep_s}]
            writer.buckets_api().create_bucket(
                bucket_name=database, org=self._organisation(), retention_rules=rules
            )

    def drop(self, database: str) -> None:
        """Remove a bucket, if it is there."""
        writer = self._writing()
        with self._translated():
            found = self._buckets().get(database)
            if found is not None:
                writer.buckets_api().delete_bucket(found)

    def delete(
        self, database: str, measurement: str, tags: Mapping[str, str], first: int, last: int
    ) -> None:
        """Remove the points of some tags between two times (ns, inclusive)."""
        writer = self._writing()
        conditions = [f'_measurement="{measurement}"']
        conditions += [f'{key}="{value}"' for key, value in tags.items()]
        with self._translated():
            writer.delete_api().delete(
                _rfc3339(first), _rfc3339(last), " AND ".join(conditions), database, self._org
            )

    def close(self) -> None:
        """Give the connections back."""
        self._reader.close()
        if self._writer is not None:
            self._write_api.close()
            self._writer.close()

    def _writing(self) -> Any:
        if self._writer is None:
            raise StoreError(f"{self._url}: nothing is written without a token; name one")
        return self._writer

    def _buckets(self) -> dict[str, str]:
        """All buckets with their ids: asked for by name, one that is not there is an error."""
        found: dict[str, str] = {}
        while True:
            page = self._reader.buckets_api().find_buckets(
                org=self._org, limit=PAGE, offset=len(found)
            )
            found |= {bucket.name: bucket.id for bucket in page.buckets}
            if len(page.buckets) < PAGE:
                return found

    def _organisation(self) -> str:
        if self._org_id is None:
            found = self._reader.organizations_api().find_organizations(org=self._org)
            self._org_id = str(found[0].id)
        return self._org_id

    def _translated(self, writing: bool = False) -> AbstractContextManager[None]:
        return translated(self._url, writing)


@contextmanager
def translated(url: str, writing: bool = False) -> Iterator[None]:
    """Turn what the client raises into StoreError, or RefusedError for points that it wrote."""
    try:
        yield
    except ApiException as error:
        if error.status:
            body = error.body or b""
            found = body if isinstance(body, bytes) else str(body).encode()
            raise_for(int(error.status), found, url, writing)
        reason = " ".join(str(error.reason).split())
        raise StoreError(f"{url}: no answer ({reason}); {REACH}") from error
    except (HTTPError, OSError) as error:
        raise StoreError(f"{url}: no answer ({error}); {REACH}") from error


def _rfc3339(ns: int) -> str:
    seconds, rest = divmod(ns, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{rest:09}Z"
