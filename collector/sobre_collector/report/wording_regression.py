"""Wording of the regression of metered rooms on their weather."""

FRENCH = {
    "title.regression": "Salles mesurées et climat",
    "regression.said": "Contre-épreuve, hors du résultat : les mois de la situation de référence "
    "sont régressés sur les degrés-jours, et la période comparée à ce qu’ils prédisent sous son "
    "propre climat.",
    "regression.saving": "Évolution",
    "regression.fsu": "Incertitude de l’économie (FSU, 68 %)",
    "regression.accepted": "± {fsu} de l’économie : acceptable (ASHRAE 14).",
    "regression.refused": "± {fsu} de l’économie : insuffisant, plus de 50 % (ASHRAE 14).",
    "regression.none": "Aucune économie à évaluer.",
    "regression.fit": "Base {base} °C, R² = {r2}, CV(RMSE) = {cv}.",
    "regression.normal": "climat normal",
    "regression.normal_means": "Économie normalisée : chaque période vue par sa propre régression "
    "sous les degrés-jours moyens de {years} années déclarées ; de {before} à {after}, intervalle "
    "à 95 % de {low} à {high}. Ne s’ajoute ni ne se compare à la consommation évitée.",
    "note.regression-not-measured": "Régression : la situation de référence n’est pas mesurée.",
    "note.regression-degree-days": "Régression du site {sites} : degrés-jours manquants pour "
    "{months}.",
    "note.regression-not-metered": "Régression du site {sites} : moins de 90 % de son énergie est "
    "mesurée, ou un mois manque.",
    "note.regression-flat": "Régression du site {sites} : ses degrés-jours ne varient pas.",
}

ENGLISH = {
    "title.regression": "Metered rooms and weather",
    "regression.said": "A second opinion outside the result: the months of the reference situation "
    "are regressed on degree-days, and the period is set against what they predict under its own "
    "weather.",
    "regression.saving": "Change",
    "regression.fsu": "Uncertainty of the saving (FSU, 68%)",
    "regression.accepted": "± {fsu} of the saving: acceptable (ASHRAE 14).",
    "regression.refused": "± {fsu} of the saving: insufficient, above 50% (ASHRAE 14).",
    "regression.none": "No saving to assess.",
    "regression.fit": "Base {base} °C, R² = {r2}, CV(RMSE) = {cv}.",
    "regression.normal": "normal weather",
    "regression.normal_means": "Normalised saving: each period as its own regression sees it under "
    "the mean degree-days of {years} stated years; {before} to {after}, 95% interval {low} to "
    "{high}. It is neither added to nor compared with avoided consumption.",
    "note.regression-not-measured": "Regression: the reference situation is not measured.",
    "note.regression-degree-days": "Regression of site {sites}: degree-days are missing for "
    "{months}.",
    "note.regression-not-metered": "Regression of site {sites}: less than 90% of its energy is "
    "measured, or a month is missing.",
    "note.regression-flat": "Regression of site {sites}: its degree-days do not vary.",
}
