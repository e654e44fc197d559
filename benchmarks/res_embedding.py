"""Where item vectors of a ranking network come from: random, learned first, Res-embedding; DIN, PNN, MLP.

    res_embedding.py beauty --seeds 1,2,3,4,5          # or movielens-100k; what is judged is kept
    res_embedding.py beauty --every                    # trained on every step of training users, see below

The protocol of Zhou et al. 2019 (4.1): Beauty has one pair a user, the history b_1..b_n with the positive
b_{n+1} and one negative, uniform over items and never the positive; MovieLens has every rated movie, label 1
where rated above 3, history = the latest 50 rated 3 or more. A fifth of the users is test, parted anew by
each seed. All that is learned first, and the interest graph, sees the histories of training users alone, not
their targets (of MovieLens, an earlier target is part of a later history). Each network is trained by Adam
and kept at the epoch with the best AUC of held-out training users. By that AUC of the first seed two things
are chosen, for each network and embedding by itself: the learning rate of the item rows (`--rates`) and one
option of the embedding (OPTIONS). R max and R mean are the envelope radii of runs of five items in the
histories of test users. With `--every` (Beauty) training users give an example for each item of their
histories and not for the last alone, seven times as many labels; the test part stays.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from common import CACHE, parser, plain, record, say, table, versions, within
from cowalk import rank
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate.bootstrap import bound, paired_difference
from cowalk.evaluate.clicks import auc_values
from cowalk.examples import Examples, labelled_examples, one_per_user, rated_examples, split_by_user
from cowalk.prepare import encode_side_info, read_events, read_items
from cowalk.rank.pretrain import pretrained, shown_sequences
from cowalk.rank.settings import PRETRAINED
from cowalk.settings import load_recipe, parse_changes
from cowalk.tables import SideInfo, Vectors
from kept import Arrays, kept

BASES = ("mlp", "pnn", "din")
EMBEDDINGS = ("random", "l2", "double", "item2vec", "node2vec", "eges", "res-avg", "res-gcn", "res-att")
DATA = ("beauty", "movielens-100k")
SIZE = 18
PAPER = {
    "random": (0.8558, 0.8601, 0.8635), "l2": (0.8649, 0.8671, 0.8752), "item2vec": (0.8710, 0.8771, 0.8786),
    "node2vec": (0.8756, 0.8817, 0.8832), "double": (None, None, 0.8751), "res-avg": (0.8857, 0.8930, 0.8981),
    "res-gcn": (0.8917, 0.9042, 0.9090), "res-att": (0.8907, 0.9057, 0.9106),
}  # fmt: skip
"""AUC of the paper's Electronics (Tables 3 and 4), by base: mlp, pnn, din."""


OPTIONS: dict[str, tuple[str, tuple[float, ...]]] = {
    "l2": ("l2", (0.0006, 0.006, 0.06)),
    **dict.fromkeys(("item2vec", "node2vec", "eges"), ("spread", (0.05, 0.02, 0.15))),
    **dict.fromkeys(("res-avg", "res-gcn", "res-att"), ("penalty", (0.006, 0.0006, 0.06))),
}
"""What is tried of an embedding beside the rate of its rows."""


@dataclass(frozen=True)
class Judged:
    """The test rows of one seed: an AUC value per row, whose it is; the envelope radius of test histories."""

    values: np.ndarray
    users: np.ndarray
    facts: dict[str, float]
    asked: dict[str, float]
    commit: str


def read(name: str) -> tuple[Any, SideInfo | None]:
    """The events of a known data set and its items' attributes."""
    data = of_dataset(load(name))
    recipe = load_recipe("eges", data.changes)
    reading = recipe.read
    if name.startswith("movielens"):
        reading = reading.model_copy(update={"weight_column": "rating"})
    events, _ = read_events(data.events, reading, recipe.clean)
    if data.items is None:
        return events, None
    catalogue = read_items(data.items, recipe.side, item_column=recipe.read.item_column)
    return events, encode_side_info(catalogue, events.item_vocab, recipe.side)


