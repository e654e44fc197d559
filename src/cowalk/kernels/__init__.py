"""Compiled loops over arrays and scalars. Nothing else in the package imports numba."""
