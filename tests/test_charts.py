"""Charts are drawn where their values are, and not where nothing is known."""

import re
from xml.etree import ElementTree

from sobre_collector.report.charts import Point, Words, bars, line

WORDS = Words("c", "Title <&>", "Says it all", ("estimate", "interval", "target"), "MWh")
SVG = "{http://www.w3.org/2000/svg}"


def _svg(html: str) -> ElementTree.Element:
    # Inline SVG needs no namespace in HTML, but the reader of XML finds names more easily with one.
    named = html.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    found = ElementTree.fromstring(named).find(f"{SVG}svg")
    assert found is not None
    return found


def _places(svg: ElementTree.Element, kind: str) -> list[list[tuple[float, float]]]:
    drawn = [e for e in svg.iter() if e.get("class") == kind and e.get("points")]
    return [
        [(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", e.get("points", ""))]
        for e in drawn
    ]


def test_a_chart_says_what_it_is_to_who_cannot_see_it() -> None:
    for html in (line([Point("2026-01", 1.0)], WORDS), bars([("a", 1.0, "1")], WORDS)):
        svg = _svg(html)
        assert svg.get("role") == "img"
        title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
        assert title is not None
        assert description is not None
        assert title.text == "Title <&>"
        assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_twice_the_value_stands_twice_as_high() -> None:
    ((_, first), (_, second)), = _places(
        _svg(line([Point("a", 10.0), Point("b", 20.0)], WORDS)), "value"
    )  # fmt: skip
    bottom = 300 - 34
    assert abs((bottom - second) - 2 * (bottom - first)) < 0.3


def test_a_line_breaks_where_a_month_is_not_known() -> None:
    points = [Point("a", 1.0), Point("b", 2.0), Point("c", None), Point("d", 3.0), Point("e", 2.0)]
    assert [len(run) for run in _places(_svg(line(points, WORDS)), "value")] == [2, 2]


def test_the_band_goes_there_and_back() -> None:
    points = [Point("a", 2.0, 1.0, 3.0), Point("b", 2.0, 1.0, 3.0)]
    (band,) = _places(_svg(line(points, WORDS)), "band")
    assert len(band) == 4
    assert band[0][1] < band[3][1]


def test_nothing_is_drawn_outside_the_chart() -> None:
    points = [Point(f"{n}", v, 0.0, v * 1.5, v * 2) for n, v in enumerate([0.0, 1e-3, 9.99, 1e5])]
    svg = _svg(line(points, WORDS))
    for kind in ("value", "target", "band"):
        for run in _places(svg, kind):
            assert all(0 <= x <= 720 and 0 <= y <= 300 for x, y in run)


def test_empty_charts_are_still_well_formed() -> None:
    assert _svg(line([], WORDS)) is not None
    assert _svg(line([Point("a", None)], WORDS)) is not None
    assert _svg(bars([], WORDS)) is not None


def test_bars_are_as_long_as_their_values() -> None:
    svg = _svg(bars([("a", 50.0, "50"), ("b", 100.0, "100"), ("c", 0.0, "0")], WORDS))
    a, b, c = (float(e.get("width", "")) for e in svg.iter(f"{SVG}rect"))
    assert abs(b - 2 * a) < 0.11
    assert c == 0
