"""Télé-information client: frames and groups, by what others recorded of real meters."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobre_agent.account import Account
from sobre_agent.cutters import Every
from sobre_drivers.load import Origin
from sobre_drivers.meters.parity import seven_bits
from sobre_drivers.meters.tic import decoding, meaning
from sobre_drivers.meters.tic.decoding import Frame, Frames
from sobre_drivers.sample import Described, Instant, Reading, Sample

UJ_PER_WH = 3_600_000_000
CAPTURES = Path(__file__).parents[2] / "shared/captures/tic"
# The index (Wh) that SOURCE.md states for the first frame of each recording.
INDEX_WH = {
    "historique-hc-mono-stream1.raw": 6906827 + 7617931,
    "historique-hc-mono-stream2.raw": 6906827 + 7617943,
    "historique-base-tri.raw": 1181243,
    "historique-base-mono.raw": 190575,
    "standard-mono-producteur.raw": 0,
    "enedis-historique-base.txt": 104,
    "enedis-standard-mono.txt": 0,
    "enedis-standard-mono-PCOUP-corrompu.txt": 0,
    "wire/historique-base-tri.raw": 1181243,
    "wire/standard-mono-producteur.raw": 0,
}
TEMPO = ("CJB", "PJB", "CJW", "PJW", "CJR", "PJR")
recorded = pytest.mark.parametrize("name", INDEX_WH)

HISTORIQUE = b"\x02\nADCO 031328187235 B\r\nPTEC HP..  \r\nBASE 000190575 &\r\nPAPP 00270 *\r\x03"


def capture(name: str) -> bytes:
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f"no {name} under ../shared/captures/tic")
    return path.read_bytes()


def frames(data: bytes) -> list[Frame]:
    return Frames().feed(data)


def with_parity(data: bytes) -> bytes:
    return bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in data)


@pytest.mark.shared
@recorded
def test_a_recording_reads_to_what_it_is_said_to_hold(name: str) -> None:
    text = capture(name)
    expected = json.loads(
        (CAPTURES / Path(name).name).with_suffix(".expected.json").read_text("utf-8")
    )
    found = frames(text)
    assert len(found) == expected["complete_frames"]
    assert sum(frame.rejected for frame in found) == expected["bad_checksums"]
    # Of a long recording the first frame and the last are listed.
    listed = found if len(expected["frames"]) == len(found) else [found[0], found[-1]]
    for frame, groups in zip(listed, expected["frames"], strict=True):
        told = [(g.mode, g.label, g.data, g.horodate) for g in frame.groups]
        assert told == [
            (g["mode"], g["label"], g["data"], g.get("horodate")) for g in groups if g["ok"]
        ]
    assert meaning.energy_wh(found[0]) == INDEX_WH[name]


@pytest.mark.shared
@recorded
def test_a_line_that_hands_on_parity_reads_the_same(name: str) -> None:
    text = capture(name)
    assert frames(with_parity(text)) == frames(text)


@pytest.mark.shared
@recorded
def test_pieces_of_any_size_read_the_same(name: str) -> None:
    text, dice, cut = capture(name), random.Random(name), Frames()
    found, at = [], 0
    while at < len(text):
        end = at + dice.randint(1, 40)
        found += cut.feed(text[at:end])
        at = end
    assert found == frames(text)


@pytest.mark.shared
def test_energy_over_a_recording_is_what_the_meter_counted() -> None:
    found = [meaning.energy_wh(f) for f in frames(capture("historique-hc-mono-stream2.raw"))]
    assert None not in found
    assert (found[-1] or 0) - (found[0] or 0) == 39


def settled_j(readings: list[Reading]) -> int:
    """Energy (J) of all loads of a meter that is seen every two seconds."""
    described = Described("m", "facility", 36000.0, "tic", Origin.MEASURED, None, UJ_PER_WH)
    account = Account(described, Every(60, ZoneInfo("Europe/Paris")), 2.0)
    spans = []
    for number, reading in enumerate(readings):
        at_s = 1_795_510_800.0 + 2 * number
        spans += account.take(Sample(Instant(at_s, at_s, at_s), reading))
    return sum(span.energy_j for span in [*spans, *account.finish()])


@pytest.mark.shared
def test_loads_of_a_recording_hold_what_the_meter_counted_and_not_its_apparent_power() -> None:
    found = frames(capture("historique-hc-mono-stream2.raw"))
    readings = [r for frame in found if (r := meaning.reading("m", frame)) is not None]
    assert settled_j(readings) == 39 * 3600
    # Its apparent power, taken for W, would make 53 Wh of it.
    assert sum(int(frame.said("PAPP") or 0) for frame in found) * 2 > 50 * 3600


def test_a_meter_that_was_replaced_is_no_consumption() -> None:
    (old,) = frames(HISTORIQUE)
    (new,) = frames(HISTORIQUE.replace(b"031328187235 B", b"812164417227 D"))
    later = HISTORIQUE.replace(b"BASE 000190575 &", b"BASE 000190576 '")
    (same,) = frames(later)
    (other,) = frames(later.replace(b"031328187235 B", b"812164417227 D"))
    made = {f: meaning.reading("m", f) for f in (old, new, same, other)}
    assert settled_j([made[f] for f in (old, same)]) == 3600  # type: ignore[misc]
    assert settled_j([made[f] for f in (old, other)]) == 0  # type: ignore[misc]
    assert settled_j([made[f] for f in (old, new, other)]) == 3600  # type: ignore[misc]


@pytest.mark.shared
def test_what_a_producer_injects_is_no_consumption() -> None:
    (frame,) = frames(capture("standard-mono-producteur.raw"))
    assert frame.said("EAIT") == "000032781"
    reading = meaning.reading("m", frame)
    assert reading is not None
    assert (reading.register_uj, reading.power_w) == (0, None)
    shown = {v.name: (v.value, v.unit) for v in meaning.values("m", frame)}
    assert shown["energy_injected"] == (32781, "Wh")
    assert shown["apparent_power"] == (0, "VA")


def test_apparent_power_is_shown_and_never_power_to_settle_by() -> None:
    (frame,) = frames(HISTORIQUE)
    reading = meaning.reading("m", frame)
    assert reading is not None
    assert (reading.register_uj, reading.power_w) == (190_575 * 3_600_000_000, None)
    shown = {v.name: (v.value, v.unit) for v in meaning.values("m", frame)}
    assert shown["apparent_power"] == (270, "VA")
    assert frame.said("PTEC") == "HP.."


def test_the_number_of_a_customers_meter_is_not_in_a_reading() -> None:
    (frame,) = frames(HISTORIQUE)
    reading = meaning.reading("m", frame)
    assert reading is not None
    assert reading.serial is not None
    assert len(reading.serial) == 4
    assert all("031328187235" not in str(v) for v in meaning.values("m", frame))
    (other,) = frames(HISTORIQUE.replace(b"031328187235 B", b"812164417227 D"))
    replaced = meaning.reading("m", other)
    assert replaced is not None
    assert replaced.serial != reading.serial


def line(label: str, data: str) -> bytes:
    text = f"{label} {data}".encode()
    return b"\n" + text + b" " + bytes([decoding.checksum(text)]) + b"\r"


@pytest.mark.parametrize(
    ("lines", "index_wh"),
    [
        ([("BASE", "000000104")], 104),
        ([("HCHC", "000000100"), ("HCHP", "000000020")], 120),
        ([("EJPHN", "000000100"), ("EJPHPM", "000000003")], 103),
        ([("BBRHCJB", "000000001"), ("BBRHPJB", "000000002")], None),
        (
            [(f"BBRH{rate}", f"{2**n:09}") for n, rate in enumerate(TEMPO)],
            63,
        ),
        ([("HCHC", "000000100")], None),
        ([("BASE", "000000104"), ("HCHC", "000000100"), ("HCHP", "000000020")], None),
        ([("BASE", "000000104"), ("BASE", "000000105")], None),
        ([("BASE", "-00000104")], None),
        ([("ADIR1", "032"), ("IINST1", "001"), ("ADCO", "031328187235")], None),
    ],
    ids=[
        "base",
        "hchp",
        "ejp",
        "half-tempo",
        "tempo",
        "half-hchp",
        "two-contracts",
        "two-indices",
        "sign",
        "short",
    ],
)
def test_the_index_is_the_sum_of_a_contracts_registers(
    lines: list[tuple[str, str]], index_wh: int | None
) -> None:
    (frame,) = frames(b"\x02" + b"".join(line(*each) for each in lines) + b"\x03")
    assert meaning.energy_wh(frame) == index_wh
    assert (meaning.reading("m", frame) is None) == (index_wh is None)


@pytest.mark.parametrize(
    ("spoil", "whole", "rejected"),
    [
        (lambda text: text, 1, 0),
        (lambda text: text.replace(b"00270", b"00271"), 1, 1),
        (lambda text: text.replace(b"HP..  ", b"HP.. "), 1, 1),
        (lambda text: text.replace(b"\x03", b""), 0, 0),
        (lambda text: text.replace(b"PAPP", b"\x04PAPP"), 0, 0),
        (lambda text: text.replace(b"BASE", b"\x02BASE"), 1, 0),
        (lambda text: b"\xff\x00~" + text + b"\x02half", 1, 0),
        (lambda text: text.replace(b"\n", b""), 1, 0),
        (lambda text: text.replace(b"\r", b""), 1, 0),
        (lambda text: with_parity(text).replace(b"\xb2", b"\xb3"), 1, 2),
        (lambda text: b"\x02" + b"x" * 9000 + text[1:], 0, 0),
    ],
    ids=[
        "whole",
        "digit",
        "lost-space",
        "no-end",
        "broken-off",
        "begun-again",
        "noise",
        "cr-only",
        "lf-only",
        "parity",
        "endless",
    ],
)
def test_what_does_not_add_up_is_left_out(
    spoil: Callable[[bytes], bytes], whole: int, rejected: int
) -> None:
    found = frames(spoil(HISTORIQUE))
    assert (len(found), sum(frame.rejected for frame in found)) == (whole, rejected)


@pytest.mark.parametrize(
    "text",
    [b"SMAXSN\tE170915100926\t00000\t3", b"DATE\tE170915101601\t\t>", b"PCOUP\t02\t["],
    ids=["with-time", "time-only", "plain"],
)
def test_the_last_tab_is_covered_in_standard_mode(text: bytes) -> None:
    found = decoding.group(text)
    assert found is not None
    assert found.mode == "standard"
    assert decoding.group(text[:-1] + b"\\") is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_a_group_with_a_wrong_checksum(noise: bytes) -> None:
    for frame in frames(b"\x02" + noise + b"\x03"):
        for group in frame.groups:
            fields = [group.label, *([group.horodate] if group.horodate else []), group.data]
            separator = "\t" if group.mode == "standard" else " "
            covered = separator.join(fields) + ("\t" if group.mode == "standard" else "")
            character = (sum(covered.encode()) & 0x3F) + 0x20
            sent = f"{separator.join(fields)}{separator}{chr(character)}".encode()
            assert sent in seven_bits(noise)
        list(meaning.values("m", frame))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(HISTORIQUE) * 7 - 1))
def test_one_wrong_bit_never_makes_another_index(bit: int) -> None:
    spoilt = bytearray(HISTORIQUE)
    spoilt[bit // 7] ^= 1 << bit % 7
    for frame in frames(bytes(spoilt)):
        assert meaning.energy_wh(frame) in (None, 190575)
