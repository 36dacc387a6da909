"""What stands beside the CSV files for the open-data portal: `datapackage.json`.

A Tabular Data Package of Frictionless Data (version 1): each file with its hash, each column with
its type and what it means, the licence, and how the figures came about. Texts are French, as the
columns are; the portal shows them.
"""

import csv
import io
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sobre_collector.report.model import Report

FILE = "datapackage.json"
LICENCE = {
    "title": "Licence Ouverte 2.0",
    "path": "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
}
KEYWORDS = ("énergie", "numérique", "sobriété", "consommation électrique", "commande publique")

# File: title, description.
FILES = {
    "indicateurs_annuels.csv": (
        "Indicateurs de l’année",
        "Un indicateur par ligne, avec son intervalle à 95 % ; une évolution est négative quand la "
        "consommation baisse.",
    ),
    "trajectoire_mensuelle.csv": (
        "Trajectoire mois par mois",
        "Consommation estimée de chaque mois, et ce à quoi elle est comparée.",
    ),
    "couverture_strates.csv": (
        "Couverture des strates",
        "Parc et équipements suivis par organisation, site et classe. Vide : moins de postes qu’il "
        "n’en faut pour publier.",
    ),
    "ajustements.csv": (
        "Ajustements de la situation de référence",
        "Chaque ligne signée, avec son motif, sa pièce et le rôle qui l’a approuvée.",
    ),
    "complements.csv": (
        "Contrôles, prévision et décomposition",
        "Ce qui se lit à côté du résultat et ne le remplace jamais.",
    ),
    "impressions.csv": ("Imprimantes", "Temps de fonctionnement, pages et énergie par page."),
    "salles_pue.csv": ("PUE des salles", "Énergie et PUE de chaque salle, mois par mois."),
    "facteurs_emission.csv": (
        "Facteurs d’émission",
        "Les facteurs utilisés, leur source et leur version.",
    ),
    "leviers.csv": (
        "Ce qui fonctionne hors des heures de présence",
        "Leviers, du plus grand au plus petit, avec leur intervalle.",
    ),
}

# Column: type, what it means.
COLUMNS = {
    "indicateur": ("string", "Nom de l’indicateur, qui ne change pas d’une année à l’autre"),
    "groupe": ("string", "Ce sur quoi porte la ligne, si ce n’est pas l’ensemble"),
    "perimetre": ("string", "Organisations comptées aux deux périodes"),
    "periode_debut": ("date", "Premier jour de la période"),
    "periode_fin": ("date", "Dernier jour de la période"),
    "annee_reference": ("year", "Année de la situation énergétique de référence"),
    "valeur": ("number", "Valeur, dans l’unité de la ligne"),
    "borne_basse": ("number", "Borne basse de l’intervalle au niveau indiqué"),
    "borne_haute": ("number", "Borne haute de l’intervalle au niveau indiqué"),
    "borne_basse_95": ("number", "Borne basse de l’intervalle de confiance à 95 %"),
    "borne_haute_95": ("number", "Borne haute de l’intervalle de confiance à 95 %"),
    "niveau": ("number", "Niveau de l’intervalle (0,95 pour 95 %)"),
    "unite": ("string", "Unité de la valeur et de ses bornes"),
    "statut": ("string", "complet, provisoire ou insuffisant"),
    "simule": ("boolean", "Vrai si le parc est simulé : ces chiffres ne décrivent alors personne"),
    "mois": ("yearmonth", "Mois"),
    "consommation_kwh": ("number", "Consommation estimée, en kWh"),
    "borne_basse_95_kwh": ("number", "Borne basse de son intervalle à 95 %, en kWh"),
    "borne_haute_95_kwh": ("number", "Borne haute de son intervalle à 95 %, en kWh"),
    "somme_brute_kwh": ("number", "Somme des équipements suivis, en kWh : n’est pas un total"),
    "reference_kwh": ("number", "Situation de référence du même mois, en kWh"),
    "cible_kwh": ("number", "Ce que la trajectoire permet pour ce mois, en kWh"),
    "utilisateurs": ("number", "Utilisateurs du périmètre constant"),
    "organisation": ("string", "Identifiant de l’organisation"),
    "site": ("string", "Identifiant du site"),
    "classe": ("string", "Classe d’équipement"),
    "parc": ("number", "Équipements en service selon l’inventaire, moyenne de la période"),
    "suivis": ("integer", "Équipements suivis"),
    "couverture": ("number", "Part des jours-équipements observés (0 à 1)"),
    "methode": ("string", "Règle d’estimation de la strate (docs/method.md, chapitre 4)"),
    "reserves": ("string", "Marques de la strate, séparées par une espace"),
    "nom": ("string", "Nom de l’ajustement"),
    "nature": ("string", "perimeter, weather ou non-routine"),
    "kwh": ("number", "kWh ajoutés à la situation de référence (négatif : retirés)"),
    "ecart_type_kwh": ("number", "Incertitude-type (k = 1), en kWh"),
    "debut": ("date", "Jour à partir duquel le changement agit"),
    "fin": ("date", "Dernier jour où il agit ; vide s’il dure"),
    "motif": ("string", "Motif"),
    "piece": ("string", "Pièce justificative"),
    "piece_sha256": ("string", "Empreinte SHA-256 de la pièce"),
    "approuve_par": ("string", "Rôle qui a approuvé"),
    "approuve_le": ("date", "Jour de l’approbation"),
    "salle": ("string", "Salle"),
    "entree_kwh": ("number", "Énergie entrée dans la salle, en kWh"),
    "informatique_kwh": ("number", "Énergie reçue par l’informatique, en kWh"),
    "refroidissement_kwh": ("number", "Énergie du refroidissement, en kWh"),
    "pue": ("number", "Rapport des deux premières"),
    "categorie": ("integer", "Catégorie du PUE (0 à 3) : où l’informatique est mesurée"),
    "annee": ("year", "Année du facteur"),
    "kgco2e_par_kwh": ("number", "Facteur, en kgCO₂e par kWh"),
    "incertitude_relative": ("number", "Incertitude-type relative du facteur"),
    "perimetre_du_facteur": ("string", "Ce que le facteur comprend"),
    "source": ("string", "Source du facteur"),
    "version": ("string", "Version de la source"),
    "levier": ("string", "Ce qui fonctionne"),
    "euros": ("number", "Coût de l’énergie, en euros"),
    "kgco2e": ("number", "Émissions de la phase d’usage, en kgCO₂e"),
    "motif_exclusion": ("string", "Pourquoi cela doit rester allumé, si c’est le cas"),
}


