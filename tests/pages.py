"""What a page is made of, read by the standard library's parser, and what must hold for each."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}
# SVG's own empty elements are closed by a slash, which the parser reports as a start and an end.
Attributes = dict[str, str | None]


@dataclass
class Page(HTMLParser):
    """Elements in order with their attributes, and the text within each kind of element."""

    elements: list[tuple[str, Attributes]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style" and data.strip():
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]


def parsed(html: str) -> Page:
    """The page, whose elements are all closed in order."""
    page = Page()
    page.feed(html)
    page.close()
    assert page.faults == []
    assert page._open == []
    return page


def assert_sound(page: Page, lang: str) -> None:
    """What holds for each page: language, landmarks, headings, tables, charts; nothing fetched."""
    assert page.all("html") == [{"lang": lang}]
    assert len(page.all("main")) == 1
    assert len(page.all("h1")) == 1
    assert len(page.all("title")) >= 1
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    charts = page.all("svg")
    assert all(chart["role"] == "img" and chart["aria-labelledby"] for chart in charts)
    for chart in charts:
        assert set(str(chart["aria-labelledby"]).split()) <= set(ids)
    for section in page.all("section"):
        assert section["aria-labelledby"] in ids
    names = {tag for tag, _ in page.elements}
    assert not names & {"script", "iframe", "object", "embed", "form", "img"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action", "data"):
            target = attributes.get(name) or "/"
            assert target[0] in "/#", f"{target} is not of this page"
            assert not target.startswith("//")
