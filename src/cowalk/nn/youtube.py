"""YouTubeDNN recall: the mean of the history and what is known of the user through a ReLU tower, against a
row per item, by sampled softmax. Source: Covington, Adams, Sargin 2016, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from cowalk import seeds
from cowalk.examples import Batches, Examples
from cowalk.layers import Layer
from cowalk.learn.data import HistoryData
from cowalk.learn.result import Learned
from cowalk.learn.tower_settings import YouTubeSettings
from cowalk.nn.features import Features, features_of
from cowalk.nn.losses import sampled_softmax
from cowalk.nn.recall import Run, examples_of, identity_of, prefixed, recall_of, run_training
from cowalk.nn.towers import FeatureRows, Pooling, array_of, layers, numpy_layers
from cowalk.nn.two_tower import people_batch
from cowalk.train_settings import TrainSettings
from cowalk.types import AnyArray, Floats
from cowalk.users.tower import NumpyTower

Batch = dict[str, Any]


class YouTubeDNN(nn.Module):
    """u = ReLU layers of [mean of the history's input rows + user's rows | age]; a score is u . output row
    (+ the item's bias). Input and output rows are two tables.
    """

    def __init__(self, items: int, people: Features | None, s: YouTubeSettings, sparse: bool = False) -> None:
        super().__init__()
        d = s.vector_size
        self.s, self.sparse = s, sparse
        self.rows = nn.Parameter(torch.randn(items, d) / d**0.5)
        self.outputs = nn.Parameter(torch.randn(items, d) / d**0.5)
        self.bias = nn.Parameter(torch.zeros(items, 1), requires_grad=s.bias)
        self.people = None if people is None else FeatureRows(people, d, sparse)
        if self.people is not None:
            nn.init.zeros_(self.people.table)
        self.pooling = Pooling(d, s.last, learned=False)
        self.layers = layers((d + s.age, *s.layers, d), top_relu=True)

    def sparse_tables(self) -> list[nn.Parameter]:
        """The tables whose gradients may be sparse."""
        own = [self.rows, self.outputs, *([self.bias] if self.s.bias else [])]
        return own + ([] if self.people is None else [self.people.table])

    def users(self, batch: Batch) -> Tensor:
        """User vectors [B, d]."""
        rows = embedding(batch["history"], self.rows, sparse=self.sparse)
        pooled = self.pooling(rows, batch["mask"])
        if self.people is not None:
            pooled = pooled + self.people(batch, "people ")
        if self.s.age:
            pooled = torch.cat([pooled, batch["age"][:, None]], dim=1)
        out: Tensor = self.layers(pooled)
        return out

    def items(self, items: Tensor) -> Tensor:
        """Output rows [n, d], with the bias as a further number where there is one."""
        rows = embedding(items, self.outputs, sparse=self.sparse)
        if not self.s.bias:
            return rows
        return torch.cat([rows, embedding(items, self.bias, sparse=self.sparse)], dim=1)

    def loss(self, batch: Batch) -> Tensor:
        """The corrected softmax over the true item and the samples."""
        users = self.users(batch)
        if self.s.bias:
            users = torch.cat([users, torch.ones_like(users[:, :1])], dim=1)
        return sampled_softmax(
            users, self.items(batch["targets"]), self.items(batch["sampled"]),
            log_q=batch["log_q"],
            hits=batch["targets"][:, None] == batch["sampled"][None, :], weights=batch.get("rewards"),
        )  # fmt: skip

    def user_tower(self) -> NumpyTower:
        """The tower as arrays; the age is 0 when it serves, so its column is left out."""
        people = np.zeros((0, self.s.vector_size), dtype=np.float32)
        if self.people is not None:
            unknown = array_of(self.people.table)[self.people.features.default]
            people = np.concatenate([self.people.all(), unknown[None]])
        first, *rest = numpy_layers(self.layers)
        first = Layer(np.ascontiguousarray(first.weight[: self.s.vector_size]), first.bias, first.relu)
        return NumpyTower(
            array_of(self.rows), array_of(self.pooling.places), array_of(self.pooling.query), people,
            (first, *rest), unit=False, scale=1.0, one=self.s.bias,
        )  # fmt: skip

    def contexts(self) -> Floats:
        """float32[V, d] or [V, d + 1]: output rows, the bias as their last number where there is one."""
        rows = array_of(self.outputs)
        return np.concatenate([rows, array_of(self.bias)], axis=1) if self.s.bias else rows


@dataclass
class Samples:
    """Items drawn by count to a power; log_q: log of the expected number of each among `number` draws."""

    shares: AnyArray
    number: int

    @classmethod
    def of(cls, counts: AnyArray, power: float, number: int) -> Samples:
        """Of counts [V]; an item without an example counts as half of one."""
        mass = np.maximum(counts, 0.5) ** power
        return cls(mass / mass.sum(), number)

    @property
    def log_q(self) -> Floats:
        """float32[V]."""
        return np.asarray(np.log(self.shares * self.number), dtype=np.float32)


@dataclass
class YouTubeBatches:
    """The batches of an epoch with samples, corrections and ages; equal by (seed, epoch)."""

    batches: Batches
    network: YouTubeDNN
    samples: Samples
    newest: int
    seed: int

    def __post_init__(self) -> None:
        self.log_q, self.ladder = self.samples.log_q, np.cumsum(self.samples.shares)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        rng = seeds.generator(self.seed, f"youtube/{self.batches.epoch}")
        for batch in self.batches:
            yield self.made(batch, rng)

    def made(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """One batch; rng draws the sampled items, which the whole batch shares."""
        s = self.network.s
        history = batch["history"][:, -max(int(batch["lengths"].max()), 1) :]
        drawn = np.searchsorted(self.ladder, rng.random(self.samples.number) * self.ladder[-1])
        sampled = np.minimum(drawn, len(self.ladder) - 1)
        targets = batch["targets"].astype(np.int64)
        out: Batch = {
            "history": np.maximum(history, 0).astype(np.int64), "mask": history >= 0, "targets": targets,
            "sampled": sampled, "log_q": self.log_q[sampled],
        }  # fmt: skip
        if s.age:
            out["age"] = ages(batch["times"], self.newest)
        if self.network.people is not None:
            out |= prefixed("people ", people_batch(self.network.people, batch["users"]))
        if s.reward:
            out["rewards"] = batch["weights"]
        return out


DAY = 86_400_000_000  # microseconds


def ages(times: AnyArray, newest: int) -> Floats:
    """float32[B]: log(1 + days) from each example to the newest one."""
    return np.log1p((newest - times) / DAY).astype(np.float32)


def learn_youtube(
    data: HistoryData, settings: YouTubeSettings | None = None, train: TrainSettings | None = None,
    run: Run | None = None,
) -> Learned:  # fmt: skip
    """Item vectors are the output rows (H and Z alike); `extra` holds the user tower, and its input rows.

    With `bias` Z ends with the item's bias, opposite a 1 that the tower adds, and H with a 0, so that no
    cosine changes. Equal for equal (data, settings, seed) on a CPU.
    """
    s, t, run = settings or YouTubeSettings(), train or TrainSettings(), run or Run()
    seed = seeds.stream(run.seed, "youtube-dnn") % 2**63
    examples, held = examples_of(data, s.last, s.per_user, t.validation, seed)
    people = data.users if s.user_fields and data.users is not None and data.users.fields else None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        known = None if people is None else features_of(people, len(people.fields[0]), own=False)
        network = YouTubeDNN(len(data.vocab), known, s, t.sparse)
    samples = Samples.of(_counts(examples), s.negative_power, s.negatives)
    newest = int(examples.times.max(initial=0))

    # No closures: with several devices all of this is sent to processes of their own.
    batches = partial(Batches, examples, t.batch_size, seed)
    epoch = partial(_epoch, batches, network, samples, newest, seed)
    figure = None if held is None else partial(_figure, network, held)
    identity = identity_of("youtube-dnn", examples, seed, s, t)
    trace = run_training(network, epoch, t, run, figure, identity)
    contexts = network.contexts()
    vectors = contexts.copy()
    if s.bias:
        vectors[:, -1] = 0.0
    ones: Floats = np.ones((len(vectors), 1), dtype=np.float32)
    return Learned(
        data.vocab.fingerprint, vectors, contexts, vectors, (), ones, (), tuple(trace.losses),
        extra=dict(network.user_tower().arrays()),
    )  # fmt: skip


def _epoch(
    batches: Callable[[int], Batches], network: YouTubeDNN, samples: Samples, newest: int, seed: int,
    number: int,
) -> YouTubeBatches:  # fmt: skip
    return YouTubeBatches(batches(number), network, samples, newest, seed)


def _figure(network: YouTubeDNN, held: Examples) -> float:
    return recall_of(network.user_tower(), network.contexts(), held)


def _counts(examples: Examples) -> AnyArray:
    return np.bincount(examples.targets, minlength=len(examples.item_vocab)).astype(np.float64)
