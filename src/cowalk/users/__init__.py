"""User vectors: one per history, or several interests; one code offline, in evaluation and at request."""

from cowalk.users.histories import (
    COSINE_SCALE,
    event_factors,
    event_weights,
    history_vectors,
    normalize,
    rarity,
)
from cowalk.users.interests import Interests, interests_of, share_places

__all__ = [
    "COSINE_SCALE",
    "Interests",
    "event_factors",
    "event_weights",
    "history_vectors",
    "interests_of",
    "normalize",
    "rarity",
    "share_places",
]
