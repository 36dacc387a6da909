"""The agent: what this PC, or the meters it reads, used; nothing else leaves the machine."""
