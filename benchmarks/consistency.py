"""item2vec beside an SVD of the pair counts: whether neighbours share genres, MovieLens-100K, head and tail.

Both see each user's films as a set, from the whole log. SVD: counts of pairs, each divided by
sqrt(row sum * column sum), rows of U S^1/2. Neighbours by cosine, the 8 nearest, majority vote; the tail are
films with fewer than 15 users (Barkan & Koenigstein 2016).
"""

from __future__ import annotations

import numpy as np

from common import parser, record, say, table
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import bound, neighbour_consistency
from cowalk.learn import LearnSettings, learn
from cowalk.learn.extras import as_sets
from cowalk.prepared import read_inputs
from cowalk.settings import load_recipe
from cowalk.tables import Sessions
from cowalk.types import Floats

TAIL, HEAD = 15, 500


def svd_rows(sessions: Sessions, items: int, size: int) -> Floats:
    """float32[V, size]: U S^1/2 of the scaled pair counts."""
    marks = np.zeros((len(sessions), items), dtype=np.float32)
    marks[np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets)), sessions.items] = 1.0
    counts = (marks.T @ marks).astype(np.float64)
    np.fill_diagonal(counts, 0.0)
    sums = np.maximum(counts.sum(axis=1), 1.0)
    u, s, _ = np.linalg.svd(counts / np.sqrt(np.outer(sums, sums)))
    rows: Floats = (u[:, :size] * np.sqrt(s[:size])).astype(np.float32)
    return rows


def main() -> None:
    """Learn, compare, print, record."""
    options = parser(__doc__ or "")
    options.add_argument("--seeds", default="1,2,3,4,5", help="seeds, with commas (default 1,2,3,4,5)")
    options.add_argument("--size", type=int, default=40, help="dimension of both (default 40)")
    options.add_argument("--epochs", type=int, default=20, help="epochs of item2vec (default 20)")
    asked = options.parse_args()
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    data = of_dataset(load("movielens-100k"))
    recipe = load_recipe("item2vec", data.changes)
    prepared = read_inputs(data.events, data.items, None, recipe, say)
    train = prepared.whole()
    assert train.sessions is not None
    assert train.side_info is not None
    field, users = train.side_info["genres"], train.vocab.counts
    sets = as_sets(train.sessions, len(train.vocab))
    rank = np.argsort(np.argsort(-users, kind="stable"))
    groups = {"all": users > 0, f"top {HEAD}": rank < HEAD, f"under {TAIL} users": users < TAIL}
    settings = recipe.learn.model_copy(
        update={"vector_size": asked.size, "epochs": 1 if asked.quick else asked.epochs}
    )
    scores = {"SVD": [neighbour_consistency(svd_rows(sets, len(train.vocab), asked.size), field)]}
    scores["item2vec"] = []
    for seed in seeds:
        one = learn(sets, train.vocab, LearnSettings.model_validate(settings.model_dump()), seed=seed,
                    workers=asked.workers)  # fmt: skip
        scores["item2vec"].append(neighbour_consistency(one.vectors, field))
        say(f"seed {seed}: " + ", ".join(
            f"{name} {np.nanmean(scores['item2vec'][-1][inside]):.3f}" for name, inside in groups.items()
        ))  # fmt: skip
    figures = {}
    for name, inside in groups.items():
        ours, theirs = (np.nanmean(scores[who], axis=0)[inside] for who in ("item2vec", "SVD"))
        there = ~np.isnan(ours)
        gap = bound(ours[there] - theirs[there], np.flatnonzero(there))
        figures[name] = {
            "films": int(there.sum()), "item2vec": float(ours[there].mean()),
            "SVD": float(theirs[there].mean()),
            "difference": {"mean": gap.mean, "low": gap.low, "high": gap.high},
        }  # fmt: skip
    told = {"seeds": list(seeds), "size": asked.size, "epochs": asked.epochs, "k": 8}
    record("consistency", told, figures, quick=asked.quick)
    rows = [
        (name, one["films"], f"{one['SVD']:.3f}", f"{one['item2vec']:.3f}",
         "{mean:+.3f} ({low:+.3f}, {high:+.3f})".format(**one["difference"]))
        for name, one in figures.items()
    ]  # fmt: skip
    print(table(("films", "number", "SVD", "item2vec", "difference"), rows))


if __name__ == "__main__":
    main()
