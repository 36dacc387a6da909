"""What is said of a person's own PC, in French and in English."""

from datetime import date

WORDS = {
    "fr": {
        "title": "Ce que cet ordinateur ({device}) a consommé",
        "heading": "Ce que cet ordinateur a consommé",
        "nothing": "Rien n'est encore enregistré : revenez dans quelques minutes.",
        "asof": "Situation au {day} à {time}.",
        "today": "aujourd'hui",
        "week": "cette semaine",
        "year": "cette année",
        "night": "hors heures de travail",
        "period": "période",
        "error": "± (95 %)",
        "since": "L'historique de cet ordinateur commence le {day}.",
        "hours": "Heures de travail : de {start} h à {end} h, hors jours de repos et fériés.",
        "method": "Méthode : {method} ; erreur annoncée : {error} (95 %).",
        "range": "Pour 95 ordinateurs sur 100 comme celui-ci, la vraie valeur est "
        "dans cet intervalle.",
        "unstated": "non précisée",
        "estimated": "C'est une estimation : aucun capteur d'un ordinateur ne mesure sa prise.",
        "screens": "Les écrans extérieurs n'y sont pas comptés ; l'énergie de cette mesure "
        "elle-même y est.",
        "sent": "Relevés envoyés et confirmés : {confirmed} (dernière réponse : {last}) ; "
        "en attente : {waiting}.",
        "refused": "Relevés refusés, gardés ici : {refused}.",
        "never": "aucune",
        "content": "Un relevé dit une énergie et des durées, jamais un nom : "
        "`sobre-agent once` le montre.",
        "summary": "En bref",
        "days": "Jour par jour",
        "months": "Mois par mois",
        "day": "jour",
        "month": "mois",
        "meaning": "Ce que cela veut dire",
        "delivered": "Ce qui a été envoyé",
        "local": "Cette page est faite ici, des seuls fichiers de cet ordinateur. "
        "Elle ne demande rien à personne.",
        "chart": "Énergie en kWh ; le détail est dans le tableau ci-dessous.",
        "working": "pendant les heures de travail",
        "rests": "Elle se fonde sur {what}.",
        "battery": "le débit de la batterie quand elle alimente l'ordinateur, sinon sur {what}",
        "counters": "les compteurs d'énergie du processeur, à quoi s'ajoute le reste de la machine",
        "whole": "un capteur qui voit toute la machine",
        "model": "l'activité du processeur, rapportée à des machines mesurées du même genre",
    },
    "en": {
        "title": "What this PC ({device}) used",
        "heading": "What this PC used",
        "nothing": "Nothing is recorded yet: come back in a few minutes.",
        "asof": "As of {day}, {time}.",
        "today": "today",
        "week": "this week",
        "year": "this year",
        "night": "outside working hours",
        "period": "period",
        "error": "± (95 %)",
        "since": "The history of this PC begins on {day}.",
        "hours": "Working hours: {start}:00 to {end}:00, except days of rest and public holidays.",
        "method": "Method: {method}; stated error: {error} (95 %).",
        "range": "For 95 of 100 PCs like this one, the true value lies within that range.",
        "unstated": "not stated",
        "estimated": "This is an estimate: no sensor in a PC measures its plug.",
        "screens": "External screens are not in it; the energy of this measuring itself is.",
        "sent": "Loads sent and confirmed: {confirmed} (last answer: {last}); waiting: {waiting}.",
        "refused": "Loads that were refused and are kept here: {refused}.",
        "never": "none",
        "content": "A load says an energy and lengths of time, never a name: "
        "`sobre-agent once` shows it.",
        "summary": "In short",
        "days": "Day by day",
        "months": "Month by month",
        "day": "day",
        "month": "month",
        "meaning": "What it means",
        "delivered": "What was sent",
        "local": "This page was made here, from this PC's own files alone. "
        "It asks nobody for anything.",
        "chart": "Energy in kWh; the table below has the figures.",
        "working": "during working hours",
        "rests": "It rests on {what}.",
        "battery": "what the battery gives while it runs the PC, otherwise on {what}",
        "counters": "the processor's own energy counters, and the rest of the machine on top",
        "whole": "a sensor that sees the whole machine",
        "model": "how busy the processor is, by machines of its kind that were measured",
    },
}
MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}
# How a method begins, and what it stands on.
_WAYS = (
    ("powercap psys", "whole"),
    ("powercap", "counters"),
    ("emi", "counters"),
    ("hwmon", "whole"),
    ("system load", "whole"),
    ("model", "model"),
)


def explained(method: str, lang: str) -> str | None:
    """A method in words for whoever is no engineer; None if it is unknown here."""
    words, (before, _, rest) = WORDS[lang], method.partition("battery, else ")
    on_battery = bool(rest) and not before
    way = next((way for start, way in _WAYS if (rest or method).startswith(start)), None)
    if way is None:
        return None
    what = words["battery"].format(what=words[way]) if on_battery else words[way]
    return words["rests"].format(what=what)


def number(kwh: float, lang: str) -> str:
    """kWh, two decimals below a hundred."""
    text = f"{kwh:,.2f}" if kwh < 100 else f"{kwh:,.0f}"
    # French groups thousands by a narrow no-break space.
    return text.translate({44: "\u202f", 46: ","}) if lang == "fr" else text


def percent(ratio: float, lang: str) -> str:
    """A ratio in per cent."""
    return f"{ratio * 100:.0f}" + ("\u202f%" if lang == "fr" else " %")


def day_of(day: date, lang: str) -> str:
    """A date as it is written."""
    return f"{day:%d/%m/%Y}" if lang == "fr" else day.isoformat()


def month_of(day: date, lang: str) -> str:
    """A month's name, with its year."""
    return f"{MONTHS[lang].split()[day.month - 1]} {day.year}"
