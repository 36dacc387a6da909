"""`sobre-agent me`: what this PC used, shown to whoever sits at it, from its own files alone."""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sobre_agent import config as agent_config
from sobre_agent.config import AgentConfig
from sobre_agent.history import placed
from sobre_agent.open_load import OpenLoad, Span
from sobre_agent.sources import node_of
from sobre_agent.spool import FILE, DayTotal, Spool
from sobre_drivers import birth
from sobre_drivers.calendar import local_day
from sobre_drivers.clock import SystemClock
from sobre_drivers.errors import ConfigError, StoreError
from sobre_drivers.load import Origin
from sobre_drivers.sample import UJ_PER_J

J_PER_KWH = 3_600_000


@dataclass(frozen=True, slots=True)
class Period:
    """Energy (J) from the local day `first` to today, and of it outside working hours."""

    first: date
    energy_j: int
    night_j: int

    @property
    def night_ratio(self) -> float | None:
        """Share outside working hours; None if nothing was used."""
        return self.night_j / self.energy_j if self.energy_j else None


@dataclass(frozen=True, slots=True)
class Delivered:
    """Loads that the collector has confirmed, that wait, and that were refused; last answer."""

    confirmed: int
    waiting: int
    refused: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Mine:
    """All that `me` shows. `since` is the first local day that is known, None if none is yet."""

    device: str
    since: str | None
    periods: Mapping[str, Period]
    method: str
    origin: Origin
    uncertainty_ratio: float | None
    delivered: Delivered


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=agent_config.DEFAULT_PATH,
        help=f"the agent's configuration (default: {agent_config.DEFAULT_PATH})",
    )
    parser.add_argument(
        "--lang", choices=("fr", "en"), help="language (default: that of LANG, else configured)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of sentences")


def run(args: argparse.Namespace) -> int:
    config = agent_config.load(args.config)
    if not config.host.enabled:
        raise ConfigError(
            f"{args.config}: host.enabled is false, so that this agent does not measure the "
            "machine on which it runs; there is nothing of one's own to show"
        )
    node = node_of(config)
    spool = _opened(config.spool.folder)
    try:
        mine = seen(spool, node, config, local_day(SystemClock().now().wall_s, config.zone))
    finally:
        spool.close()
    lang = args.lang or language(os.environ, config.language)
    print(as_json(mine) if args.json else as_text(mine, config, lang))
    return 0


def language(environment: Mapping[str, str], otherwise: str) -> str:
    """ "fr" or "en" as the person's own settings say; else `otherwise`."""
    for key in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(key, "")
        if value:
            return value[:2] if value[:2] in ("fr", "en") else otherwise
    return otherwise


def seen(spool: Spool, device: str, config: AgentConfig, today: date) -> Mine:
    """What the spool knows of this PC up to today, the load that is still open included."""
    days = [day for day in spool.history("", today.isoformat()) if day.device == device]
    rows = spool.rows("SELECT seq, state, method, birth FROM device WHERE device = ?", device)
    seq, state, method, payload = rows[0] if rows else (0, None, "", None)
    days += _still_open(json.loads(state) if state else {}, device, method, config)
    born = None if payload is None else birth.decode(bytes(payload))
    firsts = {
        "today": today,
        "week": today - timedelta(days=today.weekday()),
        "year": today.replace(month=1, day=1),
    }
    return Mine(
        device=device,
        since=min((day.day for day in days), default=None),
        periods={name: _period(days, first, today) for name, first in firsts.items()},
        method=method,
        origin=Origin.ESTIMATED if born is None else born.origin,
        uncertainty_ratio=None if born is None else born.uncertainty_ratio,
        delivered=_delivered(spool, device, seq, config),
    )


