"""What the service takes and gives, as msgspec structs; bounds stand in the types."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

K_MOST = 1000
HISTORY_MOST = 1000
EVENTS_MOST = 1000
EMBED_MOST = 64
PAGE_MOST = 200
OFFSET_MOST = 10_000

Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Id = Text | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Scalar = Annotated[str, Meta(max_length=1024)] | int | float | bool
Time = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)] | Annotated[str, Meta(max_length=40)]
K_USUAL = 10
K = Annotated[int, Meta(ge=1, le=K_MOST, description=f"Number of items; {K_USUAL} unless given.")]


class Range(Struct, forbid_unknown_fields=True):
    """From min to max of a numeric field; dates are days since 1970 or ISO text."""

    min: float | Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    max: float | Annotated[str, Meta(max_length=40)] | UnsetType = UNSET


Wanted = Scalar | Annotated[list[Scalar], Meta(max_length=64)] | Range | None
Where = Annotated[
    dict[Text, Wanted],
    Meta(
        max_length=16,
        description="Only items that match every field: a value, a list of which one must be there, a range, "
        "or null for no value.",
    ),
]
Attributes = Annotated[dict[Text, Scalar | list[Scalar] | None], Meta(max_length=64)]


class Recommend(Struct, forbid_unknown_fields=True):
    """A history, or a user whose latest events the service knows; with both, the history stands in where
    the user is not known or the store is away.
    """

    history: (
        Annotated[list[Id], Meta(max_length=HISTORY_MOST, description="Item ids, oldest first.")] | UnsetType
    ) = UNSET
    user: Id | UnsetType = UNSET
    k: K | UnsetType = UNSET
    times: (
        Annotated[
            list[Time],
            Meta(max_length=HISTORY_MOST, description="When each was: microseconds since 1970, or ISO text."),
        ]
        | UnsetType
    ) = UNSET
    where: Where | UnsetType = UNSET
    exclude_seen: bool | None = None
    diversity: Annotated[float, Meta(ge=0, le=1, description="0 = off; up to 1: unlike each other.")] = 0.0
    interests: Annotated[int, Meta(ge=1, le=16)] | None = None
    cold: bool = False
    explain: bool = False


class Why(Struct):
    """How an answer came about.

    by: history, user (the stored history), popularity (the fallback) or nothing. score: what the scores are.
    coverage: share of the ids asked with that are known, 0 where there are none; unknown: the others.
    degraded: the store of histories did not answer. model: the version that answered.
    """

    by: Literal["history", "user", "popularity", "item", "attributes", "nothing"]
    score: str
    model: str
    unknown: list[Id] = []
    coverage: float = 1.0
    notes: list[str] = []
    degraded: bool = False


class Answer(Struct, omit_defaults=True):
    """Items, best first, with their scores; reasons: why each stands there, if that was asked."""

    items: list[Id]
    scores: list[float]
    why: Why
    reasons: list[list[str]] = []


class SimilarQuery(Struct, forbid_unknown_fields=True):
    """The question of GET /similar; where is JSON text."""

    k: K | UnsetType = UNSET
    metric: Literal["cosine", "dot", "l2", "context", "attributes"] | None = None
    explain: bool = False
    where: (
        Annotated[str, Meta(max_length=8192, description="As in /recommend, as JSON text.")] | UnsetType
    ) = UNSET


class HowToEmbed(Struct, forbid_unknown_fields=True):
    """What is asked of new items, beside their attributes."""

    k: (
        Annotated[
            int,
            Meta(ge=0, le=K_MOST, description=f"Neighbours; 0 = the vector alone; {K_USUAL} unless given."),
        ]
        | UnsetType
    ) = UNSET
    method: Literal["mean", "similar", "ridge", "transfer"] | None = None
    where: Where | UnsetType = UNSET
    explain: bool = False


class Embed(HowToEmbed, forbid_unknown_fields=True, kw_only=True):
    """Attributes of a new item."""

    attributes: Attributes


class EmbedSeveral(HowToEmbed, forbid_unknown_fields=True, kw_only=True):
    """Attributes of new items, one after another."""

    items: Annotated[list[Attributes], Meta(min_length=1, max_length=EMBED_MOST)]


class Embedded(Struct, omit_defaults=True):
    """The vector of a new item, its neighbours, and the values by field that the model has not seen."""

    vector: list[float]
    items: list[Id]
    scores: list[float]
    unknown: dict[str, list[str]]
    why: Why
    reasons: list[list[str]] = []


class SeveralEmbedded(Struct):
    """One answer for each of the items asked for."""

    answers: list[Embedded]


class Event(Struct, forbid_unknown_fields=True):
    """A user did something with an item; without a time it was now."""

    user: Id
    item: Id
    time: Time | None = None


Events = Event | Annotated[list[Event], Meta(min_length=1, max_length=EVENTS_MOST)]


class Taken(Struct):
    """counted: events that were kept; unknown: items that the model does not know (kept for a later one);
    degraded: the store is away and nothing was kept.
    """

    counted: int
    unknown: list[Id]
    degraded: bool
    notes: list[str] = []


class ItemsQuery(Struct, forbid_unknown_fields=True):
    """The question of GET /items."""

    q: Annotated[str, Meta(max_length=200, description="Part of an id or a name; none = all items.")] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MOST)] = 20
    offset: Annotated[int, Meta(ge=0, le=OFFSET_MOST)] = 0


class Named(Struct, omit_defaults=True):
    """An item with its name, where the model knows one, and its events in the log."""

    id: Id
    count: int
    name: str = ""
    cold: bool = False


class Page(Struct):
    """Items of a search, most seen first; more: whether there are others behind them."""

    items: list[Named]
    more: bool


class Item(Struct):
    """What is known of an item. weights: share of its own row and of each field in its vector."""

    id: Id
    name: str
    count: int
    rank: int
    cold: bool
    attributes: dict[str, list[str]]
    weights: dict[str, float]
    model: str


class Version(Struct):
    """What answers."""

    cowalk: str
    model: str
    recipe: str
    items: int
    vector_size: int
    fields: list[str]
    created: str | None
    fingerprint: str
    seconds: float


class Ready(Struct):
    """Whether answers come, from what, and what is amiss."""

    ready: bool
    model: str
    degraded: bool
    refused: str | None


class Health(Struct):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Reloaded(Struct):
    """What became of a reload: swapped, the same version as before, or refused."""

    outcome: Literal["swapped", "unchanged"]
    model: str


class Problem(Struct, omit_defaults=True):
    """What is wrong with a request, and the part of it that is."""

    error: str
    field: str = ""
