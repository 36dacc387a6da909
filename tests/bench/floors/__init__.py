"""Programs that do the least that the same job takes: what we are compared with."""
