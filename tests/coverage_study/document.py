"""What the fleets' answers add up to, in both languages, and whether promises are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from textwrap import wrap

from coverage_study.fleet import Rollout
from coverage_study.loads import Proof
from coverage_study.result import LEVELS, Answer

LEAST_ALARMS = 0.90
# What stands between these lines of docs/method.md is written by the study.
BEGIN = "<!-- make coverage: begin -->"
END = "<!-- make coverage: end -->"
# Two Monte-Carlo standard errors: what chance alone may take from a nominal coverage.
ALLOWED_ERRORS = 2.0

ESTIMATES = {
    "naive sum": "somme naïve · naive sum",
    "pooled mean": "moyenne × inventaire · pooled mean × inventory",
    "product": "**Sobre**",
    "linked": "chaîné · chain-linked",
}
INTERVALS = {
    "product": "**Sobre** (mois par la borne · months by the bound)",
    "device-year": "appareil-année · device-year, B ⟂ R",
    "device-year, matched": "appareil-année, apparié · device-year, matched",
}
ROLLOUT_NAMES: Mapping[Rollout, str] = {
    "even": "régulier · even",
    "uneven": "inégal selon la classe · uneven by class",
    "biased": "précurseurs +35 % · early adopters +35 %",
}


_WARNING = (
    "Aucun intervalle ne protège d'un déploiement qui commence par des volontaires : c'est ce que "
    "cherchent les tests ci-dessous. *No interval protects against a roll-out that starts with "
    "volunteers: that is what the tests below look for.*"
)


@dataclass(frozen=True)
class Coverage:
    """How often an interval held the truth, the Monte-Carlo error of that, and its mean width."""

    ratio: float
    error: float
    width: float
    fleets: int

    def keeps(self, level: float) -> bool:
        """Whether the coverage is nominal or more, as far as chance lets one see."""
        return self.ratio >= level - ALLOWED_ERRORS * sqrt(level * (1 - level) / self.fleets)


def coverage(answers: Sequence[Answer], way: str, level: float) -> Coverage:
    """Of one way and level over all fleets."""
    pairs = [(a.truth, *a.intervals[way, level]) for a in answers]
    ratio = fmean(low <= truth <= high for truth, low, high in pairs)
    width = fmean(high - low for _, low, high in pairs)
    return Coverage(ratio, sqrt(ratio * (1 - ratio) / len(pairs)), width, len(pairs))


def bias(answers: Sequence[Answer], way: str) -> tuple[float, float, float]:
    """Mean of the estimate less the truth, its Monte-Carlo error, and the scatter around it."""
    errors = [a.estimates[way] - a.truth for a in answers]
    scatter = stdev(errors)
    return fmean(errors), scatter / sqrt(len(errors)), scatter


def alarms(answers: Sequence[Answer]) -> float:
    """Share of fleets in which the test of joining devices fired."""
    return fmean(a.alarm for a in answers)


def document(
    found: Mapping[Rollout, Sequence[Answer]], proof: Proof | None = None
) -> tuple[str, bool]:
    """The page, and whether intervals, the bias test and the loads keep what they promise."""
    fleets = min(len(answers) for answers in found.values())
    truth = fmean(a.truth for answers in found.values() for a in answers)
    kept = all(
        coverage(found[rollout], "product", level).keeps(level)
        for rollout in found
        if rollout != "biased"
        for level in LEVELS
    )
    kept = kept and alarms(found["biased"]) >= LEAST_ALARMS if "biased" in found else kept
    parts = [_opening(fleets, truth), _estimates(found), _intervals(found), _tests(found)]
    if proof is not None:
        kept = kept and proof.holds
        parts.append(_loads(proof))
    return "\n\n".join(parts) + "\n", kept


def summary(found: Mapping[Rollout, Sequence[Answer]]) -> str:
    """The table that stands in docs/method.md: bias and coverage with their Monte-Carlo error."""
    fleets = min(len(answers) for answers in found.values())
    lines = [
        f"{fleets} parcs simulés par scénario ; entre parenthèses l'erreur de Monte-Carlo (k = 1). "
        f"*{fleets} simulated fleets per scenario; in brackets the Monte-Carlo error (k = 1).* "
        "[coverage.md](coverage.md)",
        "",
        "| scénario · scenario | biais de R, points · bias of R | 90 % | 95 % | alarme · alarm |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines[:1] = wrap(lines[0], 108)
    for rollout, answers in found.items():
        mean, error, _ = bias(answers, "product")
        of = [coverage(answers, "product", level) for level in LEVELS]
        cells = [f"{100 * c.ratio:.1f} % ({100 * c.error:.1f})" for c in of]
        lines.append(
            f"| {ROLLOUT_NAMES[rollout]} | {100 * mean:+.2f} ({100 * error:.2f}) | {cells[0]} "
            f"| {cells[1]} | {100 * alarms(answers):.1f} % |"
        )
    return "\n".join([*lines, "", *wrap(_excess(found), 108)])


def between_marks(page: str, text: str) -> str:
    """A page with its marked part replaced; ValueError if it is not marked once."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"the page must hold {BEGIN} and, after it, {END}, once each")
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def _loads(proof: Proof) -> str:
    counts = [f"{n:,}" for n in (proof.loads, proof.device_days)]
    loads, days = (text.replace(",", " ") for text in counts)
    french = (
        f"Un parc entier est repris depuis ses consommations élémentaires : {loads} donnent par le "
        f"code du produit les {days} jours d'appareil dont l'étude part, {proof.wrong_days} "
        f"différent d'un joule ou plus ; écart relatif le plus grand des {proof.months} mois qui "
        f"en résultent : {proof.largest_ratio:.0e}."
    )
    english = (
        f"One whole fleet is taken up again from its loads: {counts[0]} of them give, through the "
        f"product's code, the {counts[1]} device-days that the study begins with; "
        f"{proof.wrong_days} differ by a joule or more. Largest relative difference of the "
        f"{proof.months} months that follow: {proof.largest_ratio:.0e}."
    )
    heading = "## Des charges aux jours · From loads to days"
    return "\n".join([heading, "", *wrap(french, 108), "", *wrap(f"*{english}*", 108)])


