"""Worked examples of the method: those published with it, and our own."""
