"""The faster reads give to the joule what reading every load gives."""

import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from collected import PERIMETER
from sobre_collector.account import Balance
from sobre_collector.conservation import check
from sobre_collector.rebuild import rebuild_days
from sobre_collector.rows import Arrival, DayRow, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin

# Tuesday 24 November 2026, 00:00 in Paris; the day before and the day after are whole too.
DAY = 1_795_474_800
A, B = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
SHAPES = (
    "plain", "gap", "twice", "two-spans", "off-grid", "across-midnight", "across-work", "states",
    "pages", "two-streams", "shuffled", "longer-than-a-day", "origins", "huge", "clock-set-back",
    "head-only", "reversed-numbers", "gap-and-twice", "first-longer", "thirteen-hours",
    "three-hours", "stream-after-stream", "under-a-long-one", "zero",
)  # fmt: skip


class Made:
    """Loads of one device, with registers that fit."""

    def __init__(self, key: Key, personal: bool, stream: str = A) -> None:
        self.key, self.personal, self.stream = key, personal, stream
        self.arrivals: list[Arrival] = []
        self.register_j = 0

    def add(self, end: int, span_s: int, energy_j: int, **more: Any) -> None:
        self.register_j += energy_j
        origin = more.pop("origin", Origin.MEASURED)
        seq = len(self.arrivals) + 1
        load = Load(self.key.device, seq, end, span_s, energy_j, self.register_j, origin, **more)
        one = Arrival(self.key.node, self.stream, load, self.personal, end)
        self.arrivals.append(one)


