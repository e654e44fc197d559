"""One door to every engine: what a recipe says about learning, and the rows that come of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cowalk.errors import DataError
from cowalk.learn.data import Data
from cowalk.learn.engine import Progress, learn
from cowalk.learn.hema import learn_hema
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.matrix import learn_matrix
from cowalk.learn.matrix_settings import MatrixSettings
from cowalk.learn.result import Learned
from cowalk.learn.settings import LearnSettings, WalkSettings
from cowalk.learn.tower_settings import TowerSettings, YouTubeSettings
from cowalk.tables import ItemGraph, Sessions
from cowalk.train_settings import TrainSettings

Engine = Literal["skip-gram", "hema", "als", "bpr", "two-tower", "youtube-dnn"]
HOMES: dict[Engine, str] = {
    "skip-gram": "learn", "hema": "hema", "als": "mf", "bpr": "mf", "two-tower": "tower",
    "youtube-dnn": "youtube",
}  # fmt: skip
"""The stage that holds each engine's settings."""
NETWORKS: tuple[Engine, ...] = ("two-tower", "youtube-dnn")
"""Engines that learn a user tower by torch and read [train] beside their own stage."""


@dataclass(frozen=True)
class Stages:
    """The stages of a recipe that say what is learned; each engine reads its own."""

    engine: Engine = "skip-gram"
    learn: LearnSettings = field(default_factory=LearnSettings)
    walks: WalkSettings = field(default_factory=WalkSettings)
    hema: HemaSettings = field(default_factory=HemaSettings)
    mf: MatrixSettings = field(default_factory=MatrixSettings)
    tower: TowerSettings = field(default_factory=TowerSettings)
    youtube: YouTubeSettings = field(default_factory=YouTubeSettings)
    train: TrainSettings = field(default_factory=TrainSettings)

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
    if stages.engine in NETWORKS:
        return _by_network(data, stages, seed, workers, progress, checkpoint)
    source = data.graph if data.sessions is None else data.sessions
    kind: Literal["als", "bpr"] = "als" if stages.engine == "als" else "bpr"
    return learn_matrix(
        source, data.vocab, kind, stages.mf, seed=seed, workers=workers, progress=progress
    )  # fmt: skip


def _by_network(
    data: Data, stages: Stages, seed: int, workers: int | None, progress: Progress | None,
    checkpoint: Path | None,
) -> Learned:  # fmt: skip
    """The one door from here to torch: the room nn is imported when a network is learned, not before."""
    from cowalk.nn.needs import need

    need("torch", "lightning")
    from cowalk.nn.recall import Run

    run = Run(seed, workers, progress, checkpoint)
    if stages.engine == "two-tower":
        from cowalk.nn.two_tower import learn_two_tower

        return learn_two_tower(data, stages.tower, stages.train, run)
    from cowalk.nn.youtube import learn_youtube

    return learn_youtube(data, stages.youtube, stages.train, run)


def source_of(data: Data, sequences: str, stage: str, walk_instead: bool) -> Sessions | ItemGraph:
    """The sessions or the graph, as `sequences` of this stage asks."""
    if sequences == "walks" or (data.sessions is None and walk_instead):
        return data.graph
    if data.sessions is None:
        raise DataError(f"{stage}.sequences is sessions, but a graph has none; set {stage}.sequences=walks")
    return data.sessions
