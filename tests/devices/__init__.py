"""Which meters can be read and how sure we are, as the table of docs/devices.md."""
