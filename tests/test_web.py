"""The pages as a browser gets them: from a real server, over a real data folder."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from gzip import decompress
from pathlib import Path

import pytest

from pages import assert_sound, parsed
from report_fleet import LAPTOP, half_monitored, month
from sobre_collector.perimeter.facts import months_of
from sobre_collector.rows import Arrival, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_collector.web.app import preferred
from sobre_drivers.load import Load, Origin

STREAM = "5f0c0b57-31b2-4e4e-9d0c-0a6f0f6b8f0d"
PERIMETER = """
[baseline]
year = 2022
kind = "declared"
[target]
year = 2100
[[organisations]]
id = "bx"
name = "Bordeaux <Métropole>"
[[sites]]
id = "hdv"
name = "Hôtel de ville"
[[sites]]
id = "dc1"
name = "Salle 1"
[files]
inventory = "inventory.csv"
headcount = "headcount.csv"
baseline = "baseline.csv"
"""
LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `size` is what went over the wire."""

    status: int
    headers: Mapping[str, str]
    text: str
    size: int


@dataclass
class Server:
    """`sobre serve` in a process of its own, on a free port."""

    command: list[str]
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Page: http://127.0.0.1:"), line
        self.port = int(line.rstrip("/\n").rpartition(":")[2])

    def get(self, path: str, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers={"Accept-Encoding": "gzip", **named})
            response = connection.getresponse()
            content = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
        finally:
            connection.close()
        plain = decompress(content) if found.get("content-encoding") == "gzip" else content
        return Answer(response.status, found, plain.decode(), len(content))

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


MakeServer = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[MakeServer]:
    started: list[Server] = []

    def make(data: Path, *words: str, command: list[str] | None = None) -> Server:
        usual = [sys.executable, "-m", "sobre_collector", "serve", "--port", "0"]
        server = Server(command or [*usual, "--data", str(data), *words])
        started.append(server)
        server.start()
        return server

    yield make
    for server in started:
        if server.process is not None and server.process.poll() is None:
            server.stop()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Last year's months, 300 laptops and a reader of two servers, one of which is silent."""
    folder = tmp_path / "data"
    folder.mkdir()
    now = int(time.time())
    year = time.gmtime(now).tm_year - 1
    (folder / "perimeter.toml").write_text(PERIMETER, "utf-8")
    (folder / "inventory.csv").write_text(
        "month,organisation,site,class,units,half_width\n"
        "2022-01,bx,hdv,workstation.laptop,200,0\n2022-01,bx,dc1,server,1,0\n"
    )
    (folder / "headcount.csv").write_text(
        f"month,organisation,users,half_width\n2022-01,bx,1000,0\n{year}-01,bx,1100,0\n"
    )
    (folder / "baseline.csv").write_text(
        "organisation,class,kwh,half_width_kwh,document\n"
        "bx,workstation.laptop,60000,1800,bilan.pdf\nbx,server,40000,1200,bilan.pdf\n"
    )
    ledger = Ledger(folder / "ledger.db")
    for row in half_monitored(year):
        ledger.put_month(row)
    for n in range(300):
        _accept(ledger, f"pc-secret-{n}", f"pc-secret-{n}", "workstation.laptop", now)
    for n in (1, 2):
        _accept(ledger, "reader-1", f"srv-{n}", "server", now)
    account = {"stored_j": 9, "quarantined_j": 1, "voided_j": 0, "late_j": 0}
    account |= {"missing_j": 0, "doubled_j": 0}
    ledger.record_job("conservation", "2026-11-24", now, json.dumps(account))
    ledger.close()
    series = SqliteSeries(folder)
    minute = now - now % 60
    heard = [("pc-secret-0", "pc-secret-0", 4_242), ("reader-1", "srv-1", 18_000)]
    series.append(
        [
            Arrival(
                node,
                STREAM,
                Load(device, 1, minute, 60, energy_j, energy_j, Origin.MEASURED),
                node.startswith("pc"),
                now,
            )
            for node, device, energy_j in heard
        ]
    )
    series.close()
    return folder


def _accept(ledger: Ledger, node: str, device: str, device_class: str, now: int) -> None:
    key = Key(node, device)
    ledger.put_device(Device(key, device_class, "bx", "hdv", "modbus", 500.0, None, now - 7_200))


def _status(folder: Path, name: str = "pc-me") -> Path:
    device = {
        "device": name,
        "power_w": 41.73,
        "method": "rapl-package",
        "origin": "estimated",
        "uncertainty_ratio": 0.18,
        "energy_today_j": 900_000,
    }
    path = folder / f"{name}.status.json"
    spool = {"waiting": 3, "unconfirmed": 1}
    content = {"time": int(time.time()), "node": name, "devices": [device], "spool": spool}
    path.write_text(json.dumps(content))
    return path


