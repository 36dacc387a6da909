"""A person's own PC as a page: one file, no script, nothing that is asked of anybody."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from sobre_agent.own.figures import J_PER_KWH, Mine, Period
from sobre_agent.own.text import error_kwh, meaning, night_share, notes, sent
from sobre_agent.own.words import WORDS, day_of, month_of, number
from sobre_drivers.errors import StoreError

NAME = "sobre-me.html"
# It tells when somebody works: nobody else's business.
MODE = 0o600
# Of the charts, in units of their own.
WIDTH, HEIGHT, BAR_RATIO = 640, 160, 0.72

# Contrast against the background, WCAG 2.2: text 4.5 and more, bars 3 and more, both by day and
# by night; what is dark is also hatched for whoever sees no colours.
STYLE = """
:root{--back:#fff;--text:#1b1b1b;--dim:#555;--work:#0b6e4f;--night:#9a5b00;--line:#767676}
@media (prefers-color-scheme:dark){:root{--back:#16191c;--text:#eee;--dim:#b5b5b5;
--work:#4cc79a;--night:#f0a941;--line:#8a8a8a}}
body{background:var(--back);color:var(--text);font:1.05rem/1.5 system-ui,sans-serif;
max-width:44rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2.2rem}
p.dim,figcaption{color:var(--dim)}figure{margin:1rem 0}svg{width:100%;height:auto;display:block}
table{border-collapse:collapse;width:100%}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:right}
th:first-child{text-align:left}tbody th{font-weight:normal;white-space:nowrap}
thead th{vertical-align:bottom}
.said{white-space:nowrap}
.work{fill:var(--work)}.night{fill:var(--night)}.stripe{stroke:var(--back)}
.axis{stroke:var(--line)}text{fill:var(--text);font-size:13px}
.key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 .8em}
.key.work{background:var(--work)}.key.night{background:repeating-linear-gradient(45deg,
var(--night) 0 3px,var(--back) 3px 5px)}
"""


def as_html(mine: Mine, lang: str) -> str:
    """The whole page."""
    words = WORDS[lang]
    body = [f"<h1>{escape(words['heading'])}</h1>", _said([mine.device], "dim")]
    if mine.since is None:
        body.append(_said([words["nothing"]]))
    else:
        body += [_heading(words["summary"]), _summary(mine, lang)]
    body.append(_said(notes(mine, lang), "dim"))
    if mine.since is not None:
        body += _chart("days", mine.days, lambda each: day_of(each.first, lang), mine, lang)
        body += _chart("months", mine.months, lambda each: month_of(each.first, lang), mine, lang)
    body += [_heading(words["meaning"]), *map(_said, ([line] for line in meaning(mine, lang)))]
    body += [_heading(words["delivered"]), *map(_said, ([line] for line in sent(mine, lang)))]
    body.append(_said([words["local"]], "dim"))
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        # Whatever a file of this PC may say, this page loads nothing.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(words['heading'])}</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def write(path: Path, text: str) -> None:
    """Put the page there, readable by its owner alone; StoreError if that cannot be."""
    try:
        # A file that was there keeps its rights, and a link leads elsewhere: begin anew.
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); name another") from error


def private_place(environment: Mapping[str, str]) -> Path:
    """Where a page is put to be looked at: gone at the end of the session, if the system can."""
    folder = environment.get("XDG_RUNTIME_DIR", "")
    if not folder or not os.access(folder, os.W_OK):
        folder = tempfile.mkdtemp(prefix="sobre-")
    return Path(folder) / NAME


def shown(path: Path) -> bool:
    """Show it in the person's browser; False if there is none."""
    import webbrowser

    return webbrowser.open(path.absolute().as_uri())


def _summary(mine: Mine, lang: str) -> str:
    words = WORDS[lang]
    head = (words["period"], "kWh", words["error"], words["night"])
    rows = [(words[name], *_cells(mine, period, lang)) for name, period in mine.periods.items()]
    return _table(words["summary"], head, rows)


def _chart(
    what: str, parts: Sequence[Period], name: Callable[[Period], str], mine: Mine, lang: str
) -> list[str]:
    """A heading, bars of work and night, and the same as a table."""
    words = WORDS[lang]
    first = words["day" if what == "days" else "month"]
    head = (first, "kWh", words["error"], words["night"])
    rows = [(name(part), *_cells(mine, part, lang)) for part in parts]
    key = "".join(
        f'<span class="said"><span class="key {each}"></span>{escape(words[word])}</span> '
        for each, word in (("work", "working"), ("night", "night"))
    )
    bars = _bars(
        parts, words[what], ("%d/%m" if lang == "fr" else "%m-%d") if what == "days" else "%m", lang
    )
    figure = f"<figure>{bars}<figcaption>{escape(words['chart'])}{key}"
    table = _table(words[what], head, rows)
    return [_heading(words[what]), f"{figure}</figcaption></figure>", table]


def _bars(parts: Sequence[Period], label: str, below: str, lang: str) -> str:
    most_j = max((part.energy_j for part in parts), default=0) or 1
    step = WIDTH / max(len(parts), 7)
    out = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 36}" role="img" aria-label="{escape(label)}">',
        # Night is hatched.
        '<defs><pattern id="stripes" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="night" width="5" height="5"/>'
        '<line class="stripe" x1="0" y1="0" x2="0" y2="5" stroke-width="3"/></pattern></defs>',
    ]
    for place, part in enumerate(parts):
        left, width = place * step + step * (1 - BAR_RATIO) / 2, step * BAR_RATIO
        night = part.night_j / most_j * HEIGHT
        work = (part.energy_j - part.night_j) / most_j * HEIGHT
        above = HEIGHT + 16 - work - night
        middle = left + width / 2
        out += [
            _rect(left, above, width, night, 'fill="url(#stripes)"'),
            _rect(left, above + night, width, work, 'class="work"'),
            _label(middle, above - 4, number(part.energy_j / J_PER_KWH, lang)),
            _label(middle, HEIGHT + 32, f"{part.first:{below}}"),
        ]
    line = f'<line class="axis" x1="0" y1="{HEIGHT + 16}" x2="{WIDTH}" y2="{HEIGHT + 16}"/>'
    return "".join([*out, line, "</svg>"])


def _rect(left: float, top: float, width: float, height: float, paint: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" {paint}/>'


def _label(middle: float, bottom: float, text: str) -> str:
    return f'<text x="{middle:.1f}" y="{bottom:.1f}" text-anchor="middle">{escape(text)}</text>'


def _cells(mine: Mine, period: Period, lang: str) -> tuple[str, str, str]:
    kwh = number(period.energy_j / J_PER_KWH, lang)
    return kwh, error_kwh(mine, period, lang), night_share(period, lang)


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = [
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    ]
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _said(lines: Sequence[str], kind: str = "") -> str:
    marked = f' class="{kind}"' if kind else ""
    return f"<p{marked}>{' '.join(map(escape, lines))}</p>"