def as_json(mine: Mine) -> str:
    """The same for a program: kWh, ratios and ISO dates."""
    periods = {
        name: {
            "first": period.first.isoformat(),
            "kwh": period.energy_j / J_PER_KWH,
            "night_ratio": period.night_ratio,
        }
        for name, period in mine.periods.items()
    }
    last = mine.delivered.last
    sent = {**asdict(mine.delivered), "last": None if last is None else last.isoformat()}
    found: dict[str, Any] = {
        "device": mine.device,
        "since": mine.since,
        "periods": periods,
        "method": mine.method,
        "origin": mine.origin.value,
        "uncertainty_ratio": mine.uncertainty_ratio,
        "sent": sent,
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def as_text(mine: Mine, config: AgentConfig, lang: str) -> str:
    """The same in sentences."""
    words = _WORDS[lang]
    out = [words["title"].format(device=mine.device), ""]
    if mine.since is None:
        out.append(words["nothing"])
    else:
        out.append(f"{'':16}{'kWh':>10}{'± (95 %)':>12}{words['night']:>24}")
        out += [_line(mine, name, period, lang) for name, period in mine.periods.items()]
        year = mine.periods["year"].first.isoformat()
        if mine.since > year:
            out.append(words["since"].format(day=_day(date.fromisoformat(mine.since), lang)))
    hours = config.working_hours
    out += ["", words["hours"].format(start=hours.start_h, end=hours.end_h)]
    if mine.method:
        ratio = mine.uncertainty_ratio
        error = words["unstated"] if ratio is None else "± " + _percent(ratio, lang)
        out.append(words["method"].format(method=mine.method, error=error))
        if mine.origin is Origin.ESTIMATED:
            out.append(words["estimated"])
    sent = mine.delivered
    last = words["never"] if sent.last is None else _day(sent.last.date(), lang)
    out += ["", words["sent"].format(confirmed=sent.confirmed, last=last, waiting=sent.waiting)]
    if sent.refused:
        out.append(words["refused"].format(refused=sent.refused))
    return "\n".join([*out, words["content"]])


def _opened(folder: Path) -> Spool:
    if os.access(folder, os.F_OK) and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StoreError(
            f"{folder}: may not be read by you; ask as the agent's own user, for instance "
            "`sudo -u sobre sobre-agent me`"
        )
    # Opening would make an empty spool, with a stream that no load ever carries.
    if not os.access(folder / FILE, os.F_OK):
        raise StoreError(f"{folder / FILE}: not there; the agent has not run with this folder yet")
    return Spool(folder)


def _period(days: Sequence[DayTotal], first: date, last: date) -> Period:
    within = [day for day in days if first.isoformat() <= day.day <= last.isoformat()]
    return Period(first, sum(day.energy_j for day in within), sum(day.night_j for day in within))


def _still_open(
    state: Mapping[str, Any], device: str, method: str, config: AgentConfig
) -> list[DayTotal]:
    """The load that was open at the last checkpoint: nothing of it is in the history yet."""
    if not state.get("open"):
        return []
    found = OpenLoad(**{**state["open"], "device": device})
    energy_j = found.energy_uj // UJ_PER_J
    if found.start is None or found.covered <= found.start or energy_j == 0:
        return []
    span = Span(device, found.covered, found.covered - found.start, energy_j, Origin.ESTIMATED)
    day, night = placed(span, config.zone, config.working_hours)
    return [DayTotal(day, device, energy_j, energy_j if night else 0, method)]


def _delivered(spool: Spool, device: str, seq: int, config: AgentConfig) -> Delivered:
    ((waiting,),) = spool.rows(
        "SELECT coalesce(sum(replaces), 0) FROM load WHERE device = ?", device
    )
    ((refused,),) = spool.rows("SELECT count(*) FROM aside WHERE device = ?", device)
    at = spool.noted("confirmed_at")
    last = None if at is None else datetime.fromtimestamp(int(at), config.zone)
    return Delivered(max(0, seq - waiting - refused), waiting, refused, last)


def _line(mine: Mine, name: str, period: Period, lang: str) -> str:
    kwh = period.energy_j / J_PER_KWH
    error = "?" if mine.uncertainty_ratio is None else _number(kwh * mine.uncertainty_ratio, lang)
    night = "–" if period.night_ratio is None else _percent(period.night_ratio, lang)
    return f"{_WORDS[lang][name]:16}{_number(kwh, lang):>10}{error:>12}{night:>24}"


def _number(kwh: float, lang: str) -> str:
    text = f"{kwh:,.2f}" if kwh < 100 else f"{kwh:,.0f}"
    # French groups thousands by a narrow no-break space.
    return text.translate({44: "\u202f", 46: ","}) if lang == "fr" else text


def _percent(ratio: float, lang: str) -> str:
    return f"{ratio * 100:.0f}" + ("\u202f%" if lang == "fr" else " %")


def _day(day: date, lang: str) -> str:
    return f"{day:%d/%m/%Y}" if lang == "fr" else day.isoformat()


_WORDS = {
    "fr": {
        "title": "Ce que cet ordinateur ({device}) a consommé",
        "nothing": "Rien n'est encore enregistré : revenez dans quelques minutes.",
        "today": "aujourd'hui",
        "week": "cette semaine",
        "year": "cette année",
        "night": "hors heures de travail",
        "since": "L'historique de cet ordinateur commence le {day}.",
        "hours": "Heures de travail : de {start} h à {end} h, hors jours de repos et fériés.",
        "method": "Méthode : {method} ; erreur annoncée : {error} (95 %).",
        "unstated": "non précisée",
        "estimated": "C'est une estimation : aucun capteur d'un ordinateur ne mesure sa prise.",
        "sent": "Relevés envoyés et confirmés : {confirmed} (dernière réponse : {last}) ; "
        "en attente : {waiting}.",
        "refused": "Relevés refusés, gardés ici : {refused}.",
        "never": "aucune",
        "content": "Un relevé dit une énergie et des durées, jamais un nom : "
        "`sobre-agent once` le montre.",
    },
    "en": {
        "title": "What this PC ({device}) used",
        "nothing": "Nothing is recorded yet: come back in a few minutes.",
        "today": "today",
        "week": "this week",
        "year": "this year",
        "night": "outside working hours",
        "since": "The history of this PC begins on {day}.",
        "hours": "Working hours: {start}:00 to {end}:00, except days of rest and public holidays.",
        "method": "Method: {method}; stated error: {error} (95 %).",
        "unstated": "not stated",
        "estimated": "This is an estimate: no sensor in a PC measures its plug.",
        "sent": "Loads sent and confirmed: {confirmed} (last answer: {last}); waiting: {waiting}.",
        "refused": "Loads that were refused and are kept here: {refused}.",
        "never": "none",
        "content": "A load says an energy and lengths of time, never a name: "
        "`sobre-agent once` shows it.",
    },
}