def test_each_page_is_sound_guarded_and_small(serve: MakeServer, data: Path) -> None:
    server = serve(data)
    style = server.get("/style.css")
    assert style.headers["content-type"].startswith("text/css")
    for lang in LANGUAGES:
        for path in ("", "trajectory"):
            answer = server.get(f"/{lang}/{path}")
            assert answer.status == 200
            assert_sound(parsed(answer.text), lang)
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.size + style.size <= 60_000
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "set-cookie" not in answer.headers
            assert "server" not in answer.headers


def test_the_trajectory_is_that_of_the_report(serve: MakeServer, data: Path) -> None:
    page = parsed(serve(data).get("/fr/trajectory").text)
    # The figures that test_report_figures works out by hand.
    assert "-15,1\u202f%" in page.text
    assert "Bordeaux <Métropole>" in page.text


def test_now_shows_infrastructure_and_who_is_silent(serve: MakeServer, data: Path) -> None:
    page = parsed(serve(data).get("/en/").text)
    # 18,000 J in 60 s.
    assert "300.0\u202fW" in page.text
    silent = page.text.rpartition("Silent devices")[2]
    assert "reader-1 · srv-2" in silent
    assert "reader-1 · srv-1" not in silent
    assert "Nothing is missing, nothing is counted twice." in page.text


def test_only_now_refreshes_and_it_can_be_kept_still(serve: MakeServer, data: Path) -> None:
    server = serve(data)

    def refreshes(path: str) -> list[str | None]:
        page = parsed(server.get(path).text)
        return [meta["content"] for meta in page.all("meta") if meta.get("http-equiv")]

    assert refreshes("/fr/") == ["15"]
    assert refreshes("/fr/?still") == []
    assert refreshes("/fr/trajectory") == []


def test_no_page_shows_a_workstation(serve: MakeServer, data: Path) -> None:
    server = serve(data)
    for path in ("/fr/", "/en/", "/fr/trajectory", "/en/trajectory", "/healthz"):
        text = server.get(path).text
        assert "pc-secret" not in text
        # 4,242 J in 60 s.
        assert "70.7" not in text
        assert "70,7" not in text


def test_fewer_than_ten_workstations_are_not_counted_out(serve: MakeServer, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    for n in range(7):
        _accept(ledger, f"pc-{n}", f"pc-{n}", "workstation.laptop", int(time.time()))
    energies = dict.fromkeys(("stored_j", "quarantined_j", "voided_j", "late_j"), 987_654)
    account = json.dumps({**energies, "missing_j": 31, "doubled_j": 0})
    ledger.record_job("conservation", "2026-11-24", 1, account)
    ledger.close()
    SqliteSeries(tmp_path).close()
    page = parsed(serve(tmp_path).get("/en/").text)
    assert "fewer than 10" in page.text
    count = page.text.partition("Known workstations")[2].partition("Infrastructure devices")[0]
    assert "7" not in count
    # The energy of all is that of these seven; what is missing must still be seen.
    assert "987" not in page.text
    assert "31\u202fJ" in page.text
    assert "The account does not balance" in page.text


def test_a_fleet_of_a_few_workstations_has_no_trajectory_to_show(
    serve: MakeServer, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    for name in months_of(time.gmtime().tm_year - 1):
        ledger.put_month(month(name, LAPTOP, 9, 432.1))
    ledger.close()
    page = parsed(serve(tmp_path).get("/en/trajectory").text)
    assert_sound(page, "en")
    assert "Insufficient data" in page.text
    assert "Fewer than 10 workstations monitored" in page.text
    assert "not published" in page.text
    assert "432" not in page.text


def test_a_configuration_names_folder_perimeter_and_port(
    serve: MakeServer, data: Path, tmp_path: Path
) -> None:
    config = tmp_path / "collector.toml"
    config.write_text('data = "data"\nperimeter = "data/perimeter.toml"\n[web]\nport = 0\n')
    command = [sys.executable, "-m", "sobre_collector", "serve", "--config", str(config)]
    server = serve(data, command=command)
    assert "-15.1%" in server.get("/en/trajectory").text


def test_this_machine_is_shown_to_who_sits_at_it_only(serve: MakeServer, data: Path) -> None:
    server = serve(data, "--status", str(_status(data)), "--status", str(data / "absent.json"))
    page = parsed(server.get("/en/").text)
    assert_sound(page, "en")
    assert "41.7\u202fW" in page.text
    assert "250\u202fWh" in page.text
    assert "± 18%" in page.text
    for host in ("energy.example.org", "attacker.example:8787", "127.0.0.1.example.org"):
        assert "41.7" not in server.get("/en/", Host=host).text
    for host in ("localhost", f"localhost:{server.port}", "[::1]:80"):
        assert "41.7" in server.get("/en/", Host=host).text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"time":',
        '{"time": 1, "devices": [{}]}',
        '{"time": 1, "devices": 7}',
        "\ufffd" * 9,
    ],
    ids=["empty", "list", "cut", "no-id", "number", "noise"],
)
def test_a_status_file_that_says_nothing_says_so(
    serve: MakeServer, data: Path, content: str
) -> None:
    path = data / "odd.status.json"
    path.write_text(content)
    page = parsed(serve(data, "--status", str(path)).get("/en/").text)
    assert "Unreadable: " in page.text
    assert "300.0\u202fW" in page.text


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de", "fr"),
        ("de, fr;q=0.2, en;q=0.4", "en"),
        ("en;q=x, fr;q=0", "fr"),
        ("", "fr"),
    ],
    ids=["french", "english", "neither", "by-weight", "nonsense", "nothing"],
)
def test_the_browser_ranks_the_languages(accepted: str, lang: str) -> None:
    assert preferred(accepted) == lang


