"""Fixtures for tests that read a PDU: `pytest_plugins = ("meters.fixtures",)` in their module."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meters.rack import RackPdu, start


@pytest.fixture
def start_rack_pdu(tmp_path: Path) -> Iterator[Callable[..., RackPdu]]:
    """Start a rack PDU on a free port: `start_rack_pdu("--seed", "3")`; it ends with the test.

    One that is started again goes on where it was: its files stay in the test's folder.
    """
    started: list[RackPdu] = []

    def made(*options: str) -> RackPdu:
        started.append(start(tmp_path, *options))
        return started[-1]

    yield made
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


@pytest.fixture
def rack_pdu(start_rack_pdu: Callable[..., RackPdu]) -> RackPdu:
    """A running rack PDU of eight outlets."""
    return start_rack_pdu()
