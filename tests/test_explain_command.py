"""`sobre explain`: what it prints is enough to compute the figure again, and tells of nobody."""

import json
import re
from pathlib import Path

import pytest

from report_fleet import LAPTOP, half_monitored, month, unequal_organisations
from sobre_collector.cli import main
from sobre_collector.indicators.moments import Stratum
from sobre_collector.indicators.unit_month import PageSums, Printing, UnitMonth
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.explained import INDICATORS
from sobre_collector.store.ledger import Ledger

TOML = """
[[organisations]]
id = "bx"
name = "Bordeaux"
[[sites]]
id = "hdv"
name = "Hôtel de ville"
[[sites]]
id = "dc1"
name = "Salle 1"
[baseline]
year = 2022
kind = "declared"
[files]
inventory = "inventory.csv"
headcount = "headcount.csv"
baseline = "baseline.csv"
"""
FILES = {
    "perimeter.toml": TOML,
    "inventory.csv": "month,organisation,site,class,units,half_width\n"
    "2022-01,bx,hdv,workstation.laptop,200,0\n2022-01,bx,dc1,server,1,0\n",
    "headcount.csv": "month,organisation,users,half_width\n2022-01,bx,1000,0\n2025-01,bx,1100,0\n",
    "baseline.csv": "organisation,class,kwh,half_width_kwh,document\n"
    "bx,workstation.laptop,60000,1800,bilan-2022.pdf\nbx,server,40000,1200,bilan-2022.pdf\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The half-monitored fleet of `report_fleet`, as a collector's folder."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.put_months(half_monitored())
    ledger.close()
    return tmp_path


def explained(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["explain", *words, "--data", str(folder), "--year", "2025"]) == 0
    return capsys.readouterr().out


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_the_reduction_can_be_computed_again_from_what_is_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = explained(folder, capsys, "elec.reduction")
    strata = re.findall(r"(?:laptop|server): T = ([\d,.]+) kWh", text)
    assert sum(map(number, strata)) == pytest.approx(90_000)
    users = re.search(r"U_B = ([\d,.]+) ; U_R = ([\d,.]+)", text)
    shares = re.findall(r"s = ([\d.]+) ; φ = ([\d.]+)", text)
    assert users is not None
    growth = number(users[2]) / number(users[1])
    factor = sum(float(s) * (1 - float(p) + float(p) * growth) for s, p in shares)
    baseline = re.search(r"E_B = ([\d,.]+) kWh", text)
    assert baseline is not None
    r = 1 - 90_000 / (number(baseline[1]) * factor)
    assert f"R = 1 − Q = {r:.6f}" in text
    # u = 3,000/√3 of one document; the interval is the one worked out in test_report_figures.
    assert "u = a/√3 = 3,000.000 kWh/√3" in text
    assert "0.121625 … 0.179283" in text
    assert "t(95%, ν) = 1.9600" in text
    assert "bilan-2022.pdf" in text
    assert re.search(r"Method [\d.]+, software .*, fingerprint of the data [0-9a-f]{64}", text)


def test_a_stratum_can_be_computed_again_month_by_month(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = explained(
        folder, capsys, "elec.energy", "--stratum", "bx/hdv/workstation.laptop", "--lang", "en"
    )
    january = text[text.index("\n2025-01\n") : text.index("\n2025-02\n")]
    sums = re.search(r"Σx = ([\d.,]+) kWh \+ ([\d.,]+) kWh ; Σw = ([\d.,]+) \+ ([\d.,]+)", january)
    assert sums is not None
    x, x_rest, w, w_rest = map(number, sums.groups())
    units = re.search(r"N = ([\d.,]+) ; n = 100 ; D = 20 \+ 10", january)
    assert units is not None
    total = number(units[1]) * (20 * x / w + 10 * x_rest / w_rest)
    assert total == pytest.approx(4_500)
    assert "T = 4,500.000 kWh" in january


@pytest.mark.parametrize("indicator", INDICATORS)
def test_each_indicator_explains_itself_in_both_languages(
    folder: Path, capsys: pytest.CaptureFixture[str], indicator: str
) -> None:
    french = explained(folder, capsys, indicator, "--lang", "fr")
    assert french.startswith(f"{indicator} : 2025")
    assert "Hors du calcul" in french
    assert "Left out" in explained(folder, capsys, indicator)


def test_without_an_indicator_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    assert capsys.readouterr().out.split() == list(INDICATORS)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["elec.redution"], 2, "did you mean 'elec.reduction'?"),
        (["elec.energy", "--stratum", "bx/hdv/workstation.lap"], 2, "workstation.laptop"),
        (["elec.energy", "--stratum", "zz"], 2, "write organisation/site/class"),
    ],
    ids=["indicator", "stratum", "nothing-near"],
)
def test_what_is_not_known_is_named_with_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["explain", *words, "--data", str(folder), "--year", "2025"]) == code
    assert said in capsys.readouterr().err


