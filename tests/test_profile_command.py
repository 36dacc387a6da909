"""`sobre-agent meters`: what is known, how surely, and whether a file is a profile."""

import json
from pathlib import Path

import pytest

from sobre_agent.cli import main
from sobre_drivers.meters import catalog


def test_every_model_is_listed_with_how_sure_we_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters"]) == 0
    plain = capsys.readouterr().out
    assert main(["meters", "list"]) == 0
    assert capsys.readouterr().out == plain
    for name in catalog.paths():
        (line,) = [line for line in plain.splitlines() if line.split()[:1] == [name]]
        assert catalog.about(catalog.find(name)).confirmed in line
    sure = [catalog.about(path).confirmed for path in catalog.paths().values()]
    assert f"unconfirmed ({sure.count('unconfirmed')}): one source only" in plain


@pytest.mark.parametrize("words", [["--json"], ["list", "--json"], ["--json", "list"]])
def test_the_list_is_there_for_scripts(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["meters", *words]) == 0
    rows = {row["profile"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows.keys() == catalog.paths().keys()
    assert rows["raritan-px"]["confirmed"] == "unconfirmed"
    assert rows["raritan-px"]["measures"] == "power"
    assert rows["sobre-demo-pdu"]["devices"] == 9


def test_a_broken_profile_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.toml").write_text("maker = 3\n", encoding="utf-8")
    assert main(["meters", "list", "--profiles-folder", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "eastron-sdm120" in said.out
    assert f"{tmp_path / 'broken.toml'}: 'maker' is 3" in said.err


def test_check_names_file_and_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "acme.toml"
    good = (catalog.OWN_FOLDER / "modbus" / "abb-b23.toml").read_text(encoding="utf-8")
    path.write_text(good, encoding="utf-8")
    assert main(["meters", "check", str(path)]) == 0
    assert "no mistake found" in capsys.readouterr().out
    path.write_text(good.replace("address = 23316", "adress = 23316"), encoding="utf-8")
    assert main(["meters", "check", str(path)]) == 2
    told = capsys.readouterr().err
    (line,) = [
        at for at, text in enumerate(path.read_text("utf-8").splitlines(), 1) if "adress" in text
    ]
    assert f"{path}:{line}: unknown key 'part[0].power.adress'; did you mean 'address'?" in told
    assert main(["meters", "check", str(tmp_path / "missing.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        (["--profile", "eastron-sdm12"], "did you mean 'eastron-sdm120'?"),
        (["--port", "70000"], "is no port"),
        (["--unit-id", "300"], "0 to 255"),
        (["--timeout-s", "0"], "more than 0 s"),
        (["--device", "A B"], "use a-z"),
    ],
    ids=["profile", "port", "unit-id", "timeout", "device"],
)
def test_a_wrong_option_of_read_is_told(
    wrong: list[str], finding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["meters", "read", "--profile", "abb-b23", "--host", "127.0.0.1", *wrong]
    assert main(words) == 2
    assert finding in capsys.readouterr().err