def shaped(shape: str, key: Key, personal: bool, chance: random.Random) -> list[Arrival]:
    """Three days of loads, of which the middle one has the shape."""
    made, other = Made(key, personal), Made(key, personal, B)
    spans = {"across-work": 3_600, "thirteen-hours": 46_800, "three-hours": 10_800}
    span_s = spans.get(shape, 600)
    offset_s = {
        "off-grid": 300,
        "across-midnight": 60,
        "across-work": 1_800,
        "thirteen-hours": 111_600,
    }.get(shape, 0)
    cells = list(range(3 * 86_400 // span_s))
    if shape == "clock-set-back":
        cells[200:260] = cells[100:160]
    if shape == "reversed-numbers":
        cells[200:260] = cells[259:199:-1]
    if shape == "gap-and-twice":
        cells[200] = 205
    for cell in cells:
        end = DAY - 86_400 + offset_s + span_s * (cell + 1)
        energy_j = chance.randrange(1, 5_000)
        middle = 200 < cell < 230
        more: dict[str, Any] = {}
        if (shape == "gap" and middle) or (shape == "head-only" and 160 < cell < 290):
            continue
        if shape == "two-spans" and middle:
            made.add(end - 300, 300, energy_j)
            made.add(end, 300, energy_j)
            continue
        if shape == "states":
            more["state_s"] = {"on": 200, "sleep": 300, "unknown": 100 if middle else 0}
        if shape == "pages":
            more["pages"] = chance.randrange(5)
        if shape == "origins":
            more["origin"] = chance.choice(list(Origin))
        if shape == "huge" and cell == 210:
            energy_j = 2**50
        if shape == "zero" and cell == 199:
            energy_j = 0
        if shape == "first-longer" and cell in (144, 145):
            if cell == 145:
                made.add(end, 2 * span_s, energy_j)
            continue
        if shape == "stream-after-stream" and cell > 210:
            other.add(end, span_s, energy_j)
            continue
        if shape == "two-streams" and middle:
            other.add(end, span_s, energy_j)
            continue
        made.add(end, span_s, energy_j, **more)
        if shape == "twice" and cell == 210:
            made.add(end, span_s, energy_j)
    if shape == "under-a-long-one":
        made.add(DAY + 200_000, 250_000, 1_000_000)
    if shape == "longer-than-a-day":
        del made.arrivals[:]
        made.register_j = 0
        made.add(DAY + 86_400, 100_000, 1_000_000)
        made.add(DAY + 86_400 + 600, 600, 10)
    found = [*made.arrivals, *other.arrivals]
    if shape == "shuffled":
        chance.shuffle(found)
    return found


def built(
    folder: Path, arrivals: list[list[Arrival]], plain: bool
) -> tuple[list[DayRow], Balance, Balance]:
    """Days, the first check and one after more came in, with or without the faster reads."""
    folder.mkdir()
    with (
        closing(SqliteSeries(folder)) as series,
        closing(Ledger(folder / "ledger.db")) as ledger,
    ):
        if plain:
            series.narrow = None  # type: ignore[assignment]
        for one in {Key(a.node, a.load.device): a for part in arrivals for a in part}.values():
            device_class = "workstation.laptop" if one.personal else "server"
            key = Key(one.node, one.load.device)
            ledger.put_device(Device(key, device_class, "o", "s", "m", 100.0, None, 0))
        balances = []
        for part in arrivals:
            series.append(part)
            rebuild_days(series, ledger, PERIMETER, DAY + 3 * 86_400)
            balances.append(check(series, ledger))
        days = list(series.days("2026-01-01", "2026-12-31"))
    return days, balances[0], balances[-1]


@pytest.mark.parametrize("personal", [False, True], ids=["infrastructure", "workstation"])
@pytest.mark.parametrize("shape", SHAPES)
def test_faster_reads_say_the_same(tmp_path: Path, shape: str, personal: bool) -> None:
    chance = random.Random(shape)
    found = shaped(shape, Key("n", "d"), personal, chance)
    parts = [found[: len(found) // 2], found[len(found) // 2 :]]
    fast = built(tmp_path / "fast", parts, plain=False)
    assert fast == built(tmp_path / "plain", parts, plain=True)
    assert fast[0]
    stored = {a.load.seq: a.load.energy_j for a in found if a.stream == A}
    assert fast[2].stored_j + fast[2].quarantined_j >= sum(stored.values())


@pytest.mark.parametrize("personal", [False, True], ids=["infrastructure", "workstation"])
def test_many_devices_of_all_shapes_say_the_same(tmp_path: Path, personal: bool) -> None:
    chance = random.Random(7)
    found: list[Arrival] = []
    for n in range(30):
        shape = chance.choice(SHAPES)
        kind = personal if n % 3 else not personal
        found += shaped(shape, Key(f"n-{n % 7}", f"d-{n}"), kind, chance)
    chance.shuffle(found)
    parts = [found[::2], found[1::2]]
    assert built(tmp_path / "fast", parts, plain=False) == built(
        tmp_path / "plain", parts, plain=True
    )


def test_device_that_changed_its_kind_is_read_whole(tmp_path: Path) -> None:
    key = Key("n", "d")
    one, two = Made(key, personal=True), Made(key, personal=False, stream=B)
    for cell in range(72):
        (one if cell < 36 else two).add(DAY + 600 * (cell + 1), 600, 10 + cell)
    parts = [one.arrivals, two.arrivals]
    fast = built(tmp_path / "fast", parts, plain=False)
    assert fast == built(tmp_path / "plain", parts, plain=True)
    whole = {row.day: row.energy_j for row in fast[0] if row.personal}
    assert whole["2026-11-24"] >= sum(10 + cell for cell in range(72))


@pytest.mark.parametrize(
    "tampered",
    [
        "DELETE FROM loads WHERE seq = 200",
        "UPDATE loads SET energy_j = energy_j + 1 WHERE seq = 200",
        "UPDATE loads SET register_j = register_j + 1 WHERE seq = 200",
        "UPDATE loads SET energy_j = energy_j + 1, register_j = register_j + 1 WHERE seq = 200",
    ],
    ids=["deleted", "more", "register", "both"],
)
def test_what_somebody_changed_is_seen_by_the_faster_check_too(
    tmp_path: Path, tampered: str
) -> None:
    found = shaped("zero", Key("n", "d"), False, random.Random(1))
    balances = []
    for name in ("fast", "plain"):
        folder = tmp_path / name
        folder.mkdir()
        with (
            closing(SqliteSeries(folder)) as series,
            closing(Ledger(folder / "ledger.db")) as ledger,
        ):
            series.append(found)
            with series._series.write() as db:
                db.execute(tampered)
            if name == "plain":
                series.narrow = None  # type: ignore[assignment]
            balances.append(check(series, ledger))
    assert balances[0] == balances[1]
    assert not balances[0].exact
