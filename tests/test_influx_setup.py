"""`sobre influx setup`, and which store the settings lead to."""

import argparse
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from services import influxdb as influxdb_process
from services.influxdb import InfluxDB
from services.ports import HOST
from sobre_collector.cli import main
from sobre_collector.commands import influx
from sobre_collector.config import load_config
from sobre_collector.rows import Outcome
from sobre_collector.store.choose import connect, open_series, shareable
from sobre_collector.store.influx.http import Influx1
from sobre_collector.store.influx.series import InfluxSeries
from sobre_collector.store.influx.v2 import Influx2
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.errors import ConfigError, StoreError
from stores import PARIS, Site
from test_series import PC, arrival, day, load

pytest_plugins = ("store_fixtures",)


@pytest.fixture
def settings(tmp_path: Path) -> Callable[[str], Path]:
    """Write the settings of a collector."""

    def made(text: str) -> Path:
        path = tmp_path / "collector.toml"
        path.write_text(text)
        return path

    return made


@pytest.mark.influx
def test_setup_of_1x_makes_the_databases_and_again_changes_nothing(
    influxdb: Site, settings: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    if influxdb.token is not None:
        pytest.skip("a live 2.x is tested: test_influx_replay has its setup")
    path = settings(f'[influx]\nurl = "{influxdb.url}"\nversion = "1"\nprefix = "ready"\n')
    database = influxdb.connect()
    try:
        outcomes = []
        for _ in range(2):
            assert main(["influx", "setup", "--config", str(path)]) == 0
            assert "ready_state, ready_loads, ready_days" in capsys.readouterr().out
            with closing(open_series(load_config(path, {}), PARIS)) as series:
                outcomes.append(series.append([arrival(load(1)), arrival(load(1, PC), PC)]))
        assert outcomes == [Outcome(stored=2), Outcome(repeated=2)]
        policies = database.query("", 'SHOW RETENTION POLICIES ON "ready_loads"')
        (kept,) = [row["duration"] for group in policies for row in group.rows()]
        # 13 months are kept, and two more for a check that is behind.
        assert kept == f"{15 * 31 * 24}h0m0s"
    finally:
        for name in database.names():
            if name.startswith("ready_"):
                database.drop(name)


@pytest.mark.influx
def test_1x_that_asks_for_a_password_gets_it(
    tmp_path: Path, settings: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    why = influxdb_process.absent()
    if why:
        pytest.skip(why)
    server = InfluxDB(tmp_path / "influxdb", auth=True)
    server.start()
    try:
        server.query("CREATE USER sobre WITH PASSWORD 'a b:c' WITH ALL PRIVILEGES")
        (tmp_path / "word").write_text("a b:c\n")
        text = f'[influx]\nurl = "{server.url}"\nversion = "1"\n'
        assert main(["influx", "setup", "--config", str(settings(text))]) == 1
        assert "answered 401" in capsys.readouterr().err
        path = settings(text + 'username = "sobre"\npassword_file = "word"\n')
        assert main(["influx", "setup", "--config", str(path)]) == 0
        with closing(open_series(load_config(path, {}), PARIS)) as series:
            assert series.append([arrival(load(1))]) == Outcome(stored=1)
            assert [s.load for s in series.loads(0, 2**40)] == [load(1)]
    finally:
        server.stop()


@pytest.mark.influx
def test_1x_is_trusted_only_if_its_authority_is(
    tmp_path: Path, settings: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    why = influxdb_process.absent()
    if why:
        pytest.skip(why)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = tmp_path / "influxdb.pem"
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(certificate))
    server = InfluxDB(tmp_path / "influxdb", certificate=certificate)
    server.start()
    try:
        text = f'[influx]\nurl = "{server.url}"\nversion = "1"\n'
        assert main(["influx", "setup", "--config", str(settings(text))]) == 1
        assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
        path = settings(text + 'ca_file = "ca.pem"\n')
        assert main(["influx", "setup", "--config", str(path)]) == 0
        with closing(open_series(load_config(path, {}), PARIS)) as series:
            assert series.append([arrival(load(1))]) == Outcome(stored=1)
    finally:
        server.stop()


def test_without_an_influxdb_series_are_in_sqlite(
    tmp_path: Path, settings: Callable[[str], Path]
) -> None:
    config = load_config(settings(f'data = "{tmp_path}"\n'), {})
    assert not shareable(config)
    with closing(open_series(config, PARIS)) as series:
        assert isinstance(series, SqliteSeries)
        assert series.append([arrival(load(1))]) == Outcome(stored=1)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ('version = "1"', Influx1),
        ('version = "1"\nusername = "u"\npassword_file = "word"', Influx1),
        ('read_token_file = "word"', Influx2),
        ('read_token_file = "word"\nwrite_token_file = "word"', Influx2),
    ],
)
def test_settings_name_an_influxdb_and_nothing_is_asked_of_it_yet(
    tmp_path: Path, settings: Callable[[str], Path], lines: str, kind: type
) -> None:
    (tmp_path / "word").write_text("secret\n")
    config = load_config(settings(f'[influx]\nurl = "http://127.0.0.1:1"\n{lines}\n'), {})
    assert shareable(config)
    with closing(connect(config.influx, {})) as database:
        assert isinstance(database, kind)
    with closing(open_series(config, PARIS)) as series:
        assert isinstance(series, InfluxSeries)


