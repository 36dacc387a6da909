"""What was published, frozen: each row chained to the one before, with the inputs it came from."""

import json
from dataclasses import dataclass
from hashlib import sha256

from sobre_collector.store.schema import Database
from sobre_drivers.errors import StoreError


@dataclass(frozen=True, slots=True)
class Result:
    """What was published, and the hash that chains it to the one before."""

    number: int
    indicator_id: str
    content_json: str
    sha256: str


class Results:
    """Added to, never changed; inputs are kept once, under the hash of their content."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def put(
        self, indicator_id: str, content_json: str, inputs: dict[str, str] | None = None
    ) -> Result:
        """Freeze what was published together with its inputs (content by hash), in one step.

        StoreError if its version was published already, by somebody at the same time.
        """
        edition = _edition(content_json)
        with self._file.write() as db:
            for key, content in (inputs or {}).items():
                if key != sha256(content.encode()).hexdigest():
                    raise ValueError(f"input {key}: is not the hash of its content")
                db.execute("INSERT OR IGNORE INTO inputs VALUES (?, ?)", (key, content))
            there = self.all()
            if edition is not None and (indicator_id, edition) in {
                (one.indicator_id, _edition(one.content_json)) for one in there
            }:
                raise StoreError(
                    f"{self._file.path}: {indicator_id}, version {edition[1]} of {edition[0]} was "
                    "published meanwhile by another command; look at it, and publish again"
                )
            before = there[-1].sha256 if there else ""
            hashed = chained(before, indicator_id, content_json)
            number = db.execute(
                "INSERT INTO results (indicator_id, content_json, sha256) VALUES (?, ?, ?)",
                (indicator_id, content_json, hashed),
            ).lastrowid
        return Result(number or 0, indicator_id, content_json, hashed)

    def all(self) -> list[Result]:
        """All that was published, oldest first; StoreError if the chain is broken anywhere."""
        found = [Result(*row) for row in self._file.rows("SELECT * FROM results ORDER BY number")]
        before = ""
        for result in found:
            if result.sha256 != chained(before, result.indicator_id, result.content_json):
                raise StoreError(
                    f"{self._file.path}: result {result.number} ({result.indicator_id}) is not "
                    "what was published; restore the ledger's back-up"
                )
            before = result.sha256
        return found

    def input(self, key: str) -> str:
        """An input by its hash; StoreError if it is gone or is not what was frozen."""
        rows = self._file.rows("SELECT content FROM inputs WHERE sha256 = ?", (key,))
        if not rows:
            raise StoreError(
                f"{self._file.path}: input {key} is not there; restore the ledger's back-up"
            )
        content = str(rows[0][0])
        if sha256(content.encode()).hexdigest() != key:
            raise StoreError(
                f"{self._file.path}: input {key} is not what was frozen; restore the ledger's "
                "back-up, never edit a row"
            )
        return content


def _edition(content_json: str) -> tuple[int, int] | None:
    """Year and version of a record; None where it names none."""
    content = json.loads(content_json)
    try:
        return int(content["year"]), int(content["version"])
    except (KeyError, TypeError):
        return None


def chained(before: str, indicator_id: str, content_json: str) -> str:
    """The hash of a result after the one whose hash is `before` ("" for the first)."""
    # As a JSON list, so that no text can pass for the end of one part and the start of the next.
    return sha256(json.dumps([before, indicator_id, content_json]).encode()).hexdigest()
