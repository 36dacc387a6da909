"""A day of samples as telemetry is often sent: SenML each minute, 6 samples of 10 s: `PORT`."""

import json
import sys

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

MINUTES, SAMPLES, SAMPLE_S = 1440, 6, 10
BEGIN = 1_795_474_800

client = Client(CallbackAPIVersion.VERSION2, "pc-1")
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
register_j = 123_456_789
for minute in range(MINUTES):
    base_s = BEGIN + 60 * minute
    records: list[dict[str, object]] = [{"bn": "pc-1/", "bt": base_s, "bu": "W"}]
    for n in range(SAMPLES):
        register_j += 417
        records.append({"n": "power", "t": n * SAMPLE_S, "v": 41.7, "s": register_j})
    records[0].update(records.pop(1))
    text = json.dumps(records, separators=(",", ":"))
    client.publish("sobre/v1/pc-1/live", text, qos=1).wait_for_publish(30)
client.disconnect()
client.loop_stop()