def _opening(fleets: int, truth: float) -> str:
    percent = f"{100 * truth:.1f} %"
    french = (
        f"**FR.** {fleets} parcs simulés par scénario, chacun d'environ 2 820 équipements "
        "échantillonnés et d'une salle mesurée, jour par jour pendant deux ans ; la vraie "
        f"réduction ({percent} en moyenne) est connue. Les jours passent par le code du produit : "
        "mois, totaux, réduction. Le déploiement va de 10 à 45 % la première année et de 45 à 85 % "
        "la seconde ; 8 % des jours manquent, le collecteur s'arrête douze fois deux jours, un "
        "équipement sur dix est remplacé chaque année. Entre parenthèses, l'erreur de Monte-Carlo "
        "(k = 1)."
    )
    english = (
        f"**EN.** {fleets} simulated fleets per scenario, each of about 2,820 sampled devices and "
        f"a metered room, day by day over two years, whose true reduction ({percent} on average) "
        "is known. Days pass through the product's own months, totals and reduction. Roll-out goes "
        "from 10 to 45 % in the first year and from 45 to 85 % in the second; 8 % of days are "
        "missing, the collector stops twelve times for two days, one device in ten is replaced "
        "each year. In brackets, the Monte-Carlo error (k = 1)."
    )
    return "\n\n".join(
        [
            "# Couverture des intervalles · Coverage of the intervals",
            "Écrit par `make coverage` ; ne pas modifier à la main. "
            "*Written by `make coverage`; do not edit.*",
            *("\n".join(wrap(text, 108)) for text in (french, english)),
        ]
    )


def _estimates(found: Mapping[Rollout, Sequence[Answer]]) -> str:
    lines = [
        "## Biais de R (points) · Bias of R (points)",
        "",
        "| | " + " | ".join(ROLLOUT_NAMES[r] for r in found) + " |",
        "| --- |" + " ---: |" * len(found),
    ]
    for way, name in ESTIMATES.items():
        cells = []
        for answers in found.values():
            mean, error, _ = bias(answers, way)
            cells.append(f"{100 * mean:+.2f} ({100 * error:.2f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    scatter = [f"{100 * bias(answers, 'product')[2]:.2f}" for answers in found.values()]
    lines.append("| écart-type de Sobre · scatter of Sobre | " + " | ".join(scatter) + " |")
    return "\n".join(lines)


def _intervals(found: Mapping[Rollout, Sequence[Answer]]) -> str:
    lines = [
        "## Couverture · Coverage",
        "",
        "| scénario · scenario | intervalle · interval | 90 % | 95 % | points à · at 90 % |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for rollout, answers in found.items():
        for way, name in INTERVALS.items():
            of = [coverage(answers, way, level) for level in LEVELS]
            cells = [f"{100 * c.ratio:.1f} % ({100 * c.error:.1f})" for c in of]
            width = f"{100 * of[0].width:.1f}"
            lines.append(
                f"| {ROLLOUT_NAMES[rollout]} | {name} | {cells[0]} | {cells[1]} | {width} |"
            )
    lines += ["", *wrap(_excess(found), 108), "", *wrap(_WARNING, 108)]
    return "\n".join(lines)


def _excess(found: Mapping[Rollout, Sequence[Answer]]) -> str:
    """How far coverage is from nominal where the assumption holds, in points."""
    held = [answers for rollout, answers in found.items() if rollout != "biased"]

    def points(way: str) -> str:
        off = [100 * (coverage(a, way, level).ratio - level) for a in held for level in LEVELS]
        return f"{min(off):+.1f} … {max(off):+.1f}"

    product, matched = points("product"), points("device-year, matched")
    return (
        "Là où l'hypothèse tient, écart à la couverture nominale, en points : "
        f"Sobre {product} ; apparié {matched} (une option, offerte avec cette réserve). "
        "*Where the assumption holds, coverage less nominal, in points: "
        f"Sobre {product}; matched {matched} (an option, offered with this reservation).*"
    )


def _tests(found: Mapping[Rollout, Sequence[Answer]]) -> str:
    lines = [
        "## Alarmes · Alarms",
        "",
        "| scénario · scenario | arrivants différents · joining devices differ | R ≠ R_link |",
        "| --- | ---: | ---: |",
    ]
    for rollout, answers in found.items():
        linked = fmean(a.link_alarm for a in answers)
        lines.append(
            f"| {ROLLOUT_NAMES[rollout]} | {100 * alarms(answers):.1f} % | {100 * linked:.1f} % |"
        )
    return "\n".join(lines)
