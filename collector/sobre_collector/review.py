"""Every mistake in the collector's settings and perimeter, before anything is opened."""

from dataclasses import dataclass
from pathlib import Path

from sobre_collector.config import CollectorConfig, load_config, loopback, missing_files
from sobre_collector.perimeter.facts import Perimeter, remarks
from sobre_collector.perimeter.files import load_perimeter
from sobre_drivers.errors import ConfigError
from sobre_drivers.settings import read_toml


@dataclass(frozen=True, slots=True)
class Review:
    """What was read, None where it cannot be used; `problems` stop the collector, `remarks` do not.

    `perimeter` is None as well where none is named and none lies in the data folder.
    """

    config: CollectorConfig | None
    perimeter: Perimeter | None
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


def review(path: Path) -> Review:
    """Read a collector.toml and the perimeter that it names."""
    problems: list[str] = []
    noted: list[str] = []
    config: CollectorConfig | None = None
    try:
        config = load_config(path)
        problems += missing_files(config, str(path))
        noted += _weak(config)
        at = _perimeter_path(config)
    except ConfigError as error:
        problems += error.problems
        at = _named_perimeter(path)
    perimeter: Perimeter | None = None
    if at is not None:
        try:
            perimeter = load_perimeter(at)
            noted += remarks(perimeter)
        except ConfigError as error:
            problems += error.problems
    elif config is not None and config.policy.accept == "listed":
        problems.append(
            f"{path}: 'policy.accept' is 'listed' and no perimeter lists anything: no device would "
            "be accepted; name one under 'perimeter', or write \"all\""
        )
    elif config is not None:
        noted.append("perimeter: none; nothing is extrapolated, and no reduction is shown")
    return Review(config, perimeter, tuple(problems), tuple(noted))


def review_folder(data: Path) -> Review:
    """A data folder without settings of its own, and the perimeter that lies in it."""
    config = CollectorConfig(data=data)
    at = _perimeter_path(config)
    if at is None:
        return Review(config, None, (), ("perimeter: none",))
    try:
        perimeter = load_perimeter(at)
    except ConfigError as error:
        return Review(config, None, error.problems, ())
    return Review(config, perimeter, (), tuple(remarks(perimeter)))


def _perimeter_path(config: CollectorConfig) -> Path | None:
    beside = config.data / "perimeter.toml"
    return config.perimeter or (beside if beside.exists() else None)


def _named_perimeter(path: Path) -> Path | None:
    # The settings are wrong somewhere; the perimeter is looked through all the same.
    try:
        named = read_toml(path).get("perimeter")
    except ConfigError:
        return None
    return path.parent / named if isinstance(named, str) and named else None


def _weak(config: CollectorConfig) -> list[str]:
    found = []
    if not config.mqtt.secure and not loopback(config.mqtt.host):
        found.append(
            f"mqtt: no TLS to {config.mqtt.host}; loads and the password travel in the clear"
        )
    if not loopback(config.web.host):
        found.append(
            f"web: the page listens on {config.web.host}, and has no accounts of its own; put a "
            "proxy before it"
        )
    return found
