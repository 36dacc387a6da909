"""Servers and enclosures whose management controller speaks Redfish."""
