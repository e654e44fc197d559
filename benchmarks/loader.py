"""How fast batches are made beside the steps of the networks that take them: milliseconds of processor time.

    loader.py                   # Beauty: DIN (random, res-att), two-tower, YouTubeDNN

Each fit is called as users call it and stopped where it hands its network and batches to training: these are
measured. A batch is made up to its tensors, attributes, samples and corrections among them; a step is
gradients from zero, loss, backward and optimizer on it. One thread, medians over epochs; the first epoch,
which compiles, is left out. Processor time holds on a machine that is busy with other work too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from statistics import median
from time import process_time
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import torch

import cowalk.nn.recall
import cowalk.rank.run
from common import parser, record, say, table
from cowalk import rank
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.examples import one_per_user
from cowalk.nn.batches import Loader
from cowalk.nn.recall import Run
from cowalk.nn.steps import optimizers_of
from cowalk.nn.two_tower import learn_two_tower
from cowalk.nn.youtube import learn_youtube
from cowalk.prepared import Prepared, read_inputs
from cowalk.settings import load_recipe
from cowalk.train_settings import TrainSettings

BAR = 3.0


class Handed(NamedTuple):
    """What training is given."""

    network: Any
    epoch: Callable[[int], Any]
    settings: TrainSettings


class _StopError(Exception):
    """A fit has come to its training."""


def handed(room: ModuleType, fit: Callable[[], object]) -> Handed:
    """What `fit` hands to the `train` of this room."""
    found: list[Handed] = []

    def take(network: Any, epoch: Any, settings: TrainSettings, **_: Any) -> None:
        found.append(Handed(network, epoch, settings))
        raise _StopError

    try:
        with patch.object(room, "train", take):
            fit()
    except _StopError:
        pass
    return found[0]


def measured(what: Handed, epochs: int, most: int) -> dict[str, float]:
    """Milliseconds of processor time that a batch takes to be made, and a whole step on it."""
    optimizers = optimizers_of(what.network, what.settings)
    loader, step, n = [], [], 0
    for number in range(epochs + 1):
        start = process_time()
        kept = list(islice(Loader(what.epoch(number)), most))
        made = process_time()
        for batch in kept:
            for optimizer in optimizers:
                optimizer.zero_grad()
            what.network.loss(batch).backward()
            for optimizer in optimizers:
                optimizer.step()
        done, n = process_time(), len(kept)
        loader.append(1000 * (made - start) / n)
        step.append(1000 * (done - made) / n)
    ms, whole = median(loader[1:]), median(step[1:])
    return {
        "batch": what.settings.batch_size, "batches": n, "loader ms": round(ms, 3),
        "step ms": round(whole, 3), "step / loader": round(whole / ms, 2),
    }  # fmt: skip


def fits(prepared: Prepared) -> dict[str, tuple[ModuleType, Callable[[], object]]]:
    """The fits that are measured, by name, with the room that trains them."""
    assert prepared.events is not None
    examples = one_per_user(prepared.events, last=50, seed=1)
    data, towers, tube = prepared.whole(), load_recipe("two-tower"), load_recipe("youtube-dnn")
    ranks, recall = cowalk.rank.run, cowalk.nn.recall
    return {
        "DIN, random": (ranks, lambda: rank.fit(examples, "din", "random", workers=1)),
        "DIN, res-att": (ranks, lambda: rank.fit(examples, "din", "res-att", workers=1)),
        "two-tower": (recall, lambda: learn_two_tower(data, towers.tower, towers.train, Run(workers=1))),
        "YouTubeDNN": (recall, lambda: learn_youtube(data, tube.youtube, tube.train, Run(workers=1))),
    }


def main() -> None:
    """Measure, print, record."""
    options = parser("Milliseconds that a batch takes to be made, and a network's step on it.")
    asked = options.parse_args()
    torch.set_num_threads(1)
    epochs, most = (1, 5) if asked.quick else (5, 100)
    data = of_dataset(load("beauty"))
    prepared = read_inputs(data.events, data.items, None, load_recipe("two-tower", data.changes), say)
    figures = {}
    for name, (room, fit) in fits(prepared).items():
        say(name)
        figures[name] = measured(handed(room, fit), epochs, most)
    head = ("", *next(iter(figures.values())))
    print(table(head, [(name, *one.values()) for name, one in figures.items()]))
    settings = {"dataset": "beauty", "epochs": epochs, "batches": most, "threads": 1, "bar": BAR}
    record("loader", settings, figures, quick=asked.quick)


if __name__ == "__main__":
    main()
