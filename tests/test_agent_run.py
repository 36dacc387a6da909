"""The agent as a process: started, killed, stopped, refused, against a real broker and spool."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from services.mosquitto import Broker
from services.ports import free_port
from sobre_agent.spool import Counts, Spool
from sobre_drivers.load import Load
from sobre_drivers.topics import parse
from sobre_drivers.wire import Answer, decode_batch, encode_answer

WITHIN_S = 30


def configured(folder: Path, port: int = 1, pace: str = "as-closed", more: str = "") -> Path:
    path = folder / "agent.toml"
    path.write_text(
        f"""
organisation = "ville"
site = "mairie"
node = "pc-1"
status_file = "{folder}/status.json"
{more}
[mqtt]
host = "127.0.0.1"
port = {port}
[spool]
folder = "{folder}/spool"
[delivery]
pace = "{pace}"
confirm_timeout_s = 0.5
retry_max_s = 2.0
[host]
sample_s = 1
load = "minute"
"""
    )
    return path


def command(config: Path, name: str = "run") -> list[str]:
    return [sys.executable, "-m", "sobre_agent", name, "--config", str(config)]


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    with (config.parent / "log").open("a") as log:
        process = subprocess.Popen(command(config), stderr=log, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def status(folder: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((folder / "status.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def sampled(folder: Path, since: float) -> Callable[[], bool]:
    return lambda: float(str(status(folder).get("time", 0))) > since


def stopped(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(WITHIN_S)


def counts(folder: Path) -> Counts:
    with closing(Spool(folder / "spool")) as spool:
        return spool.counts()


class Collector:
    """Keeps and confirms whatever comes."""

    def __init__(self, port: int) -> None:
        self.loads: dict[tuple[str, int], Load] = {}
        self.conflicts = 0
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "collector")
        self.client.on_message = self._heard
        self.client.on_connect = lambda client, *_: client.subscribe("sobre/v1/+/load", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _heard(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        batch = decode_batch(payload)
        for load in batch.loads:
            before = self.loads.setdefault((load.device, load.seq), load)
            self.conflicts += before != load
        answer = Answer(batch.stream, batch.batch, sha256(payload).hexdigest(), int(time.time()))
        node, _, _ = parse(message.topic)
        client.publish(f"sobre/v1/{node}/confirmed", encode_answer(answer), qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_agent_stops_cleanly_and_saves_its_account(tmp_path: Path, number: int) -> None:
    with running(configured(tmp_path)) as process:
        until(sampled(tmp_path, 0))
        assert stopped(process, number) == 0
    with closing(Spool(tmp_path / "spool")) as spool:
        state = spool.meet("pc-1", "", b"").state
    assert state is not None
    assert state["clean"] is True


def test_live_figures_are_written_for_every_device(tmp_path: Path) -> None:
    with running(configured(tmp_path)):
        until(lambda: "power_w" in str(status(tmp_path)))
        until(lambda: status(tmp_path)["devices"][0]["energy_today_j"] > 0)  # type: ignore[index]
    figures = status(tmp_path)
    assert figures["node"] == "pc-1"
    # A load may have closed meanwhile; without a broker it waits.
    assert figures["spool"] in [{"waiting": n, "unconfirmed": 0} for n in (0, 1)]
    devices = figures["devices"]
    assert isinstance(devices, list)
    (device,) = devices
    assert set(device) == {
        "device",
        "power_w",
        "method",
        "origin",
        "uncertainty_ratio",
        "energy_today_j",
    }
    assert device["device"] == "pc-1"
    assert 0 < device["power_w"] < 1000


def test_second_agent_on_a_spool_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with running(config) as process:
        until(sampled(tmp_path, 0))
        second = subprocess.run(
            command(config), capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
        assert second.returncode == 1
        assert "an agent with this spool runs already" in second.stderr
        assert process.poll() is None


def test_wrong_configuration_stops_the_agent_before_it_does_anything(tmp_path: Path) -> None:
    config = configured(tmp_path, more='langage = "fr"')
    done = subprocess.run(
        command(config), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert done.returncode == 2
    assert "unknown key 'langage'; did you mean 'language'?" in done.stderr
    assert not (tmp_path / "spool").exists()


def test_spool_of_a_newer_version_stops_the_agent_with_exit_code_2(tmp_path: Path) -> None:
    import sqlite3

    with closing(Spool(tmp_path / "spool")) as spool:
        path = spool.path
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
    done = subprocess.run(
        command(configured(tmp_path)),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 2
    assert "newer version" in done.stderr


def test_killed_agent_loses_and_doubles_no_load(tmp_path: Path, broker: Broker) -> None:
    """Killed three times while loads close and travel; the collector's sum is the register."""
    config = configured(tmp_path, broker.port)
    appended = 0
    with closing(Collector(broker.port)) as collector:
        for life in range(3):
            appended += feed(tmp_path, 40, life)
            with running(config) as process:
                until(lambda: len(collector.loads) >= 1 + 40 * life)  # noqa: B023
                process.send_signal(signal.SIGKILL)
                process.wait(WITHIN_S)
        before = time.time()
        with running(config) as process:
            until(sampled(tmp_path, before))
            until(lambda: counts(tmp_path).waiting == 0)
            assert stopped(process) == 0
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))
    with closing(Spool(tmp_path / "spool")) as spool:
        known = spool.meet("pdu-a3", "", b"")
    loads = [load for (device, _), load in collector.loads.items() if device == "pdu-a3"]
    assert collector.conflicts == 0
    assert sorted(load.seq for load in loads) == list(range(1, known.seq + 1))
    assert known.seq == 120
    assert sum(load.energy_j for load in loads) == known.register_j == appended


