"""Two-tower recall: a user tower over the history, an item tower over id and attributes, one dot product.

Source: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item recommendations".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, normalize

from cowalk import seeds
from cowalk.errors import UsageError
from cowalk.examples import Batches, Examples
from cowalk.examples.frequency import StreamingFrequency, expected_in_batch
from cowalk.learn.data import HistoryData
from cowalk.learn.item_tower import ItemTower
from cowalk.learn.result import Learned
from cowalk.learn.tower_settings import TowerSettings
from cowalk.nn.features import Features, features_of
from cowalk.nn.losses import in_batch_softmax
from cowalk.nn.recall import Run, examples_of, identity_of, prefixed, recall_of, run_training
from cowalk.nn.towers import FeatureRows, Pooling, array_of, layers, numpy_layers
from cowalk.tables import SideInfo
from cowalk.train_settings import TrainSettings
from cowalk.types import AnyArray, Floats
from cowalk.users.tower import NumpyTower

Batch = dict[str, Any]


class TwoTower(nn.Module):
    """u = unit(user layers(pooled history + user's rows)), v = unit(item layers(item's rows)); u . v / T."""

    def __init__(
        self, items: Features, people: Features | None, s: TowerSettings, sparse: bool = False
    ) -> None:
        super().__init__()
        d = s.vector_size
        self.s = s
        self.items = FeatureRows(items, d, sparse)
        self.people = None if people is None else FeatureRows(people, d, sparse)
        if self.people is not None:
            nn.init.zeros_(self.people.table)
        self.pooling = Pooling(d, s.last, s.history == "attention")
        self.user_layers = layers((d, *s.user_layers, d), top_relu=False)
        self.item_layers = layers((d, *s.item_layers, d) if s.item_layers else (d,), top_relu=False)
        if not s.user_layers:
            nn.init.eye_(self.user_layers[0].weight)  # type: ignore[arg-type]
            nn.init.zeros_(self.user_layers[0].bias)  # type: ignore[arg-type]

    def sparse_tables(self) -> list[nn.Parameter]:
        """The tables whose gradients may be sparse."""
        return [part.table for part in (self.items, self.people) if part is not None]

    def both(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """User vectors [B, d] and the vectors of the batch's columns [B + M, d], at length 1."""
        rows = self.items(batch)
        pooled = self.pooling(embedding(batch["history"], rows), batch["mask"])
        if self.people is not None:
            pooled = pooled + self.people(batch, "people ")
        users = normalize(self.user_layers(pooled), dim=1)
        return users, normalize(self.item_layers(embedding(batch["columns"], rows)), dim=1)

    def loss(self, batch: Batch) -> Tensor:
        """The corrected softmax over the batch."""
        users, items = self.both(batch)
        return in_batch_softmax(
            users, items, batch["column items"], temperature=self.s.temperature, log_p=batch.get("log_p"),
            weights=batch.get("rewards"), mask_hits=self.s.mask_hits,
            correct_positive=self.s.correct_positive,
        )  # fmt: skip

    def item_tower(self) -> ItemTower:
        """The item side as arrays."""
        f, table = self.items.features, array_of(self.items.table)
        parts, maps = [], iter(self.items.maps)
        for is_dense, (start, end) in zip(f.is_dense, pairwise([*f.starts, f.size]), strict=True):
            parts.append(array_of(next(maps)) if is_dense else table[start:end])
        return ItemTower(table[f.default : f.default + 1], tuple(parts), numpy_layers(self.item_layers))

    def user_tower(self, inputs: Floats) -> NumpyTower:
        """The user side as arrays, over the items' input rows."""
        people = np.zeros((0, inputs.shape[1]), dtype=np.float32)
        if self.people is not None:
            unknown = array_of(self.people.table)[self.people.features.default]
            people = np.concatenate([self.people.all(), unknown[None]])
        return NumpyTower(
            inputs, array_of(self.pooling.places), array_of(self.pooling.query), people,
            numpy_layers(self.user_layers), unit=True, scale=1 / self.s.temperature,
        )  # fmt: skip


