"""Settings of matrix factorization."""

from typing import Literal

from pydantic import Field

from cowalk.types import Settings


class MatrixSettings(Settings):
    """Matrix factorization of users by items; read where engine = "als" or "bpr"."""

    vector_size: int = Field(
        64, ge=2, description="Dimension of every row; BPR keeps one for the item's bias."
    )
    regularization: float = Field(0.01, ge=0, description="Penalty lambda on the squared factors.")
    epochs: int = Field(15, ge=1, description="ALS: alternations; BPR: passes over the events.")
    alpha: float = Field(1.0, gt=0, description="ALS: confidence of an event of weight 1; of none it is 1.")
    step: float = Field(0.01, gt=0, description="BPR: step size of SGD.")
    weighting: Literal["none", "bm25"] = Field(
        "none", description="A user's weight on an item: summed events, or those damped by BM25."
    )
    bm25_k1: float = Field(100.0, gt=0, description="BM25: how slowly repeated events stop to add.")
    bm25_b: float = Field(0.8, ge=0, le=1, description="BM25: how much frequent items are held back.")
