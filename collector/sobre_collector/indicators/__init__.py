"""The mathematics of docs/method.md: pure functions on rows, no I/O."""
