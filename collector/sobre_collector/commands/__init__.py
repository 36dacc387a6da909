"""One module per sub-command: arguments(parser) and run(args)."""
