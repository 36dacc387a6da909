"""`sobre report` as a person or a script calls it, over a real ledger."""

import json
from pathlib import Path

import pytest

from report_fleet import half_monitored
from sobre_collector.cli import main
from sobre_collector.store.ledger import Ledger
from test_web import PERIMETER


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "perimeter.toml").write_text(PERIMETER, "utf-8")
    (tmp_path / "inventory.csv").write_text(
        "month,organisation,site,class,units,half_width\n"
        "2022-01,bx,hdv,workstation.laptop,200,0\n2022-01,bx,dc1,server,1,0\n"
    )
    (tmp_path / "headcount.csv").write_text(
        "month,organisation,users,half_width\n2022-01,bx,1000,0\n2024-01,bx,1100,0\n"
    )
    (tmp_path / "baseline.csv").write_text(
        "organisation,class,kwh,half_width_kwh,document\n"
        "bx,workstation.laptop,60000,1800,bilan.pdf\nbx,server,40000,1200,bilan.pdf\n"
    )
    ledger = Ledger(tmp_path / "ledger.db")
    for row in half_monitored(2024):
        ledger.put_month(row)
    ledger.close()
    return tmp_path


def test_json_is_all_that_is_printed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--data", str(data), "--year", "2024", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["result"]["reduction_ratio"] == pytest.approx(1 - 90 / 106)
    assert found["provenance"]["input_sha256"]


def test_the_terminal_gets_the_sentence_and_files_get_written(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--data", str(data), "--year", "2024", "--lang", "fr"]) == 0
    assert "à périmètre utilisateur constant : -15,1" in capsys.readouterr().out
    out = data / "bilan"
    assert main(["report", "--data", str(data), "--year", "2024", "--out", str(out)]) == 0
    assert str(out / "rapport.fr.html") in capsys.readouterr().out
    assert len(list(out.iterdir())) == 8


def test_a_configuration_names_folder_and_perimeter(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = data / "collector.toml"
    config.write_text('data = "."\nperimeter = "perimeter.toml"\n')
    assert main(["report", "--config", str(config), "--year", "2024", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["period"]["complete"] is True


def test_without_data_it_says_what_to_do(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--data", str(data), "--year", "2023"]) == 1
    assert "choose another --year" in capsys.readouterr().err
    (data / "ledger.db").unlink()
    assert main(["report", "--data", str(data)]) == 1
    assert "start the collector" in capsys.readouterr().err
    assert not (data / "ledger.db").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "a.toml", "--data", "b"], "not allowed with argument"),
        (["--data", "nowhere-at-all"], "config/perimeter.example.toml"),
    ],
    ids=["both", "no-perimeter"],
)
def test_a_wrong_call_ends_with_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["report", *words])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert said in capsys.readouterr().err
