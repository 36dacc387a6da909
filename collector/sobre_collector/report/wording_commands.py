"""Wording of what commands print of single machines: printers, outlets, exclusions."""

FRENCH = {
    "printers.hours_unknown": "durée inconnue",
    "printers.hours": "{h} h/jour",
    "printers.no_pages": "pages non communiquées",
    "printers.pages_n": "{n} pages",
    "printers.unknown": ", {ratio} inconnu",
    "printers.one": "{who}  {model} : {hours}{unknown}, {pages}, {kwh} kWh",
    "printers.listed": "{year} : {n} imprimantes ; non listées, car dans un bureau ou dans aucun "
    "registre : {private}",
    "printers.learnt_from": "{model} : {loads} relevés de {printers} imprimantes",
    "printers.learnt_state": "environ {w} W, {ratio} du temps",
    "printers.learnt_spread": "explique {ratio} de la dispersion",
    "printers.proposal": "Proposition, sans effet tant que personne ne la confirme :",
    "printers.off_saves": "Éteintes de {off} h à {on} h : {kwh} kWh par an ({low} à {high}, 95 %)",
    "printers.nights": "{n} imprimantes, {nights} nuits du {first} au {last}",
    "printers.assumed": "{off_w} W à l’arrêt, {restart_wh} Wh par préchauffage, {page_wh} Wh par "
    "page, qui sera imprimée plus tard",
    "printers.advice": "Rien n’a été éteint.",
    "outlets.idle": "{n} prises sur {seen} sous 8 W pendant 60 jours jusqu’au {last}",
    "outlets.nothing": "ne consomme rien",
    "outlets.kwh": "{kwh} kWh par an",
    "outlets.old": "Il y a plus de deux semaines : le collecteur tourne-t-il ?",
    "exclusion.units": " ({n} d’entre eux)",
    "exclusion.until": ", jusqu’au {day}",
    "exclusion.line": "{when}  {by} : {subject}{units}{until} ; {reason}",
}

ENGLISH = {
    "printers.hours_unknown": "hours unknown",
    "printers.hours": "{h} h/day",
    "printers.no_pages": "no pages told",
    "printers.pages_n": "{n} pages",
    "printers.unknown": ", {ratio} unknown",
    "printers.one": "{who}  {model}: {hours}{unknown}, {pages}, {kwh} kWh",
    "printers.listed": "{year}: {n} printers; {private} more are private or in no register",
    "printers.learnt_from": "{model}: {loads} loads of {printers} printers",
    "printers.learnt_state": "about {w} W, {ratio} of the time",
    "printers.learnt_spread": "explains {ratio} of the spread",
    "printers.proposal": "A proposal, used by nobody until a person confirms it:",
    "printers.off_saves": "Off from {off}:00 to {on}:00: {kwh} kWh a year ({low} to {high}, 95 %)",
    "printers.nights": "{n} printers, {nights} nights from {first} to {last}",
    "printers.assumed": "{off_w} W when off, {restart_wh} Wh for a warm-up, {page_wh} Wh for each "
    "page, which is printed later",
    "printers.advice": "Nothing was switched off.",
    "outlets.idle": "{n} of {seen} outlets below 8 W for 60 days up to {last}",
    "outlets.nothing": "draws nothing",
    "outlets.kwh": "{kwh} kWh a year",
    "outlets.old": "More than two weeks ago: does the collector run?",
    "exclusion.units": " ({n} of them)",
    "exclusion.until": ", until {day}",
    "exclusion.line": "{when}  {by}: {subject}{units}{until}; {reason}",
}