def data_package(report: Report, contents: Mapping[str, str]) -> str:
    """The descriptor of those of `contents` (by file name) that are CSV, as JSON text."""
    tables = {name: text for name, text in contents.items() if name.endswith(".csv")}
    made = report.provenance
    described: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": f"sobre-bilan-{report.period.year}",
        "title": f"Sobriété numérique : consommation électrique {report.period.year}",
        "description": _description(report),
        "created": made.generated_at,
        "version": made.method_version,
        "keywords": list(KEYWORDS),
        "licenses": [LICENCE],
        "temporal": {"start": report.period.start, "end": report.period.end},
        "method": {
            "version": made.method_version,
            "document": "docs/method.md",
            "software": f"sobre {made.software_version}",
            "inputs_sha256": made.input_sha256,
        },
        "simulated": report.simulated,
        "resources": [_resource(name, tables[name]) for name in tables],
    }
    return json.dumps(described, ensure_ascii=False, indent=2) + "\n"


def _description(report: Report) -> str:
    lines = [
        "Consommation électrique des environnements et infrastructures numériques, estimée par "
        "strate à partir des équipements suivis, et son évolution à périmètre utilisateur constant "
        f"depuis {report.baseline.year}.",
        "Hypothèses : dans une strate, les équipements suivis ressemblent aux autres ; les jours "
        "manquants, à ceux du même type qui ont été vus ; inventaire et effectifs sont exacts à "
        "leur incertitude déclarée près. Rien n’est publié pour moins de "
        f"{report.publish_at_least} postes de travail.",
        f"Périmètre : {report.perimeter}. Utilisateurs : {report.users.definition or 'non définis'}"
        ".",
    ]
    if report.simulated:
        lines.insert(0, "PARC SIMULÉ : aucun de ces chiffres ne décrit un parc réel.")
    return "\n\n".join(lines)


def _resource(file: str, text: str) -> dict[str, Any]:
    title, description = FILES[file]
    content = text.encode()
    return {
        "profile": "tabular-data-resource",
        "name": file.removesuffix(".csv"),
        "path": file,
        "title": title,
        "description": description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{sha256(content).hexdigest()}",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "header": True},
        "schema": {"fields": [_field(head) for head in next(csv.reader(io.StringIO(text)))]},
    }


def _field(name: str) -> dict[str, Any]:
    kind, description = COLUMNS[name]
    told: dict[str, Any] = {"name": name, "type": kind, "description": description}
    if kind == "number":
        told |= {"decimalChar": ".", "bareNumber": True}
    if kind == "boolean":
        told |= {"trueValues": ["true"], "falseValues": ["false"]}
    return told
