"""The content of the page "now", from what was looked at."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

from sobre_collector.report import notation
from sobre_collector.report.model import Conserved
from sobre_collector.report.rows import conservation_rows
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, name, say
from sobre_collector.web.now import Now
from sobre_collector.web.status import OwnDevice, Status

KWH_PER_J = 1 / 3_600_000


def now_body(
    now: Now | None,
    statuses: Sequence[Status],
    conserved: Conserved | None,
    at_s: float,
    zone: ZoneInfo,
    lang: Lang,
) -> str:
    """Heading and sections; `now` None while there is no store, `statuses` empty for visitors."""
    parts = [f"<h1>{escape(say(lang, 'now.title'))}</h1>"]
    parts += [_own(one, at_s, zone, lang) for one in statuses]
    if now is not None:
        parts.append(_health(now, conserved, lang))
        parts += [*_infrastructure(now, zone, lang), _silent(now, zone, lang)]
    elif not statuses:
        parts.append(f"<p>{escape(say(lang, 'now.no_status'))}</p>")
    return "\n".join(parts)


def clock(unix_s: float, now_s: float, zone: ZoneInfo, lang: Lang) -> str:
    """A moment in local time: "05:46" today, "24 novembre 2026, 05:46" on another day."""
    at, today = (datetime.fromtimestamp(s, tz=UTC).astimezone(zone) for s in (unix_s, now_s))
    text = f"{at:%H:%M}"
    if at.date() == today.date():
        return text
    return f"{notation.day(at.date().isoformat(), lang)}, {text}"


def _own(status: Status, at_s: float, zone: ZoneInfo, lang: Lang) -> str:
    title = f"{say(lang, 'now.here')} – {status.node}"
    if status.problem:
        text = say(lang, "now.unreadable", problem=status.problem)
        return _section(f"own-{status.node}", title, f"<p>{escape(text)}</p>")
    keys = ("device", "power", "today", "measure", "origin", "uncertainty")
    rows = [_own_row(one, lang) for one in status.devices]
    drawn = table(title, [say(lang, f"now.{key}") for key in keys], rows)
    told = "now.stopped" if status.stale(at_s) else "now.as_of"
    lines = [say(lang, told, at=clock(status.time, at_s, zone, lang))]
    if status.waiting is not None:
        waiting = notation.number(status.waiting, lang)
        lines.append(say(lang, "now.waiting", count=waiting))
    return _section(f"own-{status.node}", title, drawn + _small(lines))


def _own_row(one: OwnDevice, lang: Lang) -> list[str]:
    unknown = say(lang, "unknown")
    sure = one.uncertainty_ratio
    today = one.energy_today_j
    return [
        one.device,
        unknown if one.power_w is None else _power(one.power_w, lang),
        unknown if today is None else notation.energy(today * KWH_PER_J, lang),
        one.method,
        name(lang, "origin", one.origin),
        unknown if sure is None else f"± {notation.percent(sure, lang, 0)}",
    ]


def _infrastructure(now: Now, zone: ZoneInfo, lang: Lang) -> Iterator[str]:
    title = say(lang, "now.infrastructure")
    if now.infrastructure == 0:
        yield _section("infrastructure", title, _small([say(lang, "now.no_infrastructure")]))
        return
    rows = [
        [
            f"{one.key.node} · {one.key.device}",
            name(lang, "class", one.device_class),
            one.organisation,
            _power(one.power_w, lang),
            f"{notation.number(one.span_s, lang)}{notation.NARROW}s",
            clock(one.end, now.at, zone, lang),
            name(lang, "origin", one.origin),
        ]
        for one in now.last
    ]
    heads = [
        say(lang, "now.device"),
        say(lang, "col.class"),
        say(lang, "col.organisation"),
        say(lang, "now.power"),
        say(lang, "now.over"),
        say(lang, "now.at"),
        say(lang, "now.origin"),
    ]
    drawn = table(title, heads, rows) if rows else _small([say(lang, "now.none_recent")])
    yield _section("infrastructure", title, drawn + _others(now.more, lang))


def _silent(now: Now, zone: ZoneInfo, lang: Lang) -> str:
    title = say(lang, "now.silent")
    if not now.silent:
        return _section("silent", title, f"<p>{escape(say(lang, 'now.none_silent'))}</p>")
    rows = [
        [
            f"{one.key.node} · {one.key.device}",
            name(lang, "class", one.device_class),
            one.organisation,
            clock(one.since, now.at, zone, lang),
        ]
        for one in now.silent
    ]
    heads = [
        say(lang, "now.device"),
        say(lang, "col.class"),
        say(lang, "col.organisation"),
        say(lang, "now.since"),
    ]
    return _section("silent", title, table(title, heads, rows) + _others(now.more_silent, lang))


def _health(now: Now, conserved: Conserved | None, lang: Lang) -> str:
    few = say(lang, "now.few", k=now.at_least)
    workstations = few if now.workstations is None else notation.number(now.workstations, lang)
    rows = [
        [say(lang, "now.workstations"), workstations],
        [say(lang, "now.devices"), notation.number(now.infrastructure, lang)],
        [say(lang, "now.silent"), notation.number(len(now.silent) + now.more_silent, lang)],
        [say(lang, "now.quarantine"), notation.number(now.quarantined, lang)],
    ]
    heads = [say(lang, "col.figure"), say(lang, "col.value")]
    title = say(lang, "now.health")
    drawn = table(title, heads, rows)
    if conserved is None:
        drawn += _small([say(lang, "now.unchecked")])
    else:
        balanced = conserved.missing_j == 0 and conserved.doubled_j == 0
        drawn += f"<p>{escape(say(lang, 'now.conserved' if balanced else 'now.unconserved'))}</p>"
        account = say(lang, "title.conservation")
        drawn += table(account, heads, conservation_rows(conserved, lang))
    return _section("health", title, drawn)


def _power(power_w: float, lang: Lang) -> str:
    return f"{notation.number(power_w, lang, 1)}{notation.NARROW}W"


def _others(count: int, lang: Lang) -> str:
    return _small([say(lang, "now.others", count=notation.number(count, lang))]) if count else ""


def _small(lines: Sequence[str]) -> str:
    return "".join(f'<p class="small">{escape(line)}</p>' for line in lines)


def _section(key: str, title: str, content: str) -> str:
    return (
        f'<section aria-labelledby="{escape(key)}"><h2 id="{escape(key)}">{escape(title)}</h2>'
        f"{content}</section>"
    )
