"""What `estimate`, `plan-sample` and `plan-calibration` say, in French and in English."""

from sobre_collector.report.notation import bound
from sobre_collector.report.wording import Lang, name

FRENCH = {
    "class": "classe",
    "units": "unités",
    "interval": "intervalle à {level} %",
    "year": "énergie par an",
    "total": "total",
    "estimate": "Estimation d'après l'inventaire{month}, avant toute mesure : {kwh} par an, de "
    "{range} "
    "({level} %).",
    "of-month": " ({month})",
    "estimation": "C'est une estimation, non une mesure : elle ne fonde aucune réduction.",
    "width": "L'intervalle dit surtout que les heures d'usage sont inconnues : en mesurer une "
    "partie "
    "le réduit (`sobre plan-sample`).",
    "unknown": "Sans donnée, absent du total : {classes}.",
    "cost": "À {price} €/kWh : {cost} par an, de {low} à {high}.",
    "carbon": "Avec {factor} kgCO₂e/kWh ({source}) : {kg} par an, de {low} à {high}. Phase d'usage "
    "seulement ; la fabrication est la plus grande part.",
    "tonnes": "{value} tCO₂e",
    "sources": "Sources :",
    "agents": "agents",
    "stratum": "strate (organisation / site / classe)",
    "plan": "{agents} agents sur {units} unités donnent ± {half} au total d'une année ({level} %).",
    "plan-ratio": "Cela ne vaut que si les équipements suivis sont tirés au sort dans leur strate.",
    "prior": "Variance entre équipements : {cv}.",
    "prior-declared": "supposée (modèles selon les fabricants, et usage entre ses bornes)",
    "prior-measured": "mesurée ({months} derniers mois) là où la strate peut être montrée seule et "
    "où trois équipements au moins sont suivis : {measured} strates sur {strata} ; sinon supposée",
    "skipped": "Sans donnée, hors du plan : {classes}.",
    "pair": "Une réduction comparant deux années ainsi suivies : ± {independent} si les deux parcs "
    "suivis sont différents, ± {matched} si ce sont les mêmes équipements (corrélation {rho}), par "
    "l'échantillonnage seul : ni modèle, ni inventaire, ni effectifs.",
    "census": "En recensant (compteur ou PDU) ce qui est en salle et sur le réseau ({census} "
    "unités), "
    "le même nombre d'agents ailleurs donne ± {half}.",
    "census-done": "Ce qui est en salle et sur le réseau est déjà recensé par ce plan.",
    "calibration.now": "Réduction de {year} : ± {half} ({level} %), dont l'erreur des modèles : "
    "± {models}.",
    "calibration.none": "Aucune classe n'est estimée par un modèle dont l'erreur pèse sur R : des "
    "prises n'y changeraient rien.",
    "calibration.after": "Avec {plugs} prises de plus : ± {half}, soit {gain} de moins.",
    "calibration.head": "prises",
    "calibration.gain": "gain",
    "calibration.where": "Où : PC tirés au sort dans ces classes et sites, une journée de travail "
    "chacun ou plus, la prise n'alimentant que le PC.",
    "calibration.spread": "Écart entre PC d'une classe supposé égal à l'incertitude énoncée du "
    "modèle, "
    "ou mesuré là où deux PC sont déjà étalonnés.",
    "calibration.unreached": "Le but de {points} est hors d'atteinte : sans erreur des modèles il "
    "resterait ± {floor}.",
    "calibration.cancel": "Un modèle qui sert aux deux années s'annule en grande partie dans R ; "
    "son "
    "erreur pèse encore sur les kWh publiés (± {absolute}).",
}
ENGLISH = {
    "class": "class",
    "units": "units",
    "interval": "{level} % interval",
    "year": "energy a year",
    "total": "total",
    "estimate": "Estimate from the inventory{month}, before anything is measured: {kwh} a year, "
    "from {range} ({level} %).",
    "of-month": " of {month}",
    "estimation": "This is an estimate, not a measurement: no reduction may be drawn from it.",
    "width": "The interval says above all that hours of use are unknown: measuring some narrows it "
    "(`sobre plan-sample`).",
    "unknown": "Without data, not in the total: {classes}.",
    "cost": "At {price} €/kWh: {cost} a year, from {low} to {high}.",
    "carbon": "With {factor} kgCO₂e/kWh ({source}): {kg} a year, from {low} to {high}. Use phase "
    "only; manufacturing is the larger part.",
    "tonnes": "{value} tCO₂e",
    "sources": "Sources:",
    "agents": "agents",
    "stratum": "stratum (organisation / site / class)",
    "plan": "{agents} agents on {units} units give ± {half} of a year's total ({level} %).",
    "plan-ratio": "This holds only if the monitored devices are drawn at random within their "
    "stratum.",
    "prior": "Variance between devices: {cv}.",
    "prior-declared": "assumed (models by makers' declarations, and use between its bounds)",
    "prior-measured": "measured (last {months} months) where the stratum may be shown by itself "
    "and three devices at least are monitored: {measured} strata of {strata}; elsewhere assumed",
    "skipped": "Without data, not in the plan: {classes}.",
    "pair": "A reduction between two years monitored like this: ± {independent} if different "
    "devices "
    "are monitored, ± {matched} if they are the same ones (correlation {rho}), by sampling alone: "
    "no model, inventory or head-count.",
    "census": "With a census (meter or PDU) of rooms and network ({census} units), the same "
    "number of "
    "agents elsewhere gives ± {half}.",
    "census-done": "Rooms and network are a census in this plan already.",
    "calibration.now": "Reduction of {year}: ± {half} ({level} %), of which the models' error: "
    "± {models}.",
    "calibration.none": "No class is estimated by a model whose error weighs on R: plugs would "
    "change "
    "nothing.",
    "calibration.after": "With {plugs} more plugs: ± {half}, which is {gain} less.",
    "calibration.head": "plugs",
    "calibration.gain": "gain",
    "calibration.where": "Where: PCs drawn at random in these classes and sites, a working day "
    "each or "
    "more, the plug feeding the PC alone.",
    "calibration.spread": "Spread between PCs of a class taken to be the model's stated "
    "uncertainty, or "
    "measured where two PCs are calibrated already.",
    "calibration.unreached": "The goal of {points} is out of reach: without any error of the "
    "models "
    "± {floor} would remain.",
    "calibration.cancel": "A model that serves both years largely cancels in R; its error still "
    "weighs "
    "on the published kWh (± {absolute}).",
}
_TEXTS = {"fr": FRENCH, "en": ENGLISH}


def say(lang: Lang, key: str, **values: object) -> str:
    """A sentence of these commands."""
    text = _TEXTS[lang][key].format(**values)
    return bound(text) if lang == "fr" else text.replace(" %", "%")


def class_name(lang: Lang, device_class: str) -> str:
    """A class as the report names it."""
    return name(lang, "class", device_class)
