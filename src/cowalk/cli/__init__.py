"""The command line: one file per command; each parses, calls one function and prints."""

from cowalk.cli.run import main

__all__ = ["main"]
