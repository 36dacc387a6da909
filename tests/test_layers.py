"""Who may import whom: the table of layers, held against the imports of every module."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "sobre_drivers": ROOT / "drivers",
    "sobre_agent": ROOT / "agent",
    "sobre_collector": ROOT / "collector",
}

# A module may import what stands on an earlier line of its package's table, and, on its own line,
# only its own folder. A name that ends in `/` is a folder.
LAYERS = {
    "sobre_drivers": """
        errors load
        meters.configured
        strict_json sample calendar registers pc.windows pc.macos pc.smbios pc.process
        settings clock power topics wire birth pc.powercap pc.battery pc.pc_model
        pc.hwmon pc.nvml pc.emi comparison
        pc.processor pc.chassis pc.screens pc.sensors
        pc.parameters
        pc.desk
        pc.host
        meters.kind meters.serial_port
        meters.login meters.model meters.parity meters.web meters.figures meters.fitting
        meters.units meters.parts
        meters.tic.decoding meters.p1.decoding meters.nut.decoding meters.dcmi.decoding
        meters.redfish.decoding
        meters.redfish.session
        meters.tic.meaning meters.p1.meaning
        meters.tic.driver meters.p1.driver meters.nut.driver meters.dcmi.driver
        meters.redfish.driver
        meters.tic.kind meters.p1.kind meters.nut.kind meters.dcmi.kind
        meters.redfish.kind
        meters.plugs.model meters.plugs.digest meters.plugs.subscription
        meters.tasmota.meaning meters.shelly.meaning meters.zigbee2mqtt.meaning
        meters.plugs.polled
        meters.plugs.published
        meters.plugs.drivers
        meters.tasmota.kind meters.shelly.kind meters.zigbee2mqtt.kind
        meters.modbus.identify
        meters.modbus.profile meters.modbus.blocks meters.modbus.sunspec
        meters.modbus.decoding
        meters.modbus.points meters.modbus.patience meters.modbus.rtu_frames meters.modbus.pdu
        meters.modbus.sense
        meters.modbus.readings
        meters.modbus.tcp
        meters.modbus.driver meters.modbus.rtu meters.modbus.stream
        meters.modbus.lines
        meters.modbus.kind
        meters.patience meters.snmp.objects meters.snmp.access
        meters.snmp.profile meters.snmp.decoding
        meters.snmp.points meters.snmp.exchange meters.snmp.recognise
        meters.snmp.session
        meters.snmp.driver
        meters.snmp.kind
        meters.ipp.message meters.ipp.profile
        meters.ipp.meaning meters.ipp.client
        meters.ipp.driver
        meters.ipp.kind
        meters.catalog
        meters.commissioning/
    """,
    "sobre_agent": """
        meters_file
        config crash pairs cutters elapsed entropy identity lock version
        open_load pages resend naming readings_file spool_schema
        account pace sources
        spool history preflight mqtt schedule session
        askers books outbox courier broker_probe silence
        loop publisher live own/
        delivery
        commands/
        cli
        __main__
    """,
    "sobre_collector": """
        rows config progress perimeter.tables backup inbox
        indicators/
        perimeter.metering perimeter.scenarios perimeter.correlation perimeter.printing
        perimeter.rates perimeter.rooms
        store/
        account limits registry day_sums perimeter.facts
        calibrated
        conservation days months perimeter.toml perimeter.monthly migrate.side
        perimeter.statements printing/ idle
        perimeter.files perimeter.bills perimeter.glpi perimeter.month_file
        rebuild unit_months month_checks migrate.proof migrate.sqlite migrate.influx
        intake duties migrate.move migrate.influx_target perimeter.glpi_csv
        rulings snapshot perimeter.glpi_api
        jobs mqtt
        sharing
        service review diagnosis
        report/
        published/
        web/
        planning/
        simulate/
        up/
        commands/
        cli
        __main__
    """,
}

# The one module (or folder) on each side that knows an outside library.
KNOWN_TO = {
    "paho": {
        "sobre_agent.mqtt",
        "sobre_collector.mqtt",
        "sobre_drivers.meters.plugs.subscription",
    },
    "pymodbus": {"sobre_drivers.meters.modbus.pdu"},
    "pysnmp": {"sobre_drivers.meters.snmp.session"},
    "serial": {"sobre_drivers.meters.serial_port"},
    "psutil": {"sobre_drivers.pc.processor", "sobre_drivers.pc.process"},
    "pynvml": {"sobre_drivers.pc.nvml"},
    "apscheduler": {"sobre_collector.jobs"},
    "influxdb_client": {"sobre_collector.store.influx/"},
    "amqtt": {"sobre_collector.up.embedded_broker"},
    "numpy": {"sobre_collector.simulate/", "sobre_collector.indicators.least_squares"},
    "starlette": {"sobre_collector.web/"},
    "uvicorn": {"sobre_collector.web/"},
    "jinja2": {"sobre_collector.web/", "sobre_collector.report/"},
}
BASE = {"paho-mqtt", "psutil", "tzdata"}

# What reads or writes anything but memory.
IO = {"sqlite3", "socket", "subprocess", "pathlib", "os", "paho", "urllib", "http", "logging"}
CALCULATION = (
    "sobre_drivers.registers",
    "sobre_drivers.power",
    "sobre_drivers.load",
    "sobre_drivers.wire",
    "sobre_drivers.meters.modbus.decoding",
    "sobre_drivers.meters.modbus.blocks",
    "sobre_drivers.meters.modbus.points",
    "sobre_drivers.meters.modbus.sunspec",
    "sobre_drivers.meters.modbus.rtu_frames",
    "sobre_drivers.meters.modbus.sense",
    "sobre_drivers.meters.modbus.readings",
    "sobre_drivers.meters.snmp.objects",
    "sobre_drivers.meters.snmp.decoding",
    "sobre_drivers.meters.snmp.points",
    "sobre_drivers.meters.snmp.recognise",
    "sobre_drivers.meters.ipp.message",
    "sobre_drivers.meters.ipp.meaning",
    "sobre_drivers.meters.parity",
    "sobre_drivers.meters.tic.decoding",
    "sobre_drivers.meters.tic.meaning",
    "sobre_drivers.meters.p1.decoding",
    "sobre_drivers.meters.nut.decoding",
    "sobre_drivers.meters.dcmi.decoding",
    "sobre_drivers.meters.redfish.decoding",
    "sobre_drivers.meters.figures",
    "sobre_drivers.meters.fitting",
    "sobre_drivers.meters.units",
    "sobre_drivers.meters.plugs.digest",
    "sobre_drivers.meters.plugs.model",
    "sobre_drivers.meters.tasmota.meaning",
    "sobre_drivers.meters.shelly.meaning",
    "sobre_drivers.meters.zigbee2mqtt.meaning",
    "sobre_drivers.meters.p1.meaning",
    "sobre_drivers.meters.modbus.identify",
    "sobre_drivers.meters.commissioning.plausible",
    "sobre_drivers.meters.commissioning.masking",
    "sobre_drivers.meters.commissioning.stated",
    "sobre_drivers.meters.commissioning.found",
    "sobre_drivers.meters.commissioning.rate",
    "sobre_drivers.meters.commissioning.places",
    "sobre_drivers.pc.pc_model",
    "sobre_drivers.pc.emi",
    "sobre_drivers.pc.smbios",
    "sobre_agent.account",
    "sobre_agent.pairs",
    "sobre_agent.open_load",
    "sobre_agent.pages",
    "sobre_agent.elapsed",
    "sobre_agent.cutters",
    "sobre_agent.own.figures",
    "sobre_agent.own.words",
    "sobre_agent.own.text",
    "sobre_collector.days",
    "sobre_collector.months",
    "sobre_collector.unit_months",
    "sobre_collector.printing.day_states",
    "sobre_collector.perimeter.metering",
    "sobre_collector.migrate.proof",
    "sobre_collector.indicators/",
)


def modules() -> Iterator[tuple[str, Path]]:
    for package, source in SOURCES.items():
        for path in sorted((source / package).rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imports(path: Path) -> set[str]:
    """Absolute names that a file imports, inside functions too; `if TYPE_CHECKING` counts."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name in MODULES}


