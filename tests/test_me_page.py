"""The page of a person's own PC: one file that loads nothing and can be read by everybody."""

import os
import re
import stat
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sobre_agent.own import page
from sobre_agent.own.figures import Delivered, Mine, Period
from sobre_agent.own.text import as_text
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Origin

PARIS = ZoneInfo("Europe/Paris")
KWH = 3_600_000
MONDAY = date(2026, 11, 23)
# A fortnight with a weekend in it, and a year since spring.
DAYS = [
    Period(MONDAY - timedelta(days=13 - n), (60 + 7 * n) * KWH // 100, (5 + n) * KWH // 100)
    for n in range(14)
]
MONTHS = [Period(date(2026, n, 1), (9 + n % 4) * KWH, n * KWH // 4) for n in range(3, 12)]
MINE = Mine(
    device="pc-7f3a9c21d4e80b56",
    at=datetime(2026, 11, 23, 14, 10, tzinfo=PARIS),
    hours=(7, 20),
    since="2026-03-17",
    periods={
        "today": replace(DAYS[-1]),
        "week": replace(DAYS[-1]),
        "year": Period(date(2026, 1, 1), 96 * KWH, 16 * KWH),
    },
    days=DAYS,
    months=MONTHS,
    method="battery, else model 2 (utilisation, laptop)",
    origin=Origin.ESTIMATED,
    uncertainty_ratio=0.65,
    delivered=Delivered(611, 3, 0, datetime(2026, 11, 22, 16, 2, tzinfo=PARIS)),
)
BOTH = pytest.mark.parametrize("lang", ["fr", "en"])
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX rights")


class Seen(HTMLParser):
    """The tags of a page in their order, and the text of each that is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.closed: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.closed.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@BOTH
def test_page_asks_nobody_for_anything(lang: str) -> None:
    text = page.as_html(MINE, lang)
    seen = Seen(text)
    names = {name for name, _ in seen.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"}
    attributes = {key for _, found in seen.tags for key in found}
    assert not attributes & {"src", "href", "srcset", "action", "style"}
    assert not [key for key in attributes if key.startswith("on")]
    # What a style sheet could load, it would load by one of these; `url(#…)` is on the page.
    assert re.findall(r"https?:|@import|url\((?!#stripes\))", text) == []
    policy = next(m for m in seen.all("meta") if "http-equiv" in m)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


@BOTH
def test_page_says_its_language_and_has_headings_and_a_table_for_each_chart(lang: str) -> None:
    seen = Seen(page.as_html(MINE, lang))
    assert seen.all("html") == [{"lang": lang}]
    assert len(seen.all("title")) == len(seen.all("main")) == len(seen.all("h1")) == 1
    order = [tag for tag, _ in seen.tags if tag in ("h1", "h2", "svg", "table")]
    assert order == ["h1", "h2", "table", "h2", "svg", "table", "h2", "svg", "table", "h2", "h2"]
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in seen.all("svg"))
    assert {th["scope"] for th in seen.all("th")} == {"col", "row"}
    assert len(seen.all("caption")) == 3
    tables = len(seen.all("tr"))
    assert tables == 3 + 3 + len(DAYS) + len(MONTHS)


@BOTH
def test_page_shows_what_the_terminal_shows(lang: str) -> None:
    text, told = Seen(page.as_html(MINE, lang)).text, as_text(MINE, lang)
    for line in told.splitlines()[3:6]:
        for figure in re.findall(r"\d[\d,.]*", line):
            assert figure in text
    # Sentences are the same in both.
    for line in told.splitlines()[7:]:
        assert line in text


def test_bars_are_as_high_as_their_energy() -> None:
    text = page.as_html(MINE, "en")
    heights = [float(h) for h in re.findall(r'height="([\d.]+)" class="work"', text)]
    most_j = max(day.energy_j for day in DAYS)
    for height, day in zip(heights, DAYS, strict=False):
        expected = page.HEIGHT * (day.energy_j - day.night_j) / most_j
        assert height == pytest.approx(expected, abs=0.06)
    assert len(heights) == len(DAYS) + len(MONTHS)


def test_nothing_that_a_file_says_becomes_markup() -> None:
    hostile = replace(MINE, device="<script>1</script>", method='"><img src=x onerror=1>')
    seen = Seen(page.as_html(hostile, "fr"))
    assert not seen.all("script")
    assert not seen.all("img")


def test_page_of_a_pc_that_has_not_yet_measured_says_so() -> None:
    nothing = Period(MONDAY, 0, 0)
    empty = replace(
        MINE,
        since=None,
        days=[],
        months=[],
        periods=dict.fromkeys(("today", "week", "year"), nothing),
    )
    seen = Seen(page.as_html(empty, "en"))
    assert "Nothing is recorded yet" in seen.text
    assert not seen.all("svg")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "least"), [("text", 7.0), ("dim", 4.5), ("work", 3.0), ("night", 3.0), ("line", 3.0)]
)
def test_contrast_is_enough(scheme: int, name: str, least: float) -> None:
    colours = re.findall(r":root\{(.*?)\}", page.STYLE, re.DOTALL)[scheme]
    found = dict(re.findall(r"--(\w+):#(\w+)", colours))
    dark, light = sorted((luminance(found["back"]), luminance(found[name])))
    assert (light + 0.05) / (dark + 0.05) >= least


@POSIX
@pytest.mark.parametrize("before", ["nothing", "a-file-for-all", "a-link"])
def test_page_is_readable_by_its_owner_alone(tmp_path: Path, before: str) -> None:
    path, other = tmp_path / "me.html", tmp_path / "other"
    other.write_text("untouched")
    if before == "a-file-for-all":
        path.write_text("old")
        path.chmod(0o666)
    elif before == "a-link":
        path.symlink_to(other)
    page.write(path, "new")
    assert (path.read_text(), other.read_text()) == ("new", "untouched")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_page_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        page.write(tmp_path / "nowhere" / "me.html", "")


@POSIX
def test_page_that_is_only_looked_at_is_gone_with_the_session(tmp_path: Path) -> None:
    assert page.private_place({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path / page.NAME
    made = page.private_place({}).parent
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.rmdir()