@dataclass
class TowerBatches:
    """The batches of an epoch with all that the loss needs: histories and columns as places among the
    batch's own items, the features of these, the correction, the rewards.
    """

    batches: Batches
    network: TwoTower
    frequency: Frequency
    seed: int

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        rng = seeds.generator(self.seed, f"two-tower/{self.batches.epoch}")
        for batch in self.batches:
            yield self.made(batch, rng)

    def made(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """One batch; rng draws the uniform negatives and the rows that are dropped."""
        s, items = self.network.s, self.network.items
        history = batch["history"][:, -max(int(batch["lengths"].max()), 1) :]
        mask = history >= 0
        drawn = rng.integers(0, len(items.features), s.uniform_negatives)
        columns = np.concatenate([batch["targets"].astype(np.int64), drawn])
        things, at = np.unique(np.concatenate([history[mask], columns]), return_inverse=True)
        places = np.zeros(history.shape, dtype=np.int64)
        places[mask] = at[: len(at) - len(columns)]
        dropped = None
        if s.id_dropout > 0 and items.features.starts:
            dropped = rng.random(len(things)) < s.id_dropout
        out = items.batch(things, dropped)
        out |= {"history": places, "mask": mask}
        out |= {"columns": at[len(at) - len(columns) :], "column items": columns}
        if self.network.people is not None:
            out |= prefixed("people ", people_batch(self.network.people, batch["users"]))
        if s.logq != "off":
            out["log_p"] = self.frequency.log_p(columns, len(batch["targets"]))
        if s.reward:
            out["rewards"] = batch["weights"]
        return out


def people_batch(people: FeatureRows, users: AnyArray) -> Batch:
    """What the rows of these users need; an unknown user (-1) has the default row alone."""
    out = people.batch(np.maximum(users, 0))
    offsets = out["offsets"]
    unknown = np.repeat(users < 0, np.diff(offsets))
    first = np.zeros(len(unknown), dtype=bool)
    first[offsets[:-1]] = True
    out["weights"][unknown & ~first] = 0.0
    for name in out:
        if name.startswith("dense"):
            out[name][users < 0] = 0.0
    return out


class Frequency:
    """log of the expected number of an item among a batch's columns: in-batch ones and uniform ones."""

    def __init__(self, examples: Examples, s: TowerSettings, train: TrainSettings, seed: int) -> None:
        self.s, self.size, self.v = s, train.batch_size, len(examples.item_vocab)
        counts = np.bincount(examples.targets, minlength=self.v)
        self.expected = expected_in_batch(counts, self.size)
        self.stream = StreamingFrequency(s.logq_size or self.v, s.logq_rate, s.logq_hashes, seed=seed)
        self.epochs = 0  # that the stream has seen, or begun to see

    def before(self, epoch: int, batches: Callable[[int], Batches]) -> None:
        """Before an epoch: what went by in the earlier ones, where a resumed run has not seen them."""
        while self.s.logq == "streaming" and self.epochs < epoch:
            for batch in batches(self.epochs):
                self.stream.update(batch["targets"])
            self.epochs += 1
        self.epochs = epoch + 1

    def log_p(self, columns: AnyArray, batch: int) -> Floats:
        """float32[n]; a streaming estimate takes the batch's positives in first."""
        if self.s.logq == "streaming":
            self.stream.update(columns[:batch])
            found = np.exp(self.stream.log_p(columns).astype(np.float64))
        else:
            found = self.expected[columns]
        return np.log(found + self.s.uniform_negatives / self.v).astype(np.float32)


def learn_two_tower(
    data: HistoryData, settings: TowerSettings | None = None, train: TrainSettings | None = None,
    run: Run | None = None,
) -> Learned:  # fmt: skip
    """Item vectors of the item tower (H and Z alike, at length 1); `extra` holds both towers as arrays.

    A history's user vector (users.tower.tower_of(extra)) times Z is u . v / temperature, uncorrected. An item
    without a row of its own gets its vector from its attributes (cold.method=tower). Equal for equal (data,
    settings, seed) on a CPU.
    """
    s, t, run = settings or TowerSettings(), train or TrainSettings(), run or Run()
    seed = seeds.stream(run.seed, "two-tower") % 2**63
    examples, held = examples_of(data, s.last, s.per_user, t.validation, seed)
    side = data.side_info if s.fields else None
    people = data.users if s.user_fields else None
    things = features_of(side, len(data.vocab), own=s.item_id)
    if not s.item_id and not things.starts:
        raise UsageError(
            "tower.item_id=false leaves an item nothing but its attributes, and there are none: give an "
            "items table (--items) and tower.fields=true, or let tower.item_id be true"
        )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = TwoTower(things, _people(people), s, t.sparse)
    frequency = Frequency(examples, s, t, seed)

    # No closures: with several devices all of this is sent to processes of their own.
    epoch = partial(_epoch, partial(Batches, examples, t.batch_size, seed), network, frequency, seed)
    figure = None if held is None else partial(_figure, network, held)
    identity = identity_of("two-tower", examples, seed, s, t)
    trace = run_training(network, epoch, t, run, figure, identity)
    return _learned(data, network, trace.losses)


def _epoch(
    batches: Callable[[int], Batches], network: TwoTower, frequency: Frequency, seed: int, number: int
) -> TowerBatches:
    frequency.before(number, batches)
    return TowerBatches(batches(number), network, frequency, seed)


def _figure(network: TwoTower, held: Examples) -> float:
    inputs = network.items.all()
    return recall_of(network.user_tower(inputs), network.item_tower().top(inputs), held)


def _people(side: SideInfo | None) -> Features | None:
    if side is None or not side.fields:
        return None
    return features_of(side, len(side.fields[0]), own=False)


def _learned(data: HistoryData, network: TwoTower, losses: list[float]) -> Learned:
    inputs, tower = network.items.all(), network.item_tower()
    vectors = tower.top(inputs)
    extra = network.user_tower(inputs).arrays() | (tower.arrays() if network.s.fields else {})
    v = len(data.vocab)
    own = array_of(network.items.table)[:v] if network.s.item_id else np.zeros_like(vectors)
    ones: Floats = np.ones((v, 1), dtype=np.float32)
    return Learned(data.vocab.fingerprint, vectors, vectors, own, (), ones, (), tuple(losses), extra=extra)
