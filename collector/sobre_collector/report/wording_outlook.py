"""Wording of the outlook: forecast, required pace, budget of the year, scenarios."""

FRENCH = {
    "title.outlook": "Perspective",
    "said.probability": "Probabilité estimée d’atteindre l’objectif au 31/12/{target_year} : "
    "**{probability}**, {chance} (à politique inchangée).",
    "chance.very-likely": "très probable",
    "chance.likely": "probable",
    "chance.uncertain": "incertain",
    "chance.unlikely": "peu probable",
    "col.interval90": "Intervalle à 90 %",
    "col.scenario": "Scénario",
    "col.expected": "Évolution prévue",
    "col.probability": "Objectif atteint",
    "outlook.insufficient": "Prévision : **données insuffisantes**.",
    "outlook.scenarios": "Scénarios",
    "outlook.scenarios_said": "Scénarios : changements décidés que les mois ne montrent pas "
    "encore, tels qu’ils sont déclarés. Ils n’entrent ni dans le résultat ni dans la prévision.",
    "outlook.together": "Tous ensemble",
    "outlook.row_forecast": "Évolution prévue pour {year}, à politique inchangée",
    "outlook.row_trend": "Tendance des mois connus, par an",
    "outlook.row_compound": "Rythme annuel encore nécessaire, d’une année à l’autre (composé)",
    "outlook.row_months": "Mois connus",
    "outlook.row_rho": "Corrélation d’un mois au suivant (ρ)",
    "outlook.rho_stated": "déclarée",
    "outlook.rho_estimated": "estimée",
    "outlook.row_target": "Budget {year} pour suivre la trajectoire",
    "outlook.row_seen": "Consommé en {year}",
    "outlook.row_remaining": "Reste du budget {year}",
    "outlook.row_rest": "Référence ajustée des mois à venir de {year}",
    "outlook.row_required": "Évolution à tenir sur les mois restants ({months})",
    "note.forecast-short": "Il y a {known} mois de consommation par utilisateur ; une prévision en "
    "demande {least} au moins.",
    "note.forecast-season": "{count} mois de l’année n’ont encore jamais été vus.",
    "note.forecast-hole": "Des mois de l’année visée sont passés sans être connus : {months}.",
    "note.forecast-over": "L’année visée ({target_year}) est passée : il n’y a rien à prévoir.",
    "note.scenario-too-large": "Ce scénario économiserait plus que ce qui est consommé ; vérifiez "
    "ses kWh : {names}.",
}

ENGLISH = {
    "title.outlook": "Outlook",
    "said.probability": "Estimated probability of reaching the target by 31/12/{target_year}: "
    "**{probability}**, {chance} (if nothing else is decided).",
    "chance.very-likely": "very likely",
    "chance.likely": "likely",
    "chance.uncertain": "uncertain",
    "chance.unlikely": "unlikely",
    "col.interval90": "90% interval",
    "col.scenario": "Scenario",
    "col.expected": "Expected change",
    "col.probability": "Target met",
    "outlook.insufficient": "Forecast: **insufficient data**.",
    "outlook.scenarios": "Scenarios",
    "outlook.scenarios_said": "Scenarios: decided changes that the months do not show yet, as they "
    "were stated. They enter neither the result nor the forecast.",
    "outlook.together": "All together",
    "outlook.row_forecast": "Expected change in {year}, if nothing else is decided",
    "outlook.row_trend": "Trend of the known months, per year",
    "outlook.row_compound": "Yearly pace still needed, from one year to the next (compound)",
    "outlook.row_months": "Known months",
    "outlook.row_rho": "Correlation of a month with the next (ρ)",
    "outlook.rho_stated": "stated",
    "outlook.rho_estimated": "estimated",
    "outlook.row_target": "Budget of {year} to stay on the path",
    "outlook.row_seen": "Used in {year}",
    "outlook.row_remaining": "Left of the budget of {year}",
    "outlook.row_rest": "Adjusted reference of the months to come in {year}",
    "outlook.row_required": "Change to hold over the remaining months ({months})",
    "note.forecast-short": "There are {known} months of consumption per user; a forecast asks for "
    "at least {least}.",
    "note.forecast-season": "{count} months of the year were never seen so far.",
    "note.forecast-hole": "Months of the target year went by without being known: {months}.",
    "note.forecast-over": "The target year ({target_year}) is over: there is nothing to forecast.",
    "note.scenario-too-large": "This scenario would save more than is used; check its kWh: "
    "{names}.",
}
