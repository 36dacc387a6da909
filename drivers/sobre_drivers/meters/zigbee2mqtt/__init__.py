"""Plugs that Zigbee2MQTT puts on a broker."""
