"""From a rack PDU and this PC to the report: a year through real Modbus, real MQTT and real files.

Only the clock is injected. The PDU counts what it delivers by itself; the report must find it.
"""

import asyncio
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from services.mosquitto import Broker
from services.ports import free_port
from sobre_agent import config as agent_config
from sobre_agent.books import Books
from sobre_agent.mqtt import Link
from sobre_agent.publisher import Publisher, Sender, topics
from sobre_agent.schedule import Group
from sobre_agent.sources import Source, sources_of
from sobre_agent.spool import Spool
from sobre_collector.config import Mqtt
from sobre_collector.conservation import check, check_in_words
from sobre_collector.duties import House, duties, run_duty
from sobre_collector.intake import Intake
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.rebuild import rebuild_days
from sobre_collector.registry import Registry
from sobre_collector.service import Service
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import midnight
from sobre_drivers.pc.host import Host
from sobre_drivers.sample import Instant

PARIS = ZoneInfo("Europe/Paris")
OUTLETS = 8
# Fewer PCs than ten are not published.
PCS = [f"pc-{n}" for n in range(1, 13)]
STEP_S = 3 * 3600
WITHIN_S = 60.0
BASELINE_KWH = {"server": 12_000.0, "workstation.desktop": 5_000.0}


class Clock:
    """Shows what it was set to."""

    def __init__(self, wall_s: float) -> None:
        self.wall_s = wall_s

    def now(self) -> Instant:
        return Instant(self.wall_s, self.wall_s, self.wall_s)


class Rack:
    """A PDU whose outlets draw whole watts, and count Wh by themselves."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self.used_j = [0] * OUTLETS
        self.power_w = [0] * OUTLETS
        self.port = free_port()
        self._change()

    def pass_time(self, span_s: int) -> None:
        for n, power_w in enumerate(self.power_w):
            self.used_j[n] += power_w * span_s
        self._change()

    def _change(self) -> None:
        self.power_w = [self._random.randrange(40, 400) for _ in range(OUTLETS)]

    def registers(self) -> list[int]:
        image = bytearray(2 * 48)
        struct.pack_into(">IfI", image, 0, 4711, sum(self.power_w), sum(self.used_j) // 3600)
        for n in range(OUTLETS):
            struct.pack_into(">fI", image, 32 + 8 * n, self.power_w[n], self.used_j[n] // 3600)
        return list(struct.unpack(">48H", image))

    async def _answer(
        self, _f: int, _s: int, _a: int, _c: int, registers: list[int], written: object
    ) -> ExcCodes | None:
        registers[:48] = self.registers()
        return None

    @contextmanager
    def served(self) -> Iterator[None]:
        listening, loops = threading.Event(), []
        stop = asyncio.Event()

        async def serve() -> None:
            loops.append(asyncio.get_running_loop())
            image = SimData(0, values=[0] * 48, datatype=DataType.REGISTERS)
            device = SimDevice(0, simdata=[image], action=self._answer)
            server = ModbusTcpServer(device, address=("127.0.0.1", self.port))
            await server.serve_forever(background=True)
            listening.set()
            await stop.wait()
            await server.shutdown()  # type: ignore[no-untyped-call]

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        assert listening.wait(WITHIN_S)
        yield
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(WITHIN_S)


class Agent:
    """The product's own parts of an agent, moved on by hand."""

    def __init__(self, folder: Path, node: str, port: int, clock: Clock, lines: str) -> None:
        path = folder / f"{node}.toml"
        path.write_text(
            f'node = "{node}"\norganisation = "ville"\nsite = "salle"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
            f'[spool]\nfolder = "{folder / node}"\n{lines}'
        )
        self.config = agent_config.load(path)
        self.node = node
        made = sources_of(self.config, node)
        self.sources = [_on(clock, source) if source.name == "host" else source for source in made]
        self.spool = Spool(self.config.spool.folder)
        self.books = Books(self.config, self.sources, self.spool)
        self.group = Group(self.sources, clock)
        self.link = Link(self.config.mqtt, node, topics(node))

    def sample(self) -> None:
        heard = self.group.ask()
        assert heard.problem is None, heard.problem
        self.books.enter(heard)

    def deliver(self) -> None:
        sender = Sender(self.node, 32, self.config.delivery, 60)
        assert Publisher(sender, self.spool, self.link).drain(WITHIN_S), "some loads are left"

    def registers_j(self) -> dict[str, int]:
        rows = self.spool.rows("SELECT device, register_j FROM device")
        return {str(device): int(register_j) for device, register_j in rows}

    def close(self) -> None:
        self.link.dispose()
        self.spool.close()
        for source in self.sources:
            source.driver.close()


def _on(clock: Clock, source: Source) -> Source:
    """This PC's driver under the injected clock: its processor is busy a third of the time."""
    begin_s = clock.wall_s

    def cpu_times() -> SimpleNamespace:
        passed_s = clock.wall_s - begin_s + 10
        return SimpleNamespace(user=passed_s / 3, idle=passed_s * 2 / 3)

    name = source.driver.describe()[0].device
    own = Host(name, device_class="workstation.desktop", clock=clock, cpu_times=cpu_times)
    return replace(source, driver=own)


