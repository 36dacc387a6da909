"""`sobre-agent me`: what this PC used, shown to whoever sits at it, from its own files alone."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from sobre_agent import config as agent_config
from sobre_agent.config import AgentConfig
from sobre_agent.own import facts as own_facts
from sobre_agent.own.facts import Facts
from sobre_agent.own.figures import of
from sobre_agent.own.text import as_json, as_text
from sobre_agent.sources import node_of
from sobre_agent.spool import FILE, Spool
from sobre_drivers.calendar import local_day
from sobre_drivers.clock import SystemClock
from sobre_drivers.errors import ConfigError, StoreError


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
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    how.add_argument(
        "--page", type=Path, metavar="FILE", help="write it as a page, readable by you alone"
    )
    how.add_argument("--open", action="store_true", help="the same, shown in your browser")


def run(args: argparse.Namespace) -> int:
    facts = found(args.config)
    now_s = SystemClock().now().wall_s
    mine = of(facts, local_day(now_s, ZoneInfo(facts["timezone"])))
    lang = args.lang or language(os.environ, facts["language"])
    if args.page or args.open:
        from sobre_agent.own import page

        path = args.page or page.private_place(os.environ)
        page.write(path, page.as_html(mine, lang))
        print(path)
        return 0 if not args.open or page.shown(path) else 1
    print(as_json(mine) if args.json else as_text(mine, lang))
    return 0


def found(path: Path) -> Facts:
    """What is known of this PC: from the agent's spool, else from what it left for users."""
    config = _config(path)
    shown = own_facts.DEFAULT
    if config is not None:
        shown = config.own_figures or shown
        folder = config.spool.folder
        if _may_open(folder):
            return _from_spool(config)
        if not os.access(shown, os.R_OK):
            raise StoreError(_closed(folder, shown))
    return own_facts.read(shown)


def language(environment: Mapping[str, str], otherwise: str) -> str:
    """ "fr" or "en" as the person's own settings say; else `otherwise`."""
    for key in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(key, "")
        if value:
            return value[:2] if value[:2] in ("fr", "en") else otherwise
    return otherwise


def _config(path: Path) -> AgentConfig | None:
    """The configuration; None if it is not for this user, and the agent has left its facts."""
    if not os.access(path, os.R_OK) and os.access(own_facts.DEFAULT, os.R_OK):
        return None
    config = agent_config.load(path)
    if not config.host.enabled:
        raise ConfigError(
            f"{path}: host.enabled is false, so that this agent does not measure the "
            "machine on which it runs; there is nothing of one's own to show"
        )
    return config


def _may_open(folder: Path) -> bool:
    """Whether the spool is this user's to open; one that is not there yet is."""
    if os.access(folder, os.F_OK):
        return os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    return os.access(folder.parent, os.X_OK)


def _from_spool(config: AgentConfig) -> Facts:
    # Opening would make an empty spool, with a stream that no load ever carries.
    path = config.spool.folder / FILE
    if not os.access(path, os.F_OK):
        raise StoreError(f"{path}: not there; the agent has not run with this folder yet")
    node = node_of(config)
    spool = Spool(config.spool.folder)
    try:
        return own_facts.gathered(spool, node, config, SystemClock().now().wall_s)
    finally:
        spool.close()


def _closed(folder: Path, shown: Path) -> str:
    return (
        f"{folder}: may not be read by you, and the agent has left nothing for you in {shown}; "
        "is it running? Otherwise ask as the agent's own user: `sudo -u sobre-agent sobre-agent me`"
    )
