"""Profiles and captures as the table of docs/devices.md, between its markers; prose is by hand."""

import json
from collections.abc import Sequence
from pathlib import Path

from sobre_drivers.meters import catalog
from sobre_drivers.settings import read_toml

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "devices.md"
CAPTURES = ROOT / "tests" / "captures"
START, END = "<!-- make devices: from here -->", "<!-- make devices: to here -->"
_HEAD = (
    "| model | profile | protocol | measures | devices | accuracy | confirmed | capture |",
    "| --- | --- | --- | --- | ---: | ---: | --- | --- |",
)
_CONFIRMED = {
    "capture": "a real one",
    "two-sources": "two sources",
    "unconfirmed": "**unconfirmed**",
}
# How a capture begins whose values nothing ever sent.
_MADE_UP = ("Synthetic", "Invented")


def table() -> str:
    """A row for each profile that ships, by maker, then by the profile's name."""
    shipped = catalog.paths().items()
    rows = sorted((catalog.about(path).maker.lower(), name, path) for name, path in shipped)
    return "\n".join([*_HEAD, *(_row(name, path) for _, name, path in rows)])


def within(text: str) -> str:
    """What stands between the markers; ValueError if they are not there, once each."""
    before, start, rest = text.partition(START)
    inside, end, after = rest.partition(END)
    if not start or not end or START in rest or END in before + after:
        raise ValueError(f"{DOCUMENT.name}: {START} and {END} are needed once each")
    return inside.strip()


def write(path: Path = DOCUMENT) -> None:
    """Put the table of now between the markers."""
    text = path.read_text("utf-8")
    within(text)
    before, after = text.split(START)[0], text.split(END)[1]
    path.write_text(f"{before}{START}\n{table()}\n{END}{after}", "utf-8")


def _row(name: str, path: Path) -> str:
    about = catalog.about(path)
    ratio = read_toml(path).get("uncertainty_ratio")
    return _line(
        [
            f"{about.maker} {about.model}",
            f"[`{name}`]({_from_docs(path)})",
            about.protocol,
            about.measures,
            str(about.devices) if about.devices == 1 else f"≤ {about.devices}",
            "" if ratio is None else f"±{float(ratio) * 100:g} %",
            _CONFIRMED[about.confirmed],
            _capture(name),
        ]
    )


def _capture(name: str) -> str:
    found = sorted(CAPTURES.rglob(f"{name}.json"))
    if not found:
        return ""
    how = str(json.loads(found[0].read_text("utf-8"))["how"])
    label = "made up" if how.startswith(_MADE_UP) else "as read"
    return f"[{label}]({_from_docs(found[0])})"


def _from_docs(path: Path) -> str:
    return f"../{path.relative_to(ROOT).as_posix()}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
