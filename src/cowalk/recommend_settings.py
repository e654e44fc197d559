"""Settings of recommending and of similar items."""

from typing import Literal

from pydantic import Field

from cowalk.types import Settings


class RecommendSettings(Settings):
    """How a history is scored against the catalogue. `fit` finds these on a validation part."""

    rows: Literal["first", "second", "both"] = Field(
        "first", description="Which set of rows asks, where the recipe learns a second one (cold_learn)."
    )
    score: Literal["HZ", "HH"] = Field(
        "HZ",
        description="History's input vectors against context rows (HZ), or cosine with item vectors (HH).",
    )
    history: int = Field(3, ge=1, description="Latest items of the history that count.")
    decay: float = Field(0.5, gt=0, le=1, description="Weight of each step back in the history.")
    half_life: float = Field(
        0.0, ge=0, description="Days after which an item of the history counts half as much; 0 = off."
    )
    item_weights: Literal["equal", "idf", "sif"] = Field(
        "equal", description="Rare items of the history count more: log(1 + N / count), or a / (a + share)."
    )
    sif: float = Field(0.001, gt=0, description="The a of item_weights = sif.")
    interests: int = Field(
        1,
        ge=1,
        description="Interests that a history is parted into at most; they share the places; 1 = one.",
    )
    interest_distance: float = Field(
        1.0, ge=0, description="Ward height at which interests stay apart; 1.41 parts items at right angles."
    )
    popularity: float = Field(
        0.5, description="Weight of log(1 + count in the log) added to the vector score."
    )
    cooccurrence: float = Field(
        1.0, ge=0, description="Weight of the co-occurrence channel; 0 = vectors alone."
    )
    cooccurrence_history: int = Field(
        5, ge=1, description="Latest items that the co-occurrence channel uses."
    )
    cooccurrence_decay: float = Field(0.8, gt=0, le=1, description="Decay of the co-occurrence channel.")
    floor: float = Field(
        0.05, gt=0, description="Added to the co-occurrence score (largest = 1) before its logarithm."
    )
    vector: float = Field(
        0.7, ge=0, description="Weight of the vector score beside the co-occurrence channel."
    )
    candidates: int = Field(200, ge=1, description="Candidates that each channel may bring.")
    exclude_seen: bool = Field(False, description="Drop items of the history from the answer.")
