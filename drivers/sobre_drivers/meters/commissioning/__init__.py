"""Putting a meter into service: finding it, judging what it says, and recording it."""
