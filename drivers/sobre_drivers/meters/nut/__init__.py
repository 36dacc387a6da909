"""UPS that a NUT server (`upsd`) watches already."""
