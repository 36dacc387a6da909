"""The outlook as it is shown: the method's sentence, the table, the scenarios apart."""

from sobre_collector.report import notation
from sobre_collector.report.expected import Budget, Expected, Outlook, figures
from sobre_collector.report.model import Report
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, marked, name, note, say

__all__ = ["NAME", "figures", "html", "rows", "sentences"]

NAME = "outlook"


def html(found: Outlook, report: Report, lang: Lang) -> str:
    """The fixed sentence, the table, and the scenarios apart."""
    parts = [f"<p>{marked(text)}</p>" for text in sentences(found, lang)]
    heads = [say(lang, f"col.{key}") for key in ("figure", "value")]
    heads.append(say(lang, "col.interval90"))
    parts.append(table(say(lang, "title.outlook"), heads, rows(found, report, lang)))
    if found.scenarios:
        labels = ("scenario", "expected", "interval90", "probability")
        written = [
            [
                say(lang, "outlook.together") if one.name == "*" else one.name,
                notation.change(-one.reduction_ratio, lang),
                _range(one, lang),
                f"{_probability(one.probability_ratio, lang)} ({name(lang, 'chance', one.chance)})",
            ]
            for one in found.scenarios
        ]
        parts.append(f"<p>{marked(say(lang, 'outlook.scenarios_said'))}</p>")
        heads = [say(lang, f"col.{key}") for key in labels]
        parts.append(table(say(lang, "outlook.scenarios"), heads, written))
    return "".join(parts)


def sentences(found: Outlook, lang: Lang) -> list[str]:
    """The probability as the method words it, or what a forecast lacks."""
    if found.forecast is None:
        why = " ".join(note(lang, one) for one in found.missing)
        return [f"{say(lang, 'outlook.insufficient')} {why}"]
    chance = name(lang, "chance", found.forecast.chance)
    probability = _probability(found.forecast.probability_ratio, lang)
    return [
        say(
            lang,
            "said.probability",
            probability=probability,
            chance=chance,
            target_year=found.target_year,
        )
    ]


def rows(found: Outlook, report: Report, lang: Lang) -> list[list[str]]:
    """Forecast, required pace and budget."""
    lines = []
    year = found.target_year
    if found.forecast is not None:
        one = found.forecast
        change = notation.change(-one.reduction_ratio, lang)
        lines.append([say(lang, "outlook.row_forecast", year=year), change, _range(one, lang)])
    if found.trend_ratio_per_year is not None:
        text = notation.change(found.trend_ratio_per_year, lang)
        lines.append([say(lang, "outlook.row_trend"), text, ""])
    if found.rho_ratio is not None:
        stated = "outlook.rho_stated" if found.rho_stated else "outlook.rho_estimated"
        rho = notation.number(found.rho_ratio, lang, 2)
        lines.append([say(lang, "outlook.row_rho"), rho, say(lang, stated)])
    compound = found.required_compound_ratio
    # The linear pace stands with the trajectory.
    if compound is not None and compound < 0:
        text = notation.change(compound, lang)
        lines.append([say(lang, "outlook.row_compound"), text, ""])
    if found.budget is not None:
        lines += _budget_rows(found.budget, lang)
    lines.append([say(lang, "outlook.row_months"), str(found.months_known), ""])
    return lines


def _budget_rows(budget: Budget, lang: Lang) -> list[list[str]]:
    lines = [
        [say(lang, f"outlook.row_{key}", year=budget.year), notation.energy(kwh, lang), ""]
        for key, kwh in (
            ("target", budget.target_kwh),
            ("seen", budget.seen_kwh),
            ("remaining", budget.remaining_kwh),
            ("rest", budget.baseline_rest_kwh),
        )
    ]
    if budget.required_ratio is not None:
        text = notation.change(-budget.required_ratio, lang)
        lines.append([say(lang, "outlook.row_required", months=budget.months_left), text, ""])
    return lines


def _range(one: Expected, lang: Lang) -> str:
    low, high = (notation.change(-ratio, lang) for ratio in (one.high_ratio, one.low_ratio))
    return f"{low} {'à' if lang == 'fr' else 'to'} {high}"


def _probability(ratio: float, lang: Lang) -> str:
    # Nobody knows the last per cent of such a probability.
    if 0.01 <= ratio <= 0.99:
        return notation.percent(ratio, lang, 0)
    end = 0.01 if ratio < 0.01 else 0.99
    return f"{'<' if ratio < end else '>'} {notation.percent(end, lang, 0)}"
