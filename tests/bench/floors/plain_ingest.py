"""The same job without checks: paho, json and sqlite3: `PORT FILE`.

Parses each message, inserts its loads in groups, commits them durably, and then answers.
"""

import hashlib
import json
import sqlite3
import sys
import time
from collections import deque
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

GROUP, LINGER_S = 2_000, 0.1
FIELDS = ("seq", "end", "span_s", "energy_j", "register_j", "origin")

waiting: deque[tuple[str, bytes]] = deque()


def heard(_: Client, __: Any, message: MQTTMessage) -> None:
    waiting.append((message.topic, bytes(message.payload)))


def subscribed(*_: Any) -> None:
    print("connected", flush=True)


db = sqlite3.connect(sys.argv[2], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute(
    'CREATE TABLE loads (node TEXT, device TEXT, stream TEXT, seq INTEGER, "end" INTEGER, '
    "span_s INTEGER, energy_j INTEGER, register_j INTEGER, origin TEXT, "
    "PRIMARY KEY (node, device, stream, seq)) WITHOUT ROWID"
)
client = Client(CallbackAPIVersion.VERSION2, "collector")
client.max_inflight_messages_set(1_000)
client.on_message = heard
client.on_connect = lambda connected, *_: connected.subscribe("sobre/v1/+/load", 1)
client.on_subscribe = subscribed
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
while True:
    if not waiting:
        time.sleep(0.01)
        continue
    if len(waiting) < GROUP:
        time.sleep(LINGER_S)
    rows, answers = [], []
    for _ in range(min(GROUP, len(waiting))):
        topic, payload = waiting.popleft()
        message = json.loads(payload)
        node, stream = topic.split("/")[2], message["stream"]
        for load in message["loads"]:
            rows.append((node, load["device"], stream, *(load[field] for field in FIELDS)))
        answer = {
            "v": 1,
            "stream": stream,
            "batch": message["batch"],
            "sha256": hashlib.sha256(payload).hexdigest(),
            "time": int(time.time()),
        }
        answers.append((f"sobre/v1/{node}/confirmed", json.dumps(answer)))
    db.execute("BEGIN")
    db.executemany("INSERT OR IGNORE INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    for topic, text in answers:
        client.publish(topic, text, qos=1)
