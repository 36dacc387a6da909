"""What makes a line of agents, broker and collector fail, and tells afterwards what is missing."""
