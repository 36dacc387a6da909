"""GLPI's register becomes counts: by day, by word, and with what nobody can tell as half-width."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from glpi_served import APP, USER, Served, glpi
from method import examples
from sobre_collector.cli import main
from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.glpi import Item, Person, Words, below, counted, headcount
from sobre_collector.perimeter.glpi_csv import items, people
from sobre_collector.perimeter.tables import Column, amount, month, read_table, text
from sobre_drivers.errors import ConfigError

Captured = pytest.CaptureFixture[str]
TODAY = date(2026, 12, 15)
WORDS = Words(
    entities={"Racine > Northtown": "northtown", "Racine > Écoles": ""},
    locations={"Hôtel de ville": "hall"},
    types={"Portable": "workstation.laptop", "Serveur virtuel": ""},
    in_service=("En service", ""),
    out_of_service=("Réformé",),
    half_width_ratio=0.05,
)
LAPTOPS = Stratum("northtown", "hall", "workstation.laptop")
TOML = """
in_service = ["En service"]
out_of_service = ["Réformé"]
[entities]
"Racine > Northtown" = "northtown"
"Racine > Écoles" = ""
[locations]
"Hôtel de ville" = "hall"
[types]
"Portable" = "workstation.laptop"
"Fixe" = "workstation.desktop"
"Machine virtuelle" = ""
"""
FRENCH = (
    '\N{ZERO WIDTH NO-BREAK SPACE}"Nom";"Entité";"Statut";"Lieu";"Type";"Numéro de série";'
    '"Date de mise en service";"Date de réforme";\n'
    '"PC-MARTIN";"Racine &gt; Northtown &#62; Voirie";"En service";"Hôtel de ville";"Portable";'
    '"S-1";"16-11-2026";"";\n'
    '"PC ""B""";"Racine &amp;gt; Northtown";"Réformé";"Hôtel de ville";"Portable";"S;2";'
    '"01-01-2020";"10-11-2026";\n'
)
ENGLISH = (
    "Name,Entity,Status,Location,Type,Startup date,Decommission date\r\n"
    '"a\nb",Racine > Northtown,En service,Hôtel de ville,Portable,2026-11-16,\r\n'
    "c,Racine > Northtown,Réformé,Hôtel de ville,Portable,2020-01-01,2026-11-10 00:00:00\r\n"
)


def item(status: str = "En service", **changes: object) -> Item:
    given = {"entity": "Racine > Northtown", "location": "Hôtel de ville", "type": "Portable"}
    return Item("Computer", **{**given, "status": status, **changes})  # type: ignore[arg-type]


def test_units_are_a_mean_over_the_days_as_worked_out_by_hand() -> None:
    example = examples.own("inventory_days")
    given = example["given"]
    listed = [
        item(
            started=date.fromisoformat(begun),
            decommissioned=date.fromisoformat(ended) if ended else None,
        )
        for begun, ended in given["items"]
    ]
    found = counted(listed, WORDS, [given["month"]], TODAY)
    units, half = found.units[given["month"]][LAPTOPS]
    assert given["half_width_ratio"] == WORDS.half_width_ratio
    assert (units, half) == pytest.approx((example["units"], example["half_width"]), abs=5e-4)


@pytest.mark.parametrize(
    ("one", "past", "present"),
    [
        pytest.param(item(started=date(2020, 1, 1)), (1, 0.05), (1, 0.05), id="known"),
        pytest.param(item(), (1, 1.05), (1, 0.05), id="no-start"),
        pytest.param(item("Réformé"), (0, 1), (0, 0), id="out-without-a-date"),
        pytest.param(
            item("Réformé", started=date(2026, 12, 1)), (0, 0), (0, 0), id="out-and-not-yet-there"
        ),
        pytest.param(
            item("Réformé", started=date(2020, 1, 1), decommissioned=date(2026, 12, 1)),
            (1, 0.05),
            (0, 0),
            id="out-since",
        ),
    ],
)
def test_what_cannot_be_told_of_a_past_month_widens_it(
    one: Item, past: tuple[float, float], present: tuple[float, float]
) -> None:
    found = counted([one], WORDS, ["2026-10", "2026-12"], TODAY)
    assert found.units["2026-10"][LAPTOPS] == pytest.approx(past)
    assert found.units["2026-12"][LAPTOPS] == pytest.approx(present)


def test_unknown_words_are_counted_and_their_items_are_not() -> None:
    listed = [
        item(),
        item(entity="Racine > Elsewhere"),
        item(entity="Racine > Elsewhere", location="Depot"),
        item("Perdu"),
        item(type="Tablette"),
        item(type="Serveur virtuel", location="Nowhere"),
        item(entity="Racine > Écoles > A", location="Nowhere"),
    ]
    found = counted(listed, WORDS, ["2026-12"], TODAY)
    assert found.units["2026-12"] == {LAPTOPS: (1.0, 0.05)}
    assert found.unknown == {
        "entity 'Racine > Elsewhere'": 2,
        "location 'Depot'": 1,
        "status 'Perdu'": 1,
        "type 'Tablette'": 1,
    }
    assert found.left_out == 2


