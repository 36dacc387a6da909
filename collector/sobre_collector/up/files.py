"""The configuration that `sobre up` writes for each of its parts, anew at each start."""

from dataclasses import dataclass
from pathlib import Path

from sobre_collector.up.accounts import COLLECTOR, password_file, write_private

PC = "this-pc"
READER = "demo-reader"
HERE = "here"
DEMO_PDU = "demo-pdu"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of one machine's line is kept under its data folder."""

    data: Path

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def broker(self) -> Path:
        return self.data / "broker"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def collector_config(self) -> Path:
        return self.data / "collector.toml"

    def agent_config(self, node: str) -> Path:
        """The configuration of a node's agent."""
        return self.data / f"{node}.toml"

    def status(self, node: str) -> Path:
        """The live figures of a node's agent."""
        return self.data / f"{node}.status.json"

    def password(self, user: str) -> Path:
        """The password file of a user of the broker."""
        return password_file(self.secrets, user)


def write_collector(layout: Layout, port: int, web_port: int, perimeter: Path | None) -> Path:
    """collector.toml for this broker port and page port."""
    lines = [
        f"data = {_text(layout.data)}",
        *([] if perimeter is None else [f"perimeter = {_text(perimeter)}"]),
        "[mqtt]",
        'host = "127.0.0.1"',
        f"port = {port}",
        f'username = "{COLLECTOR}"',
        f"password_file = {_text(layout.password(COLLECTOR))}",
        "[web]",
        f"port = {web_port}",
    ]
    return _written(layout.collector_config, lines)


def write_pc(layout: Layout, port: int) -> Path:
    """The agent of this machine: a sample every 5 s, a load every minute, sent as it closes."""
    lines = [*_agent(layout, PC, port), "[host]", "sample_s = 5", 'load = "minute"']
    return _written(layout.agent_config(PC), lines)


def write_reader(layout: Layout, port: int, pdu_port: int) -> Path:
    """The agent that reads the demo's rack PDU."""
    lines = [
        *_agent(layout, READER, port),
        "[host]",
        "enabled = false",
        "[[meters]]",
        f'device = "{DEMO_PDU}"',
        'profile = "sobre-demo-pdu"',
        'host = "127.0.0.1"',
        f"port = {pdu_port}",
        "sample_s = 5",
        'load = "minute"',
    ]
    return _written(layout.agent_config(READER), lines)


def _agent(layout: Layout, node: str, port: int) -> list[str]:
    return [
        f'node = "{node}"',
        f'organisation = "{HERE}"',
        f'site = "{HERE}"',
        f"status_file = {_text(layout.status(node))}",
        "[mqtt]",
        'host = "127.0.0.1"',
        f"port = {port}",
        f'username = "{node}"',
        f"password_file = {_text(layout.password(node))}",
        "[spool]",
        f"folder = {_text(layout.data / 'spool' / node)}",
        "[delivery]",
        'pace = "as-closed"',
    ]


def _written(path: Path, lines: list[str]) -> Path:
    write_private(path, "# Written by `sobre up` at each start.\n" + "\n".join(lines) + "\n")
    return path


def _text(path: Path) -> str:
    """A path as a TOML string."""
    escaped = str(path.absolute()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
