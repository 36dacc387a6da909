"""Printers that speak the Internet Printing Protocol."""
