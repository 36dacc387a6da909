"""Printers: their states from their power, and what a schedule would save."""
