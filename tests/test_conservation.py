"""The conservation check knows every joule: kept, set aside, missing or counted twice."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobre_collector.account import Account, Claim, settle
from sobre_collector.conservation import check, check_in_words
from sobre_collector.rows import Arrival, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin

T0 = 1_795_474_800
A = str(UUID(int=1))
PDU, PC = Key("reader", "pdu-a3"), Key("pc-1", "pc-1")


class House(NamedTuple):
    """A collector's two stores."""

    folder: Path
    series: SqliteSeries
    ledger: Ledger

    def put(self, *seqs: int, key: Key = PDU, reason: str | None = None) -> None:
        self.series.append(
            [
                Arrival(key.node, A, load(seq, key.device), key == PC, T0 + 600 * seq, reason)
                for seq in seqs
            ]
        )

    def tamper(self, sql: str) -> None:
        db = sqlite3.connect(self.folder / "series.db")
        db.execute(sql)
        db.commit()
        db.close()

    def found(self) -> tuple[int, int, int, int, int]:
        balance = check(self.series, self.ledger)
        assert balance.exact == (balance.faults == ())
        return (
            balance.stored_j,
            balance.quarantined_j,
            balance.late_j,
            balance.missing_j,
            balance.doubled_j,
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, SqliteSeries(tmp_path), Ledger(tmp_path / "ledger.db"))
    yield made
    made.series.close()
    made.ledger.close()


def load(seq: int, device: str = "pdu-a3") -> Load:
    """Load `seq` holds 2 to the power of `seq` J: a sum tells exactly which loads are in it."""
    return Load(device, seq, T0 + 600 * seq, 600, 2**seq, 2 ** (seq + 1) - 2, Origin.MEASURED)


def joules(*seqs: int) -> int:
    return sum(2**seq for seq in seqs)


def test_everything_here_balances(house: House) -> None:
    house.put(1, 2, 3)
    house.put(1, 2, key=PC)
    house.put(4, reason="future")
    house.put(5, reason="late")
    assert house.found() == (joules(1, 2, 3, 1, 2), joules(4), joules(5), 0, 0)
    assert check_in_words(house.series, house.ledger, T0) == (
        '{"stored_j": 20, "quarantined_j": 16, "late_j": 32, "voided_j": 0,'
        ' "missing_j": 0, "doubled_j": 0, "streams_at_fault": 0}'
    )


def test_hole_is_missing_to_the_joule_until_it_is_filled(house: House) -> None:
    house.put(1, 2, 5, 8)
    assert house.found() == (joules(1, 2, 5, 8), 0, 0, joules(3, 4, 6, 7), 0)
    house.put(4)
    assert house.found() == (joules(1, 2, 4, 5, 8), 0, 0, joules(3, 6, 7), 0)
    house.put(3, 7, 9)
    assert house.found() == (joules(1, 2, 3, 4, 5, 7, 8, 9), 0, 0, joules(6), 0)
    house.put(6)
    assert house.found() == (joules(*range(1, 10)), 0, 0, 0, 0)


def test_stream_whose_beginning_never_came_is_missing_it(house: House) -> None:
    house.put(3)
    assert house.found() == (joules(3), 0, 0, joules(1, 2), 0)
    (fault,) = check(house.series, house.ledger).faults
    assert (fault.key, fault.stream, fault.missing_j) == (PDU, A, joules(1, 2))


def test_account_outlives_what_was_forgotten(house: House) -> None:
    house.put(1, 2, 3, key=PC)
    assert house.found() == (joules(1, 2, 3), 0, 0, 0, 0)
    house.series.forget("2026-11")
    assert house.found() == (joules(1, 2, 3), 0, 0, 0, 0)
    december = [load(seq, "pc-1")._replace(end=T0 + 10 * 86_400 + seq) for seq in (4, 6)]
    house.series.append([Arrival("pc-1", A, one, True, T0 + 10 * 86_400) for one in december])
    assert house.found() == (joules(1, 2, 3, 4, 6), 0, 0, joules(5), 0)


def test_clock_that_was_set_back_loses_nothing(house: House) -> None:
    house.put(1, 2)
    house.found()
    early = load(3)._replace(end=T0 - 90 * 86_400)
    house.series.append([Arrival("reader", A, early, False, T0)])
    house.put(4)
    assert house.found() == (joules(1, 2, 3, 4), 0, 0, 0, 0)


def test_fork_is_not_part_of_the_stream(house: House) -> None:
    house.put(1, 2)
    forged = load(2)._replace(energy_j=3)
    house.series.append([Arrival("reader", A, forged, False, T0)])
    assert house.found() == (joules(1, 2), 0, 0, 0, 0)


def test_check_that_keeps_nothing_changes_nothing(house: House) -> None:
    house.put(1, 2)
    assert check(house.series, house.ledger, keep=False).stored_j == joules(1, 2)
    assert house.ledger.check_marks() == {}


