"""The collector: loads in, a reduction that an auditor can recompute out."""
