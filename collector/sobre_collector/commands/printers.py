"""`sobre printers`: their figures, thresholds of their states, and what a schedule would save."""

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from sobre_collector.commands.collect import perimeter_of, settings_of
from sobre_collector.commands.option_values import count, from_zero
from sobre_collector.commands.section_options import add_options, show
from sobre_collector.config import CollectorConfig
from sobre_collector.indicators.printer_fleet import page_sums
from sobre_collector.indicators.printer_states import Thresholds
from sobre_collector.indicators.printer_thresholds import LEAST_SAMPLES, proposed
from sobre_collector.indicators.printer_use import page_energy_of, schedule_saving
from sobre_collector.indicators.unit_month import PageSums, UnitMonth
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.printing.learning import powers_w, window_use, windows
from sobre_collector.printing.single import Single, singles
from sobre_collector.report.notation import number, percent
from sobre_collector.report.printer_groups import OFF_W, RESTART_KWH, U_RESTART_KWH
from sobre_collector.report.wording import Lang, name, say
from sobre_collector.rows import Key
from sobre_collector.store.base import Series
from sobre_collector.store.choose import open_series
from sobre_collector.store.ledger import Ledger
from sobre_drivers.calendar import local_day, midnight
from sobre_drivers.errors import ConfigError, StoreError

