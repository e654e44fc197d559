"""Ranking networks: the chance of a click from a history and a target, or from the columns of a table."""
