"""Before anything is measured: what an inventory alone tells, and what measuring would buy."""
