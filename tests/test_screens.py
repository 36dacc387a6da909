"""Screens are devices apart, counted where the system tells; their power comes from data."""

import csv
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulated_meters import CONFIG, Turned
from sobre_agent.books import Books
from sobre_agent.config import Allowed
from sobre_agent.schedule import asked
from sobre_agent.sources import Source
from sobre_agent.spool import Spool
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.load import Origin, personal
from sobre_drivers.pc import screens
from sobre_drivers.pc.chassis import LAPTOP
from sobre_drivers.pc.desk import Desk
from sobre_drivers.pc.host import Host
from sobre_drivers.pc.parameters import FOLDER
from sobre_drivers.pc.screens import Screen, ScreenModel
from sobre_drivers.sample import Reading
from sobre_drivers.settings import build, load, read_toml

MODEL = ScreenModel(1, 100.0, 4.0, 0.05, 24.0, 0.4, 0.3, 0.5, ("made up for these tests",))


def edid(width_cm: int, height_cm: int) -> bytes:
    return bytes.fromhex("00ffffffffffff00") + bytes(13) + bytes((width_cm, height_cm)) + bytes(105)


def connect(
    root: Path,
    name: str,
    status: str = "connected",
    dpms: str = "On",
    enabled: str = "enabled",
    told: bytes = b"",
) -> Path:
    """A connector as DRM shows it."""
    folder = root / "class" / "drm" / name
    folder.mkdir(parents=True, exist_ok=True)
    for key, text in (("status", status), ("dpms", dpms), ("enabled", enabled)):
        (folder / key).write_text(text + "\n")
    (folder / "edid").write_bytes(told)
    return root


def own_panel(root: Path) -> None:
    connect(root, "card0-eDP-1")


def two_at_a_dock(root: Path) -> None:
    own_panel(root)
    connect(root, "card0-DP-3", told=edid(60, 34))
    connect(root, "card0-DP-4", told=edid(53, 30))
    connect(root, "card0-HDMI-A-1", status="disconnected", enabled="disabled")


def one_dark(root: Path) -> None:
    connect(root, "card1-DVI-D-1", dpms="Off")


def console_dark(root: Path) -> None:
    connect(root, "card1-DVI-D-1", enabled="disabled")


def nothing_plugged(root: Path) -> None:
    connect(root, "card0-HDMI-A-1", status="disconnected")


@pytest.mark.parametrize(
    ("made", "lit"),
    [
        (two_at_a_dock, [True, True]),
        (one_dark, [False]),
        (console_dark, [False]),
        (nothing_plugged, []),
    ],
    ids=["own-panel-is-no-screen-apart", "dark", "dark-console", "nothing-plugged"],
)
def test_connected_screens_are_counted(
    tmp_path: Path, made: Callable[[Path], None], lit: list[bool]
) -> None:
    made(tmp_path)
    assert [screen.lit for screen in screens.drm(tmp_path)] == lit


@pytest.mark.parametrize(
    "made", [lambda root: None, own_panel], ids=["no-driver", "own-panel-only"]
)
def test_without_connectors_screens_are_not_told_rather_than_none(
    tmp_path: Path, made: Callable[[Path], None]
) -> None:
    made(tmp_path)
    with pytest.raises(MeterError, match=r"^not told: "):
        screens.drm(tmp_path)


@pytest.mark.parametrize(
    ("told", "inches"),
    [
        (edid(53, 30), 23.98),
        (edid(16, 9), None),
        (edid(0, 0), None),
        (b"\1" + edid(53, 30)[1:], None),
        (b"", None),
    ],
    ids=["24-inches", "aspect-for-size", "projector", "no-edid", "empty"],
)
def test_the_size_is_what_the_screen_says_if_it_is_credible(
    told: bytes, inches: float | None
) -> None:
    found = screens.diagonal_in(told)
    assert found == (inches if inches is None else pytest.approx(inches, abs=0.01))


@pytest.mark.parametrize(
    ("screen", "power_w"),
    [
        # 24 inches of 16:9 are 246.1 square inches.
        (Screen(True, 24.0), 4.0 + 0.05 * 246.125),
        (Screen(True), 4.0 + 0.05 * 246.125),
        (Screen(True, 500.0), 100.0),
        (Screen(False, 24.0), 0.4),
    ],
    ids=["lit", "size-not-told", "absurd-size", "dark"],
)
def test_power_goes_by_state_and_area(screen: Screen, power_w: float) -> None:
    assert MODEL.power_w(screen) == pytest.approx(power_w, rel=1e-4)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("off_w", 0.0, "off_w"),
        ("sleep_w", 0.1, "off_w"),
        ("uncertainty_ratio", 0.0, "uncertainty_ratio"),
        ("sources", [], "sources"),
        ("lumen", 3, "lumen"),
    ],
)
def test_a_wrong_parameter_is_named(key: str, value: object, problem: str) -> None:
    table = read_toml(FOLDER / "monitor.toml") | {key: value}
    with pytest.raises(ConfigError, match=problem):
        build(table, ScreenModel, "monitor.toml")


def host(root: Path) -> Host:
    return Host(
        "pc-1",
        device_class=LAPTOP,
        root=root,
        cpu_times=lambda: SimpleNamespace(user=1.0, system=0.0, idle=1000.0),
        processor_name="",
    )


