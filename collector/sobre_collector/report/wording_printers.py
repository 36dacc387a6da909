"""Wording of the section on printers."""

FRENCH = {
    "title.printers": "Imprimantes",
    "title.printers_models": "Énergie par modèle d’imprimante (imprimantes suivies)",
    "title.printers_sizes": "Énergie par gamme d’imprimante (imprimantes suivies)",
    "title.printers_swap": "Une gamme plus petite est-elle rentable ?",
    "printers.running": "Temps de fonctionnement des imprimantes (prêt + préchauffage + "
    "impression) : **{change}**, dont {fewer} par un parc réduit et {shorter} par des durées plus "
    "courtes.",
    "printers.pages": "Nombre d’impressions : **{change}** (objectif {target}).",
    "printers.schedule": "Estimation avant décision : éteindre toutes les imprimantes de {off} h à "
    "{on} h les jours ouvrés économiserait **{kwh}** par an.",
    "printers.swap": "{n} imprimantes « {larger} » si elles consommaient comme « {smaller} »",
    "col.printers_group": "Groupe",
    "col.printers_n": "Suivies",
    "col.printers_week": "Par semaine (TEC mesurée)",
    "col.printers_page": "Par page, veille comprise",
    "col.printers_next": "Par page de plus",
    "col.printers_standby": "Sans page, par jour",
    "col.printers_swap": "Remplacement (volumes d’impression actuels)",
    "row.printers_inventory": "Imprimantes en service (inventaire)",
    "row.printers_seen": "Imprimantes suivies (moyenne des mois)",
    "row.printers_active": "Imprimantes suivies actives (une page ou une heure dans le mois)",
    "row.printers_running": "Temps de fonctionnement de toutes les imprimantes",
    "row.printers_bounds": "Bornes, temps inconnu compris",
    "row.printers_per_day": "Par imprimante et par jour",
    "row.printers_per_user": "Par utilisateur",
    "row.printers_state": "Part du temps suivi : {state}",
    "row.printers_pages": "Pages ({unit})",
    "row.printers_change": "Évolution : {what}",
    "row.printers_change_user": "Évolution par utilisateur : {what}",
    "row.printers_fewer": "dont parc réduit",
    "row.printers_shorter": "dont durées plus courtes",
    "row.printers_schedule": "Économie annuelle si éteintes de {off} h à {on} h (jours ouvrés)",
    "printing.running": "temps de fonctionnement",
    "printing.devices": "nombre d’imprimantes",
    "printing.pages": "impressions",
    "state.printing": "impression",
    "state.warmup": "préchauffage",
    "state.ready": "prêt",
    "state.sleep": "veille",
    "state.off": "éteint",
    "state.unknown": "inconnu",
    "unit.impressions": "impressions",
    "unit.sheets": "feuilles",
    "size.personal": "personnelle",
    "size.workgroup": "groupe de travail",
    "size.department": "service",
    "size.production": "production",
    "size.other": "autres",
    "model.other": "autres modèles",
    "note.printers-unconfirmed": "Imprimantes : états inconnus, car les seuils de puissance ne "
    "sont confirmés par personne (`sobre printers learn`) pour : {names}.",
    "note.printers-unregistered": "Imprimantes : certaines ne figurent pas au registre ; leur "
    "modèle et leurs états sont inconnus.",
    "note.printers-mixed-units": "Impressions et feuilles ne s’additionnent pas : aucun total de "
    "pages n’est donné.",
    "note.printers-units-differ": "Les pages de {baseline_year} et celles de la période ne sont "
    "pas comptées dans la même unité : aucune évolution n’est donnée.",
    "note.printers-reset": "{count} imprimantes dont le compteur a été remis à zéro ou remplacé : "
    "leurs pages sont un minimum.",
    "note.printers-set-aside": "{count} jours dont les pages dépassent ce que l’imprimante peut "
    "imprimer sont écartés.",
    "note.printers-few": "Moins de {k} imprimantes suivies, dont certaines dans un bureau "
    "individuel ou non enregistrées : leurs heures et leurs pages ne sont pas publiées.",
    "note.printers-part": "Imprimantes : aucune évolution, car la période n’est pas une année "
    "complète après la référence.",
    "note.printers-no-running": "Temps de fonctionnement des imprimantes en {baseline_year} : "
    "inconnu ; l’énoncer avec sa pièce (`files.printing`).",
    "note.printers-no-devices": "Nombre d’imprimantes en {baseline_year} : inconnu.",
    "note.printers-no-pages": "Pages imprimées en {baseline_year} : inconnues ; énoncer les "
    "relevés de compteur (`files.page_counters`).",
}
ENGLISH = {
    "title.printers": "Printers",
    "title.printers_models": "Energy by printer model (monitored printers)",
    "title.printers_sizes": "Energy by printer range (monitored printers)",
    "title.printers_swap": "Does the smaller range pay?",
    "printers.running": "Running time of printers (ready + warm-up + printing): **{change}**, of "
    "which {fewer} through fewer printers and {shorter} through shorter hours.",
    "printers.pages": "Number of prints: **{change}** (target {target}).",
    "printers.schedule": "Estimate before any decision: switching all printers off from {off}:00 "
    "to {on}:00 on working days would save **{kwh}** a year.",
    "printers.swap": "{n} “{larger}” printers if they used what “{smaller}” ones do",
    "col.printers_group": "Group",
    "col.printers_n": "Monitored",
    "col.printers_week": "Per week (measured TEC)",
    "col.printers_page": "Per page, standby included",
    "col.printers_next": "Per further page",
    "col.printers_standby": "Without a page, per day",
    "col.printers_swap": "Replacement (print volumes as they are)",
    "row.printers_inventory": "Printers in service (inventory)",
    "row.printers_seen": "Printers monitored (mean of the months)",
    "row.printers_active": "Monitored printers that are active (a page or an hour in the month)",
    "row.printers_running": "Running time of all printers",
    "row.printers_bounds": "Bounds, unknown time included",
    "row.printers_per_day": "Per printer and day",
    "row.printers_per_user": "Per user",
    "row.printers_state": "Share of monitored time: {state}",
    "row.printers_pages": "Pages ({unit})",
    "row.printers_change": "Change: {what}",
    "row.printers_change_user": "Change per user: {what}",
    "row.printers_fewer": "of which fewer printers",
    "row.printers_shorter": "of which shorter hours",
    "row.printers_schedule": "Yearly saving if off from {off}:00 to {on}:00 (working days)",
    "printing.running": "running time",
    "printing.devices": "number of printers",
    "printing.pages": "prints",
    "state.printing": "printing",
    "state.warmup": "warm-up",
    "state.ready": "ready",
    "state.sleep": "sleep",
    "state.off": "off",
    "state.unknown": "unknown",
    "unit.impressions": "impressions",
    "unit.sheets": "sheets",
    "size.personal": "personal",
    "size.workgroup": "workgroup",
    "size.department": "department",
    "size.production": "production",
    "size.other": "others",
    "model.other": "other models",
    "note.printers-unconfirmed": "Printers: states unknown, since nobody confirmed the power "
    "thresholds (`sobre printers learn`) of: {names}.",
    "note.printers-unregistered": "Printers: some stand in no register; their model and their "
    "states are unknown.",
    "note.printers-mixed-units": "Impressions and sheets do not add up: no total of pages is "
    "given.Impressions and sheets do not add up: no total of pages is given.",
    "note.printers-units-differ": "Pages of {baseline_year} and of the period are not counted in "
    "the same unit: no change is given.",
    "note.printers-reset": "{count} printers whose counter was reset or replaced: their pages are "
    "a lower bound.",
    "note.printers-set-aside": "{count} days whose pages are more than the printer can print are "
    "set aside.",
    "note.printers-few": "Fewer than {k} printers monitored, some of them in one person's office "
    "or unregistered: their hours and pages are not published.",
    "note.printers-part": "Printers: no change is told, for the period is not a whole year after "
    "the reference.",
    "note.printers-no-running": "Running time of printers in {baseline_year}: unknown; state it "
    "with its document (`files.printing`).",
    "note.printers-no-devices": "Number of printers in {baseline_year}: unknown.",
    "note.printers-no-pages": "Pages printed in {baseline_year}: unknown; state readings of the "
    "counters (`files.page_counters`).",
}
