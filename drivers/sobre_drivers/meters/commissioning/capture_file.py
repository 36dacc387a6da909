"""A capture as a file: what a meter sent, masked, and what it should mean.

It is in the format of tests/captures: dropped there, it is a test.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.commissioning.masking import Masks, leaked
from sobre_drivers.meters.commissioning.stated import Expected

MAX_BYTES = 4 * 1024 * 1024
# What holds the answers, by protocol and, where it has two, by the way that it goes.
BODIES = {
    "modbus": "registers",
    "snmp": "objects",
    "tic": "bytes",
    "p1": "bytes",
    "redfish": "resources",
    "shelly": "pages",
    "tasmota": "pages",
    "nut": "variables",
    "ipp": "attributes",
    "dcmi": "lines",
    "zigbee2mqtt": "messages",
    "tasmota over MQTT": "messages",
}


@dataclass(frozen=True, slots=True)
class Captured:
    """`body` holds the answers and what is needed to give them again."""

    profile: str
    how: str
    body: dict[str, Any]
    expected: Expected = field(default_factory=dict)

    def text(self) -> str:
        """As it is written."""
        head = {"profile": self.profile, "how": self.how}
        whole = head | self.body | {"expected": self.expected}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def write(path: Path, made: Captured, masks: Masks) -> None:
    """Write it if nothing that was masked is in it; ConfigError if it is, or cannot be written."""
    text = made.text()
    held = leaked(masks.without(text), masks.secrets)
    if held:
        # The secret itself is not said: the message may be pasted into the same report.
        raise ConfigError(
            f"{path}: not written, {len(held)} of what should be masked still stands in it; please "
            "report the profile and the model"
        )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path}: is there already; name another file") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error


def load(path: Path) -> Captured:
    """A capture; ConfigError names what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{path}: more than {MAX_BYTES} bytes; is it a capture?")
        whole = json.loads(data)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON ({error}); is it a capture?") from error
    if not isinstance(whole, dict):
        raise ConfigError(f"{path}: no JSON object; is it a capture?")
    for key, kind in (("profile", str), ("how", str), ("expected", dict)):
        if not isinstance(whole.get(key), kind):
            raise ConfigError(f"{path}: {key!r} is missing, or no {_KINDS[kind]}; add it")
    body = {key: value for key, value in whole.items() if key not in _HEAD}
    parts = whole["expected"].values()
    if not all(isinstance(part, dict) for part in parts):
        raise ConfigError(
            f"{path}: 'expected' needs a table for each part, '' for the meter itself"
        )
    return Captured(whole["profile"], whole["how"], body, whole["expected"])


_HEAD = ("profile", "how", "expected")
_KINDS = {str: "text", dict: "table"}
