"""The names of the wire: who may say what, and where."""

from sobre_drivers.errors import WireError
from sobre_drivers.load import DEVICE, NODE
from sobre_drivers.strict_json import shown

PREFIX = "sobre/v1"


def topic(node: str, kind: str, device: str = "") -> str:
    """`sobre/v1/{node}/{kind}`, and the device behind a `birth`."""
    return "/".join((PREFIX, node, kind, device)) if device else "/".join((PREFIX, node, kind))


def parse(name: str) -> tuple[str, str, str]:
    """(node, kind, device or "") of a topic; WireError if it is not one of ours."""
    parts = name.split("/", 4)
    if len(parts) < 4 or "/".join(parts[:2]) != PREFIX or NODE.fullmatch(parts[2]) is None:
        raise WireError(f"topic {shown(name)} is not of the form {PREFIX}/node/kind")
    device = parts[4] if len(parts) == 5 else ""
    if (parts[3] == "birth") != bool(device) or (device and DEVICE.fullmatch(device) is None):
        raise WireError(f"topic {shown(name)} does not name a device where it should")
    return parts[2], parts[3], device
