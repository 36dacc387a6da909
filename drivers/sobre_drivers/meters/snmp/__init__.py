"""Meters, PDUs, UPS, switches and printers that answer SNMP."""
