"""What Sobre costs and how fast it is, beside a peer or floor measured in the same run."""
