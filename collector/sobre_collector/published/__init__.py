"""What is published: frozen with its inputs, and computed again from them."""