def test_an_entity_speaks_for_those_below_it_and_no_other() -> None:
    table = {"R > N": "north", "R > N > School": ""}
    names = ("R > N > Roads > East", "R > N > School > A", "R > Northern", "R")
    assert [below(name, table) for name in names] == ["north", "", None, None]


def test_an_account_counts_once_in_one_organisation() -> None:
    words = Words({"R > N": "north", "R > S": "south", "R > X": ""}, {}, in_service=("a",))
    accounts = [
        Person(True, ("R > N",)),
        Person(True, ("R > N > A", "R > N > B")),
        Person(True, ("R > N", "R > S")),
        Person(True, ("R > X",)),
        Person(False, ("R > S",)),
        Person(True, ("R > unknown",)),
        Person(True, ()),
    ]
    users, unknown = headcount(accounts, words)
    assert users == {"north": (2.0, 0.04)}
    assert unknown == {
        "accounts of several organisations (north, south)": 1,
        "entity 'R > unknown'": 1,
        "accounts without an entity": 1,
    }


@pytest.mark.parametrize(
    ("content", "order"), [(FRENCH, "dmy"), (ENGLISH, "ymd")], ids=["french", "english"]
)
def test_an_export_is_read_without_names(content: str, order: str) -> None:
    words = Words({}, {}, in_service=("x",), dates=order)  # type: ignore[arg-type]
    first, second = items(content.encode(), "export.csv", "Computer", words)
    assert first.entity.startswith("Racine > Northtown")
    assert (first.started, first.decommissioned) == (date(2026, 11, 16), None)
    assert (second.status, second.decommissioned) == ("Réformé", date(2026, 11, 10))
    assert second.entity == "Racine > Northtown"


def test_accounts_are_read_with_all_their_entities() -> None:
    export = (
        '"Identifiant";"Entités (Profil)";"Actif";\n'
        '"martin";"Racine &gt; Northtown - Self-Service\nRacine &gt; Écoles - Admin";"Oui";\n'
        '"durand";"Racine &gt; Northtown - Self-Service<br>";"Non";\n'
    )
    assert people(export.encode(), "users.csv") == [
        Person(True, ("Racine > Northtown", "Racine > Écoles")),
        Person(False, ("Racine > Northtown",)),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(FRENCH.replace("Statut", "Etat"), "no column for status", id="column"),
        pytest.param(FRENCH.replace("16-11", "16-13"), "is no date in the order 'dmy'", id="date"),
        pytest.param("", "is empty", id="empty"),
        pytest.param(FRENCH[:-50], "export.csv", id="cut"),
        pytest.param('"a";"b\n', "is not valid CSV", id="open-quote"),
    ],
)
def test_an_export_that_cannot_be_read_says_where(content: str, told: str) -> None:
    words = Words({}, {}, in_service=("x",), dates="dmy")
    with pytest.raises(ConfigError, match=told):
        items(content.encode(), "export.csv", "Computer", words)


@pytest.fixture
def served() -> Iterator[Served]:
    with glpi() as running:
        yield running


def mapping(folder: Path, url: str = "", page: int = 2) -> Path:
    path = folder / "glpi.toml"
    api = f'[api]\nurl = "{url}"\nitems = ["Computer", "Monitor"]\nusers = true\npage = {page}\n'
    path.write_text(TOML + (api if url else ""), "utf-8")
    return path


def ask(folder: Path, *words: str) -> int:
    inventory, heads = folder / "inventory.csv", folder / "headcount.csv"
    files = ("--inventory", str(inventory), "--headcount", str(heads))
    return main(["import-glpi", "--mapping", str(folder / "glpi.toml"), *files, *words])


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOBRE_GLPI_APP_TOKEN", APP)
    monkeypatch.setenv("SOBRE_GLPI_USER_TOKEN", USER)


@pytest.mark.usefixtures("tokens")
def test_the_api_gives_counts_over_pages_and_keeps_no_name(
    served: Served, tmp_path: Path, capsys: Captured
) -> None:
    mapping(tmp_path, served.url)
    assert ask(tmp_path, "--api") == 0
    written = (tmp_path / "inventory.csv").read_text()
    rows = [line.split(",")[1:] for line in written.splitlines()[1:]]
    assert rows == [
        ["northtown", "hall", "monitor", "3", "0.06"],
        ["northtown", "hall", "workstation.desktop", "0", "0"],
        ["northtown", "hall", "workstation.laptop", "2", "0.04"],
    ]
    heads = (tmp_path / "headcount.csv").read_text()
    assert heads.splitlines()[1].split(",")[1:] == ["northtown", "2", "0.04"]
    assert served.asked.count("search/Computer") == 3
    assert (served.asked[0], served.asked[-1]) == ("initSession", "killSession")
    assert served.open_sessions == 0
    told = written + heads + "".join(capsys.readouterr())
    assert not any(name in told for name in ("MARTIN", "DURAND", "martin", "PC-", APP, USER))
    # What was written is what the perimeter reads.
    problems: list[str] = []
    names = ("organisation", "site", "class")
    columns = [Column("month", month), *(Column(name, text) for name in names)]
    columns += [Column("units", amount), Column("half_width", amount)]
    assert len(read_table(tmp_path / "inventory.csv", columns, problems)) == 3
    assert problems == []