def test_what_only_reads_needs_no_token_that_writes(
    tmp_path: Path, settings: Callable[[str], Path]
) -> None:
    (tmp_path / "word").write_text("secret\n")
    files = 'read_token_file = "word"\nwrite_token_file = "not-mine"'
    config = load_config(settings(f'[influx]\nurl = "http://127.0.0.1:1"\n{files}\n'), {})
    with pytest.raises(ConfigError, match="not-mine"):
        open_series(config, PARIS)
    with (
        closing(open_series(config, PARIS, readonly=True)) as series,
        pytest.raises(StoreError, match="without a token"),
    ):
        series.put_days([day("2026-11-24")], ())


def test_tokens_may_come_from_the_environment(settings: Callable[[str], Path]) -> None:
    config = load_config(settings('[influx]\nurl = "http://127.0.0.1:1"\n'), {})
    with pytest.raises(ConfigError, match="SOBRE_INFLUX_READ_TOKEN"):
        connect(config.influx, {})
    connect(config.influx, {"SOBRE_INFLUX_READ_TOKEN": "t"}).close()


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ('url = "influx:8086"', r"influx\.url 'influx:8086'"),
        ('url = "http://x"\nprefix = "a-b"', r"influx\.prefix 'a-b'"),
        ('url = "http://x"\ntimeout_s = 0.0', r"influx\.timeout_s"),
        ('url = "http://x"\nca_file = "ca.pem"', r"influx\.ca_file has no use"),
        ('url = "http://x"\nversion = "3"', r"influx\.version"),
        ('token = "x"', "unknown key 'influx.token'"),
    ],
)
def test_mistakes_are_found_before_any_connection(
    settings: Callable[[str], Path], lines: str, finding: str
) -> None:
    with pytest.raises(ConfigError, match=finding):
        load_config(settings(f"[influx]\n{lines}\n"), {})


@pytest.mark.parametrize(
    ("text", "code", "finding"),
    [
        ("", 2, "influx.url is missing"),
        ('[influx]\nurl = "http://127.0.0.1:1"\nversion = "1"\n', 1, "can be reached"),
        ('[influx]\nurl = "http://127.0.0.1:1"\n', 1, "can be reached"),
    ],
    ids=["none", "1.x-away", "2.x-away"],
)
def test_setup_says_what_is_missing(
    settings: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    text: str,
    code: int,
    finding: str,
) -> None:
    path = settings(text)
    assert main(["influx", "setup", "--config", str(path)]) == code
    assert finding in capsys.readouterr().err
    assert [each.name for each in path.parent.iterdir()] == ["collector.toml"]


def test_secrets_are_never_arguments() -> None:
    parser = argparse.ArgumentParser()
    influx.arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["setup", "--config", "x", "--admin-token", "secret"])


def test_sqlite_loads_nothing_of_influxdb() -> None:
    code = (
        "import sys, sobre_collector.store.choose\n"
        "print([m for m in ('influxdb_client', 'urllib3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_secret_files_are_for_this_account_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    influx.keep(path, "secret")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("secret\n", 0o600)
