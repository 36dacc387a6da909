"""Plugs that speak HTTP or MQTT themselves: what all makes have in common."""
