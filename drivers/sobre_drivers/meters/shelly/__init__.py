"""Plugs and meters by Shelly."""
