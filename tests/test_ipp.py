"""Printers by IPP: what they say, when it changed, and a real one that prints."""

import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from ipp_bytes import WRITTEN, encoded, meter, number, said, state
from services import ippeveprinter
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.load import Origin
from sobre_drivers.meters import catalog, patience
from sobre_drivers.meters.configured import Login
from sobre_drivers.meters.ipp import client, driver, meaning, profile
from sobre_drivers.meters.ipp.meaning import Seen

HOST = "127.0.0.1"
IPP = profile.read(catalog.find("ipp-printer"))
METERED = profile.read(catalog.find("ipp-metered-printer"))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ((state(3),), "ready"),
        ((state(3, "media-low-warning"),), "ready"),
        ((state(3, "standby"),), "sleep"),
        ((state(3, "media-low-warning", "hibernate-report"),), "sleep"),
        ((state(4, "standby"),), "printing"),
        # Stopped: on, and nobody knows how warm.
        ((state(5, "media-jam-error"),), "unknown"),
        ((state(9),), "unknown"),
        ((), "unknown"),
        ((state(3), meter(True, state="suspend")), "sleep"),
        ((state(3), meter(True, state="off-soft")), "off"),
    ],
)
def test_a_state_is_told(attributes: tuple[bytes, ...], expected: str) -> None:
    assert meaning.seen(IPP, said(*attributes)).state == expected


@pytest.mark.parametrize(
    ("up", "changed", "since_s"), [(5000, 4100, 900), (100, 4100, None), (100, -1, None)]
)
def test_a_change_is_dated_by_the_printers_own_clock(
    up: int, changed: int, since_s: float | None
) -> None:
    attributes = said(
        state(3), number("printer-up-time", up), number("printer-state-change-time", changed)
    )
    assert meaning.seen(IPP, attributes).since_s == since_s


def test_one_that_never_says_that_it_sleeps_does_so_after_its_own_delay() -> None:
    from dataclasses import replace

    knows = replace(IPP, sleep_after_s=900.0)
    for up, expected in ((899, "ready"), (900, "sleep")):
        attributes = said(
            state(3), number("printer-up-time", up), number("printer-state-change-time", 0)
        )
        assert meaning.seen(knows, attributes).state == expected


def test_pages_are_those_of_the_profiles_unit() -> None:
    attributes = said(state(3), number("printer-impressions-completed", 812))
    assert meaning.seen(IPP, attributes).pages == 812
    assert meaning.seen(IPP, said(number("printer-media-sheets-completed", 400))).pages is None


def test_its_own_meter_is_read_if_it_is_one() -> None:
    metered = meaning.seen(METERED, said(state(3), meter(True)))
    assert (metered.register_uj, metered.power_w) == (123 * 3_600_000_000_000, 38)
    # What a profile estimates by state is no register beside it.
    assert meaning.seen(IPP, said(state(3), meter(True))).register_uj is None
    guessed = meaning.seen(METERED, said(state(3), meter(False)))
    assert (guessed.register_uj, guessed.power_w) == (None, None)


@pytest.mark.parametrize(
    ("before", "now", "mean_w"),
    [
        # Printing for the last 60 s of 600: 40 W before, 450 W since.
        ("ready", Seen("printing", since_s=60.0), (40 * 540 + 450 * 60) / 600),
        ("printing", Seen("sleep", since_s=500.0), (450 * 100 + 4 * 500) / 600),
        ("ready", Seen("ready", since_s=4000.0), 40),
        ("ready", Seen("printing"), None),
        # It cannot have been printing before it was seen ready.
        ("ready", Seen("printing", since_s=700.0), None),
        ("unknown", Seen("ready", since_s=60.0), None),
        ("ready", Seen("unknown", since_s=60.0), None),
    ],
)
def test_a_change_between_two_questions_makes_the_mean_exact(
    before: str, now: Seen, mean_w: float | None
) -> None:
    assert meaning.mean_w(IPP, before, now, 600.0) == mean_w


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"host": "", "serial_port": "/dev/null"}, r"host is missing"),
        ({"outlets": (1,)}, r"a printer has no outlets"),
        ({"login": Login("me", Path("/dev/null"))}, r"login\.username is not used"),
    ],
)
def test_settings_that_do_not_fit_are_refused(more: dict[str, Any], finding: str) -> None:
    known: dict[str, Any] = {"host": HOST}
    with pytest.raises(ConfigError, match=finding):
        catalog.describe(Meter(device="p", profile="ipp-printer", **known | more))


def test_a_printer_is_estimated_and_asked_seldom() -> None:
    (about,) = catalog.describe(Meter(device="p", profile="ipp-printer", host=HOST))
    assert (about.origin, about.method) == (
        Origin.ESTIMATED,
        "ipp ipp-printer, pages in impressions",
    )
    known = catalog.about(catalog.find("ipp-printer"))
    assert (known.sample_s, known.hours) == (600, "working")
    (metered,) = catalog.describe(Meter(device="p", profile="ipp-metered-printer", host=HOST))
    assert (metered.origin, metered.count_uj) == (Origin.MEASURED, 3_600_000_000_000)


