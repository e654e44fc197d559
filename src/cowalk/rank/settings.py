"""Settings of a ranking model, from names and values that people give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError

from cowalk.errors import UsageError
from cowalk.setting_names import did_you_mean
from cowalk.train_settings import TrainSettings
from cowalk.types import Settings

Network = Literal["din", "mlp", "pnn", "lr", "fm", "fnn", "gbdt-lr"]
Embedding = Literal[
    "random", "l2", "double", "item2vec", "node2vec", "eges", "vectors", "res-avg", "res-gcn", "res-att"
]
HISTORY_NETWORKS = ("din", "mlp", "pnn")
TABLE_NETWORKS = ("lr", "fm", "fnn", "gbdt-lr", "mlp", "pnn")
LINEAR = ("lr", "fm")
PRETRAINED = ("item2vec", "node2vec", "eges")
RESIDUAL = ("res-avg", "res-gcn", "res-att")


class RankSettings(Settings):
    """A ranking model: the network, where its item vectors come from, and how it is trained."""

    model: Network = Field(
        "din",
        description="The network. Over histories: din, mlp, pnn. Over the columns of a table: lr, fm, fnn, "
        "gbdt-lr, mlp, pnn.",
    )
    embedding: Embedding = Field(
        "random",
        description="Item vectors: random; l2 = random, all of it penalised; double = random of twice the "
        "size; item2vec, node2vec, eges = learned first from the training histories; vectors = given ones; "
        "res-avg, res-gcn, res-att = Res-embedding. Of a table: random, l2 or double.",
    )
    vector_size: int = Field(18, ge=1, description="Numbers of an item's, or a column value's, vector.")
    hidden: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        None, description="Layers of the tower; none = 400, 120, and 200, 300, 100 of fnn."
    )
    activation: Literal["relu", "prelu", "tanh"] | None = Field(
        None, description="Between the layers; none = relu, and tanh of fnn."
    )
    dropout: float | None = Field(
        None, ge=0, lt=1, description="Chance that a number of a layer is left out; none = 0, .2 of fnn."
    )
    l2: float = Field(
        0.006,
        ge=0,
        description="Of embedding l2: weight of the squared rows of a batch. Of table networks with it: of "
        "the squared rows that a row looks up.",
    )
    window: int = Field(2, ge=1, description="Res-embedding: how far apart items of a history are linked.")
    neighbors: int = Field(8, ge=1, description="Res-embedding: links that an item keeps, the strongest.")
    penalty: float = Field(0.006, ge=0, description="Res-embedding: weight of the squared residual.")
    penalty_over: Literal["batch", "table"] = Field(
        "batch", description="Res-embedding: the residuals of the distinct items of a batch, or all."
    )
    attributes: bool = Field(
        False, description="Whether the items' attributes (--items) go into a network over histories too."
    )
    attribute_size: int = Field(
        8, ge=1, description="Numbers of the vector of an attribute's value, of items, users and context."
    )
    min_count: int = Field(
        2, ge=1, description="Of a users table and context: values of fewer rows are unknown ones."
    )
    constant: Literal["error", "drop"] = Field(
        "error",
        description="Of a users table and context: a column with the same value in all training rows.",
    )
    with_targets: bool = Field(
        False,
        description="Whether what is learned first (graph, item2vec, ...) also sees the latest clicked "
        "target of each training user, which tells the network its own answers.",
    )
    frozen: bool = Field(False, description="Learned vectors (fnn: the machine's rows) stay as they are.")
    rows_rate: float | None = Field(
        None, gt=0, description="Learning rate of the items' (fnn: the machine's) rows; none = that of all."
    )
    spread: float | None = Field(
        0.05, gt=0, description="Vectors are scaled to entries of this spread; none = as they are."
    )
    linear_rate: float = Field(
        0.01,
        gt=0,
        description="Learning rate of lr, fm and of the machine before fnn, instead of train.learning_rate.",
    )
    join: Literal["concatenate", "sum", "gate"] = Field(
        "concatenate", description="How several given sets of vectors become one; see JoinedEmbedding."
    )
    machine_epochs: int = Field(5, ge=1, description="Of fnn: passes of the factorization machine before.")
    best_by: Literal["log-loss", "auc"] = Field(
        "log-loss",
        description="The figure of held-out rows by which the best epoch is kept; by AUC chances may be off.",
    )
    trees: int = Field(100, ge=1, description="Of gbdt-lr: number of trees.")
    leaves: int = Field(12, ge=2, description="Of gbdt-lr: leaves of a tree at most.")
    tree_rate: float = Field(0.1, gt=0, le=1, description="Of gbdt-lr: learning rate of the trees.")
    tree_share: float = Field(
        0.5, gt=0, lt=1, description="Of gbdt-lr: share of the rows that grow the trees; the rest trains lr."
    )
    train: TrainSettings = TrainSettings(
        epochs=20, batch_size=256, learning_rate=0.001, patience=3, validation=20_000
    )


def rank_settings(changes: Mapping[str, Any], base: RankSettings | None = None) -> RankSettings:
    """The settings with these changes, by `name`, `train.name`, or a bare name that only training has.

    UsageError in one line for an unknown name, or for the first value that does not fit.
    """
    tree = (base or RankSettings()).model_dump(exclude_unset=base is not None)
    inner = dict((base or RankSettings()).train.model_dump())
    for key, value in changes.items():
        name = key.replace("__", ".")
        first, _, rest = name.partition(".")
        if first == "train" and rest in TrainSettings.model_fields:
            inner[rest] = value
        elif name in RankSettings.model_fields and name != "train":
            tree[name] = value
        elif name in TrainSettings.model_fields:
            inner[name] = value
        else:
            known = [*RankSettings.model_fields, *TrainSettings.model_fields]
            raise UsageError(f"a ranking model has no setting {key!r}{did_you_mean(rest or name, known)}")
    try:
        settings = RankSettings.model_validate({**tree, "train": inner})
    except ValidationError as caught:
        told = caught.errors()[0]
        where = ".".join(str(part) for part in told["loc"])
        raise UsageError(f"setting {where} = {told['input']!r}: {_lower(told['msg'])}") from None
    return settings


def _lower(message: str) -> str:
    words = message.removeprefix("Value error, ")
    return words[0].lower() + words[1:]


def check_history(settings: RankSettings, *, vectors: bool) -> None:
    """UsageError where the settings are not those of a network over histories."""
    if settings.model not in HISTORY_NETWORKS:
        raise UsageError(
            f"{settings.model} reads the columns of a table; give a table, or use one of "
            f"{', '.join(HISTORY_NETWORKS)}"
        )
    if settings.train.sparse and settings.embedding in RESIDUAL:
        raise UsageError(
            f"train.sparse=true: {settings.embedding} has no sparse gradients, because a row that is looked "
            "up moves its neighbours' too; leave train.sparse out"
        )
    if vectors and settings.embedding != "vectors":
        raise UsageError("vectors are given, so embedding must be vectors (or leave the vectors out)")
    if settings.embedding == "vectors" and not vectors:
        raise UsageError("embedding=vectors needs the vectors: vectors=model.vectors (--vectors FILE)")


def check_table(settings: RankSettings) -> None:
    """UsageError where the settings are not those of a network over a table."""
    if settings.model not in TABLE_NETWORKS:
        raise UsageError(
            f"{settings.model} reads histories; give events, or use one of {', '.join(TABLE_NETWORKS)}"
        )
    if settings.embedding not in ("random", "l2", "double"):
        raise UsageError(
            f"embedding {settings.embedding} is of items in histories; a table takes random, l2 or double"
        )


NETWORKS: tuple[str, ...] = get_args(Network)
EMBEDDINGS: tuple[str, ...] = get_args(Embedding)
