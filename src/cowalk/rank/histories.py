"""Examples into a trained network over histories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cowalk import seeds
from cowalk.errors import DataError, UsageError
from cowalk.examples import Batches, Examples, split_by_user
from cowalk.nn.interest_graph import InterestGraph, interest_graph
from cowalk.nn.items import ItemEmbedding
from cowalk.rank.columns import fit_inputs
from cowalk.rank.identity import identity_of
from cowalk.rank.layers import with_vectors
from cowalk.rank.model import RankModel
from cowalk.rank.networks import history_network, items_of, with_attributes
from cowalk.rank.pretrain import pretrained, shown_sequences
from cowalk.rank.run import FEW, Run, check_labels, figure
from cowalk.rank.settings import PRETRAINED, RESIDUAL
from cowalk.tables import Catalogue, SideInfo, Vocab

if TYPE_CHECKING:
    from cowalk.rank.layers import Given


def fit_history(
    run: Run, data: Examples, vectors: Given | None, side_info: SideInfo | None, users: Catalogue | None,
    validation: Examples | None,
) -> RankModel:  # fmt: skip
    """The network that these examples train, kept at its best epoch."""
    s = run.settings
    check_labels(data.labels, "make negatives: labelled_examples(events), --examples all")
    inputs = fit_inputs(s, data, users)
    seen, held = (data, validation) if validation is not None else _held_out(data, run)
    vocab, seen = seen.item_vocab, inputs.applied(seen)
    graph, vectors = _learned_first(run, seen, vectors, side_info)
    context = {
        name: 1 if part.ndim == 1 else part.shape[1]
        for name, part in seen.context.items()
        if name not in inputs.sizes
    }
    with torch.random.fork_rng():
        torch.manual_seed(seeds.stream(run.seed, "rank/network") % 2**63)
        items: ItemEmbedding = items_of(s, vocab, graph=graph, vectors=vectors)
        about = {"examples": len(seen), **seen.about, **_of_items(items, graph, seen)}
        if users is not None:
            about |= inputs.told(data)
        if s.attributes:
            items = with_attributes(s, items, _attributes(side_info, vocab))
        network = history_network(s, items, context, inputs.sizes)
        network.begin_at(float(seen.labels.mean(dtype=np.float64)))
    shell = RankModel(s, network, vocab, last=seen.last, inputs=inputs)
    if run.checkpoint is not None and s.embedding == "vectors":  # given from outside, cold ones among them
        run = replace(run, identity=f"{run.identity}/{identity_of(items.state_dict())}")
    trace = run.train(
        network,
        # No closures: with several devices this is sent to processes of their own.
        partial(Batches, seen, s.train.batch_size, seeds.stream(run.seed, "rank/batches")),
        None if held is None else partial(_figure, shell, held),
    )
    return replace(shell, about=run.about(trace, about))


def _figure(model: RankModel, held: Examples) -> float:
    return figure(model.settings, model.score_examples(held), held.labels)


def _learned_first(
    run: Run, seen: Examples, vectors: Given | None, side_info: SideInfo | None
) -> tuple[InterestGraph | None, Given | None]:
    """What the embedding needs of the histories shown: an interest graph, or vectors; those given else."""
    s = run.settings
    if s.embedding not in (*RESIDUAL, *PRETRAINED):
        return None, vectors
    sequences = shown_sequences(seen, with_targets=s.with_targets)
    if s.embedding in PRETRAINED:
        made = pretrained(
            s.embedding, sequences, seen, s.vector_size, side_info=side_info, seed=run.seed,
            workers=run.workers, tell=run.tell,
        )  # fmt: skip
        return None, made
    v = len(seen.item_vocab)
    return interest_graph(sequences, v, window=s.window, neighbors=s.neighbors, workers=run.workers), None


def _of_items(items: ItemEmbedding, graph: InterestGraph | None, seen: Examples) -> Mapping[str, Any]:
    """How many items have what the embedding is made of."""
    if graph is not None:
        return {"items without an edge": graph.isolated}
    counts = with_vectors(items)
    return {"items": len(seen.item_vocab), "items with a vector": counts} if counts else {}


def _attributes(side_info: SideInfo | None, vocab: Vocab) -> SideInfo:
    """The attributes, checked to be those of the examples' items."""
    if side_info is None or all(field.kind == "dense" for field in side_info.fields):
        raise UsageError("attributes=true needs attributes of the items: side_info= (--items)")
    if side_info.fingerprint != vocab.fingerprint:
        raise DataError(
            "the attributes are of other items than the examples; encode them with "
            "encode_side_info(catalogue, examples.item_vocab)"
        )
    return side_info


def _held_out(data: Examples, run: Run) -> tuple[Examples, Examples | None]:
    """Training examples and those of users held out for the figure, at most a tenth."""
    most = run.settings.train.validation
    owners = len(np.unique(data.owners))
    share = min(0.1, most / max(len(data), 1))
    if most == 0 or len(data) < FEW or round(share * owners) == 0:
        return data, None
    seen, held = split_by_user(data, share, seeds.stream(run.seed, "rank/validation") % 2**31)
    if held.labels.min() == held.labels.max() or seen.labels.min() == seen.labels.max():
        return data, None
    return seen, held
