"""The agent's version, at hand without searching the installed packages at each start."""

VERSION = "0.1.0"
