"""`sobre up`: broker, collector, an agent for this machine and the page."""

import argparse
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sobre_collector.progress import Bar
from sobre_collector.up import line as lines
from sobre_collector.up.broker import free_port
from sobre_collector.up.files import Layout


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre up`."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("sobre-data"),
        metavar="DIR",
        help="folder that everything is kept in (default: ./sobre-data)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=lines.WEB_PORT,
        help=f"TCP port of the page on loopback (default: {lines.WEB_PORT}; 0: any)",
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="show a simulated fleet with a known truth, and a rack PDU",
    )


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; everything stops cleanly and goes on at the next start."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    data = options.data / "demo" if options.demo else options.data
    with lines.alone(data):
        perimeter = data / "perimeter.toml"
        if options.demo:
            _simulate_once(data)
        line = lines.Line(Layout(data))
        try:
            port = options.port or free_port()
            line.start(port, perimeter if perimeter.exists() else None, options.demo)
            print(f"Page:   {line.page}")
            print(
                f"Broker: {line.broker}, on loopback. Logs: {line.layout.logs}. Ctrl-C stops all."
            )
            lines.run(line, _Terminal().show, stop.is_set)
        finally:
            print("\nStopping …", flush=True)
            line.children.stop()
    print("Stopped; the next start goes on from here.")
    return 0


def _simulate_once(data: Path) -> None:
    if (data / "truth.json").exists():
        return
    from sobre_collector.simulate.feed import Plan, simulate

    print("Making a simulated fleet (once, a few minutes) …", flush=True)
    with Bar(sys.stderr) as bar:
        simulate(Plan(data), bar.show)


class _Terminal:
    """One line of live figures: redrawn on a terminal, once a minute elsewhere."""

    def __init__(self) -> None:
        self._tty = sys.stdout.isatty()
        self._next_s = 0.0

    def show(self, devices: list[dict[str, Any]]) -> None:
        """Show power, origin and stated error of each device."""
        if not devices or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + (1 if self._tty else 60)
        text = " · ".join(_said(device) for device in devices if "/" not in device["device"])
        text = f"{time.strftime('%H:%M:%S')}  {text}"
        if self._tty:
            # A wrapped line could not be redrawn: it would scroll.
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", flush=True)
        else:
            print(text, flush=True)


def _said(device: dict[str, Any]) -> str:
    power_w, error = device["power_w"], device["uncertainty_ratio"]
    shown = "? W" if power_w is None else f"{power_w:.1f} W"
    sure = "" if error is None else f" ± {error:.0%}"
    today_wh = device["energy_today_j"] / 3600
    return (
        f"{device['device']} {shown} {device['origin']}{sure} "
        f"({device['method']}), {today_wh:.1f} Wh today"
    )
