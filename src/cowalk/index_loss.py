"""What an index costs: a model's own answers with it and with exact search, on the same histories."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cowalk.evaluate.metrics import recall_at, target_ranks
from cowalk.model import Model
from cowalk.recall import top_k
from cowalk.recall.truth import found_shares
from cowalk.recommend import Recommender, with_one
from cowalk.types import Ids, Offsets

AT = 20


@dataclass(frozen=True)
class IndexLoss:
    """found: share of the exact candidates that the index gives, of `width` each; through, exact: Recall@20
    of the next item by the index and by exact search; queries: how many histories.
    """

    kind: str
    found: float
    width: int
    through: float
    exact: float
    queries: int

    def told(self, on: str) -> str:
        """One line; on: what the histories are."""
        return (
            f"index for recommend ({self.kind}): finds {self.found:.4f} of {self.width} exact candidates; "
            f"Recall@{AT} {self.through:.4f} with it, {self.exact:.4f} with exact search, "
            f"on {self.queries:,} {on}"
        )


def without_index(model: Model) -> Recommender:
    """The model's scorer, its candidates by exact search."""
    return replace(model.recommender, index=None)


def index_loss(
    model: Model, items: Ids, offsets: Offsets, targets: Ids, times: Offsets | None = None
) -> IndexLoss | None:
    """What the model's index for `recommend` loses on these histories; None where it has none."""
    through = model.recommender
    if through.index is None or not len(targets):
        return None
    exact = without_index(model)
    recalls = [
        recall_at(target_ranks(one.recommend(items, offsets, AT, times=times).ids, targets), AT).mean()
        for one in (through, exact)
    ]
    width = min(max(through.settings.candidates, AT), len(model.vocab))
    queries = through.queries(items, offsets, times)
    wanted = top_k(queries, exact.keys, width, bias=exact.bias).ids
    found = float(found_shares(through.index.search(with_one(queries), width).ids, wanted).mean())
    return IndexLoss(through.index.kind, found, width, float(recalls[0]), float(recalls[1]), len(targets))


def probe_loss(model: Model) -> IndexLoss | None:
    """The same on the histories that the model keeps of its own log; None where it keeps none."""
    probe = model.probe
    if probe is None or not len(probe) or not model.indexes:
        return None
    times = probe.times if len(probe.times) else None
    if times is None and model.recipe.recommend.half_life > 0:
        return None
    return index_loss(model, probe.items, probe.offsets, np.asarray(probe.targets), times)
