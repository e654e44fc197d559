"""Settings of walking, learning and cold items. Names that gensim and node2vec users know are kept."""

from typing import Literal

from pydantic import Field

from cowalk.types import Settings


class WalkSettings(Settings):
    """Random walks over the item graph."""

    num_walks: int = Field(20, ge=1, description="Walks from every node per epoch.")
    walk_length: int = Field(10, ge=2, description="Nodes in a walk (not steps).")
    p: float = Field(1.0, gt=0, description="node2vec return parameter: below 1 the walk turns back more.")
    q: float = Field(
        1.0, gt=0, description="node2vec in-out parameter: below 1 the walk goes outward (homophily)."
    )


class LearnSettings(Settings):
    """The one engine of the skip-gram family: sequences, pairs, input vector, objective, negatives, steps."""

    sequences: Literal["walks", "sessions"] = Field(
        "walks", description="What is read: walks over the graph, or sessions."
    )
    input: Literal["own", "mean", "weighted"] = Field(
        "weighted",
        description="Input vector: own row (BGE), mean with side information (GES), weighted mean (EGES).",
    )
    vector_size: int = Field(128, ge=1, description="Dimension of every row.")
    window: int = Field(5, ge=1, description="Largest distance between an item and its context.")
    shrink_windows: bool = Field(
        True, description="Draw the window from 1..window for each item, as word2vec does."
    )
    contexts: Literal["symmetric", "forward"] = Field(
        "symmetric", description="Contexts on both sides, or after only."
    )
    negative: int = Field(5, ge=1, description="Negatives drawn per pair or per position.")
    negatives_per: Literal["pair", "position"] = Field(
        "position", description="Draw negatives per pair, or once a position."
    )
    ns_exponent: float = Field(0.75, description="Negatives are drawn from count ** ns_exponent.")
    counts: Literal["log", "walks"] = Field(
        "log", description="Which count negatives, subsampling and priors use."
    )
    sample: float = Field(0.0, ge=0, description="Subsampling threshold of frequent items; 0 = off.")
    epochs: int = Field(
        1, ge=1, description="Passes; on walks each epoch makes num_walks new walks per node."
    )
    optimizer: Literal["adagrad", "sgd"] = Field("adagrad", description="Row-wise Adagrad, or plain SGD.")
    step: float = Field(0.2, gt=0, description="Step size of the items' own rows at the start.")
    step_contexts: float = Field(1.0, ge=0, description="Step of context rows, as a multiple of step.")
    step_fields: float = Field(1.0, ge=0, description="Step of field rows, as a multiple of step.")
    step_weights: float = Field(1.0, ge=0, description="Step of the weight rows a_v, as a multiple of step.")
    min_step: float = Field(
        0.0001, ge=0, le=1, description="Share of the step that is left at the end (linear decay)."
    )
    own_prior: float = Field(0.0, description="Added to the own row's weight logit; a_v itself starts at 0.")
    own_prior_by_count: float = Field(0.0, ge=0, description="Also added: this times log(1 + count / 5).")
    own_dropout: float = Field(
        0.0, ge=0, lt=1, description="Chance that an item's own row is left out of one update."
    )
    field_dropout: float = Field(
        0.0, ge=0, lt=1, description="Chance that a field is left out of one update."
    )
    multi: Literal["mean", "idf"] = Field(
        "mean", description="Rows of a multi-valued field: plain mean, or L2-normalised idf-weighted sum."
    )
    mode: Literal["deterministic", "hogwild"] = Field(
        "deterministic", description="Equal bit for bit on any number of threads, or lock-free."
    )
    block: int = Field(
        1024, ge=16, description="Positions whose gradients are taken at the same values (deterministic)."
    )
    tolerance: float = Field(
        0.0, ge=0, description="Stop when the loss falls by less than this share; 0 = never."
    )


class ColdSettings(Settings):
    """The vector of an item that nobody has clicked yet, and how it is scored."""

    method: Literal["mean", "similar", "ridge", "transfer"] = Field(
        "ridge",
        description="Mean of field rows (paper), weights of the items most like it, a ridge map, or Hema's map.",
    )
    ridge: float = Field(0.3, gt=0, description="Ridge penalty.")
    ridge_trust: float = Field(
        10.0, ge=0, description="An item with n events counts n / (n + ridge_trust) in the ridge."
    )
    score: Literal["HZ", "HH"] = Field(
        "HZ", description="Warm neighbours of a cold item by its vector against context rows, or by cosine."
    )
    popularity: float = Field(
        0.5, description="Weight of log(1 + count in the log) when warm neighbours of a cold item are ranked."
    )
    cooccurrence: float = Field(
        0.5, ge=0, description="Weight of the co-occurrence lists of the items that share most attributes."
    )
    floor: float = Field(0.05, gt=0, description="Added to that score (largest = 1) before its logarithm.")
    neighbors: int = Field(30, ge=1, description="How many such items there are.")
    sharpness: float = Field(4.0, gt=0, description="Their weight is their likeness to this power.")
    lift: float = Field(
        0.0, ge=0, description="Added to the vector score of a cold item when histories are answered."
    )
