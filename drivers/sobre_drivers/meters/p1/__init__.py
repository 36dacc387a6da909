"""P1: the port by which meters of the Netherlands and their neighbours tell what they count."""