class _Answers(BaseHTTPRequestHandler):
    """Says what the server was given: (HTTP status, type, body)."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, kind, body = self.server.says  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def web() -> Iterator[HTTPServer]:
    server = HTTPServer((HOST, 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("says", "finding"),
    [
        ((404, "text/html", b"no"), r"HTTP 404; check port and path"),
        ((200, "text/html", b"<html>"), r"an answer that is not IPP"),
        ((200, "application/ipp", b"\x01\x01"), r"ends in the middle"),
        ((200, "application/ipp", WRITTEN.replace(b"\0\0\0\7", b"\0\0\0\2", 1)), r"another quest"),
        ((200, "application/ipp", b"\1\1\4\6\0\0\0\1\3"), r"refused \(status 0x0406\)"),
        ((200, "application/ipp", b"\1\1\0\0\0\0\0\1\3"), r"does not say its state"),
        ((200, "application/ipp", b"\0" * (client.MAX_BYTES + 1)), r"more than 262144 bytes"),
    ],
    ids=["404", "html", "short", "another", "refused", "empty", "long"],
)
def test_an_answer_that_is_none_is_named(web: HTTPServer, says: object, finding: str) -> None:
    web.says = says  # type: ignore[attr-defined]
    port = int(web.server_address[1])
    meter = catalog.driver_for(Meter(device="p", profile="ipp-printer", host=HOST, port=port))
    with pytest.raises(MeterError, match=rf"^p \({HOST}:{port}\): .*{finding}"):
        meter.read()


def test_a_printer_is_asked_over_tls_where_its_authority_is_known(
    web: HTTPServer, tmp_path: Path
) -> None:
    """`login.ca_file`: its certificate is held against it."""
    files = []
    for name in ("own", "other"):
        authority = trustme.CA()
        files.append(tmp_path / f"{name}.pem")
        authority.cert_pem.write_to_path(files[-1])
        if name == "own":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(HOST).configure_cert(context)
            web.socket = context.wrap_socket(web.socket, server_side=True)
    web.says = (200, "application/ipp", b"\2\0\0\0\0\0\0\1\4" + state(3) + b"\3")  # type: ignore[attr-defined]
    port = int(web.server_address[1])
    own, other = (
        catalog.driver_for(
            Meter(
                device="p", profile="ipp-printer", host=HOST, port=port, login=Login(ca_file=file)
            )
        )
        for file in files
    )
    assert own.read()[0].state == "ready"
    with pytest.raises(MeterError, match=r"certificate is not accepted .* check login\.ca_file"):
        other.read()


def test_a_printer_that_is_away_is_named() -> None:
    silent = Meter(device="p", profile="ipp-printer", host=HOST, port=9, timeout_s=1)
    with pytest.raises(MeterError, match=r"^p .*no connection; check the address"):
        catalog.driver_for(silent).read()


def job(port: int) -> None:
    """Print-Job (0x0002), written from RFC 8011, 4.2.1."""
    operation = (
        encoded(0x47, "attributes-charset", b"utf-8")
        + encoded(0x48, "attributes-natural-language", b"en")
        + encoded(0x45, "printer-uri", b"ipp://localhost/ipp/print")
        + encoded(0x42, "requesting-user-name", b"test")
        + encoded(0x49, "document-format", b"image/urf")
    )
    body = bytes.fromhex("0101000200000001") + b"\x01" + operation + b"\x03" + b"UNIRAST\0"
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    connection.request("POST", "/ipp/print", body, {"Content-Type": "application/ipp"})
    answer = connection.getresponse()
    status = int.from_bytes(answer.read()[2:4], "big")
    connection.close()
    assert (answer.status, status) == (200, 0)


def test_a_dated_change_reaches_the_reading(
    web: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(driver, "monotonic", lambda: now_s[0])
    port = int(web.server_address[1])
    meter = catalog.driver_for(Meter(device="p", profile="ipp-printer", host=HOST, port=port))
    for request, (code, up) in enumerate(((3, 5000), (4, 5600)), 1):
        times = number("printer-up-time", up) + number("printer-state-change-time", up - 60)
        body = b"\2\0\0\0" + request.to_bytes(4, "big") + b"\4" + state(code) + times + b"\3"
        web.says = (200, "application/ipp", body)  # type: ignore[attr-defined]
        (reading,) = meter.read()
        now_s[0] += 600
    assert (reading.state, reading.mean) == ("printing", True)
    assert reading.power_w == (40 * 540 + 450 * 60) / 600


def test_a_real_printer_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CUPS' ippeveprinter runs a command for the job, which lasts until the test lets it end."""
    why = ippeveprinter.absent()
    if why:
        pytest.skip(why)
    # The test asks more often than any agent does.
    monkeypatch.setattr(patience.Patience, "rests", lambda self: False)
    done = tmp_path / "done"
    command = tmp_path / "print.sh"
    command.write_text(f"#!/bin/sh\nuntil [ -e {done} ]; do sleep 0.1; done\n", encoding="utf-8")
    command.chmod(0o700)
    with ippeveprinter.Printer(tmp_path / "printer", str(command)) as printer:
        known = Meter(device="p", profile="ipp-printer", host=HOST, port=printer.port, timeout_s=20)
        meter = catalog.driver_for(known)
        until(meter, "ready", since=3)
        (first,) = meter.read()
        assert (first.state, first.power_w, first.mean) == ("ready", 40, False)
        assert first.serial is not None
        assert first.pages is None, "this one does not count them"
        job(printer.port)
        until(meter, "printing")
        (printing,) = meter.read()
        # It goes on dating its state from its start, which cannot be.
        assert (printing.state, printing.power_w, printing.mean) == ("printing", 450, False)
        done.touch()
        until(meter, "ready")
        meter.close()


def until(meter: Any, state: str, since: float = 0) -> None:
    """Wait until it says that it has been in the state for so long (s)."""
    deadline_s = time.monotonic() + 30
    while True:
        shown = {each.name: each.value for each in meter.shown()}
        since_s = shown["since"]
        if shown["state"] == state and isinstance(since_s, float) and since_s >= since:
            return
        assert time.monotonic() < deadline_s, shown
        time.sleep(0.1)
