"""Settings of matrix factorization."""

from cowalk.types import Settings


class MatrixSettings(Settings):
    """Matrix factorization of users by items; read where engine = "als" or "bpr"."""
