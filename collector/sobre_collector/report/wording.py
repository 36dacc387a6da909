"""Every sentence that a reader sees, by language: one table each, with the same keys."""

from collections.abc import Iterable
from html import escape
from itertools import chain
from typing import Literal

from sobre_collector.report import (
    notation,
    wording_adjustments,
    wording_calibrating,
    wording_checks,
    wording_commands,
    wording_decomposition,
    wording_explain,
    wording_machines,
    wording_outlook,
    wording_printers,
    wording_regression,
)
from sobre_collector.report.model import Note
from sobre_collector.report.wording_en import ENGLISH
from sobre_collector.report.wording_fr import FRENCH

Lang = Literal["fr", "en"]
LANGUAGES: tuple[Lang, ...] = ("fr", "en")
# Wordings of sections: pairs of French and English, keyed as in the two tables.
MORE: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    (wording_adjustments.FRENCH, wording_adjustments.ENGLISH),
    (wording_checks.FRENCH, wording_checks.ENGLISH),
    (wording_calibrating.FRENCH, wording_calibrating.ENGLISH),
    (wording_outlook.FRENCH, wording_outlook.ENGLISH),
    (wording_regression.FRENCH, wording_regression.ENGLISH),
    (wording_explain.FRENCH, wording_explain.ENGLISH),
    (wording_decomposition.FRENCH, wording_decomposition.ENGLISH),
    (wording_printers.FRENCH, wording_printers.ENGLISH),
    (wording_machines.FRENCH, wording_machines.ENGLISH),
    (wording_commands.FRENCH, wording_commands.ENGLISH),
)
TABLES = {
    "fr": dict(chain(FRENCH.items(), *(french.items() for french, _ in MORE))),
    "en": dict(chain(ENGLISH.items(), *(english.items() for _, english in MORE))),
}


def say(lang: Lang, key: str, **values: str | int) -> str:
    """The text of `key`; KeyError if there is none. `**strong**` marks stay as they are."""
    return TABLES[lang][key].format(**values)


def name(lang: Lang, kind: str, code: str) -> str:
    """The word for a code, such as a class or a status; the code itself if it has none."""
    return TABLES[lang].get(f"{kind}.{code}", code)


def note(lang: Lang, one: Note) -> str:
    """A note as a sentence, its values written in the language; an unknown code shows itself."""
    template = TABLES[lang].get(f"note.{one.code}")
    if template is None:
        return one.code
    text = template.format(**{key: _value(lang, key, v) for key, v in one.values.items()})
    return text[:1].upper() + text[1:]


def flags(lang: Lang, codes: Iterable[str]) -> str:
    """Flags of a stratum as words, with commas between."""
    return ", ".join(name(lang, "flag", code) for code in codes)


def plain(text: str) -> str:
    """A text without its marks, for a terminal or a file."""
    return text.replace("**", "")


def marked(text: str) -> str:
    """A text as HTML: escaped, its `**…**` as strong."""
    parts = escape(notation.bound(text)).split("**")
    return "".join(f"<strong>{p}</strong>" if i % 2 else p for i, p in enumerate(parts))


def _value(lang: Lang, key: str, value: str | int | float) -> str:
    if isinstance(value, str):
        if key == "months":
            return notation.months(value.split(", "), lang)
        return ", ".join(name(lang, key, code) for code in value.split(", "))
    if key.endswith("_ratio"):
        return notation.percent(value, lang)
    if key.endswith("_kwh"):
        return notation.energy(value, lang)
    # A year is no quantity: its digits are not grouped.
    return str(value) if key.endswith("year") else notation.number(value, lang)
