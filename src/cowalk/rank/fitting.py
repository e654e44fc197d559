"""fit: examples or a table of clicks into a RankModel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cowalk import seeds
from cowalk.errors import DataError, UsageError
from cowalk.evaluate.clicks import log_loss_values
from cowalk.evaluate.metrics import auc
from cowalk.examples import Batches, Examples, split_by_user
from cowalk.nn.ctr.linear import FactorizationMachine, LogisticRegression
from cowalk.nn.ctr.network import ClickNetwork
from cowalk.nn.interest_graph import interest_graph
from cowalk.nn.train import Trace, train
from cowalk.prepare.click_settings import ClickSettings
from cowalk.rank.batches import ClickBatches
from cowalk.rank.identity import identity_of
from cowalk.rank.model import RankModel
from cowalk.rank.networks import history_network, items_of, table_network, with_attributes
from cowalk.rank.pretrain import pretrained, shown_sequences
from cowalk.rank.settings import (
    LINEAR,
    PRETRAINED,
    RESIDUAL,
    RankSettings,
    check_history,
    check_table,
    rank_settings,
)
from cowalk.rank.trees import Trees, grow
from cowalk.tables import SideInfo, Vocab
from cowalk.tables.clicks import ClickTable
from cowalk.types import AnyArray

if TYPE_CHECKING:
    from cowalk.rank.layers import Given

Tell = Callable[[str, float], None]
FEW = 100  # rows below which nothing is held out for a figure


@dataclass(frozen=True)
class _Run:
    """What one fit is told beside its data."""

    settings: RankSettings
    seed: int
    workers: int | None
    tell: Tell | None
    checkpoint: Path | None
    identity: str  # of the data, where a checkpoint is kept

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


def fit(
    data: Examples | ClickTable, model: str | None = None, embedding: str | None = None, *,
    vectors: Given | None = None, side_info: SideInfo | None = None,
    validation: Examples | ClickTable | None = None, settings: RankSettings | None = None, seed: int = 0,
    workers: int | None = None, progress: Tell | None = None, checkpoint: Path | None = None,
    clicks: ClickSettings | None = None, **overrides: Any,
) -> RankModel:  # fmt: skip
    """A ranking model of labelled examples (din, mlp, pnn) or of a table (lr, fm, fnn, gbdt-lr, mlp, pnn).

    vectors: with embedding=vectors, what the items' rows begin as; of a model, its item vectors, and cold
    vectors for items that nobody had clicked in its log; of a list, several sets by `join`. side_info: the
    items' attributes, for embedding=eges. validation: what the best epoch is chosen by (`best_by`); else a
    part of the data, by user, is held out of training. clicks: how the table was read, kept for later tables.
    overrides: settings by name, as vector_size=32 or train__epochs=5. checkpoint: a folder in which every
    epoch is kept. Equal for equal (data, settings, seed) on a CPU. DataError where only one label is there.
    """
    named = {"model": model, "embedding": embedding}
    s = rank_settings({k: v for k, v in named.items() if v is not None} | overrides, settings)
    _check_kinds(data, validation)
    identity = "" if checkpoint is None else identity_of(data, validation, side_info)
    run = _Run(s, seed, workers, progress, checkpoint, identity)
    if isinstance(data, Examples):
        check_history(s, vectors=vectors is not None)
        return _fit_history(run, data, vectors, side_info, validation)
    check_table(s)
    return _fit_table(run, data, validation, clicks or ClickSettings())


def _check_kinds(data: object, validation: object) -> None:
    """UsageError where the data, or those to validate by, are of a kind that fit does not read."""
    if not isinstance(data, Examples | ClickTable):
        raise UsageError(f"fit takes Examples or a ClickTable (read_clicks), not {type(data).__name__}")
    kind = Examples if isinstance(data, Examples) else ClickTable
    if validation is not None and not isinstance(validation, kind):
        raise UsageError(
            f"validation is {type(validation).__name__}, but the data are {kind.__name__}; give labelled "
            "data of their kind, or say how many are held out by train__validation=N"
        )


def _check_labels(labels: AnyArray | None, mend: str) -> None:
    if labels is None:
        raise DataError("the table has no labels; name their column by label_column (--label)")
    if len(labels) == 0 or labels.min() == labels.max():
        told = f"all labels are {labels[0]:g}" if len(labels) else "there are no rows"
        raise DataError(f"{told}, so there is nothing to tell apart; {mend}")


def _fit_history(
    run: _Run, data: Examples, vectors: Given | None, side_info: SideInfo | None,
    validation: Examples | ClickTable | None,
) -> RankModel:  # fmt: skip
    s = run.settings
    _check_labels(data.labels, "make negatives: labelled_examples(events)")
    seen, held = (data, validation) if isinstance(validation, Examples) else _held_out(data, run)
    vocab = seen.item_vocab
    graph = None
    if s.embedding in RESIDUAL:
        sequences = shown_sequences(seen, with_targets=s.with_targets)
        graph = interest_graph(
            sequences, len(vocab), window=s.window, neighbors=s.neighbors, workers=run.workers
        )
    if s.embedding in PRETRAINED:
        sequences = shown_sequences(seen, with_targets=s.with_targets)
        vectors = pretrained(
            s.embedding, sequences, seen, s.vector_size, side_info=side_info, seed=run.seed,
            workers=run.workers, tell=run.tell,
        )  # fmt: skip
    context = {name: 1 if part.ndim == 1 else part.shape[1] for name, part in seen.context.items()}
    with torch.random.fork_rng():
        torch.manual_seed(seeds.stream(run.seed, "rank/network") % 2**63)
        items = items_of(s, vocab, graph=graph, vectors=vectors)
        if s.attributes:
            items = with_attributes(s, items, _attributes(side_info, vocab))
        network = history_network(s, items, context)
        network.begin_at(float(seen.labels.mean(dtype=np.float64)))
    shell = RankModel(s, network, vocab, last=seen.last)
    if run.checkpoint is not None and s.embedding == "vectors":  # given from outside, cold ones among them
        run = replace(run, identity=f"{run.identity}/{identity_of(items.state_dict())}")
    trace = run.train(
        network,
        lambda epoch: Batches(seen, s.train.batch_size, seeds.stream(run.seed, "rank/batches"), epoch),
        None if held is None else lambda: _figure(s, shell.score_examples(held), held.labels),
    )
    about = _about(run, trace, {"examples": len(seen), **seen.about})
    if graph is not None:
        about["items without an edge"] = graph.isolated
    return RankModel(s, network, vocab, last=seen.last, about=about)


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


def _held_out(data: Examples, run: _Run) -> tuple[Examples, Examples | None]:
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


def _fit_table(
    run: _Run, data: ClickTable, validation: Examples | ClickTable | None, clicks: ClickSettings
) -> RankModel:
    s = run.settings
    _check_labels(data.labels, "give rows of both")
    seen, held = (data, validation) if isinstance(validation, ClickTable) else _rows_held_out(data, run)
    columns, trees = data.columns, None
    shell: dict[str, Any] = {"columns": columns, "clicks": clicks}
    if s.model == "gbdt-lr":
        trees, seen = _grown(run, seen)
        shell["trees"] = trees
    sizes, numbers = seen.sizes, seen.numbers.shape[1]
    assert seen.labels is not None
    rate = float(seen.labels.mean(dtype=np.float64))
    seed = seeds.stream(run.seed, "rank/batches")
    figure: Callable[[], float] | None = None

    def trained(network: ClickNetwork, words: str, changes: Mapping[str, Any]) -> Trace:
        nonlocal figure
        if held is not None and held.labels is not None:
            labels, model = held.labels, RankModel(s, network, **shell)
            figure = lambda: _figure(s, model.score_table(held), labels)  # noqa: E731
        return run.train(
            network, lambda epoch: ClickBatches(seen, s.train.batch_size, seed, epoch), figure,
            words, changes,
        )  # fmt: skip

    with torch.random.fork_rng():
        torch.manual_seed(seeds.stream(run.seed, "rank/network") % 2**63)
        machine = None
        if s.model == "fnn":
            machine = table_network(s.model_copy(update={"model": "fm"}), sizes, numbers)
            machine.begin_at(rate)
            linear = {"epochs": s.machine_epochs, "learning_rate": s.linear_rate}
            trained(machine, "the machine before", linear)
        assert machine is None or isinstance(machine, FactorizationMachine)
        network = table_network(s, sizes, numbers, machine)
        network.begin_at(rate)
        if trees is not None:
            _begin_with(network, trees)
    trace = trained(network, "training", {"learning_rate": s.linear_rate} if s.model in LINEAR else {})
    about = _about(run, trace, {"rows": len(seen)})
    return RankModel(s, network, about=about, **shell)


def _rows_held_out(data: ClickTable, run: _Run) -> tuple[ClickTable, ClickTable | None]:
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


def _grown(run: _Run, seen: ClickTable) -> tuple[Trees, ClickTable]:
    """Trees of one slice of the rows, and the leaves of the other, which trains the one layer."""
    s = run.settings
    order = seeds.generator(run.seed, "rank/slices").permutation(len(seen))
    cut = min(max(round(s.tree_share * len(seen)), 1), len(seen) - 1)
    slices = [seen.select(np.sort(part)) for part in (order[:cut], order[cut:])]
    for part in slices:
        _check_labels(part.labels, "a slice of the rows has one label only: give more rows")
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


def _figure(s: RankSettings, scores: AnyArray, labels: AnyArray) -> float:
    """What an epoch is judged by."""
    if s.best_by == "auc":
        return auc(scores[labels > 0], scores[labels == 0])
    return float(log_loss_values(scores, labels).mean())


def _about(run: _Run, trace: Trace, told: Mapping[str, Any]) -> dict[str, Any]:
    best = None if trace.best < 0 else trace.figures[trace.best]
    return {
        **told, "seed": run.seed, "epochs": len(trace.losses), "losses": trace.losses,
        f"validation {run.settings.best_by}": best,
        "best epoch": trace.best + 1 if trace.best >= 0 else len(trace.losses),
    }  # fmt: skip
