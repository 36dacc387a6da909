"""Before any agent: what `sobre estimate` and `sobre plan-sample` make of an inventory."""

import json
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import pytest

from accuracy import tables
from sobre_collector.cli import main
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.planning.declared import OWN_FILE, declared, figures
from sobre_collector.store.ledger import Ledger
from sobre_drivers.errors import ConfigError

INVENTORY = """month;organisation;site;class;units;half_width
2026-01;ville;mairie;workstation.laptop;600;10
2026-09;ville;mairie;workstation.laptop;500;10
2026-09;ville;mairie;workstation.desktop;80;2
2026-09;ville;salle;server;6;0
2026-09;ville;salle;cooling;2;0
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.csv"
    path.write_text(INVENTORY, "utf-8")
    return path


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    try:
        code: object = main([*map(str, words)])
    except SystemExit as end:
        code = end.code
    assert code == 2
    return capsys.readouterr().err


def test_estimate_is_powers_times_hours_of_the_last_month(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "estimate", inventory)
    # By hand from the figures: 500 laptops of 5.0 W for 3,500 h, then 58 % asleep at 0.7 W.
    laptops = 500 * (5.0 * 3_500 + (0.58 * 0.7 + 0.42 * 0.3) * 5_260) / 1000
    desktops = 80 * (22.0 * 4_400 + (0.1 * 1.5 + 0.9 * 0.5) * 4_360) / 1000
    servers = 6 * 170.0 * 8_760 / 1000
    assert found["kwh"] == pytest.approx(laptops + desktops + servers)
    assert found["month"] == "2026-09"
    assert found["unknown"] == ["cooling"]
    kwh = {one["class"]: one["kwh"] for one in found["classes"]}
    assert kwh["workstation.laptop"] == pytest.approx(laptops)


def test_interval_is_wide_and_holds_what_use_may_be(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "estimate", inventory)
    low, high = found["interval_kwh"]
    stated = {one.device_class: one for one in figures().classes}
    units = {"workstation.laptop": 500, "workstation.desktop": 80, "server": 6}
    for which in (0, 2):
        use = sum(n * stated[name].year_kwh(which) for name, n in units.items())
        assert low < use < high
    # Log-normal about the same mean: the product of its ends is the square of its median.
    cv = found["u_kwh"] / found["kwh"]
    median = found["kwh"] / sqrt(1 + cv**2)
    assert sqrt(low * high) == pytest.approx(median)
    assert log(high / low) == pytest.approx(2 * 1.959964 * sqrt(log(1 + cv**2)), rel=1e-6)


def test_price_and_carbon_follow_the_energy(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--price", "0.25", "--factor", "0.05", "--factor-source", "a table of 2024")
    found = answer(capsys, "estimate", inventory, *words)
    kwh, kg = found["kwh"], found["kg"]
    assert found["cost_eur"][0] == pytest.approx(0.25 * kwh)
    assert kg[0] == pytest.approx(0.05 * kwh)
    cv = sqrt((found["u_kwh"] / kwh) ** 2 + 0.1**2)
    assert kg[2] == pytest.approx(kg[0] * exp(1.959964 * cv), rel=1e-6)


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("class,units\nlaptop,3\n", (), ":2: column 'class' is 'laptop'; did you mean"),
        ("class,units\nserver,1 200\n", (), ":2: column 'units' is '1 200'; write 1200"),
        ("class,units\nserver,1\nserver,2\n", (), ":3: server stands already"),
        ("class,units\n", (), "no line with devices"),
        ("class,units\nups,3\n", (), "no declared energy for ups"),
        ("month,class,units\n2026-01,ups,3\n,server,3\n", (), "'month' is empty on some lines"),
        ("class,units\nserver,1\n", ("--factor", "0.05"), "give --factor-source too"),
        ("class,units\nserver,1\n", ("--price", "0"), "above 0"),
        ("class,units\nserver,1\n", ("--factor", "inf", "--factor-source", "x"), "above 0"),
    ],
    ids=["class", "number", "twice", "empty", "unknown", "month", "source", "price", "factor"],
)
def test_mistakes_are_named_by_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    words: tuple[str, ...],
    said: str,
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(content, "utf-8")
    assert said in refused(capsys, "estimate", path, *words)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("fr", ["C'est une estimation, non une mesure", "Sans donnée, absent du total", "95 %"]),
        ("en", ["This is an estimate, not a measurement", "Without data, not in the total", "95%"]),
    ],
)
def test_words_are_those_of_the_language(
    inventory: Path, capsys: pytest.CaptureFixture[str], lang: str, said: list[str]
) -> None:
    assert main(["estimate", str(inventory), "--lang", lang]) == 0
    text = capsys.readouterr().out.replace("\u202f", " ").replace("\u00a0", " ")
    assert [each for each in said if each not in text] == []


@pytest.mark.shared
def test_stated_spread_holds_declared_years_that_were_not_used_for_it() -> None:
    if not tables.TABLES.exists():
        pytest.skip("../shared/captures/power-tables is not there")
    by_class = {one.device_class: one for one in declared(figures())}
    held = {}
    for kind, name in (
        ("laptop", "workstation.laptop"),
        ("desktop", "workstation.desktop"),
        ("monitor", "monitor"),
    ):
        low, high = by_class[name].model_interval_kwh(0.95)
        rows = [r.year_kwh for r in tables.declared() if r.kind.startswith(kind)]
        scored = [
            r.year_kwh
            for r in tables.declared()
            if r.kind.startswith(kind) and tables.held_out(r.key)
        ]
        assert len(scored) > len(rows) / 3
        held[name] = (sum(low <= kwh <= high for kwh in scored), len(scored))
    inside, whole = (sum(pair[i] for pair in held.values()) for i in (0, 1))
    # 142 rows: within two standard errors of 95 %, from both sides.
    assert 0.913 <= inside / whole <= 0.99
    assert all(count / n >= 0.9 for count, n in held.values())


def test_figures_without_a_source_are_refused(tmp_path: Path) -> None:
    text = OWN_FILE.read_text("utf-8")
    path = tmp_path / "declared.toml"
    start = text.index("sources = [")
    path.write_text(text[:start] + "sources = []" + text[text.index("]", start) + 1 :], "utf-8")
    with pytest.raises(ConfigError, match="say where the figures come from"):
        figures(path)


def test_plan_gives_the_wanted_width_with_no_agent_too_many(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "plan-sample", inventory, "--half-width", "8")
    n = {one["class"]: one for one in found["strata"]}
    total = sum(one["units"] * one["unit_kwh"] for one in n.values())

    def half(less: int) -> float:
        variance = 0.0
        for name, one in n.items():
            agents = one["agents"] - (less if name == "workstation.desktop" else 0)
            spread = one["units"] * one["unit_kwh"] * one["cv_ratio"]
            variance += spread**2 * (1 - agents / one["units"]) / agents
        return 1.959964 * sqrt(variance) / float(total)

    assert found["half_width_ratio"] == pytest.approx(half(0), rel=1e-6)
    assert half(0) <= 0.08 < half(1)
    pair = found["reduction_half_width_ratio"]
    assert pair["independent"] == pytest.approx(sqrt(2) * half(0), rel=1e-6)
    assert pair["matched"] < pair["independent"]


def test_census_of_rooms_buys_more_than_the_same_agents_elsewhere(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "plan-sample", inventory, "--agents", 10)
    assert found["census_half_width_ratio"] < found["half_width_ratio"]
    whole = answer(capsys, "plan-sample", inventory, "--agents", 586)
    assert whole["half_width_ratio"] == pytest.approx(0.0)
    assert whole["census_half_width_ratio"] is None


def measured(site: str, device_class: str, year_kwh: list[float]) -> StratumMonth:
    per_day = [kwh / 365.25 for kwh in year_kwh]
    rows = [DeviceMonth((20 * d, 10 * d), (20.0, 10.0), 30 * d, 0.0, 0.0) for d in per_day]
    return stratum_month("2024-09", Stratum("ville", site, device_class), (20, 10), rows)


def test_measured_variances_take_the_place_of_declared_ones(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with inventory.open("a", encoding="utf-8") as file:
        file.write("2026-09;ville;annexe;workstation.laptop;40;0\n")
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.put_months(
        [
            measured("annexe", "workstation.laptop", [30.0, 34.0] * 12),
            measured("mairie", "workstation.laptop", [20.0, 24.0] * 6),
            measured("mairie", "workstation.desktop", [60.0, 66.0, 90.0]),
            measured("salle", "server", [2000.0, 2400.0, 1800.0]),
        ]
    )
    ledger.close()
    found = answer(capsys, "plan-sample", inventory, "--half-width", "8", "--data", tmp_path)
    strata = {(one["site"], one["class"]): one for one in found["strata"]}
    laptop = strata["annexe", "workstation.laptop"]
    assert laptop["measured"]
    assert laptop["unit_kwh"] == pytest.approx(32.0)
    assert laptop["cv_ratio"] == pytest.approx(sqrt(24 * 4 / 23) / 32)
    assert strata["salle", "server"]["measured"]
    # Three workstations tell too much of each.
    desktop = strata["mairie", "workstation.desktop"]
    assert not desktop["measured"]
    assert desktop["unit_kwh"] == pytest.approx(99.4, abs=0.1)
    # By hand: models 0.9; use from 39.5 to 212.0 kWh about 99.4, rectangular: 0.868 / √3.
    assert desktop["cv_ratio"] == pytest.approx(1.030, abs=0.001)
    # With these twelve as well, the organisation's total would leave the three.
    assert not strata["mairie", "workstation.laptop"]["measured"]


def test_a_stratum_in_which_one_stands_out_is_not_measured(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.put_months([measured("mairie", "workstation.laptop", [20.0, 24.0] * 7 + [400.0])])
    ledger.close()
    found = answer(capsys, "plan-sample", inventory, "--half-width", "8", "--data", tmp_path)
    assert not any(one["measured"] for one in found["strata"])


def test_plan_that_cannot_be_had_says_what_is_the_least(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "9 are the least" in refused(capsys, "plan-sample", inventory, "--agents", 4)
    for none in ("0", "nan", "1e400"):
        assert "above 0" in refused(capsys, "plan-sample", inventory, "--half-width", none)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_plan_speaks_either_language(
    inventory: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    assert main(["plan-sample", str(inventory), "--agents", "60", "--lang", lang]) == 0
    text = capsys.readouterr().out
    assert "ville / mairie / workstation.laptop" in text
    assert "cooling" in text
    assert ("tirés au sort" if lang == "fr" else "drawn at random") in text
    # 0.44 is a correlation, and what it says is of sampling alone.
    assert (
        "(corrélation 0,44), par" if lang == "fr" else "(correlation 0.44), by sampling"
    ) in text
