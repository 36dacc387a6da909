"""Wording of calibrations in the report."""

FRENCH = {
    "title.calibration": "Étalonnage des modèles de puissance",
    "calibration.number": "No",
    "calibration.class": "Famille",
    "calibration.factor": "Facteur",
    "calibration.u": "À 95 %",
    "calibration.sessions": "PC étalonnés",
    "calibration.by": "Décidé par",
    "calibration.months": "Mois qui le portent",
    "note.calibration-differs": "Les mois comparés ne portent pas tous le même étalonnage "
    "({class}) : les erreurs des facteurs ne se compensent pas entre les deux années, et sont dans "
    "l’intervalle.",
}

ENGLISH = {
    "title.calibration": "Calibration of the power models",
    "calibration.number": "No.",
    "calibration.class": "Class",
    "calibration.factor": "Factor",
    "calibration.u": "At 95%",
    "calibration.sessions": "Calibrated PCs",
    "calibration.by": "Decided by",
    "calibration.months": "Months that carry it",
    "note.calibration-differs": "The months compared do not all carry the same calibration "
    "({class}): the errors of the factors do not cancel between the two years, and are in the "
    "interval.",
}