BY = "printers"
WEEKS_PER_YEAR = 365.25 / 7


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre printers` and of what it can do."""
    add_options(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="each printer of the year, but for private ones")
    actions.add_parser("thresholds", help="models, and who confirmed their thresholds")
    learn = actions.add_parser("learn", help="propose a model's thresholds from its power")
    learn.add_argument("--days", type=count, default=14, help="look so far back (default: 14)")
    confirm = actions.add_parser("confirm", help="record thresholds that a person answers for")
    for each in (learn, confirm):
        each.add_argument("--model", required=True, help="as in the table of printers")
    for state in ("sleep", "ready", "printing"):
        confirm.add_argument(
            f"--{state}", type=float, required=True, metavar="W", help=f"{state} from so many W"
        )
    confirm.add_argument("--role", required=True, metavar="ROLE", help="who confirms: a role")
    confirm.add_argument("--reason", required=True, metavar="TEXT", help="from what it is known")
    schedule = actions.add_parser("schedule", help="what being off at night would save")
    schedule.add_argument("--off", type=int, default=20, metavar="H", help="off at (default: 20)")
    schedule.add_argument("--on", type=int, default=7, metavar="H", help="on again at (default: 7)")
    schedule.add_argument("--days", type=count, default=28, help="look so far back (default: 28)")
    schedule.add_argument(
        "--off-watts",
        type=from_zero,
        default=OFF_W,
        metavar="W",
        help="draws when off (%(default)s)",
    )
    schedule.add_argument(
        "--restart-wh",
        type=from_zero,
        default=1000 * RESTART_KWH,
        metavar="WH",
        help="a warm-up in the morning, known to a factor of two (%(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the report's section on printers, or do what is asked."""
    if options.action is None:
        return show(options, "printers", "a whole month of printers, or their counters, is needed")
    config = settings_of(options.config, options.data)
    perimeter = perimeter_of(config)
    if options.action == "confirm":
        return _confirm(options, config, perimeter)
    with closing(Ledger(config.data / "ledger.db", readonly=True)) as ledger:
        if options.action == "list":
            return _list(options, ledger)
        if options.action == "thresholds":
            return _thresholds(options, ledger, perimeter)
        with closing(open_series(config, perimeter.timezone, BY, create=False)) as series:
            if options.action == "learn":
                return _learn(options, series, perimeter, _of_model(options.model, perimeter))
            return _schedule(options, series, ledger, perimeter)


def _of_model(model: str, perimeter: Perimeter) -> list[Key]:
    printers = perimeter.printing.printers.values()
    found = [printer.key for printer in printers if printer.model == model]
    if not found:
        known = ", ".join(sorted({printer.model for printer in printers})) or "none"
        raise ConfigError(f"model {model!r}: no printer of it is registered; known: {known}")
    return found


def _since(days: int, perimeter: Perimeter) -> tuple[int, int]:
    today = local_day(time.time(), perimeter.timezone)
    zone = perimeter.timezone
    return midnight(today - timedelta(days=days), zone), midnight(today, zone)


def _learn(
    options: argparse.Namespace, series: Series, perimeter: Perimeter, keys: Sequence[Key]
) -> int:
    powers = powers_w(series, keys, *_since(options.days, perimeter))
    found = proposed(powers)
    if found is None:
        raise StoreError(
            f"model {options.model}: {len(powers)} loads of a minute in {options.days} days do not "
            f"part into off, sleep, ready and printing ({LEAST_SAMPLES} needed, each state seen "
            "and 1.5 times above the one below); look longer (--days), or confirm thresholds from "
            "the data sheet"
        )
    if options.json:
        told = {"model": options.model, "loads": len(powers), "printers": len(keys)}
        print(json.dumps(told | asdict(found)))
        return 0
    lang = options.lang
    loads = {"loads": len(powers), "printers": len(keys)}
    print(say(lang, "printers.learnt_from", model=options.model, **loads))
    for state, watts, ratio in zip(
        ("off", "sleep", "ready", "printing"), found.typical_w, found.shares, strict=True
    ):
        values = {"w": number(watts, lang, 1), "ratio": percent(ratio, lang)}
        print(f"  {name(lang, 'state', state):<12} {say(lang, 'printers.learnt_state', **values)}")
    limits = found.thresholds
    spread = percent(found.explained_ratio, lang, 0)
    print(f"  {say(lang, 'printers.learnt_spread', ratio=spread)}")
    print(say(lang, "printers.proposal"))
    print(
        f'  sobre printers confirm --model "{options.model}" --sleep {limits.sleep_w:.1f} '
        f"--ready {limits.ready_w:.1f} --printing {limits.printing_w:.1f} --role … --reason …"
    )
    return 0


def _confirm(options: argparse.Namespace, config: CollectorConfig, perimeter: Perimeter) -> int:
    _of_model(options.model, perimeter)
    try:
        limits = Thresholds(options.sleep, options.ready, options.printing)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    with closing(Ledger(config.data / "ledger.db", create=False)) as ledger:
        made = ledger.rulebook.confirm(
            options.model, limits, options.role, options.reason, int(time.time())
        )
    print(f"Confirmed as no. {made.number}; days of open months are built again with them.")
    return 0


def _list(options: argparse.Namespace, ledger: Ledger) -> int:
    rows = ledger.units.of_class("printer", "0000-00", "9999-99")
    if not rows:
        raise StoreError("no month of printers is over yet; wait for the first to end")
    year = options.year or max(int(row.month[:4]) for row in rows)
    found, private = singles([row for row in rows if int(row.month[:4]) == year])
    for one in found:
        if options.json:
            print(json.dumps(asdict(one)))
            continue
        print(_told(one, options.lang))
    if not options.json:
        print(say(options.lang, "printers.listed", year=year, n=len(found), private=private))
    return 0


def _told(one: Single, lang: Lang) -> str:
    hours, pages, unknown = say(lang, "printers.hours_unknown"), say(lang, "printers.no_pages"), ""
    if one.running_h_per_day is not None:
        hours = say(lang, "printers.hours", h=number(one.running_h_per_day, lang, 2))
    if one.pages is not None:
        pages = say(lang, "printers.pages_n", n=number(one.pages, lang))
    if one.unknown_ratio is not None:
        unknown = say(lang, "printers.unknown", ratio=percent(one.unknown_ratio, lang, 0))
    values = {"hours": hours, "pages": pages, "unknown": unknown, "model": one.model}
    kwh = number(one.kwh, lang, 1)
    return say(lang, "printers.one", who=f"{one.node}/{one.device}", kwh=kwh, **values)


def _thresholds(options: argparse.Namespace, ledger: Ledger, perimeter: Perimeter) -> int:
    confirmed = ledger.rulebook.thresholds()
    models = {printer.model for printer in perimeter.printing.printers.values()}
    for model in sorted(models | confirmed.keys()):
        found = confirmed.get(model)
        if options.json:
            print(json.dumps({"model": model, "confirmed": found and asdict(found)}))
        elif found is None:
            print(f"{model}: not confirmed; states only where a printer tells its own")
        else:
            limits = found.thresholds
            when = datetime.fromtimestamp(found.at, tz=UTC).strftime("%Y-%m-%d")
            print(
                f"{model}: sleep {limits.sleep_w:g} W, ready {limits.ready_w:g} W, printing "
                f"{limits.printing_w:g} W; {found.by}, {when}: {found.why}"
            )
    return 0


def _schedule(
    options: argparse.Namespace, series: Series, ledger: Ledger, perimeter: Perimeter
) -> int:
    if not (0 <= options.off <= 24 and 0 <= options.on <= 24) or options.off == options.on:
        raise ConfigError(f"--off {options.off} --on {options.on}: two different hours, 0 to 24")
    zone, working = perimeter.timezone, perimeter.working_hours.days
    first = local_day(time.time(), zone) - timedelta(days=options.days + 1)
    last = first + timedelta(days=options.days - 1)
    within = list(windows(first, last, (options.off, options.on), working, zone))
    keys = [key for key, device in ledger.devices().items() if device.device_class == "printer"]
    per_page = _kwh_per_page(ledger.units.of_class("printer", "0000-00", "9999-99"))
    uses = []
    for key in keys:
        loads = [s.load for s in series.loads(within[0][0], within[-1][1], key)] if within else []
        use = window_use(loads, within, per_page)
        if use is not None:
            uses.append(use)
    stated = perimeter.inventory_of(f"{last.year:04}-{last.month:02}").values
    units = sum(n for stratum, (n, _) in stated.items() if stratum.device_class == "printer")
    if len(uses) < 2:
        raise StoreError(
            f"{len(uses)} printers seen at night in {options.days} days: two at least are needed; "
            "look longer (--days)"
        )
    restart = options.restart_wh / 1000
    saved = schedule_saving(
        uses,
        fleet_n=max(units, len(uses)),
        off_w=options.off_watts,
        restart_kwh=restart,
        u_restart_kwh=restart * U_RESTART_KWH / RESTART_KWH,
        days_per_year=WEEKS_PER_YEAR * len(working),
    )
    low, high = saved.interval_kwh()
    if options.json:
        told = {"off_h": options.off, "on_h": options.on, "kwh": saved.kwh, "low_kwh": low}
        told |= {"high_kwh": high, "printers": len(uses), "nights": len(within)}
        print(json.dumps(told | {"first": first.isoformat(), "last": last.isoformat()}))
        return 0
    lang = options.lang
    kwh = {"kwh": number(saved.kwh, lang), "low": number(low, lang), "high": number(high, lang)}
    print(say(lang, "printers.off_saves", off=options.off, on=options.on, **kwh))
    nights: dict[str, str | int] = {
        "nights": len(within),
        "first": first.isoformat(),
        "last": last.isoformat(),
    }
    print(f"  {say(lang, 'printers.nights', n=len(uses), **nights)}")
    assumed = {
        "off_w": number(options.off_watts, lang, 1),
        "restart_wh": number(options.restart_wh, lang, 1),
        "page_wh": number(1000 * per_page, lang, 2),
    }
    print(f"  {say(lang, 'printers.assumed', **assumed)}")
    print(say(lang, "printers.advice"))
    return 0


def _kwh_per_page(rows: Sequence[UnitMonth]) -> float:
    """What one further page uses; 0 where that cannot be told, which says a little too much."""
    sums: PageSums = page_sums(rows)
    if not sums.days:
        return 0.0
    return max(0.0, page_energy_of(sums, sums.days).wh_per_further_page or 0.0) / 1000
