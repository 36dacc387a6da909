"""What is counted: organisations, inventory, head-counts, who feeds whom, and their files."""
