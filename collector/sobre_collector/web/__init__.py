"""The page on loopback."""
