"""What Zigbee2MQTT publishes of a plug: its whole state as one JSON object, on its own topic."""

from collections.abc import Mapping
from typing import Any

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.figures import counted_uj, positive
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.sample import UJ_PER_KWH


def figures(message: Mapping[str, Any]) -> Figures:
    """Power (W) and register (kWh there); MeterError if it says neither."""
    said = Figures(positive(message, "power"), counted_uj(positive(message, "energy"), UJ_PER_KWH))
    if said.power_w is None and said.register_uj is None:
        raise MeterError("says neither power nor energy; does this plug measure?")
    return said
