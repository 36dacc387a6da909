"""Whole fleets with a known truth, through the product's own months, totals and reduction.

`make coverage` writes docs/coverage.md: how far off the reduction is, and how often its intervals
hold the truth (method 2.2.5).
"""
