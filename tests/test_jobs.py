"""Jobs: each once for its period, however late, and the same whatever the order of arrival."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from collected import METER, PARIS, PERIMETER, STREAM, H, Place, arrivals, at, days_in
from sobre_collector.config import Keep
from sobre_collector.conservation import check, check_in_words
from sobre_collector.duties import House, expire
from sobre_collector.jobs import Jobs
from sobre_collector.rows import Arrival, Device
from sobre_collector.store.ledger import Ledger
from sobre_drivers.calendar import midnight
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin
from sobre_drivers.sample import Instant


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "data")
    made.devices()
    yield made
    made.close()


def test_days_and_months_follow_from_what_came_in(place: Place) -> None:
    first = date(2026, 11, 2)
    place.series.append(arrivals(first, 3))
    done = place.run(at(first + timedelta(days=3), 12))
    assert [(job, period) for job, period, _ in done] == [
        ("days", ""),
        ("conservation", "2026-11-05"),
        ("totals", "2026-11 2026-11-05"),
    ]
    assert sum(row.energy_j for row in days_in(place)) == sum(
        arrival.load.energy_j for arrival in arrivals(first, 3)
    )
    laptops, servers = sorted(
        place.ledger.months("2026-11", "2026-11"), key=lambda row: row.devices, reverse=True
    )
    assert (laptops.stratum.device_class, laptops.devices) == ("workstation.laptop", 6)
    assert laptops.sums[2] == 6 * 3
    assert laptops.sums[0] * 3.6e6 == pytest.approx(3 * 21_000 + 6 * (0 + 1 + 2))
    assert (servers.devices, servers.sums[2], servers.calendar_days) == (1, 3.0, (3, 1))


def test_a_job_is_done_once_for_its_period(place: Place) -> None:
    first = date(2026, 11, 2)
    place.series.append(arrivals(first, 2))
    checks: list[int] = []

    def check(*_: object) -> str:
        checks.append(1)
        return "0 J"

    night = at(first + timedelta(days=2), 3)
    for now in (night, night + 60, night + 6 * H):
        place.run(now, check=check)
    assert len(checks) == 1
    # Nights that went by while the machine was off are one night.
    place.run(night + 5 * 86_400, check=check)
    assert len(checks) == 2


@pytest.mark.parametrize(
    ("day", "step_s"),
    [
        pytest.param(date(2026, 10, 25), 600, id="hour-that-comes-twice"),
        pytest.param(date(2026, 3, 29), 600, id="hour-that-is-left-out"),
    ],
)
def test_a_night_with_a_clock_change_is_one_night(place: Place, day: date, step_s: int) -> None:
    periods = []
    begins = midnight(day, PARIS)
    for now in range(begins - 6 * H, begins + 30 * H, step_s):
        periods += [
            period for job, period, _ in place.run(now, check=lambda *_: "") if job != "days"
        ]
    assert periods == [(day + timedelta(days=n)).isoformat() for n in (-1, 0, 1)]


def test_a_month_is_closed_after_its_time_and_its_workstations_forgotten(place: Place) -> None:
    place.series.append(arrivals(date(2026, 9, 28), 6))
    last_open, closes = date(2026, 11, 4), date(2026, 11, 5)
    place.run(at(last_open, 23))
    before = place.ledger.months("2026-09", "2026-09")
    assert place.ledger.closed_months() == set()
    done = place.run(at(closes, 1))
    assert ("close", "2026-09") in [(job, period) for job, period, _ in done]
    assert place.ledger.closed_months() == {"2026-09"}
    assert place.ledger.months("2026-09", "2026-09") == before
    kept = {(row.personal, row.day[:7]) for row in days_in(place)}
    assert kept == {(False, "2026-09"), (False, "2026-10"), (True, "2026-10")}
    assert all(b"pc-1" not in path.read_bytes() for path in place.folder.glob("*2026-09*"))
    assert [job for job, period, _ in place.run(at(closes, 2)) if period == "2026-09"] == []


@pytest.mark.parametrize("cut_at", ["forget", "record_job"])
def test_a_close_that_was_cut_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch, cut_at: str
) -> None:
    place.series.append(arrivals(date(2026, 9, 28), 3))
    now = at(date(2026, 11, 10), 12)
    record = place.ledger.record_job

    def cut(*words: object) -> None:
        if cut_at == "forget" or words[0] == "close":
            raise StoreError("no room")
        record(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(place.series if cut_at == "forget" else place.ledger, cut_at, cut)
    with pytest.raises(StoreError, match="no room"):
        place.run(now)
    monkeypatch.undo()
    assert place.ledger.closed_months() == {"2026-09"}
    kept = place.ledger.months("2026-09", "2026-09")
    assert ("close", "2026-09") in [(job, period) for job, period, _ in place.run(now)]
    assert not any(row.personal for row in days_in(place))
    assert place.ledger.months("2026-09", "2026-09") == kept
    assert {row.devices for row in kept} == {6, 1}


def test_three_months_that_were_missed_are_closed_in_order(place: Place) -> None:
    place.series.append(arrivals(date(2026, 1, 1), 95))
    done = place.run(at(date(2026, 12, 1), 12))
    closed = [period for job, period, _ in done if job == "close"]
    assert closed == ["2026-01", "2026-02", "2026-03", "2026-04"]
    totals = place.ledger.months("2026-01", "2026-12")
    assert sum(row.sums[2] + row.sums[3] for row in totals) == 7 * 95


def test_a_stratum_that_lost_its_last_device_is_emptied(place: Place) -> None:
    first = date(2026, 11, 2)
    place.series.append(arrivals(first, 2))
    place.run(at(first + timedelta(days=3), 12))
    server = place.ledger.devices()[METER]
    place.ledger.put_device(
        Device(METER, "network", *_rest(server)),
    )
    place.run(at(first + timedelta(days=4), 12))
    found = {
        row.stratum.device_class: row.devices for row in place.ledger.months("2026-11", "2026-11")
    }
    assert found == {"workstation.laptop": 6, "network": 1, "server": 0}


def _rest(device: Device) -> tuple[str, str, str, float, float | None, int]:
    return (
        device.organisation,
        device.site,
        device.method,
        device.rated_w,
        device.uncertainty_ratio,
        device.first_seen,
    )


def test_the_ledger_is_backed_up_each_night_and_old_copies_go(place: Place) -> None:
    backups = place.folder / "backups"
    for n in range(5):
        now = at(date(2026, 11, 2) + timedelta(days=n), 4)
        place.ledger.record_job("mark", str(n), now, "")
        place.run(
            now,
            keep=Keep(backups=3),
            ledger_file=place.folder / "ledger.db",
            backups=backups,
        )
    assert [path.name for path in sorted(backups.iterdir())] == [
        f"ledger-2026-11-0{n}.db" for n in (4, 5, 6)
    ]
    copy = Ledger(backups / "ledger-2026-11-06.db")
    assert copy.job_done("mark", "4")
    assert len(copy.devices()) == 7
    copy.close()


class Stopped:
    """A clock that stands still."""

    def __init__(self, wall_s: float) -> None:
        self.wall_s = wall_s

    def now(self) -> Instant:
        return Instant(self.wall_s, 0.0, 0.0)


def test_a_job_that_fails_stops_no_other_and_is_tried_again(place: Place) -> None:
    first = date(2026, 11, 2)
    place.series.append(arrivals(first, 2))
    broken = [True]

    def check(*_: object) -> str:
        if broken[0]:
            raise StoreError("the disk is full; make room")
        return "0 J"

    jobs = Jobs(
        place.series, place.ledger, PERIMETER, Stopped(at(date(2026, 11, 4), 12)), check=check
    )
    jobs.wake()
    assert jobs.failing == {"conservation 2026-11-04": "the disk is full; make room"}
    assert place.ledger.job_done("totals", "2026-11 2026-11-04")
    broken[0] = False
    jobs.wake()
    assert jobs.failing == {}
    assert place.ledger.job_done("conservation", "2026-11-04")


def test_the_scheduler_wakes_at_once_and_stops(place: Place) -> None:
    from threading import Event

    place.series.append(arrivals(date(2026, 11, 2), 1))
    woken = Event()

    def check(*_: object) -> str:
        woken.set()
        return ""

    jobs = Jobs(
        place.series, place.ledger, PERIMETER, Stopped(at(date(2026, 11, 4), 12)), check=check
    )
    jobs.start()
    assert woken.wait(20)
    jobs.stop()
    assert place.ledger.job_done("conservation", "2026-11-04")


def test_old_loads_of_the_infrastructure_are_dropped_once_they_were_checked(place: Place) -> None:
    begin, keep = date(2026, 11, 2), Keep(loads_months=2, days_years=1)
    loads, register_j = [], 0
    for n in range(1, 6):
        register_j += n
        day = begin + timedelta(days=30 * (n - 1))
        one = Load(METER.device, n, at(day, 12), H, n, register_j, Origin.MEASURED)
        loads.append(Arrival(METER.node, STREAM, one, False, one.end))
    house = House(place.series, place.ledger, PERIMETER, keep, check_in_words)

    def kept() -> list[int]:
        return [stored.load.seq for stored in place.series.loads(0, 2**40)]

    place.series.append(loads[:3])
    # In March the loads of November and December are too old, but nobody has checked anything.
    march = at(date(2027, 3, 10), 12)
    assert "0 loads" in expire(house, march)
    assert kept() == [1, 2, 3]
    check(place.series, place.ledger)
    place.series.append(loads[3:])
    done = {job: result for job, _, result in place.run(march, keep=keep, check=check_in_words)}
    assert done["expiry"] == "2 loads and days dropped"
    assert kept() == [3, 4, 5]
    days = [row.day for row in place.series.days("2026-01-01", "2027-12-31")]
    assert days[0] == "2026-11-02"
    for again in (False, True):
        balance = check(place.series, place.ledger, keep=again)
        assert (balance.stored_j, balance.exact) == (15, True)
    assert "expiry" not in {job for job, _, _ in place.run(march + 60, keep=keep)}
    # A year and more later the first month's day goes too.
    place.run(at(date(2027, 12, 10), 12), keep=keep, check=check_in_words)
    left = [row.day for row in place.series.days("2026-01-01", "2027-12-31")]
    assert left
    assert min(left) >= "2026-12-01"
