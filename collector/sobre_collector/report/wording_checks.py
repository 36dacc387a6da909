"""Wording of the checks beside the result."""

FRENCH = {
    "title.checks": "Contrôles de sensibilité",
    "checks.said": "Aucun de ces chiffres n’est le résultat : un écart fort signale une hypothèse "
    "à examiner.",
    "checks.missing": "Ce qui n’a pas pu être contrôlé :",
    "checks.off": "Évolution si les postes muets avaient été éteints",
    "checks.off_means": "{days} jours-appareils sans nouvelles à la clôture de leur mois ; ils "
    "comptent comme les autres, soit {kwh} de plus que s’ils avaient été éteints.",
    "checks.meters": "Évolution sans ce qui est estimé",
    "checks.meters_means": "Seulement ce que mesurent des compteurs : {kept}. Sans : {left}.",
    "checks.years": "Intervalle à 95 % par année-appareil",
    "checks.years_means": "Variance exacte pour {strata} strates qui ne concernent personne, au "
    "lieu de la majoration mois par mois.",
    "checks.matched": "Intervalle à 95 % apparié",
    "checks.matched_seen": "Les appareils vus les deux années ({strata} strates qui ne concernent "
    "personne) se trompent en partie dans le même sens (ρ = {rho}) ; pour les postes de travail, "
    "dont les données sont effacées, on n’en sait rien et rien n’est retranché.",
    "checks.matched_stated": "Avec la corrélation déclarée entre les deux années (ρ = {rho}), "
    "[correlation] du périmètre.",
    "checks.matched_optimistic": "Un peu optimiste : en simulation, un tel intervalle à 90 % "
    "couvre 87 % des cas. L’intervalle publié n’en tient pas compte.",
    "note.matched-unknown": "Intervalle apparié (ρ > 0) : non calculable ; aucun appareil dont les "
    "mois sont conservés n’a été suivi les deux années avec un parc échantillonné, et aucune "
    "corrélation n’est déclarée. Les deux années sont tenues pour indépendantes, ce qui est "
    "prudent.",
    "checks.joined": "Nouveaux appareils suivis, écart avec les anciens",
    "checks.joined_fine": "{joined} appareils comparés dans leur premier mois entier : pas de "
    "différence décelable (p = {p}).",
    "checks.joined_alarm": "**Alerte** : {joined} appareils comparés dans leur premier mois "
    "entier ; un tel écart n’est pas dû au hasard (p = {p}). Aucun intervalle n’en protège.",
    "checks.doubtful": "Strates en cause : {names}.",
    "checks.link": "Évolution par appareils appariés (R_link)",
    "checks.link_fine": "À comparer à {r} (± {se}, écart type) pour les familles qui ne concernent "
    "personne ; {devices} appareils vus les deux années. Pas d’écart notable.",
    "checks.link_alarm": "**Alerte** : à comparer à {r} (± {se}, écart type) pour les familles qui "
    "ne concernent personne ; {devices} appareils vus les deux années. Plus de deux écarts types.",
    "note.newcomers-none": "Nouveaux appareils : aucun mois n’en a au moins trois à côté d’au "
    "moins trois anciens de la même strate, ou trop peu de postes en tout pour le dire.",
    "note.checks-not-kept": "Nouveaux appareils et postes muets : ces mois ont été clos avant que "
    "ce qu’il faut pour les contrôler soit conservé ; les données par poste sont effacées.",
    "note.link-not-measured": "Appareils appariés (R_link) : la situation de référence n’est pas "
    "mesurée, il n’y a rien à apparier. Pour les postes de travail, jamais : leurs données sont "
    "effacées chaque mois.",
    "note.link-none": "Appareils appariés (R_link) : aucun appareil n’a été suivi le même mois des "
    "deux années, hors postes de travail.",
    "note.newcomers-differ": "Les appareils nouvellement suivis ne consomment pas comme les "
    "anciens ({u_ratio}) : l’hypothèse de ressemblance est mise en doute, aucun intervalle n’en "
    "protège.",
    "note.link-differs": "Les appareils appariés donnent {link_ratio} là où l’estimation donne "
    "{r_ratio} (hors postes de travail) : l’écart doit être expliqué avant publication.",
}

ENGLISH = {
    "title.checks": "Sensitivity checks",
    "checks.said": "None of these figures is the result: a large difference points at an "
    "assumption to look into.",
    "checks.missing": "What could not be checked:",
    "checks.off": "Change had silent PCs been off",
    "checks.off_means": "{days} device-days of which nothing had come when their month was closed; "
    "they count like the others, {kwh} more than had they been off.",
    "checks.meters": "Change without what is estimated",
    "checks.meters_means": "Only what meters measure: {kept}. Without: {left}.",
    "checks.years": "95% interval by device-year",
    "checks.years_means": "Exact variance for {strata} strata that tell about nobody, instead of "
    "the bound month by month.",
    "checks.matched": "95% interval, matched",
    "checks.matched_seen": "Devices seen in both years ({strata} strata that tell about nobody) "
    "err partly in the same direction (ρ = {rho}); of workstations, whose data are erased, nothing "
    "is known and nothing is taken off.",
    "checks.matched_stated": "With the correlation of both years that was stated (ρ = {rho}), "
    "[correlation] of the perimeter.",
    "checks.matched_optimistic": "Slightly optimistic: in simulation such a 90% interval covers "
    "87% of the cases. The published interval does not use it.",
    "note.matched-unknown": "Matched interval (ρ > 0): cannot be computed; no device whose months "
    "are kept was seen in both years in a sampled fleet, and no correlation was stated. Both years "
    "are taken as independent, which is prudent.",
    "checks.joined": "Newly monitored devices, difference to those before",
    "checks.joined_fine": "{joined} devices compared in their first whole month: no difference can "
    "be told (p = {p}).",
    "checks.joined_alarm": "**Alarm**: {joined} devices compared in their first whole month; such "
    "a difference is not chance (p = {p}). No interval protects against it.",
    "checks.doubtful": "Strata in question: {names}.",
    "checks.link": "Change by matched devices (R_link)",
    "checks.link_fine": "To be set against {r} (± {se}, standard deviation) for the classes that "
    "tell about nobody; {devices} devices seen in both years. No notable difference.",
    "checks.link_alarm": "**Alarm**: to be set against {r} (± {se}, standard deviation) for the "
    "classes that tell about nobody; {devices} devices seen in both years. More than two standard "
    "deviations.",
    "note.newcomers-none": "Newly monitored devices: no month has at least three of them beside at "
    "least three older ones of the same stratum, or too few workstations in all to tell.",
    "note.checks-not-kept": "Newly monitored devices and silent PCs: these months were closed "
    "before what it takes to check them was kept; the data of single PCs are erased.",
    "note.link-not-measured": "Matched devices (R_link): the reference situation is not measured, "
    "so there is nothing to match. For workstations never: their data are erased each month.",
    "note.link-none": "Matched devices (R_link): no device was seen in the same month of both "
    "years, workstations aside.",
    "note.newcomers-differ": "Newly monitored devices do not use what those before use "
    "({u_ratio}): that they are alike is in doubt, and no interval protects against it.",
    "note.link-differs": "Matched devices give {link_ratio} where the estimate gives {r_ratio} "
    "(workstations aside): explain the difference before publishing.",
}
