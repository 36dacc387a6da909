"""The checks as they are shown: each in one row, with what it says in words."""

from html import escape

from sobre_collector.report import notation
from sobre_collector.report.checks import Checks, figures
from sobre_collector.report.device_checks import Matched
from sobre_collector.report.model import Report
from sobre_collector.report.notation import bound
from sobre_collector.report.wording import Lang, marked, note, say

__all__ = ["NAME", "figures", "html", "rows"]

NAME = "checks"


def html(found: Checks, report: Report, lang: Lang) -> str:
    """A table of what stands beside the result, and what could not be checked."""
    parts = [f"<p>{marked(say(lang, 'checks.said'))}</p>"]
    colon = "\u00a0:" if lang == "fr" else ":"
    # Sentences do not fit into the column of a phone.
    listed = [
        f"<li><strong>{escape(bound(f'{label}{colon} {value}'))}</strong><br>{marked(text)}</li>"
        for label, value, text in rows(found, report, lang)
    ]
    if listed:
        parts.append(f"<ul>{''.join(listed)}</ul>")
    if found.missing:
        texts = "".join(f"<li>{marked(note(lang, one))}</li>" for one in found.missing)
        parts.append(f"<p>{marked(say(lang, 'checks.missing'))}</p><ul>{texts}</ul>")
    return "".join(parts)


def rows(found: Checks, report: Report, lang: Lang) -> list[list[str]]:
    """What, value, and what it means."""
    listed = []
    if found.off is not None:
        one = found.off
        days = notation.number(one.device_days, lang)
        text = say(lang, "checks.off_means", kwh=notation.energy(one.silent_kwh, lang), days=days)
        listed.append([say(lang, "checks.off"), notation.change(-one.reduction_ratio, lang), text])
    if found.on_meters is not None:
        kept = ", ".join(_class(name, lang) for name in found.on_meters.classes)
        left = ", ".join(_class(name, lang) for name in found.on_meters.left_out)
        listed.append(
            [
                say(lang, "checks.meters"),
                notation.change(-found.on_meters.reduction_ratio, lang),
                say(lang, "checks.meters_means", kept=kept, left=left),
            ]
        )
    if found.device_years is not None:
        one_ = found.device_years
        low, high = (notation.change(-r, lang) for r in (one_.high_ratio, one_.low_ratio))
        text = say(lang, "checks.years_means", strata=one_.strata)
        listed.append(
            [say(lang, "checks.years"), f"{low} {'à' if lang == 'fr' else 'to'} {high}", text]
        )
    if found.matched is not None:
        listed.append(_matched_row(found.matched, lang))
    return listed + _newcomer_rows(found, lang) + _link_rows(found, lang)


def _matched_row(one: Matched, lang: Lang) -> list[str]:
    low, high = (notation.change(-r, lang) for r in (one.high_ratio, one.low_ratio))
    rho = notation.number(one.correlation_ratio, lang, 2)
    key = "checks.matched_stated" if one.stated else "checks.matched_seen"
    said = say(lang, key, rho=rho, strata=one.strata)
    text = f"{said} {say(lang, 'checks.matched_optimistic')}"
    return [say(lang, "checks.matched"), f"{low} {'à' if lang == 'fr' else 'to'} {high}", text]


def _newcomer_rows(found: Checks, lang: Lang) -> list[list[str]]:
    one = found.newcomers
    if one is None:
        return []
    key = "checks.joined_alarm" if one.alarm else "checks.joined_fine"
    p_value = notation.number(one.p_value, lang, 3)
    text = say(lang, key, joined=notation.number(one.joined, lang), p=p_value)
    if one.doubtful:
        text += " " + say(lang, "checks.doubtful", names=" ; ".join(one.doubtful))
    return [[say(lang, "checks.joined"), notation.change(one.difference_ratio, lang), text]]


def _link_rows(found: Checks, lang: Lang) -> list[list[str]]:
    one = found.link
    if one is None:
        return []
    values = {
        "r": notation.change(-one.reduction_ratio, lang),
        "se": notation.points(one.se_ratio, lang).removeprefix("+"),
        "devices": notation.number(one.devices, lang),
    }
    key = "checks.link_alarm" if one.alarm else "checks.link_fine"
    change = notation.change(-one.linked_ratio, lang)
    return [[say(lang, "checks.link"), change, say(lang, key, **values)]]


def _class(name: str, lang: Lang) -> str:
    return say(lang, f"class.{name}")
