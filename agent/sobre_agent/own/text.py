"""A person's own PC in the terminal: sentences, or JSON for a program."""

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from sobre_agent.own.figures import J_PER_KWH, Mine, Period
from sobre_agent.own.words import WORDS, day_of, explained, number, percent
from sobre_drivers.load import Origin


def as_text(mine: Mine, lang: str) -> str:
    """All of it in sentences."""
    words = WORDS[lang]
    out = [words["title"].format(device=mine.device), ""]
    if mine.since is None:
        out.append(words["nothing"])
    else:
        out.append(f"{'':16}{'kWh':>10}{words['error']:>12}{words['night']:>24}")
        out += [_line(mine, name, period, lang) for name, period in mine.periods.items()]
    out += ["", *notes(mine, lang), "", *meaning(mine, lang), "", *sent(mine, lang)]
    return "\n".join(out)


def notes(mine: Mine, lang: str) -> list[str]:
    """When it was told, where the history begins, and what counts as night."""
    words, (start_h, end_h) = WORDS[lang], mine.hours
    out = [words["asof"].format(day=day_of(mine.at.date(), lang), time=f"{mine.at:%H:%M}")]
    if mine.since is not None and mine.since > mine.periods["year"].first.isoformat():
        out.append(words["since"].format(day=day_of(date.fromisoformat(mine.since), lang)))
    return [*out, words["hours"].format(start=start_h, end=end_h)]


def meaning(mine: Mine, lang: str) -> list[str]:
    """How it was found, and how wrong it may be."""
    words = WORDS[lang]
    if not mine.method:
        return [words["screens"]]
    ratio = mine.uncertainty_ratio
    error = words["unstated"] if ratio is None else "± " + percent(ratio, lang)
    out = [words["method"].format(method=mine.method, error=error)]
    out += filter(None, [explained(mine.method, lang)])
    if ratio is not None:
        out.append(words["range"])
    if mine.origin is Origin.ESTIMATED:
        out.append(words["estimated"])
    return [*out, words["screens"]]


def sent(mine: Mine, lang: str) -> list[str]:
    """What has left this PC."""
    words, told = WORDS[lang], mine.delivered
    last = words["never"] if told.last is None else day_of(told.last.date(), lang)
    out = [words["sent"].format(confirmed=told.confirmed, last=last, waiting=told.waiting)]
    if told.refused:
        out.append(words["refused"].format(refused=told.refused))
    return [*out, words["content"]]


def error_kwh(mine: Mine, period: Period, lang: str) -> str:
    """Half the width of a period's interval (kWh, 95 %); "?" if no error is stated."""
    kwh = period.energy_j / J_PER_KWH
    return "?" if mine.uncertainty_ratio is None else number(kwh * mine.uncertainty_ratio, lang)


def night_share(period: Period, lang: str) -> str:
    """The share outside working hours; a dash if nothing was used."""
    return "–" if period.night_ratio is None else percent(period.night_ratio, lang)


def as_json(mine: Mine) -> str:
    """The same for a program: kWh, ratios and ISO dates."""
    last = mine.delivered.last
    found: dict[str, Any] = {
        "device": mine.device,
        "time": mine.at.isoformat(),
        "since": mine.since,
        "periods": {name: _plain(period) for name, period in mine.periods.items()},
        "days": [_plain(day) for day in mine.days],
        "months": [_plain(month) for month in mine.months],
        "method": mine.method,
        "origin": mine.origin.value,
        "uncertainty_ratio": mine.uncertainty_ratio,
        "sent": {**asdict(mine.delivered), "last": None if last is None else last.isoformat()},
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _plain(period: Period) -> dict[str, Any]:
    return {
        "first": period.first.isoformat(),
        "kwh": period.energy_j / J_PER_KWH,
        "night_ratio": period.night_ratio,
    }


def _line(mine: Mine, name: str, period: Period, lang: str) -> str:
    kwh, error = number(period.energy_j / J_PER_KWH, lang), error_kwh(mine, period, lang)
    return f"{WORDS[lang][name]:16}{kwh:>10}{error:>12}{night_share(period, lang):>24}"