def states(readings: list[Reading]) -> list[str | None]:
    return [reading.state for reading in readings]


def test_screens_stand_beside_the_pc_and_never_in_its_figure(tmp_path: Path) -> None:
    own_panel(tmp_path)
    alone_w = host(tmp_path).read()[0].power_w
    two_at_a_dock(tmp_path)
    docked = host(tmp_path)
    own, *beside = docked.describe()
    assert [each.device for each in beside] == ["pc-1/screen-1", "pc-1/screen-2"]
    assert {each.device_class for each in beside} == {"monitor"}
    assert all(personal(each.device_class) and each.own for each in beside)
    assert {each.origin for each in beside} == {Origin.ESTIMATED}
    assert all(each.off_w > 0 and each.sleep_w > 0 and each.uncertainty_ratio for each in beside)
    reading, *lit = docked.read()
    assert reading.device == own.device
    assert reading.power_w == alone_w
    shipped = load(FOLDER / "monitor.toml", ScreenModel, {})
    first_w = shipped.base_w + shipped.w_per_in2 * (60**2 + 34**2) / 2.54**2 * 144 / 337
    assert lit[0].power_w == pytest.approx(first_w)


def test_a_screen_sleeps_or_vanishes_and_is_never_0_w(tmp_path: Path) -> None:
    two_at_a_dock(tmp_path)
    desk = Desk("pc-1", tmp_path, "linux")
    assert len(desk.describe()) == 2
    shipped = load(FOLDER / "monitor.toml", ScreenModel, {})
    connect(tmp_path, "card0-DP-4", dpms="Off")
    assert states(desk.read()) == ["on", "sleep"]
    connect(tmp_path, "card0-DP-4", status="disconnected", enabled="disabled")
    readings = desk.read()
    assert states(readings) == ["on", "off"]
    assert readings[1].power_w == shipped.off_w
    connect(tmp_path, "card0-DP-4")
    connect(tmp_path, "card0-HDMI-A-1")
    assert states(desk.read()) == ["on", "on", "on"]


def test_when_the_system_stops_telling_screens_are_silent_and_not_off(tmp_path: Path) -> None:
    told: list[Screen] | None = [Screen(True)]

    def ask() -> list[Screen]:
        if told is None:
            raise MeterError("not told: screens")
        return told

    desk = Desk("pc-1", tmp_path, "linux")
    desk._ask = ask
    assert states(desk.read()) == ["on"]
    told = None
    assert desk.read() == []
    assert desk.reason == "not told: screens"
    told = [Screen(True)]
    assert states(desk.read()) == ["on"]


@pytest.mark.shared
def test_shipped_power_is_near_that_of_declared_office_screens() -> None:
    table = Path(__file__).parents[2] / "shared/captures/power-tables/boavizta_yearly_tec.csv"
    if not table.is_file():
        pytest.skip("../shared/captures/power-tables is not here")
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["name"].startswith("P2419H")]
    assert rows
    shipped = load(FOLDER / "monitor.toml", ScreenModel, {})
    # 35 % of the year lit, 65 % asleep.
    lit_w = (float(rows[0]["yearly_tec"]) / 8.76 - 0.65 * shipped.sleep_w) / 0.35
    assert shipped.power_w(Screen(True, 24.0)) == pytest.approx(lit_w, rel=0.3)


def test_a_screen_that_is_plugged_in_later_gets_an_account_of_its_own(tmp_path: Path) -> None:
    clock = Turned()
    root = connect(tmp_path / "sys", "card0-DP-1")
    connect(root, "card0-DP-2", status="disconnected")
    pc = Host(
        "pc-1",
        device_class=LAPTOP,
        root=root,
        clock=clock,
        cpu_times=lambda: SimpleNamespace(user=1.0, system=0.0, idle=clock.at_s),
        processor_name="",
    )
    own = Source("host", pc, 60, "minute")
    with closing(Spool(tmp_path)) as spool:
        books = Books(CONFIG, [own], spool)
        for minute in range(6):
            if minute == 2:
                connect(root, "card0-DP-2")
            books.enter(asked(own, clock))
            clock.at_s += 60
        books.checkpoint(clock.now().mono_s)
        births = {device for device, _ in spool.births()}
        assert births == {"pc-1", "pc-1/screen-1", "pc-1/screen-2"}
        first, second = (books.total_j(f"pc-1/screen-{number}") for number in (1, 2))
    # Five minutes of the one, three of the other.
    assert first == pytest.approx(second * 5 / 3, abs=2)
    assert second > 0


def test_a_late_screen_keeps_the_loads_that_the_organisation_allows(tmp_path: Path) -> None:
    clock = Turned()
    root = connect(tmp_path / "sys", "card0-DP-1", status="disconnected")
    pc = Host(
        "pc-1",
        device_class=LAPTOP,
        root=root,
        clock=clock,
        cpu_times=lambda: SimpleNamespace(user=1.0, system=0.0, idle=clock.at_s),
        processor_name="",
    )
    own = Source("host", pc, 60, "minute")
    with closing(Spool(tmp_path)) as spool:
        books = Books(CONFIG, [own], spool)
        books.allow(Allowed(load="day"))
        connect(root, "card0-DP-1")
        for _ in range(4):
            books.enter(asked(own, clock))
            clock.at_s += 60
        assert books.total_j("pc-1/screen-1") > 0
        assert spool.counts().waiting == 0
