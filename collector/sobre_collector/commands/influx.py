"""`sobre influx setup`: prepare the InfluxDB that the settings name."""

import argparse
import secrets
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sobre_collector.config import CollectorConfig, Influx, load_config, secret
from sobre_collector.store.choose import connect
from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.prepare import prepare
from sobre_collector.up.accounts import write_private
from sobre_drivers.errors import ConfigError, StoreError

ADMIN_TOKEN = "SOBRE_INFLUX_ADMIN_TOKEN"
# Kept a little longer than the jobs keep it: what the nightly check has not passed is not dropped.
MARGIN_MONTHS, MARGIN_YEARS = 2, 1
MONTH_DAYS, YEAR_DAYS = 31, 366


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre influx`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    # Abbreviated, `--admin-token SECRET` would be taken for the name of a file.
    setup = actions.add_parser(
        "setup", help="make databases and tokens; again changes nothing", allow_abbrev=False
    )
    setup.add_argument("--config", type=Path, metavar="FILE", required=True, help="the settings")
    setup.add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help=f"2.x: an administrator's token (or {ADMIN_TOKEN}); written for a new InfluxDB "
        "(default: influx.admin-token beside the settings)",
    )


def run(options: argparse.Namespace) -> int:
    """Prepare InfluxDB; exit code 2 if the settings name none."""
    folder = options.config.absolute().parent
    # The token files that this makes may be missing.
    config = load_config(options.config)
    influx = config.influx
    if influx.url is None:
        raise ConfigError(f"{options.config}: influx.url is missing; name the InfluxDB there")
    if influx.version == "1":
        with closing(connect(influx)) as database:
            _make(config, database)
        print("Nothing else is needed: the series are there from the next start on.")
        return 0
    admin_file = options.admin_token_file or folder / "influx.admin-token"
    influx = replace(
        influx,
        read_token_file=influx.read_token_file or folder / "influx.read-token",
        write_token_file=influx.write_token_file or folder / "influx.write-token",
    )
    _tokens(config, influx, admin_file)
    print("\nIn the settings of every collector, under [influx]:")
    print(f'read_token_file = "{influx.read_token_file}"')
    print(f'write_token_file = "{influx.write_token_file}"')
    print("Pages and reports need the first alone. Both files are for the collector's account.")
    return 0


def _tokens(config: CollectorConfig, influx: Influx, admin_file: Path) -> None:
    from sobre_collector.store.influx import setup
    from sobre_collector.store.influx.v2 import Influx2

    url = str(influx.url)
    server = setup.Server(url, influx.timeout_s, influx.ca_file)
    if setup.unclaimed(server):
        # The file first: a password that cannot be kept would lock everyone out.
        word, word_file = secrets.token_urlsafe(24), admin_file.with_suffix(".password")
        keep(word_file, word)
        keep(admin_file, setup.claim(server, influx.org, f"{influx.prefix}_state", word))
        print(f"{url}: was new; its administrator is {setup.ADMIN}")
        print(f"  password in {word_file}, token in {admin_file}: keep them, not on this machine")
    admin = secret(
        admin_file if admin_file.exists() else None, ADMIN_TOKEN, "the administrator's token"
    )
    if admin is None:
        raise ConfigError(
            f"{url} has an administrator: set {ADMIN_TOKEN}, or give --admin-token-file"
        )
    org_id = setup.ensure_org(server, admin, influx.org)
    made = Influx2(url, influx.org, admin, admin, influx.timeout_s, influx.ca_file)
    with closing(made) as database:
        _make(config, database)
    tokens = setup.ensure_tokens(server, admin, org_id)
    for path, token in (
        (influx.read_token_file, tokens.reads),
        (influx.write_token_file, tokens.writes),
    ):
        if path is not None:
            keep(path, token)
            print(f"{path}: the token that {'reads' if token == tokens.reads else 'writes'}")


def _make(config: CollectorConfig, database: Database) -> None:
    names = prepare(
        database,
        config.influx.prefix,
        (config.keep.loads_months + MARGIN_MONTHS) * MONTH_DAYS,
        (config.keep.days_years + MARGIN_YEARS) * YEAR_DAYS,
    )
    print(f"{config.influx.url}: {', '.join(names)}")


def keep(path: Path, text: str) -> None:
    """Keep a secret where only this account reads it; what is there already is left alone."""
    try:
        if path.exists() and path.read_text("utf-8").strip() == text:
            return
        write_private(path, f"{text}\n")
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error.strerror}); let this account write there"
        ) from error
