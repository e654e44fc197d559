"""Settings of walking, learning and cold items. Names that gensim and node2vec users know are kept."""

from typing import Any, Literal

from pydantic import Field, field_validator

from cowalk.learn.sampler_names import sampler_weights
from cowalk.types import Settings


class WalkSettings(Settings):
    """Random walks over the item graph."""

    num_walks: int = Field(20, ge=1, description="Walks from every node per epoch.")
    walk_length: int = Field(10, ge=2, description="Nodes in a walk (not steps).")
    p: float = Field(
        1.0, ge=1e-6, le=1e6, description="node2vec return parameter: below 1 the walk turns back more."
    )
    q: float = Field(
        1.0,
        ge=1e-6,
        le=1e6,
        description="node2vec in-out parameter: below 1 the walk goes outward (homophily).",
    )


class LearnSettings(Settings):
    """The one engine of the skip-gram family: sequences, pairs, input vector, objective, negatives, steps."""

    sequences: Literal["walks", "sessions"] = Field(
        "walks", description="What is read: walks over the graph, or sessions."
    )
    session_order: Literal["shuffled", "given"] = Field(
        "shuffled",
        description="Sessions: a new order each epoch, or as they stand (gensim): late ones weigh more.",
    )
    input: Literal["own", "mean", "weighted"] = Field(
        "weighted",
        description="Input vector: own row (BGE), mean with side information (GES), weighted mean (EGES).",
    )
    architecture: Literal["skip-gram", "cbow"] = Field(
        "skip-gram", description="Item foretells each context, or the mean of the contexts the item."
    )
    cbow_gradient: Literal["exact", "word2vec"] = Field(
        "exact",
        description="CBOW: contexts share the gradient of their mean, or each takes the whole (C code).",
    )
    objective: Literal["negative-sampling", "hierarchical-softmax", "softmax"] = Field(
        "negative-sampling",
        description="What tells a context apart: negatives, a Huffman tree, or all items (few items only).",
    )
    vector_size: int = Field(128, ge=1, description="Dimension of every row.")
    init: float = Field(
        0.5, gt=0, description="Rows begin within +-init / vector_size: 0.5 as in the C code, 1 as in gensim."
    )
    window: int = Field(5, ge=1, description="Largest distance between an item and its context.")
    shrink_windows: bool = Field(
        True, description="Draw the window from 1..window for each item, as word2vec does."
    )
    contexts: Literal["symmetric", "forward"] = Field(
        "symmetric", description="Contexts on both sides, or after only."
    )
    pairs: Literal["window", "set"] = Field(
        "window", description="Pairs within the window, or all ordered pairs of the session as a set."
    )
    most_contexts: int = Field(
        10, ge=1, description="Sets: contexts of an item at most; of more, as many are drawn."
    )
    reweigh_sets: bool = Field(
        False, description="Sets: contexts that were drawn also stand for those that were not."
    )
    weigh_events: bool = Field(
        False, description="Sessions: a pair weighs as much as the event of its context."
    )
    time_scale: float = Field(
        0.0, ge=0, description="Sessions: a pair weighs exp(-minutes between / time_scale); 0 = off."
    )
    bought_context: bool = Field(
        False, description="Sessions: the item that was bought is a context of every click of its session."
    )
    negative: int = Field(5, ge=1, description="Negatives drawn per pair or per position.")
    negatives_per: Literal["pair", "position"] = Field(
        "position", description="Draw negatives per pair, or once a position."
    )
    ns_exponent: float = Field(0.75, description="Negatives are drawn from count ** ns_exponent.")
    negatives: dict[str, float] = Field(
        default={"popularity": 1.0},
        description="Sampler of negatives by name, or a mixture as {popularity = 0.8, same-category = 0.2}.",
    )
    mask_positives: bool = Field(False, description="Never draw a known context of the item as its negative.")
    self_adversarial: float = Field(
        0.0, ge=0, description="Negatives weigh by softmax of this times their score (RotatE); 0 = alike."
    )
    negative_pool: int = Field(
        10, ge=1, description="Random items from which hardest and generator choose one."
    )
    similar_pool: int = Field(50, ge=1, description="Items that similar and co-occurring draw from.")
    similar_skip: int = Field(0, ge=0, description="Nearest items that similar leaves out.")
    similar_refresh: int = Field(1, ge=1, description="How often an epoch similar makes its pools anew.")
    generator_size: int = Field(16, ge=1, description="Dimension of the generator's own rows.")
    generator_step: float = Field(0.05, gt=0, description="Step size of the generator (Adagrad).")
    counts: Literal["log", "walks"] = Field(
        "log", description="Which count negatives, subsampling and priors use."
    )
    sample: float = Field(0.0, ge=0, description="Subsampling threshold of frequent items; 0 = off.")
    sample_rule: Literal["paper", "word2vec"] = Field(
        "paper", description="Chance to stay: sqrt(t/f), or sqrt(t/f) + t/f as in word2vec's C code."
    )
    epochs: int = Field(
        1, ge=1, description="Passes; on walks each epoch makes num_walks new walks per node."
    )
    sigmoid: Literal["exact", "word2vec"] = Field(
        "exact",
        description="Exact, or as word2vec's C code and gensim look it up: from a table by an index that is "
        "rounded down, .494 at 0; where learning steps one by one (small corpora), exact elsewhere.",
    )
    optimizer: Literal["adagrad", "sgd"] = Field("adagrad", description="Row-wise Adagrad, or plain SGD.")
    step: float = Field(0.2, gt=0, description="Step size of the items' own rows at the start.")
    step_contexts: float = Field(1.0, ge=0, description="Step of context rows, as a multiple of step.")
    step_fields: float = Field(1.0, ge=0, description="Step of field rows, as a multiple of step.")
    step_weights: float = Field(1.0, ge=0, description="Step of the weight rows a_v, as a multiple of step.")
    min_step: float = Field(
        0.0001, ge=0, le=1, description="Share of the step that is left at the end (linear decay)."
    )
    step_every: int = Field(
        1,
        ge=1,
        description="Positions after which the step falls anew: 10,000 in word2vec's C code and gensim.",
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
        1024,
        ge=16,
        description="Positions whose gradients are taken at the same values (deterministic). SGD takes a "
        "thousandth of an epoch at most (not of sets); below 256,000 positions it steps pair by pair.",
    )
    tolerance: float = Field(
        0.0, ge=0, description="Stop when the loss falls by less than this share; 0 = never."
    )

    @field_validator("negatives", mode="before")
    @classmethod
    def _samplers(cls, value: Any) -> Any:
        return sampler_weights(value)


class ColdSettings(Settings):
    """The vector of an item that nobody has clicked yet, and how it is scored."""

    method: Literal["mean", "similar", "ridge", "transfer", "tower"] = Field(
        "ridge",
        description="Mean of field rows (paper), weights of the items most like it, a ridge map, Hema's "
        "map, or the item tower of a two-tower network.",
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
        1.0, ge=0, description="Added to the score of a cold item when histories are answered."
    )
