"""`sobre printers`: thresholds are proposed and confirmed, and a schedule is told beforehand."""

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

import machine_year as truth
from intake_house import PARIS
from machine_year import Sent, house, messages, work, write
from sobre_collector.cli import main
from sobre_collector.indicators.counter_pages import pages_within
from sobre_collector.indicators.pages import Counter
from sobre_collector.indicators.printer_states import Thresholds
from sobre_collector.printing.day_states import DayStates
from sobre_collector.printing.learning import window_use, windows
from sobre_collector.rows import Key
from sobre_drivers.calendar import day_bounds, local_day
from sobre_drivers.load import Load, Origin

MODEL = Thresholds(1, 20, 200)
KEY = Key("lecteur", "plug-1")
CONFIRM = ["--model", "Muet", "--role", "technician", "--reason", "data sheet"]


def lately(days: int) -> list[date]:
    today = local_day(datetime.now(PARIS).timestamp(), PARIS)
    return [today - timedelta(days=n) for n in range(days, 0, -1)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine days of both plugs up to yesterday: off in the first hour of each day."""
    folder = tmp_path_factory.mktemp("lately")
    write(folder)

    def sent() -> list[Sent]:
        return [
            each._replace(energy_j=0) if each.end <= day_bounds(day, PARIS)[0] + 3600 else each
            for day in lately(9)
            for each in truth.silent(day)
        ]

    with house(folder) as of:
        of.clock.wall_s = int(datetime.now(PARIS).timestamp())
        of.intake.take([*truth.births(), *messages(iter(sent()))])
        assert of.aside() == []
    return folder


def test_learning_proposes_and_changes_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sobre = ["printers", "--data", str(data)]
    assert main([*sobre, "learn", "--model", "Muet", "--days", "9"]) == 0
    said = capsys.readouterr().out
    found = re.search(r"--sleep ([\d.]+) --ready ([\d.]+) --printing ([\d.]+)", said)
    assert found is not None
    sleep, ready, printing = map(float, found.groups())
    assert 0 < sleep <= 3 < ready <= 40 < printing <= 600
    assert "used by nobody until a person confirms it" in said
    assert main([*sobre, "thresholds"]) == 0
    assert "Muet: not confirmed" in capsys.readouterr().out
    assert main([*sobre, "--json", "learn", "--model", "Muet", "--days", "9"]) == 0
    assert json.loads(capsys.readouterr().out)["thresholds"]["sleep_w"] == pytest.approx(
        sleep, abs=0.06
    )
    assert main([*sobre, "--json", "thresholds"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"model": "Muet", "confirmed": None} in told


def test_confirming_says_who_and_why(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sobre = ["printers", "--data", str(data)]
    limits = ["--sleep", "1", "--ready", "20", "--printing", "200"]
    assert main([*sobre, "confirm", *CONFIRM, *limits]) == 0
    assert main([*sobre, "thresholds"]) == 0
    said = capsys.readouterr().out
    assert "Muet: sleep 1 W, ready 20 W, printing 200 W; technician" in said
    assert "data sheet" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["learn", "--model", "Nobody"], "known: Muet, Parle"),
        (
            ["confirm", *CONFIRM, "--sleep", "9", "--ready", "2", "--printing", "200"],
            "they must rise",
        ),
        (["schedule", "--off", "7", "--on", "7"], "two different hours"),
    ],
    ids=["unknown-model", "falling", "no-window"],
)
def test_what_cannot_be_is_refused(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["printers", "--data", str(data), *words]) == 2
    assert said in capsys.readouterr().err


def test_too_little_to_learn_from_says_what_else_to_do(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["printers", "--data", str(data), "learn", "--model", "Parle"]
    assert main(words) == 1
    assert "from the data sheet" in capsys.readouterr().err


def test_a_schedule_takes_off_what_prints_at_night(tmp_path: Path) -> None:
    day = date(2025, 3, 3)
    (begins, ends), *more = windows(day, day, (20, 7), (1, 2, 3, 4, 5), PARIS)
    assert not more
    assert ends - begins == 11 * 3600
    hour = [
        Load("p", n, begins + 3600 * n, 3600, 36_000, 0, Origin.MEASURED, None, None, n == 3 or 0)
        for n in range(1, 12)
    ]
    found = window_use(hour, [(begins, ends)], kwh_per_page=0.002)
    assert found is not None
    assert found.kwh == pytest.approx(11 * 36_000 / 3.6e6)
    assert found.printed_kwh == pytest.approx(0.002)
    assert found.hours == pytest.approx(11)
    assert found.days == 1
    # Half a night that was not seen is no night.
    assert window_use(hour[:5], [(begins, ends)], 0.0) is None


def test_a_night_is_as_long_as_the_clock_makes_it() -> None:
    saturday = date(2025, 10, 25)
    ((begins, ends),) = windows(saturday, saturday, (20, 7), (6,), PARIS)
    assert ends - begins == 12 * 3600


def test_what_is_off_and_on_again_saves_what_was_seen(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["printers", "--data", str(data), "schedule", "--days", "7"]
    assert main([*words, "--off-watts", "0", "--restart-wh", "0"]) == 0
    said = capsys.readouterr().out
    # Twelve printers draw 3 W for ten of the eleven hours, five nights a week.
    saved = re.search(r"([\d,]+) kWh a year", said)
    assert saved is not None
    expected = 12 * 10 * 3 / 1000 * 5 * 365.25 / 7
    assert float(saved[1].replace(",", "")) == pytest.approx(expected, abs=1)
    assert "Nothing was switched off" in said
    assert main([*words, "--off-watts", "0", "--restart-wh", "0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["low_kwh"] <= told["kwh"] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["learn", "--model", "Muet", "--days", "9"], "Proposition, sans effet"),
        (["schedule", "--days", "7"], "Éteintes de 20 h à 7 h"),
    ],
    ids=["learn", "schedule"],
)
def test_what_machines_do_is_told_in_french(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["printers", "--data", str(data), "--lang", "fr", *words]) == 0
    text = capsys.readouterr().out
    assert said in text
    assert not re.search(r"\b(loads|nights|switched|hours|unknown)\b", text)


def loads(powers_w: list[float], span_s: int = 60) -> list[Load]:
    return [
        Load("plug-1", n, n * span_s, span_s, int(p * span_s), 0, Origin.MEASURED)
        for n, p in enumerate(powers_w, 1)
    ]


@pytest.mark.parametrize(
    ("given", "states"),
    [
        ([3, 40, 40, 600, 600, 40, 40, 3, 3], "sleep ready ready printing printing ready ready"
         " sleep sleep"),
        # Ten seconds of printing within a minute of readiness: the minute stays ready.
        ([40, 40, 133, 40, 40], "ready ready ready ready ready"),
        # One minute alone, however high, is a fuser or a short job: it counts as ready.
        ([40, 40, 600, 40, 40], "ready ready ready ready ready"),
    ],
    ids=["a-job", "ten-seconds", "one-minute"],
)  # fmt: skip
def test_a_minute_of_power_tells_a_state(given: list[float], states: str) -> None:
    filled = list(DayStates({KEY: MODEL}).filled(KEY, loads(given)))
    assert [next(iter(load.state_s or {"": 0})) for load in filled] == states.split()
    assert sum(sum((load.state_s or {}).values()) for load in filled) == 60 * len(given)


def test_only_short_loads_of_registered_printers_get_a_state() -> None:
    long = loads([40.0] * 3, span_s=600)
    assert list(DayStates({KEY: MODEL}).filled(KEY, long)) == long
    other = Key("lecteur", "plug-9")
    assert list(DayStates({KEY: MODEL}).filled(other, loads([40.0]))) == loads([40.0])
    told = [load._replace(state_s={"sleep": 60}) for load in loads([600.0] * 3)]
    assert list(DayStates({KEY: MODEL}).filled(KEY, told)) == told


def test_a_gap_between_loads_starts_anew() -> None:
    first, second = loads([40, 40])
    later = second._replace(end=second.end + 3600, energy_j=600 * 60)
    found = list(DayStates({KEY: MODEL}).filled(KEY, [first, later]))
    # After an hour that nobody saw one load is enough: there is nothing before it to hold on to.
    assert [load.state_s for load in found] == [{"ready": 60}, {"printing": 60}]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([(date(2024, 12, 31), 0, ""), (date(2025, 1, 10), 1_000, "")], (900.0, 9)),
        ([(date(2025, 1, 1), 500, "A"), (date(2025, 1, 11), 20, "B")], (0.0, 10)),
        ([(date(2025, 1, 1), 500, "")], (0.0, 0)),
    ],
    ids=["spread-evenly", "another-printer", "one-reading"],
)
def test_pages_between_two_readings(
    readings: list[tuple[date, int, str]], expected: tuple[float, int]
) -> None:
    year = (date(2025, 1, 1), date(2025, 12, 31))
    pages, days, _ = pages_within(readings, Counter(40), *year)
    assert pages == pytest.approx(expected[0])
    assert days == expected[1]


def test_single_printers_are_listed_but_for_private_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = truth.TABLES["printers.csv"].splitlines()
    private = [f"{line},{'private' if not n else ''}" for n, line in enumerate(table)]
    private[1] += "yes"
    perimeter = write(tmp_path, {"printers.csv": "\n".join(private) + "\n"})
    with house(tmp_path) as of:
        days = [day for day in truth.days() if day.month == 1]
        sent = (each for day in days for each in truth.telling(day))
        of.intake.take([*truth.births(), *messages(sent)])
        work(of, perimeter)
    assert main(["printers", "--data", str(tmp_path), "--year", "2025", "list"]) == 0
    said = capsys.readouterr().out
    assert "imp-00" not in said
    assert "9 printers; 1 more are private" in said
    worked = sum(truth.working(day) for day in days)
    assert f"imp-05  Parle: {6 * worked / 31:.2f} h/day, 0% unknown, {110 * worked:,} pages" in said
    assert main(["printers", "--data", str(tmp_path), "--lang", "fr", "list"]) == 0
    assert "9 imprimantes ; non listées, car dans un bureau" in capsys.readouterr().out
