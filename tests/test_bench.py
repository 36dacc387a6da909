"""`make bench` itself: that it measures, and that its figures land where they belong.

No test asserts a time, nor a ratio of times.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench import __main__ as bench
from bench.counting_proxy import Proxy
from bench.document import Result, number, placed, shown, table
from bench.figures import Figure
from bench.machine import Machine
from bench.processes import finished, memory, running, spent
from services.ports import HOST

TESTS = Path(__file__).parent
MACHINE = Machine(2, "Some CPU", "Linux x86_64", "3.11.7", "3.40.1", "2026-11-24")


def result(name: str = "wire", *, others_ratio: float = 0.0, what: str = "decode") -> Result:
    figure = Figure(what, "µs", [3.0, 5.0, 4.0], "json", [1.0, 2.0, 4.0], "≤ 5")
    return Result(name, "A title", [figure], MACHINE, False, others_ratio)


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio"),
    [
        ([3.0, 5.0, 4.0], [1.0, 2.0, 4.0], 2.5),
        ([6.0, 2.0], [2.0], 2.0),
        ([6.0], [0.0], None),
    ],
    ids=["run-by-run", "medians-where-runs-differ", "nothing-by-nothing"],
)
def test_ratio_is_of_the_same_runs(
    ours: list[float], theirs: list[float], ratio: float | None
) -> None:
    assert Figure("a", "s", ours, "b", theirs).ratio == ratio


def test_figure_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="values are missing"):
        Figure("a", "s", [])
    with pytest.raises(ValueError, match="values are missing"):
        Figure("a", "s", [1.0], "a peer")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01667, "0.0167"), (3.1449, "3.14"), (99.96, "100"), (1234.5, "1,230"), (234567, "235,000")],
)
def test_number_is_short(value: float, text: str) -> None:
    assert number(value) == text


def test_values_are_shown_with_their_spread() -> None:
    assert shown([3.0]) == "3"
    assert shown([5.0, 3.0, 4.0]) == "4 (3–5)"


def test_table_has_a_row_for_each_figure() -> None:
    head, rule, row, bare = table([*result().figures, Figure("alone", "MiB", [7.0])])
    assert head == "| what | unit | Sobre | beside it | measures | ratio | aim |"
    assert rule.count("|") == head.count("|")
    assert row == "| decode | µs | 4 (3–5) | json | 2 (1–4) | 2.5 | ≤ 5 |"
    assert bare == "| alone | MiB | 7 | – | – | – | – |"


def test_figures_replace_those_of_their_measurement_only() -> None:
    text = placed(placed("# Performance\n\nProse.\n", result("wire")), result("store"))
    again = placed(text, result("wire", what="encode"))
    assert again.startswith("# Performance\n\nProse.\n")
    assert [again.count(f"bench:{name} -->") for name in ("wire", "store")] == [2, 2]
    assert re.findall(r"\| (\w+) \| µs", again) == ["encode", "decode"]


def test_end_marker_that_was_lost_is_asked_for() -> None:
    with pytest.raises(ValueError, match="/bench:wire"):
        placed("# P\n<!-- bench:wire -->\nprose that would be lost\n", result())


@pytest.mark.parametrize(("others_ratio", "said"), [(0.05, False), (0.5, True)])
def test_disturbed_run_says_so(others_ratio: float, said: bool) -> None:
    assert ("**disturbed**" in placed("", result(others_ratio=others_ratio))) is said


def test_every_measurement_stands_in_the_document() -> None:
    text = bench.DOCUMENT.read_text("utf-8")
    for name in bench.MEASUREMENTS:
        assert text.count(f"<!-- bench:{name} -->") == 1
        assert text.count(f"<!-- /bench:{name} -->") == 1


def test_unknown_measurement_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.main(["--only", "wrie"])
    assert "choose from" in capsys.readouterr().err


def test_chosen_measurements_are_taken_and_written(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "wire,store", "--out", str(document)],
        env={"PYTHONPATH": str(TESTS), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = document.read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    # Two heads, four figures of the wire, two of the store.
    assert len(rows) == 8
    assert all(row.count("|") == 8 for row in rows)
    assert text.count("quick run") == 2
    assert str(tmp_path) not in text
    assert list(tmp_path.iterdir()) == [document]


def test_interrupted_run_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    with subprocess.Popen(
        [sys.executable, "-m", "bench", "--only", "store", "--out", str(document)],
        env={"PYTHONPATH": str(TESTS), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "store: measuring …\n"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said == "stopped; what was measured by then is written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", [False, True], ids=["well", "by-an-error"])
def test_program_ends_with_its_block(tmp_path: Path, broken: bool) -> None:
    words = [sys.executable, "-c", "import signal; signal.pause()"]
    try:
        with running(words, tmp_path / "log") as process:
            assert process.is_running()
            if broken:
                raise LookupError
    except LookupError:
        pass
    assert not psutil.pid_exists(process.pid)


def test_program_that_ends_too_early_spoils_the_measurement(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no broker')"]
    with (
        pytest.raises(RuntimeError, match="ended by itself:\nno broker"),
        running(words, tmp_path / "log") as process,
    ):
        process.wait(30)


def test_program_that_fails_spoils_the_measurement() -> None:
    assert finished([sys.executable, "-c", "print('done')"]).output == b"done\n"
    with pytest.raises(RuntimeError, match="no store"):
        finished([sys.executable, "-c", "raise SystemExit('no store')"])


def test_what_a_process_uses_is_read_from_outside() -> None:
    before = spent(os.getpid())
    while spent(os.getpid()).cpu_s < before.cpu_s + 0.01:
        pass
    found = memory(os.getpid())
    assert 0 < found.own_mib <= found.resident_mib
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    with pytest.raises(RuntimeError, match="ended by itself"):
        spent(gone.pid)


def test_proxy_counts_what_it_carries_both_ways() -> None:
    with (
        socket.create_server((HOST, 0)) as server,
        Proxy(server.getsockname()[1]) as proxy,
        socket.create_connection((HOST, proxy.port)) as client,
    ):
        there, _ = server.accept()
        with there:
            client.sendall(b"x" * 1000)
            assert there.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
            there.sendall(b"y" * 10)
            assert client.recv(10, socket.MSG_WAITALL) == b"y" * 10
    assert (proxy.bytes_n, proxy.connections) == (1010, 1)
