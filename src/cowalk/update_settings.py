"""Settings of an update: how far old items may move, how new ones start, what is held out to judge it."""

from typing import Literal

from pydantic import Field

from cowalk.types import Settings


class UpdateSettings(Settings):
    """How a model learns from new events and new items without the old log."""

    mode: Literal["frozen", "anchored", "free"] = Field(
        "anchored",
        description="Old rows do not move, are pulled back to their place, or move and are then turned back.",
    )
    passes: int = Field(1, ge=1, description="Passes over the new events (learn.epochs of the update).")
    walks_per_item: int | None = Field(
        3, ge=1, description="Walks from every item of the new events a pass; none = walks.num_walks."
    )
    step_share: float = Field(
        1.0, gt=0, description="Step of the update as a share of learn.step; Adagrad's sums go on."
    )
    pull: float = Field(
        0.2, ge=0, le=1, description="anchored: share of its way from the old place that a row goes back."
    )
    warm_start: Literal["attributes", "neighbors", "both"] = Field(
        "both", description="Where the rows of a new item start; both = the more events, the more neighbours."
    )
    keep_past: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Old counts and co-occurrences are multiplied by it; below 1 they fade.",
    )
    judged: float = Field(
        0.1, ge=0, lt=1, description="Newest share of the new events that the update is judged on; 0 = none."
    )
    max_drift: float = Field(
        0.2, ge=0, description="The update is refused if 1 - mean cosine of old items, old and new, is above."
    )
    late: bool = Field(
        False,
        description="Learn also events that are not newer than the model's last one.",
    )
