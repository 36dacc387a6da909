"""Long faults: what `make chaos` does, and the summary that it writes to docs/chaos.md."""
