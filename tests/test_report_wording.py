"""What readers see: both languages say the same things, and numbers as their readers write them."""

import string
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from sobre_collector.indicators.baseline import Kind
from sobre_collector.indicators.trajectory import Status
from sobre_collector.perimeter.facts import BASELINE_KINDS
from sobre_collector.report import notation
from sobre_collector.report.facts import METHOD_VERSION
from sobre_collector.report.model import Note
from sobre_collector.report.wording import TABLES, Lang, marked, note, say
from sobre_drivers.load import CLASSES, Origin

NARROW = "\u202f"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_each_text_exists_in_both_languages_with_the_same_values() -> None:
    french, english = TABLES["fr"], TABLES["en"]
    assert french.keys() == english.keys()
    assert {k for k in french if _fields(french[k]) != _fields(english[k])} == set()


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("class", CLASSES),
        ("origin", [origin.value for origin in Origin]),
        ("kind", BASELINE_KINDS),
        ("status", ("ahead", "behind", "on-path", "not-conclusive", "insufficient")),
    ],
    ids=["classes", "origins", "baseline-kinds", "statuses"],
)
def test_each_code_has_a_word(lang: Lang, kind: str, codes: tuple[str, ...]) -> None:
    assert [code for code in codes if f"{kind}.{code}" not in TABLES[lang]] == []


def test_the_french_sentences_are_those_of_the_method() -> None:
    assert (
        say(
            "fr",
            "said.evolution",
            evolution="-9,2 %",
            low="-13,8 %",
            high="-4,4 %",
            baseline_year=2022,
            target_year=2026,
            target="-15 %",
        )
        == "Évolution de la consommation électrique des environnements et infrastructures "
        "numériques, à périmètre utilisateur constant : **-9,2 %** (intervalle de confiance à "
        "95 % : -13,8 % à -4,4 %) par rapport à la situation de référence 2022 ; objectif 2026 : "
        "-15 %."
    )
    assert (
        say("fr", "said.shares", measured="73 %", estimated="0 %", extrapolated="27 %")
        == "Part mesurée / estimée / extrapolée : 73 % / 0 % / 27 %."
    )
    assert (
        say("fr", "said.gap", gap="-1,2 point", status="non significatif")
        == "Écart à la trajectoire : -1,2 point, **non significatif** au seuil de 95 %."
    )
    assert (
        say("fr", "said.avoided", avoided="400 MWh", interval="190 à 600 MWh")
        == "Consommation évitée : 400 MWh (190 à 600 MWh, 95 %)."
    )


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (lambda: notation.number(1_234_567.25, "fr", 1), f"1{NARROW}234{NARROW}567,2"),
        (lambda: notation.number(1_234_567.25, "en", 1), "1,234,567.2"),
        (lambda: notation.number(-0.04, "fr", 1), "0,0"),
        (lambda: notation.percent(-0.0919540, "fr"), f"-9,2{NARROW}%"),
        (lambda: notation.percent(-0.0919540, "en"), "-9.2%"),
        (lambda: notation.change(0.33, "fr"), f"+33,0{NARROW}%"),
        (lambda: notation.change(-0.33, "en"), "-33.0%"),
        (lambda: notation.change(0.0001, "en"), "0.0%"),
        (lambda: notation.points(-0.012425, "fr"), "-1,2 point"),
        (lambda: notation.points(0.023, "fr"), "+2,3 points"),
        (lambda: notation.points(-0.012425, "en"), "-1.2 points"),
        (lambda: notation.points(0.01, "en"), "+1.0 point"),
        (lambda: notation.energy(400_000, "fr"), f"400{NARROW}MWh"),
        (lambda: notation.energy(4_350_000, "en"), f"4.35{NARROW}GWh"),
        (lambda: notation.energy(0.25, "fr"), f"250{NARROW}Wh"),
        (lambda: notation.energy(0.00072, "en"), f"0.7{NARROW}Wh"),
        (lambda: notation.energy_range(189_766, 599_595, "fr"), f"190 à 600{NARROW}MWh"),
        (lambda: notation.energy_range(-5.25, 12.5, "en"), f"-5.2 to 12.5{NARROW}kWh"),
        (lambda: notation.day("2026-11-01T00:00:00Z", "fr"), "1er novembre 2026"),
        (lambda: notation.month("2026-08", "en"), "August 2026"),
    ],
)
def test_numbers_and_dates_are_written_as_their_readers_do(
    written: Callable[[], str], text: str
) -> None:
    assert written() == text


@pytest.mark.parametrize(
    ("ratios", "texts"),
    [
        ((1 / 3, 1 / 3, 1 / 3), ["34%", "33%", "33%"]),
        ((0.73, 0.004, 0.266), ["73%", "0%", "27%"]),
        ((0.4896, 0.3897, 0.1207), ["49%", "39%", "12%"]),
        ((1.0, 0.0, 0.0), ["100%", "0%", "0%"]),
    ],
    ids=["thirds", "method", "halves", "census"],
)
def test_rounded_shares_still_add_up(ratios: tuple[float, ...], texts: list[str]) -> None:
    assert notation.percents(ratios, "en") == texts


def test_a_note_writes_its_values_by_their_names() -> None:
    french = note("fr", Note("baseline-too-uncertain", {"u_ratio": 0.173, "limit_ratio": 0.1}))
    assert f"17,3{NARROW}%" in french
    assert note("en", Note("no-baseline", {"baseline_year": 2022})).endswith("the year 2022.")
    flagged = note("en", Note("flagged", {"flag": "few-devices", "count": 3, "total": 9}))
    assert flagged == "Fewer than 10 devices monitored: 3 of 9 stratum-months."
    assert notation.months(["2024-12", "2025-01", "2025-02", "2025-05"], "en") == (
        "December 2024 to February 2025, May 2025"
    )
    assert notation.bound("à 95 % : oui ; non") == "à 95\u202f%\u00a0: oui\u202f; non"
    assert note("en", Note("never-heard-of")) == "never-heard-of"


def test_marks_become_strong_and_all_else_is_escaped() -> None:
    assert marked("a **<b>** & c") == "a <strong>&lt;b&gt;</strong> &amp; c"


METHOD = (Path(__file__).parents[1] / "docs" / "method.md").read_text("utf-8")


def test_the_report_quotes_the_method_that_is_described() -> None:
    assert METHOD.splitlines()[0].endswith(f"version {METHOD_VERSION}")


@pytest.mark.parametrize(("lang", "part"), [("fr", 0), ("en", 1)], ids=["fr", "en"])
def test_the_method_and_the_page_call_a_status_by_the_same_name(lang: Lang, part: int) -> None:
    text = METHOD.split("## In English")[part]
    for status in get_args(Status):
        word = TABLES[lang][f"status.{status}"]
        assert word in text.replace("\n", " "), status


def test_a_kind_of_baseline_has_one_name_everywhere() -> None:
    assert set(get_args(Kind)) == set(BASELINE_KINDS)
    assert {key for key in TABLES["fr"] if key.startswith("kind.")} == {
        f"kind.{kind}" for kind in BASELINE_KINDS
    }
