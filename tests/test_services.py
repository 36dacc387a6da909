"""The tests' own foundation: services from Debian's packages, a broker, rules for every test."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services import debian, fetch, unpacked
from services.mosquitto import Broker, MakeBroker
from services.ports import HOST, free_port

TESTS = Path(__file__).parent
WITHIN_S = 20


def client(name: str, broker: Broker, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = unpacked.program("mosquitto", name)
    assert program
    return subprocess.run(
        [program.path, "-h", broker.host, "-p", str(broker.port), *arguments],
        env=program.environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def retained(broker: Broker, topic: str) -> str:
    answer = client("mosquitto_sub", broker, "-t", topic, "-C", "1", "-W", "2")
    return answer.stdout.strip()


def test_broker_carries_a_message(broker: Broker) -> None:
    assert client("mosquitto_pub", broker, "-t", "a", "-m", "kept", "-r", "-q", "1").returncode == 0
    assert retained(broker, "a") == "kept"


def test_broker_that_is_stopped_keeps_what_it_retained(broker: Broker) -> None:
    client("mosquitto_pub", broker, "-t", "a", "-m", "kept", "-r", "-q", "1")
    broker.stop()
    assert broker.pid is None
    broker.start()
    assert retained(broker, "a") == "kept"


def test_broker_that_is_killed_loses_what_it_had_not_saved(broker: Broker) -> None:
    client("mosquitto_pub", broker, "-t", "a", "-m", "lost", "-r", "-q", "1")
    broker.kill()
    broker.start()
    assert retained(broker, "a") == ""


def test_broker_obeys_lines_of_a_test(mosquitto: MakeBroker, tmp_path: Path) -> None:
    (tmp_path / "nobody").touch()
    broker = mosquitto([f"password_file {tmp_path / 'nobody'}"])
    assert client("mosquitto_pub", broker, "-t", "a", "-m", "x").returncode != 0


def test_broker_listens_on_loopback_only(broker: Broker) -> None:
    assert broker.pid
    with Path("/proc/net/tcp").open() as table:
        lines = [line.split() for line in table]
    port = f":{broker.port:04X}"
    assert [line[1] for line in lines if line[1].endswith(port) and line[3] == "0A"] == [
        "0100007F" + port
    ]


def test_broker_that_cannot_start_shows_its_log(mosquitto: MakeBroker) -> None:
    with pytest.raises(RuntimeError, match="no_such_option"):
        mosquitto(["no_such_option true"])


def test_a_taken_port_is_not_free() -> None:
    with socket.create_server((HOST, free_port())) as taken:
        assert free_port() != taken.getsockname()[1]


def test_tests_reach_no_other_machine() -> None:
    # 192.0.2.0/24 is for documentation (RFC 5737): no machine answers there.
    with socket.socket() as other, pytest.raises(RuntimeError, match="loopback"):
        other.connect(("192.0.2.1", 9))
    with pytest.raises(RuntimeError, match="loopback"):
        socket.getaddrinfo("example.org", 80)


SKIPPING = {
    "in_a_test": "import pytest\ndef test_a() -> None:\n    pytest.skip('no reason')\n",
    "by_a_mark": "import pytest\n@pytest.mark.skip('no reason')\ndef test_a() -> None: ...\n",
    "module": "import pytest\npytest.skip('no reason', allow_module_level=True)\n",
    "absent_import": "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): ...\n",
}


def test_a_skipped_test_fails_where_ci_is_set(tmp_path: Path) -> None:
    (tmp_path / "test_runs.py").write_text("def test_runs() -> None: ...\n")
    for name, text in SKIPPING.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    without_ci = run_pytest(tmp_path, ci="")
    assert (without_ci.returncode, "1 passed, 4 skipped" in without_ci.stdout) == (0, True)
    # A module that fails while it is collected would otherwise end the run.
    with_ci = run_pytest(tmp_path, "--continue-on-collection-errors", ci="true")
    assert with_ci.returncode != 0
    assert "1 failed, 1 passed, 3 errors" in with_ci.stdout
    assert with_ci.stdout.count("CI is set: a skipped test has failed") >= len(SKIPPING)


def test_an_expected_failure_is_no_skipped_test(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.xfail\ndef test_a() -> None:\n    assert False\n"
    (tmp_path / "test_xfail.py").write_text(text)
    done = run_pytest(tmp_path, ci="true")
    assert (done.returncode, "1 xfailed" in done.stdout) == (0, True)


def run_pytest(folder: Path, *options: str, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(TESTS / "conftest.py", folder)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {TESTS}\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)],
        env={**os.environ, "CI": ci},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A services folder of the test's own, and a system on which nothing is installed."""
    monkeypatch.setattr(unpacked, "FOLDER", tmp_path)
    monkeypatch.setattr(unpacked, "SYSTEM_PATH", "")
    return tmp_path


def test_without_apt_one_line_says_which_tests_are_left_out(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert fetch.main(["mosquitto"]) == 0
    left_out = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert len(left_out) == 1
    assert "MQTT broker" in left_out[0]
    assert "no apt-get here" in left_out[0]
    assert unpacked.program("mosquitto", "mosquitto") is None


def test_what_apt_refuses_is_told_in_one_line(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "apt-get").write_text(
        "#!/bin/sh\necho 'W: x' >&2\necho 'E: archive away' >&2\nexit 100\n"
    )
    (elsewhere / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{elsewhere}{os.pathsep}{os.environ['PATH']}")
    assert fetch.main(["mosquitto"]) == 0
    assert "left out: all tests that need an MQTT broker: apt-get: E: archive away" in (
        capsys.readouterr().out
    )
    # Nothing half-made stays, and the next run tries again.
    assert not (elsewhere / "mosquitto" / "stamp").exists()
    assert list((elsewhere / "mosquitto").iterdir()) == []


def test_a_simulated_installation_names_what_to_download() -> None:
    said = (
        "Inst libcjson1 (1.7.15-1+deb12u4 Debian:12/stable, Debian-Security:12 [amd64])\n"
        "Inst systemd [252.38-1] (252.39-1 Debian:12/stable [amd64]) []\n"
        "Conf libcjson1 (1.7.15-1+deb12u4 Debian:12/stable [amd64])\n"
    )
    assert debian.WANTED.findall(said) == [
        ("libcjson1", "1.7.15-1+deb12u4"),
        ("systemd", "252.39-1"),
    ]


def test_an_unknown_service_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch.main(["mosquito"]) == 2
    assert "mosquitto" in capsys.readouterr().err