def feed(folder: Path, count: int, life: int) -> int:
    from sobre_agent.open_load import Span
    from sobre_drivers.load import Origin

    end = int(time.time()) - 10_000 + life
    with closing(Spool(folder / "spool")) as spool:
        spool.meet("pdu-a3", "meter", b"")
        for n in range(count):
            spool.append([Span("pdu-a3", end + 60 * n, 60, n + 1, Origin.MEASURED)], {})
    return count * (count + 1) // 2


def test_agent_without_a_broker_keeps_its_loads_over_a_restart(tmp_path: Path) -> None:
    config = configured(tmp_path, free_port())
    feed(tmp_path, 10, 0)
    for _ in range(2):
        before = time.time()
        with running(config) as process:
            until(sampled(tmp_path, before))
            assert stopped(process) == 0
    assert counts(tmp_path).waiting >= 10


def test_daily_agent_delivers_by_a_process_that_ends(tmp_path: Path, broker: Broker) -> None:
    config = configured(tmp_path, broker.port, "daily")
    feed(tmp_path, 3, 0)
    with closing(Spool(tmp_path / "spool")) as spool:
        spool.note(delivery_plan='{"left_s": 1.0, "delivered": "", "failures": 0}')
    with closing(Collector(broker.port)) as collector, running(config) as process:
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))
        until(lambda: "all loads are delivered" in (tmp_path / "log").read_text())
        maps = Path(f"/proc/{process.pid}/maps")
        if maps.exists():
            assert "_ssl" not in maps.read_text()
        assert stopped(process) == 0
    assert len(collector.loads) == 3
    assert "as pc-1 " in broker.log()


def test_pc_is_named_by_a_key_that_the_agent_does_not_keep(tmp_path: Path, broker: Broker) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef" * 4)
    key.chmod(0o600)
    config = configured(tmp_path, broker.port, "daily", f'organisation_key_file = "{key}"')
    config.write_text(config.read_text().replace('node = "pc-1"\n', ""))
    with running(config) as process:
        until(sampled(tmp_path, 0))
        # Hashing brings OpenSSL, which would stay as long as the agent runs.
        maps = Path(f"/proc/{process.pid}/maps")
        assert not maps.exists() or "_hashlib" not in maps.read_text()
        assert stopped(process) == 0
    assert re.fullmatch(r"pc-[0-9a-f]{16}", str(status(tmp_path)["node"]))
    key.write_text("0\n")
    assert subprocess.run(command(config), stderr=subprocess.DEVNULL, check=False).returncode == 2


def test_workstation_never_says_whether_it_is_online(tmp_path: Path, broker: Broker) -> None:
    config = configured(tmp_path, broker.port)
    with running(config) as process:
        until(lambda: "'sobre/v1/pc-1/birth/pc-1'" in broker.log())
        assert stopped(process) == 0
    assert "/status" not in broker.log()
