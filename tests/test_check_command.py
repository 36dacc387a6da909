"""`sobre check`: exit codes, what it prints, and the store to the joule."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sobre_collector.cli import main
from sobre_collector.rows import Arrival, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin

CONFIG = Path(__file__).parents[1] / "config"
STREAM = "00000000-0000-4000-8000-000000000001"
METER = Key("reader", "pdu-a3")
END = 1_795_478_400


def example(folder: Path) -> Path:
    """The examples in a folder of their own; the path of the collector's."""
    for path in CONFIG.glob("*.example.*"):
        shutil.copy(path, folder)
    return folder / "collector.example.toml"


def test_the_examples_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(CONFIG / "collector.example.toml")]) == 0
    assert capsys.readouterr().out == "Settings and perimeter: no mistake.\n"


def test_every_mistake_of_every_file_is_told_and_nothing_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = example(tmp_path)
    config.write_text(config.read_text("utf-8").replace("[web]", "[wbe]"), "utf-8")
    inventory = tmp_path / "inventory.example.csv"
    inventory.write_text(inventory.read_text("utf-8").replace("2000,20", "lots,20"), "utf-8")
    assert main(["check", "--config", str(config)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "unknown key 'wbe'; did you mean 'web'?" in told[0]
    assert "inventory.example.csv:5: column 'units' is 'lots'" in told[1]
    assert not (tmp_path.parent / "var").exists()


def test_mistakes_are_json_where_a_script_wants_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = example(tmp_path)
    (tmp_path / "headcount.example.csv").unlink()
    assert main(["check", "--config", str(config), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert len(told["problems"]) == 1
    assert "headcount.example.csv: cannot be read" in told["problems"][0]


def test_a_missing_file_or_name_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", str(tmp_path / "none.toml")]) == 2
    assert main(["check"]) == 2
    assert "name --config FILE or --data DIR" in capsys.readouterr().err


def load(seq: int, energy_j: int, register_j: int) -> Load:
    end = END + 60 * seq
    return Load(METER.device, seq, end, 60, energy_j, register_j, Origin.MEASURED)


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[list[Load]], Path]:
    """A data folder with these loads of one meter."""

    def put(loads: list[Load]) -> Path:
        ledger, series = Ledger(tmp_path / "ledger.db"), SqliteSeries(tmp_path)
        ledger.put_device(Device(METER, "pdu", "o", "s", "meter", 7000.0, 0.01, END))
        series.append([Arrival(METER.node, STREAM, each, False, each.end) for each in loads])
        series.close()
        ledger.close()
        return tmp_path

    return put


@pytest.mark.parametrize(
    ("loads", "code", "missing_j", "doubled_j"),
    [
        pytest.param([(1, 100, 100), (2, 50, 150), (3, 7, 157)], 0, 0, 0, id="exact"),
        pytest.param([(1, 100, 100), (3, 7, 157)], 1, 50, 0, id="a-load-never-came"),
        pytest.param([(1, 100, 100), (2, 50, 149)], 1, 0, 1, id="one-joule-twice"),
        pytest.param([(1, 100, 100), (2, 50, 151)], 1, 1, 0, id="one-joule-lost"),
    ],
)
def test_the_store_is_compared_with_the_registers_to_the_joule(
    stored: Callable[[list[Load]], Path],
    capsys: pytest.CaptureFixture[str],
    loads: list[tuple[int, int, int]],
    code: int,
    missing_j: int,
    doubled_j: int,
) -> None:
    data = stored([load(*each) for each in loads])
    assert main(["check", "--data", str(data), "--store", "--json"]) == code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["store"] == {
        "stored_j": sum(energy_j for _, energy_j, _ in loads),
        "quarantined_j": 0,
        "late_j": 0,
        "voided_j": 0,
        "missing_j": missing_j,
        "doubled_j": doubled_j,
    }
    assert [fault["device"] for fault in told["faults"]] == (["pdu-a3"] if code else [])
    # Looking changes nothing: the next look finds the same.
    with closing(Ledger(data / "ledger.db")) as ledger:
        assert ledger.check_marks() == {}
    assert main(["check", "--data", str(data), "--store"]) == code
    assert f"{missing_j} J  missing" in capsys.readouterr().out


def test_a_store_that_is_not_there_is_an_error_and_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--data", str(tmp_path), "--store"]) == 1
    assert "does not exist; start the collector once" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_joule_that_only_the_devices_show_to_count_twice_is_told(
    stored: Callable[[list[Load]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data = stored([load(1, 100, 100)])
    for path in (CONFIG / "perimeter.example.toml", *CONFIG.glob("*.example.csv")):
        shutil.copy(path, data / path.name)
    (data / "perimeter.example.toml").rename(data / "perimeter.toml")
    # The reader's meter has no line, so it counts, and so does its outlet, which has one.
    (data / "metering.example.csv").write_text(
        "node,device,fed_by_node,fed_by,counts\nreader,pdu-a3/outlet-01,,pdu-a3,yes\n"
        "reader,pdu-a3,,,no\n",
        "utf-8",
    )
    assert main(["check", "--data", str(data), "--store"]) == 0
    (data / "metering.example.csv").write_text(
        "node,device,fed_by,counts,until\nreader,pdu-a3/outlet-01,pdu-a3,yes,\n"
        "reader,pdu-a3,,no,2020-12-31\n",
        "utf-8",
    )
    assert main(["check", "--data", str(data), "--store"]) == 2
    assert "and so does pdu-a3 (node reader), which feeds it" in capsys.readouterr().err
