"""Where loads, days and months are kept."""
