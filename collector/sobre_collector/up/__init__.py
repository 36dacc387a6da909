"""`sobre up`: the whole line on one machine, each part a process of its own."""
