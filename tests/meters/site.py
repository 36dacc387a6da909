"""A meter on a real line, and an agent's schedule, books and spool behind it on a turned clock."""

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from meters.bus import Asked, Bus, checked
from meters.bus_gateway import HOST, Gateway
from simulated_meters import START, Turned
from sobre_agent.books import Books
from sobre_agent.config import AgentConfig, Host, Meter
from sobre_agent.schedule import Group
from sobre_agent.silence import Silence
from sobre_agent.sources import sources_of
from sobre_agent.spool import Spool
from sobre_drivers.meters.modbus import driver as modbus_driver

PROFILE = """
maker = "Acme"
model = "1"
source = "a test"
confirmed = "capture"
device_class = "facility"
rated_w = 10000
uncertainty_ratio = 0.01
function = 3
word_order = "high-first"
"""
SERIAL = """
[serial]
address = 0
type = "uint32"
"""
POWER = 'power = { address = 2, type = "float32", unit = "W" }\n'
ENERGY = 'energy = { address = 4, type = "uint32", unit = "Wh", modulus = 4294967296 }\n'
REGISTER = PROFILE + SERIAL + "[[part]]\n" + POWER + ENERGY
POWER_ONLY = PROFILE + "[[part]]\n" + POWER


@dataclass
class Site:
    """One meter, whose words the test sets; `words` without an address are refused."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    profile: str = REGISTER
    words: dict[int, int] = field(default_factory=dict)
    clock: Turned = field(default_factory=Turned)
    silent: bool = False

    def __post_init__(self) -> None:
        (self.folder / "acme.toml").write_text(self.profile, "utf-8")
        # The driver holds steps of a register against the time between two rounds.
        turned = SimpleNamespace(monotonic=lambda: self.clock.at_s)
        self.monkeypatch.setattr(modbus_driver, "time", turned)

    def __enter__(self) -> "Site":
        self._gateway = Gateway().__enter__()
        self._bus = Bus(self._gateway, {1: self._answer}).__enter__()
        meter = Meter(
            "m",
            "acme",
            host=HOST,
            port=self._gateway.port,
            framing="rtu",
            timeout_s=0.05 if self.silent else 2.0,
        )
        config = AgentConfig(
            "ville",
            "cdc",
            node="reader",
            profiles_folder=self.folder,
            host=Host(enabled=False),
            meters=(meter,),
        )
        self.spool = Spool(self.folder / "spool", 64)
        self._sources = sources_of(config, "reader")
        self.books = Books(config, self._sources, self.spool)
        self.silence = Silence(config.zone)
        self._group = Group(self._sources, self.clock)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sources:
            each.driver.close()
        self._bus.__exit__(None, None, None)
        self._gateway.__exit__()
        self.spool.close()

    def put(self, address: int, code: str, value: float, *, swapped: bool = False) -> None:
        """Set a value of two registers; `swapped`: the low word first."""
        words = struct.unpack(">HH", struct.pack(code, value))
        self.words[address], self.words[address + 1] = words[::-1] if swapped else words

    def run(self, until_s: float) -> None:
        """Ask the meter as the agent does, until so many seconds after the start."""
        while (due_s := START - 1000 + self._group.due_s()) <= START + until_s:
            self.clock.at_s = due_s
            heard = self._group.ask()
            self.silence.note(heard)
            self.books.enter(heard)

    def loads(self) -> list[tuple[int, int, int, str]]:
        """Start (s after the start), length, energy (J) and origin of each closed load."""
        rows = self.spool.rows('SELECT "end", span_s, energy_j, origin FROM load ORDER BY number')
        return [(end - span_s - int(START), span_s, j, origin) for end, span_s, j, origin in rows]

    def birth(self) -> dict[str, Any]:
        """What is said of the meter once."""
        ((_, payload),) = self.spool.births()
        made: dict[str, Any] = json.loads(payload)
        return made

    def _answer(self, asked: Asked) -> list[int] | bytes | None:
        if self.silent:
            return None
        try:
            return [self.words[asked.address + i] for i in range(asked.count)]
        except KeyError:
            return checked(asked.unit_id, bytes([asked.function | 0x80, 2]))
