"""A made-up fleet with a known truth."""
