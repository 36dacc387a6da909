"""Other agents, each unpacked in a folder of ours and started as it is usually run.

Nothing is installed into the system, and none of them is a dependency of ours.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import polls
from bench.figures import Unavailable
from services import debian
from services.ports import free_port
from services.unpacked import FOLDER, under

CODECARBON = "codecarbon==3.3.2"
PIP_WITHIN_S = 600.0
COLLECTD = """
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
PluginDir "{root}/usr/lib/collectd"
TypesDB "{root}/usr/share/collectd/types.db"
LoadPlugin battery
LoadPlugin cpu
LoadPlugin df
LoadPlugin disk
LoadPlugin entropy
LoadPlugin interface
LoadPlugin irq
LoadPlugin load
LoadPlugin memory
LoadPlugin processes
LoadPlugin swap
LoadPlugin users
LoadPlugin network
<Plugin network>
  Server "127.0.0.1" "{port}"
</Plugin>
"""
ZABBIX = """
LogType=console
PidFile={folder}/zabbix.pid
Server=127.0.0.1
ListenIP=127.0.0.1
ListenPort={port}
Hostname=bench
ControlSocket={folder}/zabbix.sock
PluginSocket={folder}/plugin.sock
"""


@dataclass(frozen=True, slots=True)
class Started:
    """How to start a peer; `poll` asks it as its server would, every `poll_s` s."""

    words: list[str]
    environ: Mapping[str, str]
    poll: Callable[[], None] | None = None
    poll_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Another agent: `shown` is its name with its pace, `prepared` sets it up in a folder."""

    name: str
    shown: str
    prepared: Callable[[Path], Started] = field(repr=False)


def _node_exporter(folder: Path) -> Started:
    root = _unpacked("prometheus-node-exporter")
    port = free_port()
    words = [f"--web.listen-address=127.0.0.1:{port}"]
    return _program(root, "prometheus-node-exporter", words, lambda: polls.scrape(port), 15.0)


def _collectd(folder: Path) -> Started:
    root = _unpacked("collectd-core")
    config = folder / "collectd.conf"
    config.write_text(COLLECTD.format(folder=folder, root=root, port=free_port()))
    return _program(root, "collectd", ["-f", "-C", str(config)])


def _zabbix(folder: Path) -> Started:
    root = _unpacked("zabbix-agent2")
    config, port = folder / "zabbix.conf", free_port()
    config.write_text(ZABBIX.format(folder=folder, port=port))
    words = ["-f", "-c", str(config)]
    return _program(root, "zabbix_agent2", words, lambda: polls.zabbix(port))


def _glances(folder: Path) -> Started:
    root = _unpacked("glances")
    figures = folder / "glances.csv"
    words = ["-q", "-t", "10", "--disable-check-update"]
    words += ["--export", "csv", "--export-csv-file", str(figures)]
    started = _program(root, "glances", words)
    packages = root / "usr" / "lib" / "python3" / "dist-packages"
    # Debian's Python, for which its packages are made.
    python = ["/usr/bin/python3", *started.words]
    return Started(python, {**started.environ, "PYTHONPATH": str(packages), "HOME": str(folder)})


def _codecarbon(folder: Path) -> Started:
    home = FOLDER / "codecarbon"
    python, stamp = home / "venv" / "bin" / "python", home / "stamp"
    if not stamp.exists() or stamp.read_text() != CODECARBON:
        _done([sys.executable, "-m", "venv", "--clear", str(home / "venv")])
        _done([str(python), "-m", "pip", "install", "--quiet", CODECARBON])
        stamp.write_text(CODECARBON)
    script = Path(__file__).parent / "floors" / "codecarbon_watch.py"
    return Started([str(python), str(script), str(folder)], {"HOME": str(folder)})


PEERS = (
    Peer("node_exporter", "node_exporter, scraped each 15 s", _node_exporter),
    Peer("collectd", "collectd, Debian's plug-ins each 10 s", _collectd),
    Peer("zabbix_agent2", "zabbix_agent2, asked 26 items each 60 s", _zabbix),
    Peer("glances", "glances, CSV each 10 s", _glances),
    Peer("codecarbon", "codecarbon, each 15 s", _codecarbon),
)


def _unpacked(package: str) -> Path:
    """Where a Debian package and what it needs are; unpacked at the first use. Unavailable."""
    root = FOLDER / "peers" / package / "root"
    if not root.exists():
        try:
            debian.unpack([package], root)
        except debian.Unavailable as error:
            raise Unavailable(str(error)) from error
    return root


def _program(
    root: Path,
    name: str,
    words: list[str],
    poll: Callable[[], None] | None = None,
    poll_s: float = 60.0,
) -> Started:
    found = under(root, name)
    if found is None:
        raise Unavailable(f"no {name} in its package")
    return Started([found.path, *words], found.environment, poll, poll_s)


def _done(words: list[str]) -> None:
    try:
        subprocess.run(words, capture_output=True, text=True, timeout=PIP_WITHIN_S, check=True)
    except subprocess.CalledProcessError as error:
        why = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"{CODECARBON}: {why}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{CODECARBON}: {error}") from error
