"""One door to every engine: what a recipe says about learning, and the rows that come of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from cowalk.errors import DataError
from cowalk.learn.engine import Progress, learn
from cowalk.learn.hema import learn_hema
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.matrix import learn_matrix
from cowalk.learn.matrix_settings import MatrixSettings
from cowalk.learn.result import Learned
from cowalk.learn.settings import LearnSettings, WalkSettings
from cowalk.tables import ItemGraph, Sessions, SideInfo, Vocab

Engine = Literal["skip-gram", "hema", "als", "bpr"]
HOMES: dict[Engine, str] = {"skip-gram": "learn", "hema": "hema", "als": "mf", "bpr": "mf"}
"""The stage that holds each engine's settings."""


class Data(Protocol):
    """What is learned from; evaluate.data.TrainData is one."""

    @property
    def vocab(self) -> Vocab: ...

    @property
    def graph(self) -> ItemGraph: ...

    @property
    def sessions(self) -> Sessions | None: ...

    @property
    def side_info(self) -> SideInfo | None: ...


@dataclass(frozen=True)
class Stages:
    """The stages of a recipe that say what is learned; each engine reads its own."""

    engine: Engine = "skip-gram"
    learn: LearnSettings = field(default_factory=LearnSettings)
    walks: WalkSettings = field(default_factory=WalkSettings)
    hema: HemaSettings = field(default_factory=HemaSettings)
    mf: MatrixSettings = field(default_factory=MatrixSettings)

    def with_learn(self, settings: LearnSettings) -> Stages:
        """The same with other settings of [learn]: those of a second set of rows."""
        return replace(self, learn=settings)


def learned_from(
    data: Data,
    stages: Stages,
    *,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    walk_instead: bool = False,
) -> Learned:
    """The rows that the recipe's engine learns from the data, equal for equal (data, stages, seed).

    checkpoint: a folder in which finished epochs are kept, where the engine has some. walk_instead: walk the
    graph where there are no sessions, instead of a DataError.
    """
    if stages.engine == "skip-gram":
        return learn(
            source_of(data, stages.learn.sequences, "learn", walk_instead), data.vocab, stages.learn,
            walks=stages.walks, side_info=data.side_info, seed=seed, workers=workers, progress=progress,
            checkpoint=checkpoint,
        )  # fmt: skip
    if stages.engine == "hema":
        return learn_hema(
            source_of(data, stages.hema.sequences, "hema", walk_instead), data.vocab, stages.hema,
            walks=stages.walks, side_info=data.side_info, seed=seed, workers=workers, progress=progress,
            checkpoint=checkpoint,
        )  # fmt: skip
    source = data.graph if data.sessions is None else data.sessions
    return learn_matrix(
        source, data.vocab, stages.engine, stages.mf, seed=seed, workers=workers, progress=progress
    )


def source_of(data: Data, sequences: str, stage: str, walk_instead: bool) -> Sessions | ItemGraph:
    """The sessions or the graph, as `sequences` of this stage asks."""
    if sequences == "walks" or (data.sessions is None and walk_instead):
        return data.graph
    if data.sessions is None:
        raise DataError(f"{stage}.sequences is sessions, but a graph has none; set {stage}.sequences=walks")
    return data.sessions
