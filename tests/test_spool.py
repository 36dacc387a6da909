"""What the spool keeps, numbers and adds up, on a real file and on a full disk."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sobre_agent.history import placed
from sobre_agent.open_load import Span
from sobre_agent.outbox import Outbox
from sobre_agent.spool import Spool
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.errors import ConfigError, StoreError
from sobre_drivers.load import Origin
from sobre_drivers.wire import Answer, decode_batch

NOW = 1_790_000_000
PARIS = ZoneInfo("Europe/Paris")


def span(device: str = "pc-1", energy_j: int = 10, end: int = NOW, span_s: int = 60) -> Span:
    return Span(device, end, span_s, energy_j, Origin.MEASURED)


def opened(folder: Path, *devices: str, max_mib: int = 64) -> Spool:
    spool = Spool(folder, max_mib, lambda span: placed(span, PARIS, WorkingHours()))
    for device in devices or ("pc-1",):
        spool.meet(device, "model", b"{}")
    return spool


def confirmed(spool: Spool, number: int, payload: bytes) -> Answer:
    return Answer(spool.stream, number, sha256(payload).hexdigest(), NOW)


def test_spool_numbers_loads_and_adds_them_up_per_device(tmp_path: Path) -> None:
    spool = opened(tmp_path, "pc-1", "pdu-a3/outlet-07")
    spool.append([span(energy_j=10), span("pdu-a3/outlet-07", 7), span(energy_j=5)], {})
    parcel = Outbox(spool).next_parcel(NOW)
    assert parcel is not None
    loads = decode_batch(parcel.payload).loads
    assert [(load.device, load.seq, load.energy_j, load.register_j) for load in loads] == [
        ("pc-1", 1, 10, 10),
        ("pdu-a3/outlet-07", 1, 7, 7),
        ("pc-1", 2, 5, 15),
    ]


def test_spool_goes_on_where_it_was(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([span(energy_j=10)], {"pc-1": {"open_uj": 3}})
    stream = spool.stream
    spool.close()
    again = opened(tmp_path)
    known = again.meet("pc-1", "model", b"{}")
    assert (again.stream, known.seq, known.register_j, known.state) == (
        stream,
        1,
        10,
        {"open_uj": 3},
    )


def test_a_lost_spool_begins_a_new_stream(tmp_path: Path) -> None:
    assert opened(tmp_path / "a").stream != opened(tmp_path / "b").stream


def test_loads_and_accounts_are_saved_together_or_not_at_all(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([span()], {"pc-1": {"n": 1}})
    with pytest.raises(TypeError):
        spool.append([span()], {"pc-1": {"n": object()}})
    known = spool.meet("pc-1", "model", b"{}")
    assert (known.seq, known.register_j, known.state) == (1, 10, {"n": 1})
    assert spool.counts().waiting == 1
    assert spool.history("2026-01-01", "2027-01-01")[0].energy_j == 10


def test_checkpoint_saves_accounts_without_a_load(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.checkpoint({"pc-1": {"n": 2}})
    spool.close()
    assert opened(tmp_path).meet("pc-1", "model", b"{}").state == {"n": 2}


def test_births_of_devices_that_are_met_no_more_are_not_said(tmp_path: Path) -> None:
    spool = opened(tmp_path, "pc-1", "pdu-a3")
    spool.meet("pdu-a3", "meter", b"born")
    spool.forget_births({"pdu-a3"})
    assert spool.births() == [("pdu-a3", b"born")]
    assert spool.meet("pc-1", "model", b"again").seq == 0


# 23 November 2026 was a Monday; in winter Paris is one hour ahead of UTC.
@pytest.mark.parametrize(
    ("end", "span_s", "day", "night"),
    [
        (1795388400 + 7 * 3600, 7 * 3600, "2026-11-23", True),
        (1795388400 + 20 * 3600, 13 * 3600, "2026-11-23", False),
        (1795388400 + 24 * 3600, 4 * 3600, "2026-11-23", True),
        (1795388400 + 24 * 3600 + 60, 60, "2026-11-24", True),
        (1795388400 - 24 * 3600, 24 * 3600, "2026-11-21", True),
    ],
    ids=["before-work", "work", "evening", "after-midnight", "saturday"],
)
def test_span_belongs_to_a_day_and_to_work_or_not(
    end: int, span_s: int, day: str, night: bool
) -> None:
    assert placed(span(end=end, span_s=span_s), PARIS, WorkingHours()) == (day, night)


def test_history_adds_up_days(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    midnight = 1795388400
    spool.append(
        [
            span(energy_j=100, end=midnight + 7 * 3600, span_s=7 * 3600),
            span(energy_j=900, end=midnight + 20 * 3600, span_s=13 * 3600),
        ],
        {},
    )
    spool.append([span(energy_j=1, end=midnight + 86_460)], {})
    days = spool.history("2026-11-23", "2026-11-23")
    assert [(d.day, d.device, d.energy_j, d.night_j, d.method) for d in days] == [
        ("2026-11-23", "pc-1", 1000, 100, "model")
    ]


def test_days_of_more_than_a_year_ago_are_forgotten(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for days in range(0, 600, 50):
        spool.append([span(end=NOW + 86_400 * days)], {})
    spool.checkpoint({})
    assert len(spool.history("2000-01-01", "2100-01-01")) == 9
    assert spool.meet("pc-1", "model", b"").seq == 12


def test_spool_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([span()], {})
    spool.close()
    with sqlite3.connect(spool.path) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    before = spool.path.read_bytes()
    with pytest.raises(ConfigError, match=r"newer version \(schema 99, this one knows 1\)"):
        Spool(tmp_path)
    assert spool.path.read_bytes() == before


def test_another_programs_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE theirs (x)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="another program's"):
        Spool(tmp_path)
    assert path.read_bytes() == before


def test_a_damaged_file_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError, match=r"spool\.db"):
        Spool(tmp_path)


def fill(spool: Spool) -> int:
    """Append until the spool refuses; how many loads it took."""
    for times in range(100_000):
        try:
            spool.append([span() for _ in range(50)], {})
        except StoreError:
            return times * 50
    raise AssertionError("it never refuses")


def fill_disk(disk: Path) -> Path:
    """A file that takes all that was free."""
    filler = disk / "filler"
    with filler.open("wb", 0) as file:
        for _ in range(100_000):
            try:
                file.write(b"x" * 512)
            except OSError:
                return filler
    raise AssertionError("it is never full")


def test_full_spool_refuses_loads_and_still_drains(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_mib=1)
    taken = fill(spool)
    assert spool.path.stat().st_size <= 1024 * 1024
    assert spool.counts().waiting == taken
    drain(spool)
    spool.append([span()], {})
    assert spool.meet("pc-1", "model", b"{}").seq == taken + 1


def drain(spool: Spool) -> int:
    outbox, loads = Outbox(spool), 0
    while parcel := outbox.next_parcel(NOW):
        loads += len(decode_batch(parcel.payload).loads)
        assert outbox.confirm(confirmed(spool, parcel.number, parcel.payload))
    assert (spool.counts().waiting, spool.counts().unconfirmed) == (0, 0)
    return loads


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB of its own, where this system lets us mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "sobre-test", str(folder)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if made.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_is_said_and_loses_nothing(small_disk: Path) -> None:
    with closing(opened(small_disk / "spool")) as spool:
        spool.append([span()], {"pc-1": {"n": 1}})
        filler = fill_disk(small_disk)
        taken = 1 + fill(spool)
        assert spool.counts().waiting == taken
        filler.unlink()
        spool.append([span()], {"pc-1": {"n": 2}})
        assert spool.meet("pc-1", "model", b"{}").seq == taken + 1
        assert drain(spool) == taken + 1


def test_full_disk_takes_confirmations(small_disk: Path) -> None:
    with closing(opened(small_disk / "spool")) as spool:
        taken = fill(spool)
        fill_disk(small_disk)
        assert taken > 1000
        assert drain(spool) == taken


def test_full_disk_lets_an_agent_start(small_disk: Path) -> None:
    opened(small_disk / "spool").close()
    fill_disk(small_disk)
    with closing(Spool(small_disk / "spool")) as spool:
        assert spool.counts().waiting == 0


def test_load_of_the_future_waits(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as spool:
        spool.append([span(end=NOW + 3600), span(end=NOW)], {})
        outbox = Outbox(spool)
        parcel = outbox.next_parcel(NOW)
        assert parcel is not None
        assert [load.end for load in decode_batch(parcel.payload).loads] == [NOW]
        assert outbox.next_parcel(NOW) is None
        assert outbox.next_parcel(NOW + 3600) is not None


def test_load_that_cannot_be_said_is_kept_aside_and_the_others_leave(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as spool:
        spool.append([span(end=NOW + n) for n in range(10)], {})
        # Eleven hundred days: no load is that long, and no message may say so.
        spool.append([span(end=NOW, span_s=1100 * 86_400), span(end=NOW)], {})
        assert drain(spool) == 11
        assert [(device, seq) for device, seq, _ in Outbox(spool).aside()] == [("pc-1", 11)]


def test_batch_numbers_are_never_used_again(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        with closing(opened(tmp_path)) as spool:
            spool.append([span()], {})
            outbox = Outbox(spool)
            parcel = outbox.next_parcel(NOW)
            assert parcel is not None
            numbers.append(parcel.number)
            assert outbox.confirm(confirmed(spool, parcel.number, parcel.payload))
    assert numbers == [1, 2, 3]
