"""Plugs and meters with the Tasmota firmware."""
