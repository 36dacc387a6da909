"""Télé-information client: what French meters say of themselves, all the time, on two wires."""
