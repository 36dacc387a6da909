"""`sobre carbon`: what the electricity emitted, the grid's effect apart from the reduction."""

import argparse

from sobre_collector.commands.section_options import add_options, show


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre carbon`."""
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the report's section on carbon."""
    return show(
        options, "carbon", "state emission factors with their sources (files.emission_factors)"
    )
