"""The examples in config/ and the code say the same keys, in both directions."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from sobre_agent.config import AgentConfig, Meter
from sobre_agent.meters_file import read
from sobre_collector.config import CollectorConfig, load_config
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.perimeter.glpi import Words
from sobre_collector.perimeter.toml import PerimeterTable
from sobre_drivers.settings import build

CONFIG = Path(__file__).parents[1] / "config"
# A key that is shown without being set: `# port = 8883`.
SHOWN = re.compile(r"^# ([a-z_]+ = (?:\".*\"|[\d.]+|true|false|\[.*\]))$", re.MULTILINE)

SETTINGS: dict[str, type[Any]] = {
    "agent.example.toml": AgentConfig,
    "reader.example.toml": AgentConfig,
    "collector.example.toml": CollectorConfig,
    "perimeter.example.toml": PerimeterTable,
    "glpi.example.toml": Words,
}
# Tables whose keys are what a person writes there; `build` checks what they say.
FREE = ("user_factor.", "entities.", "locations.", "types.")
# Together the two show every key of an agent; a PC has no meters, and a reader says what differs.
COMPLETE = {
    "agent": ("agent.example.toml", "reader.example.toml"),
    "collector": ("collector.example.toml",),
    "perimeter": ("perimeter.example.toml",),
    "glpi": ("glpi.example.toml",),
}


def shown_keys(name: str) -> set[str]:
    """Keys of an example, those in comments too."""
    text = (CONFIG / name).read_text("utf-8")
    return set(_keys(tomllib.loads(SHOWN.sub(r"\1", text))))


def _keys(table: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in table.items():
        items = value if isinstance(value, list) else [value]
        tables = [item for item in items if isinstance(item, dict)]
        for item in tables:
            yield from _keys(item, f"{above}{key}.")
        if not tables:
            yield f"{above}{key}"


def known_keys(kind: type[Any], above: str = "") -> Iterator[str]:
    """Keys that a settings dataclass takes."""
    for name, hint in get_type_hints(kind).items():
        inner = [each for each in get_args(hint) if is_dataclass(each)]
        if is_dataclass(hint):
            inner = [hint]
        if inner:
            yield from known_keys(inner[0], f"{above}{name}.")  # type: ignore[arg-type]
        elif get_origin(hint) is not dict:
            yield f"{above}{name}"


def test_every_example_is_known_here() -> None:
    assert {path.name for path in CONFIG.glob("*.example.toml")} == SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_key_of_an_example_is_one_that_the_code_takes(name: str) -> None:
    build(tomllib.loads((CONFIG / name).read_text("utf-8")), SETTINGS[name], name)
    shown = {key for key in shown_keys(name) if not key.startswith(FREE)}
    assert shown - set(known_keys(SETTINGS[name])) == set()


@pytest.mark.parametrize("part", COMPLETE)
def test_every_key_that_the_code_takes_stands_in_an_example(part: str) -> None:
    shown = set().union(*(shown_keys(name) for name in COMPLETE[part]))
    missing = set(known_keys(SETTINGS[COMPLETE[part][0]])) - shown
    assert missing == set()


def test_the_defaults_that_the_agents_example_shows_are_the_defaults() -> None:
    table = tomllib.loads((CONFIG / "agent.example.toml").read_text("utf-8"))
    # These have no default: only an example can name them.
    own = {key: table.pop(key) for key in ("organisation", "site", "organisation_key_file")}
    key_file = Path(own["organisation_key_file"])
    assert build({**table, **own}, AgentConfig, "example") == AgentConfig(
        own["organisation"], own["site"], organisation_key_file=key_file
    )


def test_the_collectors_example_is_valid_with_all_its_tables() -> None:
    config = load_config(CONFIG / "collector.example.toml", {})
    assert config.perimeter is not None
    perimeter = load_perimeter(config.perimeter)
    assert len(perimeter.organisations) == 2
    assert len(perimeter.baseline.rows) == 5
    assert perimeter.inventory
    assert perimeter.headcount
    assert perimeter.metering


def test_every_table_that_a_perimeter_can_name_has_an_example() -> None:
    text = (CONFIG / "perimeter.example.toml").read_text("utf-8")
    files = tomllib.loads(text)["files"]
    kind = get_type_hints(PerimeterTable)["files"]
    assert files.keys() == {field.name for field in fields(kind)}
    tables = {path.name for path in CONFIG.glob("*.example.csv")} - {"meters.example.csv"}
    assert sorted(files.values()) == sorted(tables)


def test_the_example_of_meters_in_a_table_is_valid() -> None:
    found = read(CONFIG / "meters.example.csv", Meter)
    assert [each["device"] for each in found] == ["pdu-a1", "pdu-a2", "feeder-1", "feeder-2"]
    assert found[1]["outlets"] == [*range(1, 9), 12, *range(20, 25)]


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.example.*")), ids=lambda path: path.name)
def test_every_example_begins_with_what_it_is_for(path: Path) -> None:
    assert path.read_text("utf-8").startswith("# ")