def layer(module: str) -> tuple[int, str]:
    """(line, name) of a module in its package's table; fails if it stands nowhere."""
    package, _, rest = module.partition(".")
    names = [rest, *(f"{folder}/" for folder in [rest.rpartition(".")[0], rest.split(".")[0]])]
    for number, line in enumerate(LAYERS[package].strip().splitlines()):
        for name in line.split():
            if name in names:
                return number, name
    pytest.fail(f"{module} stands in no layer of this test; where does it belong?")


def within(module: str, names: set[str] | tuple[str, ...]) -> bool:
    return any(
        module == name
        or (name.endswith("/") and module.startswith(name[:-1] + "."))
        or module == name.rstrip("/")
        for name in names
    )


@pytest.mark.parametrize("module", [m for m in MODULES if "." in m])
def test_a_module_imports_only_what_stands_above_it(module: str) -> None:
    package = module.split(".")[0]
    if MODULES[module].name == "__init__.py":
        assert not ours(MODULES[module]), "a package's __init__ imports nothing of ours"
        return
    here, name = layer(module)
    for other in ours(MODULES[module]):
        if "." not in other or MODULES[other].name == "__init__.py":
            continue
        if other.split(".")[0] != package:
            assert other.startswith("sobre_drivers."), f"{module} imports {other}"
            continue
        there, neighbour = layer(other)
        same_folder = name == neighbour and name.endswith("/")
        assert there < here or same_folder, f"{module} imports {other}, which is not above it"


@pytest.mark.parametrize("library", KNOWN_TO)
def test_an_outside_library_is_known_to_one_module(library: str) -> None:
    knowing = {
        m for m, path in MODULES.items() if library in {n.split(".")[0] for n in imports(path)}
    }
    strangers = {m for m in knowing if not within(m, KNOWN_TO[library])}
    assert not strangers
    assert knowing, f"nobody uses {library}: take it out of the table"


@pytest.mark.parametrize("module", [m for m in MODULES if within(m, CALCULATION)])
def test_calculation_does_no_io(module: str) -> None:
    assert not {name.split(".")[0] for name in imports(MODULES[module])} & IO


def test_base_dependencies_are_what_every_pc_gets() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {d.split(">")[0].split(";")[0].strip() for d in project["dependencies"]} == BASE


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        (
            "sobre_agent.cli",
            ["pymodbus", "serial", "paho", "ssl", "asyncio", "numpy", "apscheduler"],
        ),
        ("sobre_agent.commands.run", ["pymodbus", "serial", "asyncio", "numpy", "apscheduler"]),
        ("sobre_collector.cli", ["numpy", "apscheduler", "starlette", "paho"]),
    ],
)
def test_importing_loads_no_library_that_is_not_needed(module: str, absent: list[str]) -> None:
    code = f"import sys, {module}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted(MODULES.values()), ids=lambda p: p.name)
def test_no_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300
