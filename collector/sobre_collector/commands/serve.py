"""`sobre serve`: the page over a data folder."""

import argparse
from pathlib import Path

from sobre_collector.config import Web, loopback
from sobre_collector.report.source import place
from sobre_collector.web.app import application
from sobre_collector.web.reader import Reader
from sobre_collector.web.server import address, listener, serve
from sobre_drivers.errors import ConfigError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre serve`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder (default: ./sobre-data)"
    )
    parser.add_argument("--host", help=f"address to listen on (default: {Web().host})")
    parser.add_argument("--port", type=int, help=f"TCP port (default: {Web().port}; 0: a free one)")
    parser.add_argument(
        "--status",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="status file of an agent of this machine; may be given several times",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    where = place(options.config, options.data)
    settings = where.config.web if where.config else Web()
    host = settings.host if options.host is None else options.host
    port = settings.port if options.port is None else options.port
    if options.status and not loopback(host):
        raise ConfigError(
            f"--status with --host {host}: what this machine's user does is shown on loopback "
            "only; leave one of them out"
        )
    bound = listener(host, port)
    print(f"Page: {address(bound)}", flush=True)
    serve(application(Reader(where, options.status)), bound)
    return 0
