"""Meters, PDUs, UPS, printers and plugs: models as data, and one folder a protocol."""