def test_what_does_not_suffice_says_what_is_missing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "elec.reduction", "--data", str(folder), "--year", "2024"]) == 1
    text = capsys.readouterr().out
    assert "Insufficient data" in text
    assert "R = 1 − Q" not in text


def test_a_stratum_of_few_is_refused_and_no_line_gives_it_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three laptops in "a", twelve in "b": both are hidden, and only together in the sum."""
    rows, stated = unequal_organisations()
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    names = sorted(o.id for o in stated.organisations)
    (tmp_path / "perimeter.toml").write_text(
        "".join(f'[[organisations]]\nid = "{o}"\nname = "{o}"\n' for o in names)
        + '[[sites]]\nid = "s"\nname = "S"\n[baseline]\nyear = 2022\nkind = "declared"\n'
        + '[files]\ninventory = "inventory.csv"\nheadcount = "headcount.csv"\n'
        + 'baseline = "baseline.csv"\n'
    )
    units = {"a": 3, "b": 12, "c": 40, "d": 30}
    (tmp_path / "inventory.csv").write_text(
        "month,organisation,site,class,units,half_width\n"
        + "".join(f"2022-01,{o},s,workstation.laptop,{n},0\n" for o, n in units.items())
    )
    (tmp_path / "headcount.csv").write_text(
        "month,organisation,users,half_width\n" + "".join(f"2022-01,{o},100,0\n" for o in units)
    )
    (tmp_path / "baseline.csv").write_text(
        "organisation,class,kwh,half_width_kwh,document\nc,workstation.laptop,12000,360,b.pdf\n"
    )
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.put_months(rows)
    ledger.close()
    for small in ("a", "b"):
        words = ["elec.energy", "--stratum", f"{small}/s/workstation.laptop"]
        assert main(["explain", *words, "--data", str(tmp_path), "--year", "2025"]) == 1
        assert "fewer than 10 workstations" in capsys.readouterr().err
    text = explained(tmp_path, capsys, "elec.energy")
    # 12 × (37 + 120) kWh, and neither part of it.
    assert "Rest of several organisations, not published: T = 1,884.000 kWh" in text
    assert "444.000" not in text
    assert "1,440.000" not in text
    assert "c / s / workstation.laptop: T = 4,800.000 kWh" in text


def test_a_small_site_is_not_given_back_by_the_other_sites_of_its_organisation(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four laptops in the annex beside 100 in the town hall: neither site is shown alone."""
    annex = "2022-01,bx,dc1,workstation.laptop,4,0\n"
    with (folder / "inventory.csv").open("a") as file:
        file.write(annex)
    ledger = Ledger(folder / "ledger.db", create=False)
    small = type(LAPTOP)("bx", "dc1", "workstation.laptop")
    ledger.put_months([month(name, small, 4, 60.0) for name in months_of(2025)])
    ledger.close()
    for site in ("hdv", "dc1"):
        words = ["elec.energy", "--stratum", f"bx/{site}/workstation.laptop"]
        assert main(["explain", *words, "--data", str(folder), "--year", "2025"]) == 1
    text = explained(folder, capsys, "elec.energy")
    assert "Rest of bx, not published by stratum: T = 54,720.000 kWh" in text
    assert "720.000 kWh ;" not in text.replace("54,720.000", "")


@pytest.mark.parametrize(
    ("printers", "private", "code"),
    [(1, True, 1), (9, True, 1), (10, True, 0), (1, False, 0)],
    ids=["one", "nine", "ten", "nobodys"],
)
def test_few_printers_of_which_one_stands_in_an_office_are_not_shown_by_stratum(
    folder: Path, capsys: pytest.CaptureFixture[str], printers: int, private: bool, code: int
) -> None:
    with (folder / "inventory.csv").open("a") as file:
        file.write(f"2022-01,bx,hdv,printer,{printers},0\n")
    stratum = Stratum("bx", "hdv", "printer")
    ledger = Ledger(folder / "ledger.db", create=False)
    ledger.put_months([month(name, stratum, printers, 7.0) for name in months_of(2025)])
    told = Printing(
        "M", "", "sheets", private, (20, 10), (1, 1), (1, 1), (1, 1), {"ready": 2.0},
        (0, 0), (0, 0), 0, PageSums(),
    )  # fmt: skip
    for name in months_of(2025):
        where = (name, "n", "p", "printer", "bx", "hdv", (20, 10), (20.0, 10.0))
        ledger.units.put(name, [UnitMonth(*where, (7.0, 0.0), (0.0, 0.0), 0.0, True, told)])
    ledger.close()
    words = ["elec.energy", "--stratum", "bx/hdv/printer", "--data", str(folder), "--year", "2025"]
    assert main(["explain", *words]) == code
    text = explained(folder, capsys, "elec.energy")
    # 12 × 7 kWh, which the rest of the organisation must not be either.
    assert ("T = 84.000 kWh" in text) is (code == 0)
    assert main(["report", "--json", *words[3:]]) == 0
    coverage = json.loads(capsys.readouterr().out)["coverage"]
    (found,) = [each for each in coverage if each["device_class"] == "printer"]
    assert found["devices"] == (None if code else printers)
