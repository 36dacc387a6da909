"""Moves everything from one store to another, and proves that nothing was lost."""
