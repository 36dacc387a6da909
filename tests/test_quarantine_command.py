"""`sobre quarantine`: what may not count is found, shown and decided upon, with a trace."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collecting import Collector, Node, until
from intake_house import born
from services.mosquitto import Broker
from sobre_collector.cli import main
from sobre_collector.conservation import check
from sobre_collector.rows import Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from test_collect import batches
from test_series import PC, PDU, T0, arrival, load

BY = ("--by", "operations", "--why", "read twice")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with (
        closing(SqliteSeries(tmp_path)) as series,
        closing(Ledger(tmp_path / "ledger.db")) as ledger,
    ):
        for key, device_class in ((PDU, "pdu"), (PC, "workstation.laptop")):
            ledger.put_device(Device(key, device_class, "ville", "mairie", "m", 1_000.0, None, T0))
        series.append([arrival(load(n)) for n in range(1, 7)])
        high = "power above the device's maximum"
        series.append([arrival(load(7), reason=high, received=T0 + 7_200)])
        series.append([arrival(load(1, PC), PC, reason=high, received=T0 + 60)])
        series.quarantine("pc-9", b"\x1b[31m{", "not JSON", T0 + 86_400)
    return tmp_path


def run(data: Path, *words: str) -> int:
    before = [words[0]] if words and words[0].startswith("--node=") else []
    rest = words[len(before) :]
    return main(["quarantine", "--data", str(data), *before, *rest])


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("words", "nodes"),
    [
        ((), ["pc-1", "reader", "pc-9"]),
        (("--node", "reader"), ["reader"]),
        (("--reason", "power above"), ["pc-1", "reader"]),
        (("--since", "2026-11-24T01:00"), ["reader", "pc-9"]),
        (("--since", "2026-11-24T00:30:00Z"), ["reader", "pc-9"]),
        (("--since", "2026-11-25", "--reason", "not"), ["pc-9"]),
        (("--node", "nobody"), []),
    ],
    ids=["all", "node", "reason", "since", "since-utc", "both", "none"],
)
def test_what_is_asked_for_is_listed(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], nodes: list[str]
) -> None:
    assert run(data, "--json", *words) == 0
    assert [row["node"] for row in rows(capsys)] == nodes
    assert run(data, *words) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert f"Quarantine: {len(nodes) or 'empty'}" in out


def test_one_row_is_shown_whole(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "--json", "--node", "pc-1") == 0
    (row,) = rows(capsys)
    assert run(data, "show", str(row["number"])) == 0
    assert json.loads(capsys.readouterr().out) == row
    assert run(data, "show", "4711") == 2
    assert "no. 4711: is not there" in capsys.readouterr().err


def test_load_is_readmitted_and_the_trace_says_by_whom(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(data, "--json", "--node", "reader")
    (row,) = rows(capsys)
    assert run(data, "readmit", str(row["number"]), *BY) == 0
    assert "1 loads (1007 J) of reader/pdu-a3/outlet-07" in capsys.readouterr().out
    run(data, "--json", "decisions")
    (trace,) = rows(capsys)
    assert (trace["by"], trace["why"], trace["result"]) == ("operations", "read twice", "1 loads")
    assert run(data, "readmit", str(row["number"]), *BY) == 2
    with closing(SqliteSeries(data)) as series:
        assert [s.load.seq for s in series.loads(0, 2**40, PDU)] == [1, 2, 3, 4, 5, 6, 7]


def test_loads_that_count_are_voided_by_device_and_time(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "--node=reader", "void", "--device", PDU.device,
        "--from", "2026-11-24T00:20", "--until", "2026-11-24T00:40", *BY,
    )  # fmt: skip
    assert run(data, *words, "--dry-run") == 0
    assert "2 loads, 2007 J; nothing was decided" in capsys.readouterr().out
    assert run(data, *words) == 0
    assert "void 2 loads (2007 J)" in capsys.readouterr().out
    with (
        closing(SqliteSeries(data)) as series,
        closing(Ledger(data / "ledger.db")) as ledger,
    ):
        assert [s.load.seq for s in series.loads(0, 2**40, PDU)] == [1, 2, 5, 6]
        (day,) = series.days("2026-11-24", "2026-11-24", PDU)
        assert day.energy_j == 1001 + 1002 + 1005 + 1006
        assert check(series, ledger, keep=False).voided_j == 1003 + 1004


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("void", *BY), "no load is meant"),
        (("void", "--device", "x", *BY), "--device needs --node"),
        (
            ("--node=r", "void", "--device", "x", "--from", "noon", "--until", "x", *BY),
            "is no time",
        ),
        (("void", "99", *BY), "is not there"),
    ],
    ids=["nothing", "no-node", "no-time", "no-row"],
)
def test_mistake_is_told_and_nothing_is_decided(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run(data, *words) == 2
    assert said in capsys.readouterr().err
    with closing(Ledger(data / "ledger.db")) as ledger:
        assert ledger.decisions.all() == []


def test_payload_is_nothing_to_decide_upon(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(data, "--json", "--node", "pc-9")
    (row,) = rows(capsys)
    assert run(data, "void", str(row["number"]), *BY) == 2
    assert "is a payload and no load" in capsys.readouterr().err


@pytest.mark.broker
def test_running_collector_carries_out_what_is_decided_beside_it(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Collector(tmp_path, broker.port) as collector, Node(broker, "pc-1") as node:
        collector.connected()
        node.publish([born("pc-1", "pc-1"), born("pc-1", "pc-1/outlet", "pdu")], retain=True)
        node.deliver(batches(1, 5))
        key = Key("pc-1", "pc-1/outlet")
        with closing(SqliteSeries(collector.data, readonly=True)) as series:
            ends = {s.load.seq: s.load.end for s in series.loads(0, 2**40, key)}
        words = ("void", "--device", key.device, *BY)
        times = [f"--from={_iso(ends[2])}", f"--until={_iso(ends[3])}"]
        assert run(collector.data, "--node=pc-1", *words, *times) == 0
        until(lambda: _results(collector.data) == ["1 loads"], "carried out")
        node.deliver(batches(6, 8))
        assert collector.stop() == 0
    with closing(SqliteSeries(collector.data)) as series:
        assert [s.load.seq for s in series.loads(0, 2**40, key)] == [1, 2, 4, 5, 6, 7, 8]


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _results(data: Path) -> list[str | None]:
    with closing(Ledger(data / "ledger.db", create=False)) as ledger:
        return [each.result for each in ledger.decisions.all()]
