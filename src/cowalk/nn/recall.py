"""What the recall models share: examples from training data, a validation figure, the call of `train`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from cowalk.errors import DataError
from cowalk.examples import Examples, next_item_examples
from cowalk.examples.splits import held_out
from cowalk.learn.data import HistoryData
from cowalk.nn.train import Progress, Trace, train
from cowalk.train_settings import TrainSettings
from cowalk.types import Floats
from cowalk.users.tower import NumpyTower

AT = 20  # places of the validation figure: Recall@20 over the full catalogue
STEP = 1 << 24  # scores held at once


@dataclass(frozen=True)
class Run:
    """How a learning is run, beside its settings."""

    seed: int = 0
    workers: int | None = None
    progress: Progress | None = None
    checkpoint: Path | None = None


def examples_of(
    data: HistoryData, last: int, per_user: int | None, validation: int, seed: int
) -> tuple[Examples, Examples | None]:
    """Training examples of the sessions, and up to `validation` last ones of owners drawn, held out."""
    if data.sessions is None:
        raise DataError("this engine learns from histories, and a graph has none; give events")
    examples = next_item_examples(data.sessions, data.vocab, per_user=per_user, last=last, seed=seed)
    return held_out(examples, validation, seed)


def recall_of(tower: NumpyTower, contexts: Floats, asked: Examples) -> float:
    """Recall@20 of the held-out targets among all items, by tower . context row.

    A target's rank counts ties at half, so that a tower of equal scores is worth chance; a target whose
    score is not finite is not found.
    """
    items, offsets = histories(asked)
    queries = torch.from_numpy(tower.vectors(items, offsets, asked.users))
    rows = torch.from_numpy(contexts)
    targets = torch.from_numpy(asked.targets.astype(np.int64))
    found = 0
    step = max(STEP // max(len(contexts), 1), 1)
    for start in range(0, len(queries), step):
        scores = queries[start : start + step] @ rows.T
        own = scores.gather(1, targets[start : start + step, None])
        above = (~(scores <= own)).sum(dim=1)  # a score that is no number stands above
        ranks = above + ((scores == own).sum(dim=1) - 1) / 2
        found += int(((ranks < AT) & own[:, 0].isfinite()).sum())
    return found / len(queries)


def histories(examples: Examples) -> tuple[Any, Any]:
    """(items int32[*], offsets int64[E + 1]): the latest `last` items of each example."""
    lengths = np.minimum(examples.lengths, examples.last)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = np.arange(offsets[-1]) + np.repeat(examples.stops - lengths - offsets[:-1], lengths)
    return examples.stream.items[at], offsets


def run_training(
    network: nn.Module,
    epoch: Callable[[int], Any],
    settings: TrainSettings,
    run: Run,
    figure: Callable[[], float] | None,
    identity: str,
) -> Trace:
    """`train` with the seed, threads, progress and checkpoint of this run."""
    return train(
        network, epoch, settings, seed=run.seed, figure=figure, workers=run.workers, progress=run.progress,
        checkpoint=run.checkpoint, identity=identity,
    )  # fmt: skip


def identity_of(name: str, examples: Examples, seed: int, *settings: Any) -> str:
    """A fingerprint of what is learned, so that a checkpoint of something else is told."""
    digest = blake2b(f"{name} {seed}".encode(), digest_size=16)
    for one in settings:
        digest.update(one.model_dump_json().encode())
    for column in (examples.stream.items, examples.stops, examples.targets, examples.labels):
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


def prefixed(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays under names that begin with the prefix."""
    return {prefix + name: array for name, array in arrays.items()}
