"""`sobre doctor`: what is wrong is found, and looking changes nothing."""

import json
import shutil
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from services.mosquitto import Broker
from sobre_collector.cli import main
from sobre_collector.rows import Arrival, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin

STREAM = "00000000-0000-4000-8000-000000000001"
METER, PC = Key("reader", "pdu-a3"), Key("pc-1", "pc-1")


def arrival(key: Key, end: int, personal: bool, reason: str | None = None) -> Arrival:
    load = Load(key.device, 1, end, 60, 100, 100, Origin.MEASURED)
    return Arrival(key.node, STREAM, load, personal, end, reason)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with a PC and a meter that both were heard of a minute ago."""
    now = int(time.time())
    ledger, series = Ledger(tmp_path / "ledger.db"), SqliteSeries(tmp_path)
    ledger.put_device(Device(PC, "workstation.laptop", "o", "s", "model", 90.0, 0.3, now))
    ledger.put_device(Device(METER, "pdu", "o", "s", "meter", 7000.0, 0.01, now))
    series.append([arrival(PC, now - 60, True), arrival(METER, now - 60, False)])
    series.close()
    ledger.close()
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the last finding of each subject."""
    code = main(["doctor", *words, "--json"])
    return code, {each["subject"]: each for each in json.loads(capsys.readouterr().out)}


def test_a_healthy_store_has_no_remedy(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = told(capsys, "--data", str(data))
    assert code == 0
    names = ("versions", "store series.db", "store ledger.db", "loads", "infrastructure")
    assert {found[name]["level"] for name in (*names, "quarantine", "jobs")} == {"OK"}
    assert main(["doctor", "--data", str(data)]) == 0
    assert "OK   quarantine: empty" in capsys.readouterr().out


def test_a_meter_that_is_silent_is_named_and_a_pc_is_not(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + 3 * 3_600
    monkeypatch.setattr(time, "time", lambda: later)
    code, found = told(capsys, "--data", str(data))
    assert code == 0
    assert found["infrastructure"]["level"] == "WARN"
    assert found["infrastructure"]["text"] == "1 silent: pdu-a3 (node reader) (3 h)"


def test_what_was_set_aside_is_counted_by_reason(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    series = SqliteSeries(data)
    series.append([arrival(Key("x", "x"), int(time.time()) - 60, False, "unknown-device")])
    series.quarantine("x", b"{", "no JSON", int(time.time()))
    series.quarantine("x", b"[", "no JSON", int(time.time()))
    series.close()
    _, found = told(capsys, "--data", str(data))
    assert found["quarantine"]["level"] == "WARN"
    assert found["quarantine"]["text"] == "3 set aside: 2 × no JSON, 1 × unknown-device"


def test_a_joule_that_would_count_twice_fails(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The meter has no line of its own, so that it counts as well as what it feeds.
    (data / "metering.csv").write_text(
        "node,device,fed_by_node,fed_by,counts,until\npc-1,pc-1,reader,pdu-a3,yes,\n"
        "reader,pdu-a3,,,no,2020-12-31\n",
        "utf-8",
    )
    (data / "perimeter.toml").write_text(
        '[[organisations]]\nid = "o"\nname = "O"\n[[sites]]\nid = "s"\nname = "S"\n'
        '[baseline]\nyear = 2022\nkind = "measured"\n[files]\nmetering = "metering.csv"\n',
        "utf-8",
    )
    code, found = told(capsys, "--data", str(data))
    assert (code, found["metering"]["level"]) == (1, "FAIL")
    assert "pc-1 counts, and so does pdu-a3 (node reader)" in found["metering"]["text"]


def test_jobs_that_do_not_keep_up_are_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger(data / "ledger.db")
    ledger.record_job("days", "2020-01", 0, "built")
    ledger.record_job("conservation", "2020-01-03", 0, "{}")
    ledger.close()
    _, found = told(capsys, "--data", str(data))
    assert found["jobs"]["level"] == "WARN"
    assert found["jobs"]["text"] == (
        "conservation last done for 2020-01-03; backup last done for no night; "
        "month 2020-01 is not closed, and its workstations are not forgotten"
    )


def test_a_store_of_a_newer_version_fails_and_is_left_as_it_is(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = sqlite3.connect(data / "series.db")
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    before = (data / "series.db").read_bytes()
    code, found = told(capsys, "--data", str(data))
    assert code == 1
    assert found["store series.db"]["level"] == "FAIL"
    assert found["store series.db"]["text"].startswith("version 99")
    assert (data / "series.db").read_bytes() == before


def test_a_file_that_is_no_store_fails(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "ledger.db").write_bytes(b"not a database, whatever it is called" * 50)
    code, found = told(capsys, "--data", str(data))
    assert code == 1
    assert found["store ledger.db"]["remedy"].startswith("restore its back-up")


def test_a_full_disk_fails_before_it_stops_anything(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A disk that is really full cannot be had without root.
    usage = shutil.disk_usage(data)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**6))
    code, found = told(capsys, "--data", str(data))
    assert (code, found["disk"]["level"]) == (1, "FAIL")


def test_a_folder_without_a_store_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = told(capsys, "--data", str(tmp_path))
    assert (code, found["store ledger.db"]["level"]) == (0, "WARN")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["doctor", "check"])
def test_a_folder_that_is_not_there_is_refused_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "--data", str(tmp_path / "nowhere")]) == 2
    assert "no such folder; name the collector's data folder" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def config(folder: Path, port: int, tls: str = "off") -> str:
    path = folder / "collector.toml"
    path.write_text(f'data = "."\n[mqtt]\nport = {port}\ntls = "{tls}"\n', "utf-8")
    return str(path)


def test_a_broker_that_answers_is_ok(
    data: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = told(capsys, "--config", config(data, broker.port))
    assert (code, found["broker"]["level"]) == (0, "OK")
    # The same broker speaks no TLS.
    code, found = told(capsys, "--config", config(data, broker.port, "on"))
    assert (code, found["broker"]["level"]) == (1, "FAIL")


def test_a_broker_that_does_not_answer_fails(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        code, found = told(capsys, "--config", config(data, taken.getsockname()[1]))
    assert (code, found["broker"]["level"]) == (1, "FAIL")
    assert "start it" in found["broker"]["remedy"]


def test_a_mistake_in_the_settings_is_a_finding(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data / "collector.toml"
    path.write_text("[mqtt]\nprot = 1883\n", "utf-8")
    code, found = told(capsys, "--config", str(path))
    assert code == 1
    assert "did you mean 'port'?" in found["settings"]["text"]
