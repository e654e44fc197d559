"""Where item vectors of a ranking network come from: random, learned first, Res-embedding; DIN, PNN, MLP.

    res_embedding.py beauty --seeds 1,2,3,4,5          # or movielens-100k; what is judged is kept

The protocol of Zhou et al. 2019 (4.1): Beauty has one pair a user, the history b_1..b_n with the positive
b_{n+1} and one negative, uniform over items and never the positive; MovieLens has every rated movie, label 1
where rated above 3, history = the latest 50 rated 3 or more. A fifth of the users is test, parted anew by
each seed. All that is learned first, and the interest graph, sees the histories of training users alone, no
targets. Each network is trained by Adam and kept at the epoch with the best AUC of held-out training users.
The learning rate of the item rows is chosen among `--rates` by that AUC on the first seed, for each network
and embedding by itself; all else is equal. R max and R mean are the envelope radii of runs of five items in
the histories of test users.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common import CACHE, parser, record, say, table, versions
from cowalk import rank
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate.bootstrap import Estimate, bound, paired_difference
from cowalk.evaluate.clicks import auc_values
from cowalk.examples import Examples, one_per_user, rated_examples, split_by_user
from cowalk.prepare import encode_side_info, read_events, read_items
from cowalk.settings import load_recipe
from cowalk.tables import SideInfo

BASES = ("mlp", "pnn", "din")
EMBEDDINGS = ("random", "l2", "double", "item2vec", "node2vec", "eges", "res-avg", "res-gcn", "res-att")
DATA = ("beauty", "movielens-100k")
PAPER = {
    "random": (0.8558, 0.8601, 0.8635), "l2": (0.8649, 0.8671, 0.8752), "item2vec": (0.8710, 0.8771, 0.8786),
    "node2vec": (0.8756, 0.8817, 0.8832), "double": (None, None, 0.8751), "res-avg": (0.8857, 0.8930, 0.8981),
    "res-gcn": (0.8917, 0.9042, 0.9090), "res-att": (0.8907, 0.9057, 0.9106),
}  # fmt: skip
"""AUC of the paper's Electronics (Tables 3 and 4), by base: mlp, pnn, din."""


@dataclass(frozen=True)
class Judged:
    """The test rows of one seed: an AUC value per row, whose it is; the envelope radius of test histories."""

    values: np.ndarray
    users: np.ndarray
    facts: dict[str, float]


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


def judge(
    name: str, base: str, embedding: str, seed: int, data: tuple[Any, SideInfo | None], asked: dict[str, Any]
) -> Judged:
    """One network of one seed on the test users."""
    events, side = data
    made = examples_of(name, events, seed)
    if asked.get("quick"):
        made = made.select(made.owners < 2000)
    train, test = split_by_user(made, 0.2, seed)
    options = {k: v for k, v in asked.items() if k != "quick"}
    model = rank.fit(train, base, embedding, side_info=side, seed=seed, **options)
    values = auc_values(model.score_examples(test), test.labels)
    facts: dict[str, float] = {
        "best epoch": model.about["best epoch"], "validation": model.about["validation auc"] or float("nan"),
        "rows rate": asked["rows_rate"],
    }  # fmt: skip
    told = rank.envelope_radius(model.vectors.array, rank.interest_groups(test.sequences), least=3)
    facts |= {"R max": told.largest, "R mean": told.mean}
    return Judged(values, test.users, facts)


def kept(path: Path, make: Any) -> Judged:
    """What a file keeps, made where it is not there."""
    if not path.is_file():
        found: Judged = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"new-{path.name}")
        np.savez(draft, values=found.values, users=found.users, names=np.array(list(found.facts)),
                 facts=np.array(list(found.facts.values())))  # fmt: skip
        draft.replace(path)
    with np.load(path) as stored:
        facts = dict(zip(stored["names"].tolist(), stored["facts"].tolist(), strict=True))
        return Judged(stored["values"], stored["users"], facts)


def cells(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The pairs of base and embedding that are asked for."""
    for base in options.bases.split(","):
        for embedding in options.embeddings.split(","):
            yield base, embedding


def joined(parts: list[Judged]) -> tuple[np.ndarray, np.ndarray]:
    """Values and users of all seeds; a user of several seeds is drawn as one."""
    return np.concatenate([p.values for p in parts]), np.concatenate([p.users for p in parts])


def told(estimate: Estimate) -> dict[str, float]:
    """Plain values."""
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}


def figures_of(found: dict[tuple[str, str], list[Judged]]) -> dict[str, Any]:
    """AUC by cell with bounds and the seeds' spread; differences to random and to double of the same base."""
    out: dict[str, Any] = {}
    for (base, embedding), parts in found.items():
        values, users = joined(parts)
        by_seed = [float(p.values.mean()) for p in parts]
        cell = {"auc": told(bound(values, users)), "by seed": by_seed, "spread": float(np.std(by_seed))}
        for other in ("random", "double"):
            if other != embedding and (base, other) in found:
                theirs, _ = joined(found[base, other])
                cell[f"above {other}"] = told(paired_difference(values, theirs, users))
        for fact in parts[0].facts:
            cell[fact] = float(np.mean([p.facts[fact] for p in parts]))
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
            row.append("" if d is None else f"{d['mean']:+.4f} ({d['low']:+.4f}, {d['high']:+.4f})")
        row += [
            f"{cell['R max']:.2f}" if "R max" in cell else "",
            f"{cell['R mean']:.2f}" if "R mean" in cell else "",
        ]
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
    options.add_argument("--set", dest="changes", action="append", default=[], metavar="NAME=VALUE")
    asked = options.parse_args()
    from cowalk.settings import parse_changes

    changes = parse_changes(asked.changes)
    seeds = [int(one) for one in asked.seeds.split(",")]
    rates = [float(one) for one in asked.rates.split(",")]
    fixed: dict[str, Any] = {"workers": asked.workers, "best_by": "auc", **changes}
    if asked.quick:
        fixed |= {"quick": True, "epochs": 1}
    data = read(asked.dataset)
    place = CACHE / "res_embedding" / ("quick" if asked.quick else "full") / asked.dataset
    mark = "".join(f" {k}={v}" for k, v in sorted(changes.items()))
    found: dict[tuple[str, str], list[Judged]] = {}
    for seed in seeds:
        for base, embedding in cells(asked):
            say(f"{asked.dataset} seed {seed} {base} {embedding}")
            before = found.setdefault((base, embedding), [])
            tried = [before[0].facts["rows rate"]] if before else rates
            made = [
                kept(
                    place / f"{base}-{embedding}-{seed} rows_rate={rate:g}{mark}.npz",
                    lambda b=base, e=embedding, s=seed, r=rate: judge(
                        asked.dataset, b, e, s, data, {**fixed, "rows_rate": r}
                    ),
                )
                for rate in tried
            ]
            before.append(max(made, key=lambda one: one.facts["validation"]))
    figures = figures_of(found)
    head = ["network", "AUC", "above random", "above double", "R max", "R mean", "paper (Electronics)"]
    print(table(head, rows_of(figures)))
    import torch

    settings = {"seeds": seeds, "changes": changes, "rates": rates, "test users": 0.2}
    record(f"res_embedding_{asked.dataset}", settings, figures, quick=asked.quick,
           peers={"torch": torch.__version__})  # fmt: skip


if __name__ == "__main__":
    versions()
    main()
