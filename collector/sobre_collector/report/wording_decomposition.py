"""Wording of the decomposition of the change."""

FRENCH = {
    "title.decomposition": "D’où vient l’écart",
    "decomposition.said": "Écart brut avec la situation de référence, sans ajustement, réparti "
    "par la méthode LMDI : les trois effets s’additionnent exactement. Entre parenthèses, en "
    "points de la référence totale.",
    "decomposition.change": "Écart",
    "decomposition.users": "Nombre d’utilisateurs",
    "decomposition.devices-per-user": "Appareils par utilisateur",
    "decomposition.kwh-per-device": "kWh par appareil",
    "decomposition.total": "Ensemble",
    "decomposition.insufficient": "**Données insuffisantes.**",
    "note.decomposition-inventory": "L’inventaire de l’année de référence {baseline_year} ou de la "
    "période n’est pas déclaré ; complétez le fichier d’inventaire.",
}

ENGLISH = {
    "title.decomposition": "Where the change comes from",
    "decomposition.said": "Raw change against the reference situation, nothing adjusted, shared "
    "out by the LMDI method: the three effects add up exactly. In brackets, points of the whole "
    "reference.",
    "decomposition.change": "Change",
    "decomposition.users": "Number of users",
    "decomposition.devices-per-user": "Devices per user",
    "decomposition.kwh-per-device": "kWh per device",
    "decomposition.total": "All",
    "decomposition.insufficient": "**Insufficient data.**",
    "note.decomposition-inventory": "No inventory is stated for the reference year {baseline_year} "
    "or for the period; complete the inventory file.",
}