def test_the_bare_address_leads_to_a_language(serve: MakeServer, tmp_path: Path) -> None:
    server = serve(tmp_path)
    for path, target in (("/", "/en/"), ("/trajectory", "/en/trajectory")):
        answer = server.get(path, Accept_Language="en")
        assert (answer.status, answer.headers["location"]) == (307, target)
        assert answer.headers["vary"] == "Accept-Language"


def test_without_data_the_pages_say_that_they_wait(serve: MakeServer, tmp_path: Path) -> None:
    server = serve(tmp_path / "not-yet")
    for lang in LANGUAGES:
        for path in ("", "trajectory"):
            answer = server.get(f"/{lang}/{path}")
            assert answer.status == 200
            assert_sound(parsed(answer.text), lang)
    assert json.loads(server.get("/healthz").text)["status"] == "waiting for data"
    assert not (tmp_path / "not-yet").exists()


def test_a_perimeter_that_is_wrong_is_said_on_the_page(serve: MakeServer, data: Path) -> None:
    (data / "perimeter.toml").write_text("[baselin]\nyear = 2022\n")
    answer = serve(data).get("/en/trajectory")
    assert answer.status == 503
    assert_sound(parsed(answer.text), "en")
    assert "did you mean" in answer.text


def test_what_does_not_exist_is_a_page_too(serve: MakeServer, data: Path) -> None:
    server = serve(data)
    for path in ("/en/<script>", "/en/../../etc/passwd", "/static", "/en/trajectory/x"):
        answer = server.get(path.replace("<", "%3C").replace(">", "%3E"))
        assert answer.status == 404
        assert_sound(parsed(answer.text), "en" if path.startswith("/en") else "fr")
        assert "content-security-policy" in answer.headers


def test_simulated_data_say_so_on_each_page(serve: MakeServer, data: Path) -> None:
    assert "Simulated data" not in serve(data).get("/en/trajectory").text
    ledger = Ledger(data / "ledger.db")
    ledger.mark_simulated()
    ledger.close()
    server = serve(data)
    for path in ("/en/", "/en/trajectory"):
        assert "Simulated data" in server.get(path).text


def test_it_stops_when_told_and_shows_the_same_again(serve: MakeServer, data: Path) -> None:
    server = serve(data)
    assert "-15.1%" in server.get("/en/trajectory").text
    assert server.stop() == 0
    assert "-15.1%" in serve(data).get("/en/trajectory").text


def _refused(*words: str) -> str:
    command = [sys.executable, "-m", "sobre_collector", "serve", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    return done.stderr


def test_a_port_in_use_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = _refused("--data", str(tmp_path), "--port", str(port))
    assert f"port {port}" in said
    assert "--port" in said


def test_this_machines_own_figures_are_not_served_beyond_it(tmp_path: Path) -> None:
    said = _refused("--data", str(tmp_path), "--host", "0.0.0.0", "--status", "x.json")
    assert "loopback only" in said


def test_the_perimeter_may_ask_for_more_workstations_before_they_are_counted(
    serve: MakeServer, data: Path
) -> None:
    stated = (data / "perimeter.toml").read_text("utf-8")
    (data / "perimeter.toml").write_text(f"publish_at_least = 400\n{stated}", "utf-8")
    page = serve(data)
    assert "fewer than 400" in parsed(page.get("/en/").text).text
    trajectory = parsed(page.get("/fr/trajectory").text).text
    assert "Moins de 400 postes de travail" in trajectory