@pytest.mark.usefixtures("tokens")
def test_an_unknown_word_is_named_and_nothing_is_written(
    served: Served, tmp_path: Path, capsys: Captured
) -> None:
    mapping(tmp_path, served.url)
    served.items["Computer"].append({**served.items["Computer"][0], "4": "Tablette"})
    assert ask(tmp_path, "--api") == 1
    assert "1 × type 'Tablette'" in capsys.readouterr().err
    assert not (tmp_path / "inventory.csv").exists()
    assert ask(tmp_path, "--api", "--allow-unknown") == 0
    assert "laptop,2," in (tmp_path / "inventory.csv").read_text()
    assert served.open_sessions == 0


@pytest.mark.usefixtures("tokens")
def test_a_list_that_changes_while_it_is_read_is_refused(
    served: Served, tmp_path: Path, capsys: Captured
) -> None:
    mapping(tmp_path, served.url)

    def one_goes(first: int) -> None:
        if first == 2:
            served.items["Computer"].pop(0)

    served.meanwhile = one_goes
    assert ask(tmp_path, "--api") == 1
    assert "5 items became 4 while read" in capsys.readouterr().err
    assert not (tmp_path / "inventory.csv").exists()
    assert served.open_sessions == 0


@pytest.mark.parametrize("token", ["SOBRE_GLPI_APP_TOKEN", "SOBRE_GLPI_USER_TOKEN"])
@pytest.mark.usefixtures("tokens")
def test_a_wrong_token_is_a_mistake_that_tells_no_token(
    served: Served,
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
) -> None:
    mapping(tmp_path, served.url)
    monkeypatch.setenv(token, "another")
    assert ask(tmp_path, "--api") == 2
    told = capsys.readouterr().err
    assert "check both tokens" in told
    assert "another" not in told
    monkeypatch.delenv(token)
    assert ask(tmp_path, "--api") == 2
    assert f"{token}: not set" in capsys.readouterr().err


@pytest.mark.usefixtures("tokens")
def test_tokens_go_nowhere_else_and_never_in_the_open(
    served: Served, tmp_path: Path, capsys: Captured
) -> None:
    mapping(tmp_path, "http://glpi.example.org/apirest.php")
    assert ask(tmp_path, "--api") == 2
    assert "https is needed" in capsys.readouterr().err
    with glpi() as other:
        served.moved = f"{other.url}/initSession"
        mapping(tmp_path, served.url)
        assert ask(tmp_path, "--api") == 1
        assert other.asked == []


@pytest.mark.usefixtures("tokens")
def test_tokens_are_read_from_files(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, token in (("APP", APP), ("USER", USER)):
        monkeypatch.delenv(f"SOBRE_GLPI_{name}_TOKEN")
        (tmp_path / f"{name.lower()}.token").write_text(token + "\n")
    path = mapping(tmp_path, served.url)
    more = 'app_token_file = "app.token"\nuser_token_file = "user.token"\n'
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    assert ask(tmp_path, "--api") == 0


def test_a_month_goes_into_a_table_that_a_person_keeps(tmp_path: Path, capsys: Captured) -> None:
    mapping(tmp_path)
    export = tmp_path / "pcs.csv"
    export.write_text(ENGLISH.replace("2026-11-", "2025-11-"), "utf-8", newline="")
    kept = (
        "# counted by hand\n"
        "month;organisation;site;class;half_width;units\n"
        "2025-10;northtown;hall;printer;1;12\n"
        "2025-12;northtown;hall;printer;1;13\n"
    )
    inventory = tmp_path / "inventory.csv"
    inventory.write_text(kept)
    words = ("--computers", str(export), "--from", "2025-11", "--to", "2025-11")
    assert ask(tmp_path, *words) == 0
    # 15 of 30 days, and 9 of 30.
    row = "2025-11;northtown;hall;workstation.laptop;0.016;0.8\n"
    assert inventory.read_text() == kept + row
    assert ask(tmp_path, *words) == 2
    assert "2025-11 stands there already" in capsys.readouterr().err
    assert ask(tmp_path, *words, "--replace") == 0
    assert inventory.read_text() == kept + row
    inventory.write_text("month,site\n")
    assert ask(tmp_path, *words) == 2
    assert "has the columns month, site" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [(), ("--from", "2026-02", "--to", "2026-01"), ("--to", "2098-01"), ("--api",)],
    ids=["nothing-to-read", "backwards", "future", "no-api"],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    mapping(tmp_path)
    assert ask(tmp_path, *words) == 2
