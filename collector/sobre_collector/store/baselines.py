"""Versions of the baseline: each that a published result was drawn from, with the reason."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sobre_collector.store.chain import Chain, Link
from sobre_collector.store.schema import Database
from sobre_drivers.errors import ConfigError


@dataclass(frozen=True, slots=True)
class BaselineVersion:
    """A version, from 1: when it was recorded (Unix seconds), why, its facts, and its hash."""

    version: int
    at: int
    reason: str
    facts: Mapping[str, Any]
    sha256: str


class Baselines:
    """Added to when a result is published from a baseline that is not the last one."""

    def __init__(self, file: Database) -> None:
        self._chain = Chain(
            file, "baselines", lambda content: f"of {json.loads(content)['facts']['year']}"
        )

    def all(self) -> list[BaselineVersion]:
        """Every version, oldest first; StoreError names the first that was changed."""
        return [_version(link) for link in self._chain.links()]

    def record(self, facts: Mapping[str, Any], reason: str, at: int) -> BaselineVersion:
        """The version that has these facts: the last one, or a new one.

        ConfigError if they differ from the last version's and no reason is given.
        """
        there = self.all()
        if there and there[-1].facts == json.loads(json.dumps(facts)):
            return there[-1]
        if there and not reason.strip():
            changed = ", ".join(differing(there[-1].facts, facts))
            raise ConfigError(
                f"baseline: {changed} differ from version {there[-1].version}, which was published "
                "from; undo the change, or say why with --baseline-reason"
            )
        first = reason.strip() or "the first version"

        def content(_: list[Link]) -> str:
            return json.dumps({"facts": facts, "reason": first}, sort_keys=True)

        return _version(self._chain.append(content, at))


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of the facts that are not the same in both."""
    told = json.loads(json.dumps(after))
    return sorted(k for k in before.keys() | told.keys() if before.get(k) != told.get(k))


def _version(link: Link) -> BaselineVersion:
    told = json.loads(link.content)
    return BaselineVersion(link.number, link.at, told["reason"], told["facts"], link.sha256)
