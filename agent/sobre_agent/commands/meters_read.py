"""`sobre-agent meters read`: what one meter shows now, and whether that can be."""

import argparse
import json
import textwrap
import time
from contextlib import closing

from sobre_agent.commands import meters_options
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.commissioning import rate
from sobre_drivers.meters.commissioning.look import Look
from sobre_drivers.meters.commissioning.plausible import ENERGY_WH, Verdict
from sobre_drivers.meters.kind import Value

EVERY_S = 5.0
WIDTH = 80
_MARKS = {"ok": "ok", "doubt": "doubtful", "wrong": "WRONG", "silent": "", "none": ""}

Round = tuple[float, list[Value], list[Verdict]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters read`."""
    meters_options.profile(parser)
    meters_options.address(parser)
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--watch", action="store_true", help="go on until Ctrl-C")
    how_long.add_argument(
        "--for-s", type=float, metavar="S", help="go on for so long, then judge the energy's rise"
    )
    parser.add_argument(
        "--every-s", type=float, metavar="S", help=f"between two looks ({EVERY_S:g})"
    )


def run(options: argparse.Namespace, as_json: bool) -> int:
    """Exit code: 0 all that it says can be, 1 something cannot (or, as MeterError, silence)."""
    every_s = EVERY_S if options.every_s is None else options.every_s
    for name, span_s in (("every-s", every_s), ("for-s", options.for_s)):
        if span_s is not None and not span_s >= 1:
            raise ConfigError(f"meters read: {name}: {span_s:g}; 1 s at least, a meter is no toy")
    meter, folder = meters_options.meter(options, "meters read")
    rounds: list[Round] = []
    with closing(Look(meter, folder)) as look:
        until_s = 0.0 if options.for_s is None else time.monotonic() + options.for_s
        try:
            while True:
                rounds.append((time.monotonic(), *look.round()))
                if not as_json:
                    _print(rounds[-1])
                left_s = until_s - time.monotonic()
                if not options.watch and left_s <= 0:
                    break
                time.sleep(every_s if options.watch else min(every_s, left_s))
                if not as_json:
                    print()
        except KeyboardInterrupt:
            if not rounds:
                raise
            print()
        rises = rate.rates([(at_s, shown) for at_s, shown, _ in rounds], look.step_wh)
    if as_json:
        print(json.dumps(_table(rounds[-1], rises), indent=1, ensure_ascii=False))
    else:
        _print_findings(rounds[-1], rises)
    wrong = [*rounds[-1][2], *rises.values()]
    return 1 if any(each.level == "wrong" for each in wrong) else 0


def _print(seen: Round) -> None:
    _, shown, verdicts = seen
    wide_name = max(len(each.name) for each in shown)
    wide_device = max(len(each.device) for each in shown)
    values = [_told(each) for each in shown]
    wide_value = max(map(len, values))
    for each, told, verdict in zip(shown, values, verdicts, strict=True):
        mark = _MARKS[verdict.level]
        line = f"{each.device:{wide_device}}  {each.name:{wide_name}}  {told:{wide_value}}  {mark}"
        print(line.rstrip())


def _print_findings(seen: Round, rises: dict[str, Verdict]) -> None:
    _, shown, verdicts = seen
    found = [
        f"{each.device} {each.name}: {verdict.finding}"
        for each, verdict in zip(shown, verdicts, strict=True)
        if verdict.finding
    ]
    coarse = [(device, rise) for device, rise in rises.items() if rise.level == "none"]
    found += [f"{device}: {rise.finding}" for device, rise in rises.items() if rise.level != "none"]
    if coarse:
        more = f" (and {len(coarse) - 1} more)" if len(coarse) > 1 else ""
        found.append(f"{coarse[-1][0]}{more}: {coarse[-1][1].finding}")
    if found:
        print()
    for line in found:
        print(textwrap.fill(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False))


def _table(seen: Round, rises: dict[str, Verdict]) -> list[dict[str, object]]:
    _, shown, verdicts = seen
    made: list[dict[str, object]] = [
        each._asdict() | {"verdict": verdict.level, "finding": verdict.finding}
        for each, verdict in zip(shown, verdicts, strict=True)
    ]
    for device, verdict in rises.items():
        made.append(
            Value(device, "rise", None, "")._asdict()
            | {"verdict": verdict.level, "finding": verdict.finding}
        )
    return made


def _told(shown: Value) -> str:
    if shown.value is None:
        return "not said"
    if isinstance(shown.value, float):
        # A register of energy has more digits than a float32, which is what the rest is made of.
        digits = 12 if shown.unit in ENERGY_WH else 7
        return f"{shown.value:.{digits}g} {shown.unit}".rstrip()
    return shown.value
