"""Fixtures and rules that hold for every test.

Tests reach nothing but loopback, and with `CI` set a test that skips has failed: it would otherwise
protect nothing while everything looks green.
"""

import os
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest

from services import mosquitto as broker_process
from services.mosquitto import Broker, MakeBroker

LOOPBACK = ("127.", "::1", "localhost")
# A socket that is told "any address" connects to, or listens on, this machine.
HERE = ("", "0.0.0.0", "::")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MakeBroker]:
    """Start a broker with configuration lines of one's own: `mosquitto(["max_queued_messages 5"])`.

    Skips where there is no mosquitto. Every broker so made ends with the test.
    """
    why = broker_process.absent()
    if why:
        pytest.skip(why)
    started: list[Broker] = []

    def make(lines: Sequence[str] = ()) -> Broker:
        made = Broker.anonymous(tmp_path / f"mosquitto-{len(started)}", lines)
        started.append(made)
        made.start()
        return made

    yield make
    for each in started:
        each.stop()


@pytest.fixture
def broker(mosquitto: MakeBroker) -> Broker:
    """A running mosquitto on loopback that lets everyone in."""
    return mosquitto([])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "mosquitto" in getattr(item, "fixturenames", ()):
            item.add_marker("broker")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # An expected failure is reported as skipped too; it did run.
    if not hasattr(report, "wasxfail"):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") and report.outcome == "skipped":
        report.outcome = "failed"
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"{why}\nCI is set: a skipped test has failed."


def _refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        # Unix sockets are addressed by a path, not by a tuple.
        host = address[0] if isinstance(address, tuple) else ""
    elif event == "socket.getaddrinfo":
        host = arguments[0] or ""
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name not in HERE and not name.startswith(LOOPBACK):
        raise RuntimeError(f"a test reached for {name}: tests stay on loopback")


def pytest_configure() -> None:
    sys.addaudithook(_refuse_other_machines)
