"""Settings of the recall models that are networks: two-tower and YouTubeDNN."""

from typing import Annotated, Literal

from pydantic import Field

from cowalk.types import Settings

Layers = tuple[Annotated[int, Field(ge=1)], ...]
"""Sizes of layers, from the input on."""


class TowerSettings(Settings):
    """Two-tower recall (Yi et al. 2019); read where engine = "two-tower", beside [train]."""

    vector_size: int = Field(64, ge=2, description="Dimension of both towers' tops and of every input row.")
    item_id: bool = Field(
        True, description="The item tower has a row per item; without it an item is its attributes alone."
    )
    fields: bool = Field(True, description="The item tower reads the items' attributes, if there are any.")
    user_fields: bool = Field(True, description="The user tower reads the users' attributes, if any.")
    history: Literal["attention", "mean"] = Field(
        "attention", description="How histories are pooled: by weights that are learned, or as a mean."
    )
    last: int = Field(20, ge=1, description="Latest items of the history that count.")
    item_layers: Layers = Field(
        (), description="Sizes of hidden ReLU layers of the item tower; none = the sum of its rows as it is."
    )
    user_layers: Layers = Field(
        (), description="Sizes of hidden ReLU layers of the user tower; none = one linear map."
    )
    temperature: float = Field(0.1, gt=0, description="What the cosine is divided by.")
    logq: Literal["exact", "streaming", "off"] = Field(
        "exact", description="Correction by the log of the chance of a batch: counted, estimated, none."
    )
    logq_rate: float = Field(0.05, gt=0, le=1, description="Rate of the streaming estimate.")
    logq_hashes: int = Field(1, ge=1, description="Hash functions of the streaming estimate.")
    logq_size: int = Field(0, ge=0, description="Places of each hash function; 0 = one per item.")
    correct_positive: bool = Field(
        True, description="The positive is corrected too, as in the paper; false = the sum is unbiased."
    )
    mask_hits: bool = Field(True, description="An item that is the positive itself is no negative.")
    uniform_negatives: int = Field(
        0, ge=0, description="Items drawn uniformly as further negatives of every batch."
    )
    reward: bool = Field(False, description="An event's weight is the reward its loss is multiplied with.")
    id_dropout: float = Field(
        0.1, ge=0, lt=1, description="Share of a batch's items whose own row gives way to the default row."
    )
    per_user: int | None = Field(None, ge=1, description="Examples per user at most; none = all.")


class YouTubeSettings(Settings):
    """YouTubeDNN recall (Covington et al. 2016); read where engine = "youtube-dnn", beside [train]."""

    vector_size: int = Field(64, ge=2, description="Dimension of the tower's top and of every row.")
    layers: Layers = Field((128,), description="Sizes of the ReLU layers below the top one.")
    last: int = Field(50, ge=1, description="Latest items of the history whose mean goes in.")
    age: bool = Field(True, description="The example's age goes in while it is learned, 0 when it serves.")
    user_fields: bool = Field(True, description="The tower reads the users' attributes, where there are any.")
    negatives: int = Field(2000, ge=1, description="Sampled items of every batch.")
    negative_power: float = Field(
        0.5, ge=0, description="Items are sampled by count to this power; 0 = uniformly, 1 = by count."
    )
    bias: bool = Field(
        False, description="Each item has an output bias, which becomes the last number of its context row."
    )
    reward: bool = Field(False, description="The weight of an event is what its loss is multiplied with.")
    per_user: int | None = Field(20, ge=1, description="Examples per user at most, drawn; none = all.")
