"""A bad value got in: it is voided with a trace, and everything that was made of it follows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from collected import METER, PCS, PERIMETER, STREAM, Place
from sobre_collector.conservation import check, check_in_words
from sobre_collector.duties import House, close_month, month_totals
from sobre_collector.rows import Arrival, Key
from sobre_collector.rulings import ask, carry_out, counting, set_aside
from sobre_collector.store.decisions import Decisions
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import Load, Origin

# 24 November 2026, 00:00 in Paris.
DAY = 1_795_474_800
NOW = DAY + 3 * 86_400
OTHER = STREAM.replace("1", "2")
BAD_J = 1_500_000
EITHER = pytest.mark.parametrize("key", [METER, PCS[0]], ids=["infrastructure", "workstation"])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    place = Place(tmp_path / "data")
    place.devices()
    yield House(place.series, place.ledger, PERIMETER, check=check_in_words)
    place.close()


def loads(key: Key, bad: int, hours: int = 24) -> list[Arrival]:
    """A day of hourly loads of 1000 J, of which one is a bad value."""
    found, register_j = [], 0
    for seq in range(1, hours + 1):
        energy_j = BAD_J if seq == bad else 1_000
        register_j += energy_j
        load = Load(
            key.device, seq, DAY + 3_600 * seq, 3_600, energy_j, register_j, Origin.MEASURED
        )
        found.append(Arrival(key.node, STREAM, load, key in PCS, load.end))
    return found


def day_j(house: House, key: Key) -> list[int]:
    return [row.energy_j for row in house.series.days("2026-11-24", "2026-11-24", key)]


def month_kwh(house: House, key: Key) -> float:
    device_class = house.ledger.devices()[key].device_class
    rows = house.ledger.months("2026-11", "2026-11")
    return sum(sum(row.sums[:2]) for row in rows if row.stratum.device_class == device_class)


def kept_j(house: House) -> tuple[int, int, int, bool]:
    balance = check(house.series, house.ledger, keep=False)
    return balance.stored_j, balance.quarantined_j, balance.voided_j, balance.exact


@EITHER
def test_void_is_followed_by_days_months_and_the_check(house: House, key: Key) -> None:
    others = [each for pc in PCS for each in loads(pc, 0) if pc != key]
    house.series.append([*loads(key, 10), *others])
    month_totals(house, NOW, "2026-11")
    check(house.series, house.ledger)
    before = kept_j(house)
    kwh = month_kwh(house, key)
    bad = counting(house.series, house.ledger, key, DAY + 36_000, DAY + 36_000)
    assert [each.load.energy_j for each in bad] == [BAD_J]
    ask(house, "void", bad, "operations", "meter read twice", NOW)
    assert day_j(house, key) == [23_000 + BAD_J]
    (decision,) = carry_out(house, NOW)
    # 23 of 24 hours are known, so that the day is valid and its hole is filled with their mean.
    assert day_j(house, key) == [24_000]
    assert month_kwh(house, key) == pytest.approx(kwh - (BAD_J - 1_000) / 3.6e6, rel=1e-9)
    assert kept_j(house) == (before[0] - BAD_J, 0, BAD_J, True)
    assert check(house.series, house.ledger).voided_j == BAD_J
    assert carry_out(house, NOW) == []
    (kept,) = house.ledger.decisions.all()
    assert (kept.number, kept.by, kept.why) == (decision.number, "operations", "meter read twice")
    assert (kept.key, kept.loads, kept.energy_j, kept.at) == (key, 1, BAD_J, NOW)
    assert kept.result == "1 loads"

    ask(house, "readmit", set_aside(house.series.quarantined(), house.ledger), "audit", "ok", NOW)
    carry_out(house, NOW)
    assert day_j(house, key) == [23_000 + BAD_J]
    assert month_kwh(house, key) == pytest.approx(kwh, rel=1e-12)
    assert kept_j(house) == before
    assert len(house.ledger.decisions.all()) == 2


@EITHER
def test_load_that_was_not_checked_yet_is_voided_once(house: House, key: Key) -> None:
    house.series.append(loads(key, 10))
    bad = counting(house.series, house.ledger, key, DAY + 36_000, DAY + 36_000)
    ask(house, "void", bad, "operations", "bad", NOW)
    carry_out(house, NOW)
    assert check(house.series, house.ledger).voided_j == BAD_J
    assert kept_j(house) == (23_000, 0, BAD_J, True)


def test_day_of_which_every_load_is_void_says_nothing(house: House) -> None:
    house.series.append(loads(METER, 0))
    month_totals(house, NOW, "2026-11")
    everything = counting(house.series, house.ledger, METER, DAY, NOW)
    assert len(everything) == 24
    ask(house, "void", everything, "operations", "wrong meter", NOW)
    carry_out(house, NOW)
    (row,) = house.series.days("2026-11-24", "2026-11-24", METER)
    assert (row.energy_j, row.observed_s, row.valid) == (0, 0, False)
    assert month_kwh(house, METER) == 0


@EITHER
@pytest.mark.parametrize("step", ["rule", "conclude"])
def test_decision_that_was_cut_is_carried_out_once(
    house: House, key: Key, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.series.append(loads(key, 10))
    month_totals(house, NOW, "2026-11")
    check(house.series, house.ledger)
    bad = counting(house.series, house.ledger, key, DAY + 36_000, DAY + 36_000)
    ask(house, "void", bad, "operations", "bad", NOW)

    def cut(*_: object) -> None:
        raise InterruptedError

    owner: type = type(house.series) if step == "rule" else Decisions
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, cut)
        with pytest.raises(InterruptedError):
            carry_out(house, NOW)
    assert len(carry_out(house, NOW)) == 1
    assert day_j(house, key) == [24_000]
    assert kept_j(house) == (23_000, 0, BAD_J, True)
    assert check(house.series, house.ledger).voided_j == BAD_J


@EITHER
def test_what_a_closed_month_counted_cannot_be_voided(house: House, key: Key) -> None:
    house.series.append(loads(key, 10))
    bad = counting(house.series, house.ledger, key, DAY + 36_000, DAY + 36_000)
    ask(house, "void", bad, "operations", "bad", NOW)
    house.ledger.close_month("2026-11", NOW)
    # It closed before the decision was carried out.
    carry_out(house, NOW)
    assert [each.result for each in house.ledger.decisions.all()] == ["0 loads, 1 stood otherwise"]
    assert list(house.series.quarantined()) == []
    with pytest.raises(ConfigError, match="state an adjustment instead"):
        ask(house, "void", bad, "operations", "bad", NOW)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("fork", "is a fork"),
        ("late", "state an adjustment instead"),
        ("unknown-device", "its device is not accepted"),
        ("overlap", "its time is counted by another load"),
        ("future", "ends in the future"),
    ],
)
def test_readmission_that_would_count_what_must_not_is_refused(
    house: House, reason: str, said: str
) -> None:
    house.series.append(loads(METER, 0))
    first = loads(METER, 1)[0]
    if reason == "unknown-device":
        first = first._replace(load=first.load._replace(device="stranger"), stream=OTHER)
    if reason in ("overlap", "late"):
        first = first._replace(stream=OTHER)
    if reason == "future":
        first = first._replace(stream=OTHER, load=first.load._replace(end=NOW + 86_400))
    house.series.append([first._replace(reason=reason)])
    found = set_aside(house.series.quarantined(), house.ledger)
    assert [each.reason for each in found] == [reason]
    with pytest.raises(ConfigError, match=said):
        ask(house, "readmit", found, "operations", "why not", NOW)
    assert house.ledger.decisions.all() == []


def test_decision_needs_a_role_a_reason_a_load_and_no_other_decision(house: House) -> None:
    house.series.append(loads(METER, 10))
    bad = counting(house.series, house.ledger, METER, DAY + 36_000, DAY + 36_000)
    with pytest.raises(ConfigError) as raised:
        ask(house, "void", [], " ", "", NOW)
    assert len(raised.value.problems) == 3
    ask(house, "void", bad, "operations", "bad", NOW)
    with pytest.raises(ConfigError, match="another decision about it"):
        ask(house, "void", bad, "operations", "bad", NOW)


def test_trace_stays_and_holds_no_load(house: House, tmp_path: Path) -> None:
    house.series.append(loads(PCS[0], 10))
    bad = counting(house.series, house.ledger, PCS[0], DAY + 36_000, DAY + 36_000)
    ask(house, "void", bad, "operations", "bad", NOW)
    told = str(DAY + 36_000).encode()
    with closing(sqlite3.connect(tmp_path / "data" / "ledger.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert told in (tmp_path / "data" / "ledger.db").read_bytes()
    carry_out(house, NOW)
    house.ledger.close()
    with closing(sqlite3.connect(tmp_path / "data" / "ledger.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for table in ("decisions", "verdicts"):
            for change in (f"UPDATE {table} SET number = 9", f"DELETE FROM {table}"):
                with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                    db.execute(change)
    assert told not in (tmp_path / "data" / "ledger.db").read_bytes()


@pytest.mark.parametrize("step", ["before-close", "after-close", "before-forget", "after-forget"])
def test_closing_that_was_cut_goes_on_and_loses_nothing(tmp_path: Path, step: str) -> None:
    place = Place(tmp_path / "data")
    place.devices()

    def cut(at: str) -> None:
        if at == step:
            # What comes in at that moment is late, or counts; it is never missing.
            reason = "late" if "2026-11" in place.ledger.closed_months() else None
            place.series.append([Arrival(PCS[0].node, STREAM, extra, True, NOW, reason)])
            raise InterruptedError

    here = loads(PCS[0], 0)
    extra = here[-1].load
    place.series.append([*here[:-1], *(each for pc in PCS[1:] for each in loads(pc, 0))])
    house = House(place.series, place.ledger, PERIMETER, check=check_in_words, crash=cut)
    with pytest.raises(InterruptedError):
        close_month(house, NOW, "2026-11")
    close_month(House(place.series, place.ledger, PERIMETER, check=check_in_words), NOW, "2026-11")
    balance = check(place.series, place.ledger)
    counted = step == "before-close"
    assert (balance.stored_j, balance.late_j, balance.exact) == (
        144_000 if counted else 143_000,
        0 if counted else 1_000,
        True,
    )
    (row,) = place.ledger.months("2026-11", "2026-11")
    assert row.sums[0] * 3.6e6 == pytest.approx(144_000)
    place.close()
