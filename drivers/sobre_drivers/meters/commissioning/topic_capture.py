"""What a plug published while somebody listened, masked; its topic is a name, and is left out."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog, web
from sobre_drivers.meters.commissioning.masking import Masks, json_masked, masked_again
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.meters.plugs.polled import values
from sobre_drivers.meters.plugs.subscription import Subscription
from sobre_drivers.meters.tasmota import meaning as tasmota
from sobre_drivers.meters.zigbee2mqtt import meaning as zigbee2mqtt
from sobre_drivers.sample import Reading

# More tell nothing new of a plug.
MOST = 50
_MEANINGS: Mapping[str, Callable[[Mapping[str, Any]], Figures]] = {
    "tasmota": tasmota.figures,
    "zigbee2mqtt": zigbee2mqtt.figures,
}


def record(
    meter: MeterSettings, folder: Path | None, masks: Masks, listen_s: float
) -> dict[str, Any]:
    """All messages of the next `listen_s`; MeterError if none came."""
    catalog.describe(meter, folder)
    line = Subscription(meter.host, meter.port, meter.login, meter.timeout_s)
    line.listen(meter.topic)
    messages: list[dict[str, Any]] = []
    try:
        last = line.heard(meter.topic)
        end_s = time.monotonic() + listen_s
        while len(messages) < MOST and (left_s := end_s - time.monotonic()) > 0:
            last, before = line.following(meter.topic, last, left_s), last
            if last is None:
                last = before
                continue
            messages.append(web.json_object(last.payload))
        if not messages:
            raise MeterError(
                f"says nothing within {listen_s:g} s; is the topic right? Listen longer with "
                "--listen-s: some speak every five minutes"
            )
    except MeterError as error:
        raise MeterError(f"{meter.device} ({meter.topic} on {line.where}): {error}") from error
    finally:
        line.close()
    made = [json_masked(message, masks) for message in messages]
    return {"messages": [masked_again(message, masks) for message in made]}


def replay(
    meter: MeterSettings, folder: Path | None, held: Mapping[str, Any]
) -> tuple[list[Reading], list[Value]]:
    """What a profile reads from the last message of a capture."""
    messages = held["messages"]
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        raise ConfigError("capture: 'messages' needs a list of JSON objects, one at least")
    protocol = catalog.about(catalog.find(meter.profile, folder)).protocol
    figures = _MEANINGS[protocol](messages[-1])
    reading = Reading(meter.device, figures.register_uj, figures.power_w, figures.serial)
    return [reading], values(meter.device, figures)
