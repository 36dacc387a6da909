"""Numbers, percentages and dates as French and English readers write them."""

from collections.abc import Sequence
from datetime import date
from math import floor

# French groups thousands, and sets off the percent sign, by a narrow no-break space.
NARROW = "\u202f"
_MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}


def bound(text: str) -> str:
    """A text whose spaces before a percent sign and French double punctuation do not break."""
    for mark in ("%", ";", "?", "!"):
        text = text.replace(f" {mark}", f"{NARROW}{mark}")
    return text.replace(" :", "\u00a0:")


def number(value: float, lang: str, decimals: int = 0) -> str:
    """A number with grouped thousands: "1 234,5" or "1,234.5"; never "-0"."""
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    if lang == "fr":
        text = text.replace(",", NARROW).replace(".", ",")
    return text


def percent(ratio: float, lang: str, decimals: int = 1) -> str:
    """A ratio as a percentage: "-9,2 %" or "-9.2%"."""
    gap = NARROW if lang == "fr" else ""
    return f"{number(ratio * 100, lang, decimals)}{gap}%"


def change(ratio: float, lang: str, decimals: int = 1) -> str:
    """An evolution as a percentage with its sign: "-9,2 %" when falling, "+9,2 %" when rising."""
    text = percent(ratio, lang, decimals)
    return f"+{text}" if round(ratio * 100, decimals) > 0 else text


def percents(ratios: Sequence[float], lang: str, decimals: int = 0) -> list[str]:
    """Shares as percentages that still add up to 100 (largest remainders)."""
    steps = 10**decimals * 100
    parts = [ratio * steps for ratio in ratios]
    whole = [floor(part) for part in parts]
    left = round(sum(parts)) - sum(whole)
    order = sorted(range(len(parts)), key=lambda i: whole[i] - parts[i])
    for i in order[:left]:
        whole[i] += 1
    return [percent(value / steps, lang, decimals) for value in whole]


def points(ratio: float, lang: str) -> str:
    """A difference of percentages with its sign: "-1,2 point", "+2,3 points"."""
    # French says "point" below two, English only at exactly one.
    value = round(ratio * 100, 1)
    one = abs(value) < 2 if lang == "fr" else abs(value) == 1
    sign = "+" if value > 0 else ""
    return f"{sign}{number(value, lang, 1)} point{'' if one else 's'}"


def energy(kwh: float, lang: str) -> str:
    """An energy in the unit that reads best: Wh, kWh, MWh or GWh."""
    for size, unit in ((1e6, "GWh"), (1e3, "MWh"), (1.0, "kWh")):
        if abs(kwh) >= size:
            value = kwh / size
            return f"{number(value, lang, _decimals(value))}{NARROW}{unit}"
    wh = kwh * 1000
    return f"{number(wh, lang, 1 if abs(wh) < 10 else 0)}{NARROW}Wh"


def energy_range(low_kwh: float, high_kwh: float, lang: str) -> str:
    """An interval with its unit once, chosen by its greater end: "190 à 600 MWh"."""
    size, unit = next(
        (
            pair
            for pair in ((1e6, "GWh"), (1e3, "MWh"))
            if max(abs(low_kwh), abs(high_kwh)) >= pair[0]
        ),
        (1.0, "kWh"),
    )
    decimals = _decimals(max(abs(low_kwh), abs(high_kwh)) / size)
    to = "à" if lang == "fr" else "to"
    low, high = (number(kwh / size, lang, decimals) for kwh in (low_kwh, high_kwh))
    return f"{low} {to} {high}{NARROW}{unit}"


def month(iso: str, lang: str) -> str:
    """ "2026-11" as "novembre 2026" or "November 2026"."""
    year, number_of_month = iso.split("-")[:2]
    return f"{_MONTHS[lang].split()[int(number_of_month) - 1]} {year}"


def months(isos: Sequence[str], lang: str) -> str:
    """Months in order, runs of them by their ends: "mai 2025, juillet 2025 à décembre 2025"."""
    runs: list[list[str]] = []
    for iso in isos:
        number_of_month = int(iso[:4]) * 12 + int(iso[5:7])
        before = runs[-1][-1] if runs else ""
        if before and int(before[:4]) * 12 + int(before[5:7]) + 1 == number_of_month:
            runs[-1].append(iso)
        else:
            runs.append([iso])
    to = "à" if lang == "fr" else "to"
    return ", ".join(
        month(run[0], lang)
        if len(run) == 1
        else f"{month(run[0], lang)} {to} {month(run[-1], lang)}"
        for run in runs
    )


def day(iso: str, lang: str) -> str:
    """ "2026-11-24" as "24 novembre 2026" or "24 November 2026" (1er in French)."""
    at = date.fromisoformat(iso[:10])
    first = "1er" if lang == "fr" and at.day == 1 else str(at.day)
    return f"{first} {month(iso, lang)}"


def _decimals(value: float) -> int:
    # Three significant digits say all that these intervals allow.
    return 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
