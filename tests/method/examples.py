"""Where worked examples are read: the published ones from ../shared, our own from this folder."""

import json
from pathlib import Path
from typing import Any

import pytest

OWN = Path(__file__).parent
PUBLISHED = OWN.parents[2] / "shared" / "method" / "worked_examples.json"
CAPTURES = OWN.parents[2] / "shared" / "captures"


def own(name: str) -> dict[str, Any]:
    """An example of ours: what is given, what comes out, and how that was found."""
    loaded: dict[str, Any] = json.loads((OWN / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def published(name: str) -> dict[str, Any]:
    """A published example, or a skip with the reason; mark the test `shared`."""
    if not PUBLISHED.exists():
        pytest.skip("../shared/method is not there")
    loaded: dict[str, Any] = json.loads(PUBLISHED.read_text(encoding="utf-8"))[name]
    return loaded
