"""Link prediction as in the EGES paper: a third of the unordered pairs removed, told apart from pairs with no
edge.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from cowalk.evaluate import metrics
from cowalk.evaluate.data import DataSettings, TrainData
from cowalk.evaluate.judged import Judged
from cowalk.evaluate.methods import Fitted
from cowalk.evaluate.protocols.matched import NonEdges, degree_matched_pairs, uniform_pairs
from cowalk.evaluate.queries import LinkPairs
from cowalk.prepare import encode_side_info, hold_out_edges
from cowalk.seeds import generator
from cowalk.tables import Catalogue, ItemGraph, Vocab
from cowalk.types import AnyArray, Ids, Settings

NAME = "link"
KINDS = ("matched", "uniform")


class LinkSettings(Settings):
    """How edges are held out."""

    share: float = Field(1 / 3, gt=0, lt=1, description="Share of the unordered pairs that training loses.")


def degrees(graph: ItemGraph) -> AnyArray:
    """float64[V]: total weight of the edges at each node, in and out."""
    out = np.bincount(graph.sources(), graph.weights, minlength=len(graph))
    return out + np.bincount(graph.targets, graph.weights, minlength=len(graph))


def link_task(
    graph: ItemGraph,
    vocab: Vocab,
    catalogue: Catalogue | None,
    data: DataSettings | None = None,
    settings: LinkSettings | None = None,
    *,
    seed: int = 0,
) -> tuple[TrainData, LinkPairs, dict[str, float]]:
    """The training graph with all that is fitted on it, the pairs to tell apart, and what was left out.

    Counts of the training vocabulary are the weights at each node in the training graph, rounded: log counts
    would tell of removed edges. Sessions are withheld for the same reason.
    """
    data, settings = data or DataSettings(), settings or LinkSettings()
    split = hold_out_edges(graph, settings.share, seed)
    degree = degrees(split.train)
    known = vocab.select(np.arange(len(vocab)), np.rint(degree).astype(np.int64))
    side = None if catalogue is None else encode_side_info(catalogue, known, data.side)
    rng = generator(seed, "evaluate/link/pairs")
    positives = _oriented(graph, split.positives, rng)
    free = NonEdges(graph.sources(), graph.targets, len(graph))
    uniform = uniform_pairs(free, len(positives), rng)
    matched = degree_matched_pairs(positives, free, rng)
    lost = degree == 0
    pairs = LinkPairs(positives, uniform, matched, lost)
    figures = {
        "removed edges": float(len(positives)),
        "lost nodes": float(lost.mean()),
        "positives at a lost node": float(lost[positives].any(axis=1).mean()) if len(positives) else 0.0,
        "no matched non-edge": float((matched[:, 0] < 0).mean()) if len(positives) else 0.0,
    }
    return TrainData(known, split.train, None, side, data), pairs, figures


def _oriented(graph: ItemGraph, pairs: Ids, rng: np.random.Generator) -> Ids:
    """The unordered pairs as (source, target) of the removed edge; by a coin where both directions were
    there.
    """
    n = len(graph)
    code = graph.sources().astype(np.int64) * n + graph.targets  # rising, as rows and targets are sorted
    u, v = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
    forward, backward = np.isin(u * n + v, code), np.isin(v * n + u, code)
    keep = np.where(forward & backward, rng.random(len(pairs)) < 0.5, forward)
    return np.where(keep[:, None], pairs, pairs[:, ::-1]).astype(np.int32)


def judge_link(fitted: Fitted, pairs: LinkPairs, kind: str) -> Judged:
    """AUC against degree-matched and against uniform non-edges, also on pairs that touch no lost node.

    Values are per removed edge (see `pair_auc_values`); edges are grouped by their source.
    """
    positive = fitted.link_scores(pairs.positives, kind)
    values = {}
    kept = ~pairs.lost[pairs.positives].any(axis=1)
    for name, negatives in (("matched", pairs.matched), ("uniform", pairs.uniform)):
        there = negatives[:, 0] >= 0
        negative = np.full(len(negatives), np.nan)
        negative[there] = fitted.link_scores(negatives[there], kind)
        values[f"auc {name}"] = _on(positive, negative, there)
        live = there & kept & ~pairs.lost[np.maximum(negatives, 0)].any(axis=1)
        values[f"auc {name} kept nodes"] = _on(positive, negative, live)
    return Judged(pairs.positives[:, 0].astype(np.int64), values, {})


def _on(positive: AnyArray, negative: AnyArray, rows: AnyArray) -> metrics.Values:
    """AUC values of the pairs `rows`, NaN elsewhere."""
    out = np.full(len(positive), np.nan)
    out[rows] = metrics.pair_auc_values(positive[rows], negative[rows])
    return out
