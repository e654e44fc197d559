"""Settings of the co-occurrence lists."""

from pydantic import Field

from cowalk.types import Settings


class CooccurrenceSettings(Settings):
    """Item-CF: who stands near whom in a session, damped by popularity."""

    window: int = Field(3, ge=1, description="Largest distance within a session that counts as together.")
    damping: float = Field(
        0.5, ge=0, le=1, description="Counts together are divided by (count_i * count_j) ** damping."
    )
    before: float = Field(
        0.7, ge=0, description="Weight of a neighbour that came before; 0 = only what came after."
    )
    neighbors: int = Field(200, ge=1, description="Length of each item's list.")