def examples_of(name: str, events: Any, seed: int) -> Examples:
    """The examples of the protocol."""
    if name.startswith("movielens"):
        return rated_examples(events, 3.0, 50, seed=seed)
    return one_per_user(events, last=50, seed=seed)


class World:
    """Examples of one seed: to train on, to validate by, to test on; vectors are learned once."""

    def __init__(
        self, name: str, seed: int, data: tuple[Any, SideInfo | None], *, quick: bool, every: bool
    ) -> None:
        events, self.side = data
        made = examples_of(name, events, seed)
        if quick:
            made = made.select(made.owners < 2000)
        self.seed = seed
        train, self.test = split_by_user(made, 0.2, seed)
        if every:
            whole = labelled_examples(events, last=50, seed=seed)
            train = whole.select(np.isin(whole.owners, train.owners))
        self.seen, self.held = split_by_user(train, 0.1, seed)
        self.learned: dict[str, Vectors] = {}

    def vectors(self, recipe: str, workers: int) -> Vectors:
        """What a recipe learns from the histories of training users."""
        if recipe not in self.learned:
            say(f"seed {self.seed}: learning {recipe}")
            sequences = shown_sequences(self.seen, with_targets=False)
            self.learned[recipe] = pretrained(
                recipe, sequences, self.seen, SIZE, side_info=self.side, seed=self.seed, workers=workers
            )
        return self.learned[recipe]


def judge(world: World, base: str, embedding: str, asked: dict[str, Any]) -> Arrays:
    """One network of one seed on the test users."""
    options: dict[str, Any] = {k: v for k, v in asked.items() if k not in ("quick", "every")}
    given = embedding
    if embedding in PRETRAINED:
        given, options["vectors"] = "vectors", world.vectors(embedding, asked["workers"])
    model = rank.fit(
        world.seen, base, given, validation=world.held, seed=world.seed, vector_size=SIZE, **options
    )
    test = world.test
    values = auc_values(model.score_examples(test), test.labels)
    told = rank.envelope_radius(model.vectors.array, rank.interest_groups(test.sequences), least=3)
    facts = {
        "best epoch": model.about["best epoch"], "validation": model.about["validation auc"],
        "R max": told.largest, "R mean": told.mean,
    }  # fmt: skip
    return {"values": values, "users": test.users} | {k: np.array(v) for k, v in facts.items()}


def grid(embedding: str, rates: Sequence[float]) -> list[dict[str, float]]:
    """What is tried on the first seed."""
    name, values = OPTIONS.get(embedding, ("", ()))
    return [{"rows_rate": r} | ({name: v} if name else {}) for r in rates for v in values or (0.0,)]


def best_of(
    name: str, base: str, embedding: str, world: World, tried: Sequence[dict[str, float]],
    fixed: dict[str, Any],
) -> Judged:  # fmt: skip
    """The one with the best AUC of held-out training users, from what is kept and what is missing."""
    made = []
    for asked in tried:
        with_all = {**fixed, **asked}
        told = {"data": name, "base": base, "embedding": embedding, "seed": world.seed}
        told |= {k: v for k, v in with_all.items() if k != "workers"}
        found, commit = kept(
            CACHE / "res_embedding", f"{name}-{base}-{embedding}-{world.seed}", told,
            partial(judge, world, base, embedding, with_all),
        )  # fmt: skip
        values, users = found.pop("values"), found.pop("users")
        made.append(Judged(values, users, {k: float(v) for k, v in found.items()}, asked, commit))
    return max(made, key=lambda one: one.facts["validation"])


