"""What would be sent, as `sobre-agent once` prints it."""

import hmac
import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sobre_agent import config as agent_config
from sobre_agent import identity
from sobre_agent.cli import main
from sobre_agent.commands import once
from sobre_agent.config import AgentConfig
from sobre_agent.sources import Source
from sobre_drivers import birth, wire
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.load import Load, Origin
from sobre_drivers.meters import catalog
from sobre_drivers.sample import Described, Instant, Reading

PROFILE = sorted(catalog.paths())[0]
PARIS = ZoneInfo("Europe/Paris")
CONFIG = AgentConfig(organisation="ville", site="mairie", node="pc-1")


@dataclass
class Meter:
    """A driver that shows what the test wrote down, then fails."""

    described: Described
    shows: list[Reading]
    name: str = "meter"
    closed: bool = False

    def describe(self) -> Sequence[Described]:
        return [self.described]

    def read(self) -> Sequence[Reading]:
        if not self.shows:
            raise MeterError("pdu-a3: no answer within 3 s; is it switched on?")
        return [self.shows.pop(0)]

    def close(self) -> None:
        self.closed = True


@dataclass
class HandClock:
    """A clock that moves only while the command pauses: a minute each time."""

    at_s: float = datetime(2026, 11, 24, 10, 0, tzinfo=PARIS).timestamp()
    pauses: list[float] = field(default_factory=list)

    def now(self) -> Instant:
        return Instant(self.at_s, self.at_s, self.at_s)

    def pause(self, span_s: float) -> None:
        self.pauses.append(span_s)
        self.at_s += 60


def by_power(*powers_w: float) -> Meter:
    described = Described("pc-1", "workstation.laptop", 150, "by hand", Origin.ESTIMATED, 0.25)
    return Meter(described, [Reading("pc-1", power_w=w, state="on") for w in powers_w])


OUTLET = Described("pdu-a3", "pdu", 3680, "register", Origin.MEASURED)


def by_register(*registers_uj: int) -> Meter:
    return Meter(OUTLET, [Reading("pdu-a3", register_uj=uj) for uj in registers_uj])


def look(*drivers: Meter) -> once.Look:
    clock = HandClock()
    asked = [Source(driver.name, driver, 60.0, "hour") for driver in drivers]
    seen = once.look(CONFIG, "pc-1", asked, clock, clock.pause)
    assert clock.pauses == [once.BETWEEN_S]
    return seen


def test_the_loads_shown_are_those_that_a_collector_would_read() -> None:
    seen = look(by_power(100.0, 140.0), by_register(5_000_000_000, 5_120_000_000))
    end = int(HandClock().at_s) + 60
    payloads = dict(seen.messages)
    assert list(payloads) == [
        "sobre/v1/pc-1/birth/pc-1",
        "sobre/v1/pc-1/birth/pdu-a3",
        "sobre/v1/pc-1/load",
    ]
    assert wire.decode_batch(payloads["sobre/v1/pc-1/load"]).loads == (
        # 60 s from 100 W to 140 W; then 120 J between two readings of a register.
        Load("pc-1", 1, end, 60, 7200, 7200, Origin.ESTIMATED, {"on": 60}, 140),
        Load("pdu-a3", 1, end, 60, 120, 120, Origin.MEASURED),
    )
    born = birth.decode(payloads["sobre/v1/pc-1/birth/pc-1"])
    assert (born.device_class, born.organisation, born.site) == (
        "workstation.laptop",
        "ville",
        "mairie",
    )
    assert (born.method, born.origin, born.uncertainty_ratio) == (
        "by hand",
        Origin.ESTIMATED,
        0.25,
    )


def test_the_table_names_power_method_origin_and_error() -> None:
    text = once.as_text(look(by_power(100.0, 140.0), by_register(0, 120_000_000)), True)
    assert "pc-1      140.0  by hand   estimated  ± 25 %" in text
    # A meter without a power of its own: 120 J in 60 s.
    assert "pdu-a3      2.0  register  measured   not stated" in text
    assert "Nothing was sent." in text
    assert "There is no configuration" not in text


@pytest.mark.parametrize(
    "silent",
    [by_register(), by_register(5_000_000_000), Meter(OUTLET, [Reading("pdu-a3", power_w=7.0)])],
    ids=["silent-from-the-start", "register-then-silent", "power-then-silent"],
)
def test_a_silent_meter_says_why_and_hides_no_other(silent: Meter) -> None:
    seen = look(silent, by_power(100.0, 100.0))
    failed, fine = seen.rows
    assert failed.power_w is None
    assert failed.problem == "pdu-a3: no answer within 3 s; is it switched on?"
    assert (fine.power_w, fine.problem) == (100.0, None)
    assert "no answer within 3 s" in once.as_text(seen, True)
    loads = wire.decode_batch(dict(seen.messages)["sobre/v1/pc-1/load"]).loads
    assert [load.device for load in loads] == ["pc-1"]


def test_once_fails_when_a_meter_does_not_answer_and_shows_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody answers there while the test runs.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        path = write_config(tmp_path, 'node = "pc-1"')
        meter = f'device = "pdu-a3"\nprofile = "{PROFILE}"\nhost = "127.0.0.1"\nport = {port}\n'
        path.write_text(f"{path.read_text()}\n[[meters]]\n{meter}timeout_s = 1.0\n")
        assert main(["once", "--config", str(path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    problems = {row["device"]: row["problem"] for row in told["devices"]}
    assert problems.pop("pc-1") is None
    assert problems
    assert all(problems.values())


def test_json_holds_the_exact_bytes_and_says_that_they_were_not_sent() -> None:
    seen = look(by_power(100.0, 140.0))
    told = json.loads(once.as_json(seen))
    assert told["sent"] is False
    assert [(m["topic"], m["payload"].encode()) for m in told["would_send"]] == [*seen.messages]


def test_once_needs_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(agent_config, "DEFAULT_PATH", tmp_path / "none.toml")
    assert main(["once", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["node"] == "this-pc"
    (device,) = told["devices"]
    assert device["power_w"] > 0
    assert device["uncertainty_ratio"] > 0
    topics = [message["topic"] for message in told["would_send"]]
    assert topics == ["sobre/v1/this-pc/birth/this-pc", "sobre/v1/this-pc/load"]


def test_once_has_no_way_to_send() -> None:
    program = (
        "import sys; from sobre_agent.cli import main; main(['once', '--json']);"
        "print([m for m in ('paho', 'ssl', 'pymodbus') if m in sys.modules], file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stderr.strip() == "[]"


def write_config(tmp_path: Path, more: str = "") -> Path:
    key = tmp_path / "organisation.key"
    key.write_bytes(bytes(range(32)))
    path = tmp_path / "agent.toml"
    path.write_text(
        f'organisation = "ville"\nsite = "mairie"\norganisation_key_file = "{key}"\n'
        f'{more}\n[spool]\nfolder = "{tmp_path / "spool"}"\n'
    )
    return path


def test_without_a_name_a_pc_is_called_by_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["once", "--config", str(write_config(tmp_path)), "--json"]
    try:
        machine = identity.machine_id()
    except ConfigError:
        # A container without a machine id: the name has to be given.
        assert main(words) == 2
        return
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    hashed = hmac.new(bytes(range(32)), machine.encode(), "sha256").hexdigest()
    assert told["node"] == told["devices"][0]["device"] == f"pc-{hashed[:16]}"


def test_a_wrong_configuration_stops_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["once", "--config", str(write_config(tmp_path, "nodee = 1"))]) == 2
    assert "did you mean 'node'?" in capsys.readouterr().err
