"""Settings of reading, cleaning, cutting into sessions, the item graph and side information."""

from typing import Literal

from pydantic import Field

from cowalk.types import Settings


class ReadSettings(Settings):
    """How the columns of a log are called and what they mean."""

    user_column: str | None = Field(
        "user_id", description="Column of the user id; none where only sessions are known."
    )
    item_column: str = Field("item_id", description="Column of the item id.")
    time_column: str | None = Field(
        "timestamp", description="Column of the time; none where the log has only an order."
    )
    session_column: str | None = Field(
        None, description="Column that names the session (an invoice, a visit)."
    )
    order_column: str | None = Field(
        None, description="Column that orders events with equal times; else file and row."
    )
    event_column: str | None = Field(None, description="Column of the event type, used with event_weights.")
    dwell_column: str | None = Field(
        None, description="Column of the dwell time in seconds, used with min_dwell."
    )
    weight_column: str | None = Field(None, description="Column of a ready weight per event.")
    event_weights: dict[str, float] = Field(
        default_factory=dict,
        description="Weight by event type, as view=1,cart=3,buy=5; other types are dropped.",
    )
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = Field(
        "auto", description="Unit of epoch numbers; auto finds it by their size and reports it."
    )


class CleanSettings(Settings):
    """Rules of cleaning; each counts what it dropped. None switches a rule off."""

    drop_duplicates: bool = Field(
        True, description="Drop rows that equal an earlier row in every used column."
    )
    drop_repeats: bool = Field(
        True, description="Of events in a row on one item keep the first, with the largest weight of them."
    )
    min_dwell: float | None = Field(
        None, ge=0, description="Seconds below which a visit does not count (EGES: 1)."
    )
    max_user_events: int | None = Field(
        None, ge=1, description="Users with more events are bots (EGES: 3500)."
    )
    min_count: int = Field(1, ge=1, description="Items with fewer events are dropped.")
    min_session: int = Field(1, ge=1, description="Sessions with fewer events are dropped.")
    max_session: int | None = Field(None, ge=2, description="Sessions with more events are dropped.")
    min_time: str | None = Field("1990-01-01", description="Events before this time are impossible.")
    max_time: str | None = Field("2100-01-01", description="Events at or after this time are impossible.")


class SessionSettings(Settings):
    """How a log is cut into sessions."""

    by: Literal["auto", "gap", "window", "column", "history"] = Field(
        "auto",
        description="auto = column where one is given, gap where there are times, else the whole history.",
    )
    gap_minutes: float = Field(
        30.0, gt=0, description="A pause longer than this starts a session (by = gap)."
    )
    window_minutes: float = Field(
        60.0, gt=0, description="Length of a fixed window (by = window; EGES: one hour)."
    )
    bought_weight: float | None = Field(
        None, gt=0, description="Events of at least this weight bought: with view=1,buy=5 it is 5."
    )


class GraphSettings(Settings):
    """How the item graph is made of sessions."""

    weighted: bool = Field(
        False, description="Sum the weight of the later event instead of counting transitions."
    )
    symmetric: bool = Field(False, description="Add every edge's reverse.")
    self_loops: bool = Field(False, description="Keep transitions from an item to itself.")
    content_fields: tuple[str, ...] = Field((), description="Fields whose shared values give content edges.")
    content_strength: float = Field(
        0.0,
        ge=0,
        description="Out-weight of content edges relative to the mean out-weight of the log's edges.",
    )
    content_neighbors: int = Field(
        8, ge=1, description="Content edges per item and field; fixed, so never quadratic."
    )


class SideSettings(Settings):
    """How attributes become codes."""

    fields: dict[str, Literal["categorical", "multi", "numeric", "dense", "skip"]] = Field(
        default_factory=dict,
        description="Kind by field where the guess is not wanted; skip leaves a field out.",
    )
    separators: dict[str, str] = Field(
        default_factory=dict, description="Text that parts the values of a multi field."
    )
    vectors: dict[str, str] = Field(
        default_factory=dict,
        description="File of vectors by item id (.npz, .parquet, word2vec) for each dense field it gives.",
    )
    name_column: str | None = Field(
        None,
        description="Column of the items table that says what an item is called: shown and searched, not "
        "learned. None = name, title, product_name or description, if there is one.",
    )
    buckets: int = Field(10, ge=2, description="Quantile buckets of a numeric field.")
    min_value_count: int = Field(1, ge=1, description="Values carried by fewer items are treated as missing.")