@pytest.mark.parametrize(
    ("sql", "missing_j", "doubled_j"),
    [
        ("DELETE FROM loads WHERE seq = 2", joules(2), 0),
        ("DELETE FROM loads WHERE seq = 1", joules(1), 0),
        ("DELETE FROM loads WHERE seq = 4", joules(4), 0),
        ("DELETE FROM loads", joules(1, 2, 3, 4), 0),
        (
            "INSERT INTO loads SELECT end + 60, sid, seq, span_s, energy_j, register_j, origin,"
            " state_s, power_max_w, pages, replaces FROM loads WHERE seq = 3",
            0,
            joules(3),
        ),
        (
            "INSERT INTO loads SELECT end + 600, sid, seq + 1, span_s, energy_j, register_j,"
            " origin, state_s, power_max_w, pages, replaces FROM loads WHERE seq = 4",
            0,
            joules(4),
        ),
        ("UPDATE loads SET energy_j = energy_j - 1 WHERE seq = 3", 1, 0),
        ("UPDATE loads SET energy_j = energy_j + 1 WHERE seq = 3", 0, 1),
        ("UPDATE loads SET register_j = register_j + 1 WHERE seq = 3", 1, 1),
        ("UPDATE loads SET register_j = register_j - 1 WHERE seq = 4", 1, 1),
        ("UPDATE marks SET register_j = register_j + 1 WHERE seq = 4", 1, 0),
    ],
    ids=[
        "deleted-inside",
        "deleted-first",
        "deleted-last",
        "deleted-all",
        "twice-under-one-number",
        "twice-under-the-next",
        "energy-lowered",
        "energy-raised",
        "register-raised",
        "last-register-lowered",
        "mark-raised",
    ],
)
def test_what_a_hand_changed_is_found(
    house: House, sql: str, missing_j: int, doubled_j: int
) -> None:
    house.put(1, 2, 3, 4)
    house.put(1, 2, key=PC)
    house.tamper(sql)
    *_, missing, doubled = house.found()
    assert (missing, doubled) == (missing_j, doubled_j)
    *_, missing, doubled = house.found()
    assert (missing, doubled) == (missing_j, doubled_j), "the next check forgot it"
    assert [fault.key for fault in check(house.series, house.ledger).faults] == [PDU]


@pytest.mark.parametrize(
    ("sql", "missing_j", "doubled_j"),
    [
        ("DELETE FROM loads WHERE seq = 1", joules(1), 0),
        ("DELETE FROM loads WHERE seq = 3", joules(3), 0),
        ("DELETE FROM loads", joules(1, 3, 4), 0),
        ("DELETE FROM quarantine", joules(5), 0),
        ("UPDATE loads SET energy_j = energy_j + 1 WHERE seq = 3", 0, 1),
        ("UPDATE loads SET energy_j = 0 WHERE seq = 4", joules(4), 0),
    ],
    ids=["first", "inside", "all", "quarantine", "raised", "lowered"],
)
def test_what_a_hand_changed_after_the_check_is_found_by_counting_again(
    house: House, sql: str, missing_j: int, doubled_j: int
) -> None:
    device = Device(PDU, "pdu", "ville", "dc", "modbus", 3680.0, None, T0)
    house.ledger.put_device(device)
    house.put(1, 3, 4)
    house.put(5, reason="power above the device's maximum")
    house.put(1, 2, key=PC)
    assert house.found()[3:] == (joules(2), 0)
    assert check(house.series, house.ledger, keep=False) == check(house.series, house.ledger)
    house.tamper(sql)
    again = check(house.series, house.ledger, keep=False)
    assert (again.missing_j, again.doubled_j) == (joules(2) + missing_j, doubled_j)
    kept_j = again.stored_j + again.quarantined_j + again.late_j
    assert kept_j + again.missing_j - again.doubled_j == joules(1, 2, 3, 4, 5, 1, 2)


def test_counting_again_knows_what_was_forgotten(house: House) -> None:
    house.put(1, 3, key=PC)
    december = [load(seq, "pc-1")._replace(end=T0 + 10 * 86_400 + seq) for seq in (4, 6, 7)]
    house.series.append([Arrival("pc-1", A, one, True, T0 + 10 * 86_400) for one in december])
    late = [load(2, "pc-1")]
    house.series.append([Arrival("pc-1", A, one, True, T0 + 10 * 86_400, "late") for one in late])
    before = house.found()
    assert before == (joules(1, 3, 4, 6, 7), 0, joules(2), joules(5), 0)
    house.series.forget("2026-11")
    assert check(house.series, house.ledger, keep=False) == check(house.series, house.ledger)
    db = sqlite3.connect(house.folder / "workstations-2026-12.db")
    db.execute("DELETE FROM loads WHERE seq = 6")
    db.commit()
    db.close()
    assert check(house.series, house.ledger, keep=False).missing_j == joules(5, 6)


Damage = Callable[[list[Claim], random.Random], list[Claim]]


def dropped(claims: list[Claim], chance: random.Random) -> list[Claim]:
    return [claim for claim in claims if chance.random() < 0.7]


def repeated(claims: list[Claim], chance: random.Random) -> list[Claim]:
    return claims + [claim for claim in claims if chance.random() < 0.3]


def altered(claims: list[Claim], chance: random.Random) -> list[Claim]:
    return [
        claim._replace(energy_j=max(0, claim.energy_j + chance.randint(-9, 9))) for claim in claims
    ]


@pytest.mark.parametrize("damage", [dropped, repeated, altered], ids=lambda d: d.__name__)
@given(
    energies=st.lists(st.integers(0, 2**40), min_size=1, max_size=30),
    kinds=st.lists(st.sampled_from(["stored", "quarantined", "late"]), min_size=30, max_size=30),
    cut=st.integers(0, 30),
    seed=st.integers(0, 999),
)
def test_account_always_adds_up_to_the_register(
    damage: Damage, energies: list[int], kinds: list[str], cut: int, seed: int
) -> None:
    claims, register_j = [], 0
    for seq, energy_j in enumerate(energies, start=1):
        register_j += energy_j
        claims.append(Claim(seq, seq, energy_j, register_j, seq * 60, kinds[seq - 1]))
    hurt = damage(claims, random.Random(seed))
    account = Account()
    for part in (hurt[:cut], hurt[cut:]):
        holes = [(hole.first, hole.last) for hole in account.holes]
        account = settle(account, part, holes)
    kept_j = account.stored_j + account.quarantined_j + account.late_j
    assert account.register_j == kept_j + account.missing_j - account.doubled_j
