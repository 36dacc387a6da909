"""Wording of the way from the baseline to the adjusted baseline."""

FRENCH = {
    "title.adjustments": "De la référence à la référence ajustée",
    "adjustments.u": "Écart type",
    "adjustments.row_baseline": "Situation de référence",
    "adjustments.row_perimeter": "Ajustements de périmètre",
    "adjustments.row_users": "Ajustement périodique : utilisateurs (× {factor})",
    "adjustments.row_weather": "Ajustement périodique : degrés-jours",
    "adjustments.row_non-routine": "Ajustements non périodiques",
    "adjustments.row_adjusted": "Référence ajustée",
    "adjustments.none": "Aucun ajustement signé n’agit sur cette période.",
    "adjustments.signed": "Ajustements signés",
    "adjustments.since": "à partir du {day}",
    "adjustments.evidence": "Pièce justificative",
    "adjustments.of.perimeter": "périmètre",
    "adjustments.of.weather": "périodique (degrés-jours)",
    "adjustments.of.non-routine": "non périodique",
    "note.degree-days-missing": "L’ajustement « {names} » suit les degrés-jours, qui manquent "
    "(site {sites}) : {months}.",
}

ENGLISH = {
    "title.adjustments": "From the reference to the adjusted reference",
    "adjustments.u": "Standard deviation",
    "adjustments.row_baseline": "Reference situation",
    "adjustments.row_perimeter": "Adjustments of the perimeter",
    "adjustments.row_users": "Routine adjustment: users (× {factor})",
    "adjustments.row_weather": "Routine adjustment: degree-days",
    "adjustments.row_non-routine": "Non-routine adjustments",
    "adjustments.row_adjusted": "Adjusted reference",
    "adjustments.none": "No signed adjustment acts on this period.",
    "adjustments.signed": "Signed adjustments",
    "adjustments.since": "from {day}",
    "adjustments.evidence": "Evidence",
    "adjustments.of.perimeter": "perimeter",
    "adjustments.of.weather": "routine (degree-days)",
    "adjustments.of.non-routine": "non-routine",
    "note.degree-days-missing": "The adjustment “{names}” follows degree-days, which are "
    "missing (site {sites}): {months}.",
}
