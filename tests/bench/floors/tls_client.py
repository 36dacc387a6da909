"""paho connected with TLS, and nothing else: `PORT AUTHORITY CERTIFICATE KEY`."""

import ssl
import sys

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

port, authority, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.load_cert_chain(certificate, key)
client = Client(CallbackAPIVersion.VERSION2, "floor")
client.tls_set_context(context)
client.on_connect = lambda *_: print("connected", flush=True)
client.connect("127.0.0.1", int(port), keepalive=60)
# The loop of one's own thread; paho's own would wake each second.
client.loop_forever(timeout=60)
