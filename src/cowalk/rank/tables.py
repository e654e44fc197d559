"""A table of clicks into a trained network over its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from cowalk import seeds
from cowalk.nn.ctr.linear import FactorizationMachine, LogisticRegression
from cowalk.nn.ctr.network import ClickNetwork
from cowalk.nn.train import Trace
from cowalk.prepare.click_settings import ClickSettings
from cowalk.rank.batches import ClickBatches
from cowalk.rank.model import RankModel
from cowalk.rank.networks import table_network
from cowalk.rank.run import FEW, Run, check_labels, figure
from cowalk.rank.settings import LINEAR
from cowalk.rank.trees import Trees, grow
from cowalk.tables.clicks import ClickTable


def fit_table(run: Run, data: ClickTable, validation: ClickTable | None, clicks: ClickSettings) -> RankModel:
    """The network that these rows train, kept at its best epoch."""
    s = run.settings
    check_labels(data.labels, "give rows of both")
    seen, held = (data, validation) if validation is not None else _rows_held_out(data, run)
    trees = None
    if s.model == "gbdt-lr":
        trees, seen = _grown(run, seen)
    rate = float(np.asarray(seen.labels).mean(dtype=np.float64))
    seed = seeds.stream(run.seed, "rank/batches")

    def shell(network: ClickNetwork) -> RankModel:
        return RankModel(s, network, columns=data.columns, clicks=clicks, trees=trees)

    def trained(network: ClickNetwork, words: str, changes: Mapping[str, Any]) -> Trace:
        model = shell(network)
        return run.train(
            network, partial(ClickBatches, seen, s.train.batch_size, seed),
            None if held is None else partial(_figure, model, held), words, changes,
        )  # fmt: skip

    with torch.random.fork_rng():
        torch.manual_seed(seeds.stream(run.seed, "rank/network") % 2**63)
        machine = _machine(run, seen, rate, trained) if s.model == "fnn" else None
        network = table_network(s, seen.sizes, seen.numbers.shape[1], machine)
        network.begin_at(rate)
        if trees is not None:
            _begin_with(network, trees)
    trace = trained(network, "training", {"learning_rate": s.linear_rate} if s.model in LINEAR else {})
    return replace(shell(network), about=run.about(trace, {"rows": len(seen)}))


def _figure(model: RankModel, held: ClickTable) -> float:
    return figure(model.settings, model.score_table(held), np.asarray(held.labels))


def _machine(
    run: Run, seen: ClickTable, rate: float, trained: Callable[[ClickNetwork, str, Mapping[str, Any]], Trace]
) -> FactorizationMachine:
    """The trained factorization machine that FNN begins with."""
    s = run.settings
    machine = table_network(s.model_copy(update={"model": "fm"}), seen.sizes, seen.numbers.shape[1])
    assert isinstance(machine, FactorizationMachine)
    machine.begin_at(rate)
    trained(machine, "the machine before", {"epochs": s.machine_epochs, "learning_rate": s.linear_rate})
    return machine


def _rows_held_out(data: ClickTable, run: Run) -> tuple[ClickTable, ClickTable | None]:
    """Training rows and a tenth at most for the figure, drawn at random."""
    k = min(run.settings.train.validation, len(data) // 10)
    if k == 0 or len(data) < FEW:
        return data, None
    order = seeds.generator(run.seed, "rank/validation").permutation(len(data))
    held, seen = data.select(np.sort(order[:k])), data.select(np.sort(order[k:]))
    for part in (held, seen):
        if part.labels is not None and part.labels.min() == part.labels.max():
            return data, None
    return seen, held


def _grown(run: Run, seen: ClickTable) -> tuple[Trees, ClickTable]:
    """Trees of one slice of the rows, and the leaves of the other, which trains the one layer."""
    s = run.settings
    order = seeds.generator(run.seed, "rank/slices").permutation(len(seen))
    cut = min(max(round(s.tree_share * len(seen)), 1), len(seen) - 1)
    slices = [seen.select(np.sort(part)) for part in (order[:cut], order[cut:])]
    for part in slices:
        check_labels(part.labels, "a slice of the rows has one label only: give more rows")
    trees = grow(
        slices[0], trees=s.trees, leaves=s.leaves, rate=s.tree_rate,
        seed=seeds.stream(run.seed, "rank/trees"), workers=run.workers,
    )  # fmt: skip
    return trees, trees.coded(slices[1])


def _begin_with(network: ClickNetwork, trees: Trees) -> None:
    """The one layer begins with the trees' own leaf values, that is, where the trees alone ended."""
    assert isinstance(network, LogisticRegression)
    with torch.no_grad():
        network.bias.fill_(trees.start)
        network.weights.rows.weight.zero_()
        for start, a, b in zip(
            network.weights.starts.tolist(), trees.offsets, trees.offsets[1:], strict=False
        ):
            values = torch.from_numpy(trees.values[a:b])
            network.weights.rows.weight[start + 1 : start + 1 + len(values), 0] = values.float()
