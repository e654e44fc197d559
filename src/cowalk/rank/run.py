"""One fit of a ranking network: what it is told beside its data, and how its networks are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cowalk import seeds
from cowalk.errors import DataError
from cowalk.evaluate.clicks import log_loss_values
from cowalk.evaluate.metrics import auc
from cowalk.nn.ctr.network import ClickNetwork
from cowalk.nn.train import Trace, train
from cowalk.rank.settings import RankSettings
from cowalk.types import AnyArray

Tell = Callable[[str, float], None]
FEW = 100  # rows below which nothing is held out for a figure


@dataclass(frozen=True)
class Run:
    """settings, seed, threads; checkpoint: where epochs are kept; identity: of the data, where they are."""

    settings: RankSettings
    seed: int
    workers: int | None
    tell: Tell | None
    checkpoint: Path | None
    identity: str

    def train(
        self, network: ClickNetwork, epoch: Callable[[int], Iterable[Mapping[str, Any]]],
        figure: Callable[[], float] | None, words: str = "training",
        changes: Mapping[str, Any] | None = None,
    ) -> Trace:  # fmt: skip
        """Train the network; its weights are those of the epoch with the best validation figure."""
        settings, tell = self.settings.train.model_copy(update=dict(changes or {})), self.tell
        network.train()  # a machine that was trained before stands in eval mode
        trace = train(
            network, epoch, settings, seed=seeds.stream(self.seed, f"rank/{words}"), figure=figure,
            workers=self.workers, checkpoint=None if self.checkpoint is None else self.checkpoint / words,
            progress=None if tell is None else lambda share, told: tell(f"{words}: {told}", share),
            higher=self.settings.best_by == "auc",
            identity=f"{self.identity}/{settings.model_dump_json()}/{self.settings.model_dump_json()}/{self.seed}",
        )  # fmt: skip
        network.settle()
        return trace

    def about(self, trace: Trace, told: Mapping[str, Any]) -> dict[str, Any]:
        """What is told, and how training went."""
        best = None if trace.best < 0 else trace.figures[trace.best]
        return {
            **told, "seed": self.seed, "epochs": len(trace.losses), "losses": trace.losses,
            f"validation {self.settings.best_by}": best,
            "best epoch": trace.best + 1 if trace.best >= 0 else len(trace.losses),
        }  # fmt: skip


def figure(s: RankSettings, scores: AnyArray, labels: AnyArray) -> float:
    """What an epoch is judged by."""
    if s.best_by == "auc":
        return auc(scores[labels > 0], scores[labels == 0])
    return float(log_loss_values(scores, labels).mean())


def check_labels(labels: AnyArray | None, mend: str, what: str = "") -> None:
    """DataError unless there are labels of both kinds."""
    if labels is None:
        raise DataError("the table has no labels; name their column by label_column (--label)")
    if len(labels) == 0 or labels.min() == labels.max():
        told = f"all labels are {labels[0]:g}" if len(labels) else "there are no rows"
        raise DataError(f"{what}{told}, so there is nothing to tell apart; {mend}")
