"""What goes wrong with printers, rooms, factors and exclusions: named, and never papered over."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import machine_year as truth
from intake_house import batch, born, load
from machine_year import Sent, house, take, work, write
from sobre_collector.cli import main
from sobre_collector.indicators.printer_states import Thresholds
from sobre_collector.report.model import Report
from sobre_collector.report.source import load_report, place
from sobre_collector.rows import Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.rulebook import Exclusion
from sobre_drivers.errors import ConfigError, StoreError

NOW = datetime(2026, 1, 3, tzinfo=UTC)


def told(folder: Path, sent: Iterator[Sent], changed: dict[str, str] | None = None) -> Report:
    """The report of the year on what was sent."""
    perimeter = write(folder, changed)
    with house(folder) as of:
        take(of, sent)
        work(of, perimeter)
    return load_report(place(None, folder), truth.YEAR, NOW)


def codes(report: Report, section: str) -> set[str]:
    return {note.code for note in report.sections[section].notes}


def room_only(factor: float = 1.0, silent: range = range(0)) -> Iterator[Sent]:
    """The room; on the `silent` days of May nothing tells what enters it."""
    for day in truth.days():
        for each in truth.room(day, factor):
            if each.device != "arrivee" or day.month != 5 or day.day not in silent:
                yield each


@pytest.mark.parametrize("silent", [range(1, 32), range(10, 18)], ids=["month", "eight-days"])
def test_a_month_without_the_facility_makes_the_pue_interim_and_is_named(
    tmp_path: Path, silent: range
) -> None:
    report = told(tmp_path, room_only(silent=silent))
    (room,) = report.sections["datacentre"].rooms
    assert room.standing == "interim"
    rest = [day for day in truth.days() if day.month != 5]
    it, into = (sum(f(day) for day in rest) for f in (truth.it_w, truth.facility_w))
    assert room.pue == pytest.approx(into / it, rel=1e-3)
    named = [n for n in report.notes if n.code == "room-silent"]
    assert [n.values["months"] for n in named] == ["2025-05"]
    assert named[0].values["measures"] == "facility"


def test_more_out_than_in_is_a_metering_error_and_no_pue(tmp_path: Path) -> None:
    report = told(tmp_path, room_only(factor=0.5))
    (room,) = report.sections["datacentre"].rooms
    assert (room.standing, room.pue, room.low) == ("metering-error", None, None)
    assert all(month.pue is None for month in room.months)
    assert "room-metering-error" in codes(report, "datacentre")


def january() -> Iterator[Sent]:
    """The silent printers for three days, and the others all year."""
    for day in truth.days():
        yield from truth.telling(day)
    for day in truth.SEEN_DAYS:
        yield from truth.silent(day)


def test_nobodys_thresholds_are_used_before_a_person_confirmed_them(tmp_path: Path) -> None:
    report = told(tmp_path, january())
    waiting = [n for n in report.notes if n.code == "printers-unconfirmed"]
    assert [n.values["names"] for n in waiting] == ["Muet"]
    with house(tmp_path) as of:
        before = {r.device: r for r in of.ledger.units.of_class("printer", "2025-01", "2025-01")}
    assert before["plug-1"].printing is not None
    assert sum(before["plug-1"].printing.valid_days) == 0
    assert before["plug-1"].printing.state_h["unknown"] == pytest.approx(72)


def test_confirming_builds_the_days_of_open_months_again(tmp_path: Path) -> None:
    perimeter = write(tmp_path)
    first = truth.SEEN_DAYS[0]
    with house(tmp_path) as of:
        of.clock.wall_s -= 330 * 86_400
        take(of, (each for day in truth.SEEN_DAYS for each in truth.silent(day)))
        work(of, perimeter)
        (row,) = of.series.days(first.isoformat(), first.isoformat(), truth_key("plug-1"))
        assert row.state_s == {}
        of.ledger.rulebook.confirm("Muet", Thresholds(1, 20, 200), "technician", "data sheet", 1)
        work(of, perimeter, 86_400)
        (row,) = of.series.days(first.isoformat(), first.isoformat(), truth_key("plug-1"))
        assert row.state_s == {"sleep": 86_400}
        kept = of.ledger.units.of_class("printer", "2025-01", "2025-01")[0].printing
        assert kept is not None
        assert kept.state_h["printing"] == pytest.approx(2.0)


def truth_key(device: str) -> Key:

    return Key(truth.NODE, device)


def test_pages_that_nobody_can_print_in_a_day_are_set_aside(tmp_path: Path) -> None:
    def sent() -> Iterator[Sent]:
        for day in truth.days():
            for each in truth.telling(day):
                reset = each.device == "imp-00" and day.month == 3 and day.day == 3 and each.pages
                yield each._replace(pages=120_400) if reset else each

    report = told(tmp_path, sent())
    aside = [n for n in report.notes if n.code == "printers-set-aside"]
    assert [n.values["count"] for n in aside] == [1]
    assert report.sections["printers"].pages.value < 12 * 110 * 260


def test_impressions_and_sheets_have_no_total(tmp_path: Path) -> None:
    table = truth.TABLES["printers.csv"].splitlines()
    table[0] += ",unit"
    table = [table[0], *(f"{line},{'sheets' if n else ''}" for n, line in enumerate(table[1:]))]
    report = told(tmp_path, january(), {"printers.csv": "\n".join(table) + "\n"})
    found = report.sections["printers"]
    assert (found.pages, found.page_unit) == (None, "mixed")
    assert "pages" not in {change.name for change in found.changes}
    assert "printers-mixed-units" in codes(report, "printers")


def test_a_private_printer_among_a_few_is_not_published(tmp_path: Path) -> None:
    table = truth.TABLES["printers.csv"].splitlines()
    table = [f"{line},{'private' if not n else 'yes'}" for n, line in enumerate(table)]

    def two() -> Iterator[Sent]:
        for day in truth.days():
            yield from (each for each in truth.telling(day) if each.device in truth.TELLING[:2])

    report = told(tmp_path, two(), {"printers.csv": "\n".join(table) + "\n"})
    found = report.sections["printers"]
    assert (found.running_h, found.pages, found.models, found.schedule_kwh) == (
        None,
        None,
        (),
        None,
    )
    assert "printers-few" in codes(report, "printers")
    assert "waste" not in report.sections


def test_a_year_without_a_factor_takes_no_other_years(tmp_path: Path) -> None:
    rows = truth.TABLES["factors.csv"].splitlines()
    report = told(tmp_path, january(), {"factors.csv": "\n".join(rows[:2]) + "\n"})
    found = report.sections["carbon"]
    assert (found.kg, found.grid_ratio) == (None, None)
    missing = [n for n in found.notes if n.code == "carbon-no-factor"]
    assert [n.values["year"] for n in missing] == [2025]


def test_factors_of_two_scopes_tell_nothing_of_the_grid(tmp_path: Path) -> None:
    changed = truth.TABLES["factors.csv"].replace("0.1,essai,Source,1\n2025", "0.1,autre,S,1\n2025")
    report = told(tmp_path, january(), {"factors.csv": changed})
    found = report.sections["carbon"]
    assert found.kg is not None
    assert (found.yearly_factor_ratio, found.grid_ratio) == (None, None)
    assert "carbon-scopes" in codes(report, "carbon")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "rooms.csv",
            "room,measures,node,device,category\ndc,it,lecteur,pdu,2\n",
            "room dc has no point that measures facility",
        ),
        (
            "rooms.csv",
            "room,measures,node,device,category\ndc,facility,lecteur,arrivee,\n"
            "dc,it,lecteur,pdu,2\ndc,it,lecteur,pdu/prise-1,2\n",
            "pdu/prise-1 (node lecteur) and pdu (node lecteur) both measure it",
        ),
        (
            "rooms.csv",
            "room,measures,node,device,category\ndc,facility,lecteur,arrivee,\n"
            "dc,it,lecteur,pdu,\n",
            "write the same category",
        ),
        (
            "factors.csv",
            "year,value,unit,u_ratio,scope,source,version\n2025,52,g/kWh,0.1,s,s,1\n",
            "'unit' is 'g/kWh'",
        ),
        (
            "factors.csv",
            "year,value,unit,u_ratio,scope,source,version\n2025,52,gCO2e/kWh,0.1,s,,1\n",
            "'source' is empty",
        ),
        (
            "factors.csv",
            "year,value,unit,u_ratio,scope,source,version\n2025,52,gCO2e/kWh,0,s,s,1\n",
            "above 0 is needed",
        ),
        (
            "printers.csv",
            "node,device,model,range,pages_per_minute\nlecteur,imp-00,Parle,huge,40\n",
            "personal, workgroup, department, production",
        ),
        ("prices.csv", "since,euros_per_kwh,source\n2025-01-01,free,C\n", "a number such as"),
    ],
    ids=[
        "room-without-facility",
        "counted-twice",
        "no-category",
        "unit",
        "no-source",
        "no-uncertainty",
        "range",
        "price",
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        write(tmp_path, {name: content})
    assert any(name in problem and said in problem for problem in caught.value.problems), (
        caught.value.problems
    )


COUNTERS = "day,node,device,count,unit,serial\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2025-01-02,lecteur,imp-00,100,sheets,A\n", "units are never mixed"),
        ("2025-01-02,lecteur,nobody,100,impressions,A\n", "stands in no line of the table"),
        ("2025-01-02,lecteur,imp-00,100,impressions,A\n", "no organisation or site"),
        ("2025-01-02,lecteur,imp-00,-5,impressions,A\n", "a whole number"),
    ],
    ids=["mixed-units", "unknown-printer", "nowhere", "negative"],
)
def test_a_counter_that_cannot_be_placed_is_refused(tmp_path: Path, row: str, said: str) -> None:
    toml = truth.PERIMETER + 'page_counters = "counters.csv"\n'
    with pytest.raises(ConfigError) as caught:
        write(tmp_path, {"counters.csv": COUNTERS + row, "perimeter.toml": toml})
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


def test_counters_of_people_are_read_through_a_reset(tmp_path: Path) -> None:
    head = "node,device,model,range,pages_per_minute,organisation,site\n"
    changed = {
        "perimeter.toml": truth.PERIMETER + 'page_counters = "counters.csv"\n',
        "printers.csv": head + "lecteur,old-1,Parle,department,40,ville,mairie\n",
        # 31 days before the year and the reset within it: 1,000 pages, then at least 700.
        "counters.csv": COUNTERS
        + "2024-12-01,lecteur,old-1,120000,impressions,\n"
        + "2025-01-01,lecteur,old-1,120310,impressions,\n"
        + "2025-07-01,lecteur,old-1,121310,impressions,\n"
        + "2026-01-01,lecteur,old-1,700,impressions,\n",
        "inventory.csv": "month,organisation,site,class,units,half_width\n"
        "2022-01,ville,mairie,printer,1,0\n2022-01,ville,mairie,server,2,0\n",
    }
    report = told(tmp_path, room_only(), changed)
    found = report.sections["printers"]
    assert found.pages.value == pytest.approx(1_700)
    reset = [n for n in found.notes if n.code == "printers-reset"]
    assert [n.values["count"] for n in reset] == [1]


EXCLUDE = ["--role", "operations", "--reason", "fire watch"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("excluded")
    perimeter = write(folder)
    with house(folder) as of:
        take(of, january())
        of.intake.take([born("pc-1", "pc-1", organisation="ville", site="mairie")])
        work(of, perimeter)
    return folder


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["lecteur/imp-0", *EXCLUDE], 2, "did you mean lecteur/imp-0"),
        (["printers:ville/marie", *EXCLUDE], 2, "did you mean printers:ville/mairie"),
        (["lecteur/imp-00", "--role", "operations", "--reason", " "], 2, "role and a reason"),
        (["pc-1/pc-1", *EXCLUDE], 2, "no reason is tied to a person"),
        (["lecteur/imp-00", "--units", "1", *EXCLUDE], 2, "--units belongs to a group"),
        (["printers:ville/mairie", "--units", "0", *EXCLUDE], 2, "at least 1"),
    ],
    ids=["unknown-device", "unknown-group", "no-reason", "one-person", "unit-of-one", "no-unit"],
)
def test_an_exclusion_that_says_too_little_is_refused(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["waste", "--data", str(data), "exclude", *words]) == code
    assert said in capsys.readouterr().err
    with house(data) as of:
        assert of.ledger.rulebook.in_force() == []


def test_without_a_reason_the_command_does_not_even_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["waste", "exclude", "lecteur/imp-00", "--role", "operations"])
    assert ended.value.code == 2
    assert "--reason" in capsys.readouterr().err


def lever(folder: Path) -> "tuple[float, str | None, int]":
    found = load_report(place(None, folder), truth.YEAR, NOW).sections["waste"]
    one = next(e for e in found.levers if e.lever.subject == "printers:ville/mairie")
    return one.lever.kwh, one.lever.excluded, len(found.exclusions)


def test_what_is_excluded_is_no_waste_until_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(tmp_path, january())
    whole, _, _ = lever(tmp_path)
    sobre = ["waste", "--data", str(tmp_path)]
    assert main([*sobre, "exclude", "lecteur/imp-00", *EXCLUDE]) == 0
    without, _, listed = lever(tmp_path)
    # One of twelve like printers.
    assert without == pytest.approx(whole * 11 / 12, rel=0.01)
    assert listed == 1
    assert main([*sobre, "exclude", "printers:ville/mairie", "--units", "1", *EXCLUDE]) == 0
    assert lever(tmp_path)[0] == pytest.approx(without * 10 / 11, rel=0.01)
    assert (
        main([*sobre, "exclude", "printers:ville/mairie", "--until", "2099-01-01", *EXCLUDE]) == 0
    )
    assert lever(tmp_path)[1] == "fire watch"
    capsys.readouterr()
    assert main([*sobre, "--lang", "fr", "exclusions"]) == 0
    assert ", jusqu’au 2099-01-01 ; fire watch" in capsys.readouterr().out
    for number in (1, 2, 3):
        assert main([*sobre, "include", str(number), *EXCLUDE]) == 0
    assert lever(tmp_path)[0] == pytest.approx(whole)
    assert lever(tmp_path)[1:] == (None, 0)
    assert main([*sobre, "include", "2", *EXCLUDE]) == 2
    assert "has ended" in capsys.readouterr().err


def test_an_exclusion_ends_after_its_last_day(tmp_path: Path) -> None:
    told(tmp_path, january())
    with house(tmp_path) as of:
        row = Exclusion(0, 0, "printers:ville/mairie", "works", "operations", "2026-01-02")
        of.ledger.rulebook.exclude(row, 1)
    assert lever(tmp_path)[1:] == (None, 0)


def test_what_was_decided_is_neither_changed_nor_removed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.rulebook.confirm("M", Thresholds(1, 20, 200), "technician", "data sheet", 1)
    for statement in ("UPDATE thresholds SET at = 2", "DELETE FROM thresholds"):
        with pytest.raises(StoreError, match="only added to"), ledger._file.write() as db:
            db.execute(statement)
    with ledger._file.write() as db:
        db.execute("DROP TRIGGER thresholds_update")
        db.execute("UPDATE thresholds SET content = replace(content, '20', '30')")
    with pytest.raises(StoreError, match="thresholds 1"):
        ledger.rulebook.thresholds()
    ledger.close()


def test_a_closed_month_of_a_machine_stays(tmp_path: Path) -> None:
    told(tmp_path, january())
    with house(tmp_path) as of:
        kept = of.ledger.units.of_class("printer", "2025-01", "2025-01")
        of.ledger.units.put("2025-01", kept)
        with pytest.raises(StoreError, match="closed"):
            of.ledger.units.put("2025-01", kept[1:])
        mine = replace(kept[0], device_class="workstation.laptop", month="2026-01", printing=None)
        with pytest.raises(StoreError, match="outlive"):
            of.ledger.units.put("2026-01", [mine])


def test_only_what_a_figure_needs_is_kept_by_device(tmp_path: Path) -> None:
    told(tmp_path, room_only())
    with house(tmp_path) as of:
        units = of.ledger.units
        assert len(units.of_class("pdu", "2025-01", "2025-12")) == 12
        assert len(units.of_class("facility", "2025-01", "2025-12")) == 12
        assert units.of_class("server", "2025-01", "2025-12") == []


def test_a_workstation_that_a_room_names_stays_a_persons(tmp_path: Path) -> None:
    rooms = truth.TABLES["rooms.csv"].replace("dc,it,lecteur,pdu,2", "dc,it,pc-1,pc-1,3")

    def own() -> Iterator[Sent]:
        for day in truth.days():
            yield from truth.room(day)

    perimeter = write(tmp_path, {"rooms.csv": rooms})
    with house(tmp_path) as of:
        of.intake.take([born("pc-1", "pc-1", organisation="ville", site="mairie")])
        start = of.clock.wall_s - 3 * 86_400
        of.intake.take([batch(load(1, energy_j=6000, end=start))])
        take(of, own())
        work(of, perimeter)
        assert of.stored()
        assert of.ledger.units.of_class("workstation.laptop", "2025-01", "2026-12") == []
