"""What a person sees of their own PC with `sobre-agent me`."""

import json
import os
import webbrowser
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sobre_agent import config as agent_config
from sobre_agent.cli import main
from sobre_agent.commands import me
from sobre_agent.config import AgentConfig
from sobre_agent.config import Host as HostSettings
from sobre_agent.history import placed
from sobre_agent.open_load import Span
from sobre_agent.outbox import Outbox
from sobre_agent.own import facts, words
from sobre_agent.own.figures import Mine, of
from sobre_agent.own.text import as_text
from sobre_agent.spool import Spool
from sobre_drivers import birth, wire
from sobre_drivers.load import Origin

PARIS = ZoneInfo("Europe/Paris")
CONFIG = AgentConfig(organisation="ville", site="mairie", node="pc-1")


def write_config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(
        f'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
        f'[spool]\nfolder = "{tmp_path / "spool"}"\n'
    )
    return path


def span(at: str, hours: int, energy_j: int) -> Span:
    """A load that begins at a local time."""
    start = int(datetime.fromisoformat(at).replace(tzinfo=PARIS).timestamp())
    return Span("pc-1", start + hours * 3600, hours * 3600, energy_j, Origin.ESTIMATED)


TODAY = date(2026, 11, 24)  # a Tuesday
KWH = 3_600_000
LIFE = [
    span("2025-12-31T08:00", 4, 9 * KWH),  # last year
    span("2026-01-01T08:00", 4, 1 * KWH),  # a holiday
    span("2026-11-20T08:00", 4, 2 * KWH),  # last Friday
    span("2026-11-23T02:00", 4, KWH // 4),  # Monday, at night
    span("2026-11-23T08:00", 4, KWH // 2),  # Monday, at work
    span("2026-11-24T08:00", 2, KWH // 10),  # today, at work
]
BORN = birth.Birth(
    "workstation.laptop", "ville", "mairie", "by hand", Origin.ESTIMATED, 150, 0.25, "0.1.0"
)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool as the loop leaves it: two thirds of its loads confirmed."""
    made = Spool(tmp_path / "spool", place=lambda s: placed(s, PARIS, CONFIG.working_hours))
    made.meet("pc-1", "by hand", birth.encode(BORN))
    made.append(LIFE[:4], {})
    outbox = Outbox(made)
    parcel = outbox.next_parcel(1.9e9)
    assert parcel is not None
    answered = datetime(2026, 11, 24, 9, 30, tzinfo=PARIS)
    answer = wire.Answer(made.stream, parcel.number, parcel.sha256, int(answered.timestamp()))
    assert outbox.confirm(answer)
    made.append(LIFE[4:], {})
    # Another device of this agent; `me` is about its own machine.
    made.meet("pdu-a3", "register", b"{}")
    made.append([replace(LIFE[-1], device="pdu-a3", energy_j=50 * KWH)], {})
    return made


def seen(spool: Spool) -> Mine:
    """What `me` shows at noon of `TODAY`; the spool is closed."""
    noon = datetime(2026, 11, 24, 12, tzinfo=PARIS).timestamp()
    known = facts.gathered(spool, "pc-1", CONFIG, noon)
    spool.close()
    return of(json.loads(json.dumps(known)), TODAY)


def test_me_adds_up_today_the_week_and_the_year(spool: Spool) -> None:
    mine = seen(spool)
    kwh = {name: period.energy_j / KWH for name, period in mine.periods.items()}
    assert kwh == {"today": 0.1, "week": 0.85, "year": 3.85}
    nights = {name: period.night_j / KWH for name, period in mine.periods.items()}
    assert nights == {"today": 0, "week": 0.25, "year": 1.25}
    assert mine.since == "2025-12-31"
    assert [(day.first.isoformat(), day.energy_j / KWH) for day in mine.days] == [
        ("2026-11-20", 2),
        ("2026-11-23", 0.75),
        ("2026-11-24", 0.1),
    ]
    assert [(month.first.month, month.energy_j / KWH) for month in mine.months] == [
        (1, 1),
        (11, 2.85),
    ]
    assert (mine.method, mine.uncertainty_ratio) == ("by hand", 0.25)


def test_me_counts_what_was_confirmed_and_what_waits(spool: Spool) -> None:
    mine = seen(spool)
    assert (mine.delivered.confirmed, mine.delivered.waiting, mine.delivered.refused) == (4, 2, 0)
    assert mine.delivered.last == datetime(2026, 11, 24, 9, 30, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("at", "night_j"),
    [("2026-11-24T20:30", 36_000), ("2026-11-24T14:00", 0)],
    ids=["in-the-evening", "at-work"],
)
def test_me_includes_the_load_that_is_still_open(spool: Spool, at: str, night_j: int) -> None:
    start = int(datetime.fromisoformat(at).replace(tzinfo=PARIS).timestamp())
    opened = {
        "device": "pc-1",
        "start": start,
        "boundary": start + 12_600,
        "covered": start + 600,
        "energy_uj": 36_000_999_999,
        "carry_uj": 0,
        "origins": ["estimated"],
        "state_s": {"on": 600},
        "power_max_w": 60.0,
        "pages": None,
    }
    spool.checkpoint({"pc-1": {"open": opened}})
    mine = seen(spool)
    assert mine.periods["today"].energy_j == KWH // 10 + 36_000
    assert mine.periods["today"].night_j == night_j


def test_me_speaks_french_as_the_french_write(spool: Spool) -> None:
    text = as_text(seen(spool), "fr")
    year = next(line for line in text.splitlines() if line.startswith("cette année"))
    assert year.split()[2:4] == ["3,85", "0,96"]
    assert year.endswith(" 32\u202f%")
    assert "Méthode : by hand ; erreur annoncée : ± 25\u202f% (95 %)." in text
    assert "confirmés : 4 (dernière réponse : 24/11/2026) ; en attente : 2." in text
    assert "estimation" in text


def test_me_speaks_english(spool: Spool) -> None:
    text = as_text(seen(spool), "en")
    week = next(line for line in text.splitlines() if line.startswith("this week"))
    assert week.split() == ["this", "week", "0.85", "0.21", "29", "%"]
    assert "confirmed: 4 (last answer: 2026-11-24); waiting: 2." in text


def test_both_languages_say_the_same_things() -> None:
    assert words.WORDS["fr"].keys() == words.WORDS["en"].keys()
    for key, text in words.WORDS["fr"].items():
        assert text.count("{") == words.WORDS["en"][key].count("{"), key


def test_me_of_a_pc_that_has_not_yet_measured_says_so(tmp_path: Path) -> None:
    empty = Spool(tmp_path / "spool")
    mine = seen(empty)
    assert mine.since is None
    assert mine.periods["today"].night_ratio is None
    assert "Nothing is recorded yet" in as_text(mine, "en")


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "fr"),
        ({"LANG": "C"}, "fr"),
        ({}, "fr"),
    ],
    ids=["french", "english", "lc-all-wins", "german", "c", "unset"],
)
def test_the_language_is_the_persons_else_the_configured_one(
    environment: dict[str, str], lang: str
) -> None:
    assert me.language(environment, "fr") == lang


def test_me_runs_from_the_command_line(
    tmp_path: Path, spool: Spool, capsys: pytest.CaptureFixture[str]
) -> None:
    spool.close()
    path = write_config(tmp_path)
    assert main(["me", "--config", str(path), "--lang", "en"]) == 0
    assert "What this PC (pc-1) used" in capsys.readouterr().out
    assert main(["me", "--config", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sent"]["waiting"] == 2
    assert set(told["periods"]) == {"today", "week", "year"}


@pytest.mark.parametrize(("browser", "code"), [(True, 0), (False, 1)], ids=["shown", "no-browser"])
def test_me_opens_a_private_page_in_the_browser(
    tmp_path: Path,
    spool: Spool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    browser: bool,
    code: int,
) -> None:
    spool.close()
    opened: list[str] = []

    def shown(uri: str) -> bool:
        opened.append(uri)
        return browser

    # A browser cannot run here: what it would be given is looked at.
    monkeypatch.setattr(webbrowser, "open", shown)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    words = ["me", "--open", "--config", str(write_config(tmp_path)), "--lang", "fr"]
    assert main(words) == code
    path = tmp_path / "sobre-me.html"
    assert capsys.readouterr().out == f"{path}\n"
    assert opened == [path.as_uri()]
    assert "Ce que cet ordinateur a consommé" in path.read_text("utf-8")


def test_me_makes_no_spool_where_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path)
    assert main(["me", "--config", str(path)]) == 1
    assert "has not run with this folder yet" in capsys.readouterr().err
    assert not (tmp_path / "spool").exists()


def test_me_of_a_reader_that_does_not_measure_its_own_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = AgentConfig(
        organisation="ville",
        site="mairie",
        node="reader-1",
        host=HostSettings(enabled=False),
        meters=(agent_config.Meter(device="pdu-a3", profile="any", host="127.0.0.1"),),
    )
    monkeypatch.setattr(agent_config, "load", lambda path: reader)
    with pytest.raises(Exception, match=r"host\.enabled is false"):
        me.found(Path("agent.toml"))


def test_the_shown_folder_of_another_user_is_a_matter_of_permission(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path)
    (tmp_path / "spool").mkdir()
    # Root may read everything, so the system's answer is faked here.
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK)
    assert main(["me", "--config", str(path)]) == 1
    assert "sudo -u sobre-agent" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "en"),
    [
        ("model 2 (utilisation, laptop)", "It rests on how busy the processor is, by machines"),
        ("powercap package+dram, model 2", "It rests on the processor's own energy counters"),
        ("powercap psys, model 2", "It rests on a sensor that sees the whole machine."),
        ("emi package, model 2", "It rests on the processor's own energy counters"),
        ("system load, model 2", "It rests on a sensor that sees the whole machine."),
        (
            "battery, else model 2 (utilisation)",
            "on what the battery gives while it runs the PC, oth",
        ),
        (
            "battery, else powercap psys, model 2",
            "otherwise on a sensor that sees the whole machine.",
        ),
    ],
)
def test_a_method_is_told_in_plain_words(method: str, en: str) -> None:
    assert en in str(words.explained(method, "en"))
    assert words.explained(method, "fr") is not None


def test_a_method_that_is_unknown_is_not_explained_away() -> None:
    assert words.explained("by hand", "en") is None
