"""`sobre waste`: what runs out of hours, ranked; what has to stay on is excluded with a reason.

It advises. Nothing here switches anything off.
"""

import argparse
import difflib
import json
import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from sobre_collector.commands.option_values import count
from sobre_collector.commands.section_options import add_options
from sobre_collector.report.levers import is_group
from sobre_collector.report.notation import bound, number
from sobre_collector.report.one_section import as_json, section_of
from sobre_collector.report.source import Place, open_ledger, place
from sobre_collector.report.waste import NAME, Waste, table_row
from sobre_collector.report.wording import Lang, note, plain, say
from sobre_collector.rows import Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.rulebook import Exclusion
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import personal

LACKING = "a whole month of workstations, printers or outlets is needed"
WORDS = {
    "fr": {
        "lever": "{what} : {values}",
        "price": "Prix : {euros} €/kWh ({source})",
        "factor": "Facteur d’émission : {source}",
    },
    "en": {
        "lever": "{what}: {values}",
        "price": "Price: {euros} €/kWh ({source})",
        "factor": "Emission factor: {source}",
    },
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre waste` and of what it can do."""
    add_options(parser)
    parser.add_argument("--top", type=count, default=20, metavar="N", help="show so many levers")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("exclusions", help="what is excluded, why, by whom and until when")
    exclude = actions.add_parser("exclude", help="say that something has to stay on, and why")
    exclude.add_argument("subject", metavar="SUBJECT", help="a lever's name, or NODE/DEVICE")
    exclude.add_argument("--until", type=_day, metavar="DAY", help="last day, such as 2027-06-30")
    exclude.add_argument(
        "--units", type=int, metavar="N", help="only so many of the group, none by name"
    )
    end = actions.add_parser("include", help="end an exclusion")
    end.add_argument("number", type=int, metavar="NUMBER")
    for action in (exclude, end):
        action.add_argument("--reason", required=True, metavar="TEXT", help="why, for the audit")
        action.add_argument("--role", required=True, metavar="ROLE", help="who decides: a role")


def run(options: argparse.Namespace) -> int:
    """Rank levers, or decide what is none."""
    where = place(options.config, options.data)
    if options.action == "exclude":
        return _exclude(options, where)
    if options.action == "include":
        with closing(_writable(where)) as ledger:
            ledger.rulebook.end_exclusion(
                options.number, options.reason, options.role, int(time.time())
            )
        print(f"Exclusion {options.number} holds no more.")
        return 0
    if options.action == "exclusions":
        return _list(options, where)
    report = section_of(where, NAME, options.year, datetime.now(UTC), LACKING)
    if options.json:
        print(as_json(report, NAME))
        return 0
    found: Waste = report.sections[NAME]
    lang = options.lang
    words = WORDS[lang]
    if report.simulated:
        print(f"*** {say(lang, 'simulated')} ***")
    print(plain(say(lang, "waste.advice")))
    for one in found.levers[: options.top]:
        what, kwh, interval, euros, co2e, how = table_row(one, lang)
        values = ", ".join(each for each in (f"{kwh} ({interval})", euros, co2e) if each)
        print(bound(words["lever"].format(what=what, values=values)))
        print(f"    {how}  [{one.lever.subject}]")
    if found.euros_per_kwh is not None:
        euros = number(found.euros_per_kwh, lang, 3)
        print(bound(words["price"].format(euros=euros, source=found.price_source)))
    if found.factor_source:
        print(bound(words["factor"].format(source=found.factor_source)))
    for each in found.notes:
        print(f"- {plain(note(lang, each))}")
    return 0


def _exclude(options: argparse.Namespace, where: Place) -> int:
    subject = options.subject
    if options.until is not None and options.until < datetime.now(UTC).date():
        raise ConfigError(f"--until {options.until}: is over; name a day to come")
    if is_group(subject):
        _known_group(subject, where)
    elif options.units is not None:
        raise ConfigError("--units belongs to a group; a device is one unit")
    with closing(_writable(where)) as ledger:
        if not is_group(subject):
            subject = _device(subject, ledger.devices())
        until = options.until.isoformat() if options.until else None
        wanted = Exclusion(0, 0, subject, options.reason, options.role, until, options.units)
        made = ledger.rulebook.exclude(wanted, int(time.time()))
    print(f"Exclusion {made.number}: {made.subject}")
    return 0


def _known_group(subject: str, where: Place) -> None:
    report = section_of(where, NAME, None, datetime.now(UTC), LACKING)
    found: Waste = report.sections[NAME]
    known = [one.lever.subject for one in found.levers]
    if subject not in known:
        raise ConfigError(f"{subject}: no lever of that name{_near(subject, known)}")


def _device(subject: str, devices: dict[Key, Device]) -> str:
    names = {"/".join(key): device for key, device in devices.items()}
    found = names.get(subject)
    if found is None:
        raise ConfigError(f"{subject}: no device of that name{_near(subject, list(names))}")
    if personal(found.device_class):
        # The reason may be a disability: tied to one PC it would tell of one person's health.
        raise ConfigError(
            f"{subject}: is one person's; exclude so many of its group instead, such as "
            f"workstations:{found.organisation} --units 1, so that no reason is tied to a person"
        )
    return subject


def _near(subject: str, known: list[str]) -> str:
    near = difflib.get_close_matches(subject, known, 1)
    return f"; did you mean {near[0]}?" if near else "; `sobre waste` names them"


def _list(options: argparse.Namespace, where: Place) -> int:
    with closing(open_ledger(where.data)) as ledger:
        rows = ledger.rulebook.exclusions(datetime.now(UTC).date())
    for each in rows:
        print(json.dumps(_object(each)) if options.json else _line(each, options.lang))
    return 0


def _object(each: Exclusion) -> dict[str, Any]:
    return asdict(each)


def _line(each: Exclusion, lang: Lang) -> str:
    when = datetime.fromtimestamp(each.at, tz=UTC).strftime("%Y-%m-%d")
    told = say(
        lang,
        "exclusion.line",
        when=when,
        by=each.by,
        subject=each.subject,
        units="" if each.units is None else say(lang, "exclusion.units", n=each.units),
        until="" if each.until is None else say(lang, "exclusion.until", day=each.until),
        reason=each.reason,
    )
    return f"{each.number:>6}  {told}"


def _writable(where: Place) -> Ledger:
    return Ledger(where.data / "ledger.db", create=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no day; write 2027-06-30") from error