def cells(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The pairs of base and embedding that are asked for."""
    for base in options.bases.split(","):
        for embedding in options.embeddings.split(","):
            yield base, embedding


def joined(parts: list[Judged]) -> tuple[np.ndarray, np.ndarray]:
    """Values and users of all seeds; a user of several seeds is drawn as one."""
    return np.concatenate([p.values for p in parts]), np.concatenate([p.users for p in parts])


def figures_of(found: dict[tuple[str, str], list[Judged]]) -> dict[str, Any]:
    """AUC by cell with bounds and the seeds' spread; differences to random and to double of the same base."""
    out: dict[str, Any] = {}
    for (base, embedding), parts in found.items():
        values, users = joined(parts)
        by_seed = [float(p.values.mean()) for p in parts]
        cell = {"auc": plain(bound(values, users)), "by seed": by_seed, "spread": float(np.std(by_seed))}
        for other in ("random", "double"):
            if other != embedding and (base, other) in found:
                theirs, _ = joined(found[base, other])
                cell[f"above {other}"] = plain(paired_difference(values, theirs, users))
        for fact in parts[0].facts:
            cell[fact] = float(np.mean([p.facts[fact] for p in parts]))
        cell["chosen"] = parts[0].asked
        out[f"{base} {embedding}"] = cell
    return out


def rows_of(figures: dict[str, Any]) -> list[list[str]]:
    """The table: a row per cell, the paper's figure beside."""
    rows = []
    for name, cell in figures.items():
        base, _, embedding = name.partition(" ")
        paper = PAPER.get(embedding, (None,) * 3)[BASES.index(base)]
        row = [name, f"{cell['auc']['mean']:.4f} ±{cell['spread']:.4f}"]
        for other in ("above random", "above double"):
            d = cell.get(other)
            row.append("" if d is None else within(d, "+"))
        row += [f"{cell['R max']:.2f}", f"{cell['R mean']:.2f}"]
        rows.append([*row, "" if paper is None else f"{paper:.4f}"])
    return rows


def main() -> None:
    """Judge, print, record."""
    options = parser(__doc__ or "")
    options.add_argument("dataset", choices=DATA)
    options.add_argument("--seeds", default="1")
    options.add_argument("--bases", default=",".join(BASES))
    options.add_argument("--embeddings", default=",".join(EMBEDDINGS))
    options.add_argument("--rates", default="0.001,0.005,0.02", help="learning rates of the item rows")
    options.add_argument("--every", action="store_true", help="train on every item of training histories")
    options.add_argument("--set", dest="changes", action="append", default=[], metavar="NAME=VALUE")
    asked = options.parse_args()
    changes = parse_changes(asked.changes)
    seeds = [int(one) for one in asked.seeds.split(",")]
    rates = [float(one) for one in asked.rates.split(",")]
    fixed: dict[str, Any] = {"workers": asked.workers, "best_by": "auc", **changes}
    if asked.every:
        fixed |= {"every": True}
    if asked.quick:
        fixed |= {"quick": True, "epochs": 1}
    data = read(asked.dataset)
    found: dict[tuple[str, str], list[Judged]] = {}
    for done, seed in enumerate(seeds):
        world = World(asked.dataset, seed, data, quick=asked.quick, every=asked.every)
        for base, embedding in cells(asked):
            say(f"{asked.dataset} seed {seed} {base} {embedding}")
            before = found.setdefault((base, embedding), [])
            tried = [before[0].asked] if before else grid(embedding, rates)
            before.append(best_of(asked.dataset, base, embedding, world, tried, fixed))
        told = {"seeds": seeds[: done + 1], "changes": changes, "rates": rates, "test users": 0.2}
        keep(asked.dataset + "_every" * asked.every, told, found, quick=asked.quick)


def keep(name: str, told: dict[str, Any], found: dict[tuple[str, str], list[Judged]], *, quick: bool) -> None:
    """Print and record what is known so far."""
    figures = figures_of(found)
    head = ["network", "AUC", "above random", "above double", "R max", "R mean", "paper (Electronics)"]
    print(table(head, rows_of(figures)))
    commits = sorted({one.commit for parts in found.values() for one in parts})
    peers = {"torch": version("torch")}
    record(f"res_embedding_{name}", {**told, "commits": commits}, figures, quick=quick, peers=peers)


if __name__ == "__main__":
    versions()
    main()