def state(folder: Path) -> None:
    """What people state: an organisation, its units, users, metering tree and declared baseline."""
    folder.mkdir()
    (folder / "perimeter.toml").write_text(
        "[baseline]\nyear = 2024\nkind = 'declared'\n[target]\nyear = 2026\n"
        "[users]\ndefinition = 'accounts'\nsource = 'directory'\n"
        "[[organisations]]\nid = 'ville'\nname = 'Ville'\n[[sites]]\nid = 'salle'\nname = 'Salle'\n"
        "[files]\ninventory = 'i.csv'\nheadcount = 'h.csv'\n"
        "metering = 'm.csv'\nbaseline = 'b.csv'\n"
    )
    (folder / "i.csv").write_text(
        "month,organisation,site,class,units,half_width\n"
        f"2024-01,ville,salle,server,{OUTLETS},0\n2024-01,ville,salle,workstation.desktop,{len(PCS)},0\n"
    )
    (folder / "h.csv").write_text("month,organisation,users,half_width\n2024-01,ville,40,0\n")
    (folder / "b.csv").write_text(
        "organisation,class,kwh,half_width_kwh,document\n"
        + "".join(f"ville,{name},{kwh},120,bill\n" for name, kwh in BASELINE_KWH.items())
    )
    (folder / "m.csv").write_text(
        "node,device,fed_by_node,fed_by,counts,since,until\nreader,pdu-a3,,,no,,\n"
        + "".join(f"reader,pdu-a3/outlet-{n + 1:02},,pdu-a3,yes,,\n" for n in range(OUTLETS))
    )


def live(clock: Clock, rack: Rack, agents: list[Agent], house: House, until_s: float) -> None:
    """A year: samples every three hours, deliveries and jobs every quarter."""
    for agent in agents:
        agent.sample()
    steps = 0
    while clock.wall_s < until_s:
        clock.wall_s += STEP_S
        rack.pass_time(STEP_S)
        steps += 1
        for agent in agents:
            agent.sample()
        if steps % 720 == 0 or clock.wall_s >= until_s:
            for agent in agents:
                agent.deliver()
            work(house, int(clock.wall_s))
    clock.wall_s += 40 * 86_400
    work(house, int(clock.wall_s))


def work(house: House, now: int) -> None:
    rebuild_days(house.series, house.ledger, house.perimeter, now)
    for duty in list(duties(house, now)):
        run_duty(house, duty, now)


def test_a_year_from_modbus_to_the_report_finds_what_the_pdu_delivered(
    broker: Broker, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    state(data)
    clock = Clock(midnight(date(2025, 1, 1), PARIS))
    until_s = midnight(date(2026, 1, 1), PARIS)
    rack = Rack()
    perimeter = load_perimeter(data / "perimeter.toml")
    meter = (
        f'[delivery]\npace = "as-closed"\n[host]\nenabled = false\n[[meters]]\ndevice = "pdu-a3"\n'
        f'profile = "sobre-demo-pdu"\nhost = "127.0.0.1"\nport = {rack.port}\n'
        f'sample_s = {STEP_S}\nload = "day"\n'
    )
    own = f'[host]\ndevice_class = "workstation.desktop"\nsample_s = {STEP_S}\n'
    registers_j: dict[str, int] = {}
    with (
        rack.served(),
        closing(Ledger(data / "ledger.db")) as ledger,
        closing(SqliteSeries(data, zone=PARIS)) as series,
    ):
        intake = Intake(series, ledger, Registry(ledger), clock, PARIS)
        service = Service(Mqtt(port=broker.port), intake)
        house = House(series, ledger, perimeter, check=check_in_words)

        def agents_live() -> None:
            try:
                with ExitStack() as stack:
                    nodes = {"reader": meter, **dict.fromkeys(PCS, own)}
                    agents = [
                        stack.enter_context(
                            closing(Agent(tmp_path, node, broker.port, clock, lines))
                        )
                        for node, lines in nodes.items()
                    ]
                    live(clock, rack, agents, house, until_s)
                    for agent in agents:
                        registers_j.update(agent.registers_j())
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=agents_live)
        thread.start()
        assert service.run()
        thread.join(WITHIN_S)
        balance = check(series, ledger)
    pcs_j = [registers_j[pc] for pc in PCS]
    assert len(registers_j) == OUTLETS + 1 + len(PCS)
    assert min(pcs_j) > 100 * 3_600_000
    assert (balance.missing_j, balance.doubled_j, balance.quarantined_j) == (0, 0, 0)
    assert balance.stored_j == sum(registers_j.values())

    outlets_j = [registers_j[f"pdu-a3/outlet-{n + 1:02}"] for n in range(OUTLETS)]
    for settled_j, used_j in zip(outlets_j, rack.used_j, strict=True):
        assert used_j - 3600 <= settled_j <= used_j

    words = ["report", "--data", str(data), "--year", "2025", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "sobre_collector", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    truth_kwh = (sum(rack.used_j) + sum(pcs_j)) / 3.6e6
    assert report["energy"]["energy_kwh"] == pytest.approx(truth_kwh, abs=OUTLETS * 0.001)
    reduction_ratio = 1 - truth_kwh / sum(BASELINE_KWH.values())
    assert report["result"]["reduction_ratio"] == pytest.approx(reduction_ratio, abs=1e-5)
    assert report["energy"]["extrapolated_share_ratio"] == pytest.approx(0, abs=1e-9)
    measured = sum(outlets_j) / 3.6e6 / truth_kwh
    assert report["energy"]["measured_share_ratio"] == pytest.approx(measured, abs=1e-4)
