"""A person's own PC: what it used, shown to whoever sits at it, from its own files alone."""
