"""Networks over tables of clicks: LR, FM, FNN, GBDT -> LR, MLP, PNN, trees alone; simulated and real rows.

    ctr.py simulated --seeds 1,2,3,4,5      # a new log of 1M rows a seed; what is judged is kept
    ctr.py real                             # the iPinYou and Criteo samples: too few clicks to show an order

The last fifth of the simulated rows is test; the columns' values are those of training rows. Trees alone are
boosted on all training rows (`trees`) and on the half that grows those of gbdt-lr (`trees, half`); gbdt-lr
trains its one layer on the other half.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow.parquet import read_table

from common import CACHE, parser, plain, record, say, scratch, table, within
from cowalk import rank, seeds
from cowalk.datasets import simulate_ctr
from cowalk.evaluate.bootstrap import bounds
from cowalk.evaluate.clicks import click_values
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.clicks import read_clicks
from cowalk.rank.trees import grow
from cowalk.tables.clicks import ClickTable
from kept import Arrays, kept

MODELS = ("lr", "fm", "fnn", "mlp", "pnn", "trees", "gbdt-lr", "trees, half")
METRICS = ("auc", "log-loss", "normalised entropy")
PAIRS = (("fm", "lr"), ("fnn", "fm"), ("fnn", "lr"), ("gbdt-lr", "trees"), ("gbdt-lr", "trees, half"))
ROWS = 1_000_000
TRAINING = {"batch_size": 1024, "epochs": 10, "vector_size": 10, "embedding": "l2", "l2": 1e-5, "patience": 2}
HALF = "trees, half"


def scores_of(name: str, train: ClickTable, test: ClickTable, seed: int, asked: dict[str, Any]) -> Arrays:
    """By name, float64[N]: a model's chances of the test rows; with gbdt-lr its trees' too."""
    if name == "trees":
        trees = grow(train, trees=asked.get("trees", 100), seed=seeds.stream(seed, "rank/trees"),
                     workers=asked["workers"])  # fmt: skip
        return {name: trees.chances(test)}
    model = rank.fit(train, name, seed=seed, **{**TRAINING, **asked})
    scores = {name: model.score_table(test)}
    return scores if model.trees is None else {**scores, HALF: model.trees.chances(test)}


def values_of(
    models: tuple[str, ...], train: ClickTable, test: ClickTable, seed: int, data: str, asked: dict[str, Any],
    commits: set[str],
) -> dict[str, dict[str, np.ndarray]]:  # fmt: skip
    """By model, the values of each test row by metric; what is kept is not made again."""
    assert test.labels is not None
    values = {}
    with_settings = {**TRAINING, **{k: v for k, v in asked.items() if k != "workers"}}
    for name in models:
        say(f"{data}, seed {seed}, {name}")
        maker = "gbdt-lr" if name == HALF else name
        told = {"model": maker, "seed": seed, "data": data, "rows": len(train), **with_settings}
        found, commit = kept(
            CACHE / "ctr", f"{data}-{maker}-{seed}", told,
            partial(scores_of, maker, train, test, seed, asked),
        )  # fmt: skip
        commits.add(commit)
        values[name] = click_values(found[name], test.labels)
    return values


def figures_of(values: dict[str, list[dict[str, np.ndarray]]], groups: list[np.ndarray]) -> dict[str, Any]:
    """Each figure with bounds over rows and its spread over seeds, and paired differences of PAIRS.

    All are columns of one table, so that a million rows are resampled once.
    """
    columns = {
        (name, metric): np.concatenate([part[metric] for part in parts])
        for name, parts in values.items()
        for metric in METRICS
    }
    for first, second in PAIRS:
        if first in values and second in values:
            for metric in METRICS:
                columns[f"{first} - {second}", metric] = columns[first, metric] - columns[second, metric]
    found = bounds(np.stack(list(columns.values()), axis=1), np.concatenate(groups))
    out: dict[str, Any] = {"models": {}, "differences": {}}
    for (name, metric), estimate in zip(columns, found, strict=True):
        figure = plain(estimate)
        if name in values:
            by_seed = [float(part[metric].mean()) for part in values[name]]
            figure |= {"by seed": by_seed, "spread": float(np.std(by_seed))}
        out["models" if name in values else "differences"].setdefault(name, {})[metric] = figure
    return out


def show(figures: dict[str, Any]) -> None:
    """The tables."""
    rows = [
        [n, *(f"{c[m]['mean']:.5f} ±{c[m]['spread']:.5f}" for m in METRICS)]
        for n, c in figures["models"].items()
    ]
    print(table(["model", *METRICS], rows))
    rows = [[n, *(within(c[m], "+", 5) for m in METRICS)] for n, c in figures["differences"].items()]
    print(table(["difference", *METRICS], rows))


def simulated(
    models: tuple[str, ...], wanted: list[int], asked: dict[str, Any], rows: int, quick: bool
) -> None:
    """The simulated log, a new one a seed."""
    values: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in models}
    groups, best = [], []
    commits: set[str] = set()
    clicks = ClickSettings(group_column="user")
    for seed in wanted:
        with scratch() as folder:
            made = simulate_ctr(rows, out=folder / "clicks.parquet", seed=seed)
            log, cut = read_table(made.path), rows * 4 // 5
        train = read_clicks(log.slice(0, cut), clicks)
        test = read_clicks(log.slice(cut), clicks, train.columns)
        groups.append(np.arange(len(test)) + seed * rows)
        best.append({"log-loss of the true chances": made.log_loss, "click rate": made.rate})
        for name, found in values_of(models, train, test, seed, f"simulated {rows}", asked, commits).items():
            values[name].append(found)
    figures = figures_of(values, groups) | {"data": best}
    show(figures)
    told = {"seeds": wanted, "rows": rows, **TRAINING, **asked, "commits": sorted(commits)}
    record("ctr_simulated", told, figures, quick=quick)


def real(models: tuple[str, ...], asked: dict[str, Any], quick: bool) -> None:
    """The samples of iPinYou (FNN's own) and Criteo; their folder is named by COWALK_DATA."""
    root = Path(os.environ.get("COWALK_DATA", "."))
    folders = {
        "ipinyou": (root / "ctr-ipinyou-fnn", "train.fm.txt.gz", "test.fm.txt.gz"),
        "criteo": (root / "ctr-criteo-8k", "train.csv.gz", "test.csv"),
    }
    figures: dict[str, Any] = {}
    commits: set[str] = set()
    for form, (folder, first, second) in folders.items():
        clicks = ClickSettings(form=form, constant="drop")
        train = read_clicks(folder / first, clicks)
        test = read_clicks(folder / second, clicks, train.columns)
        assert test.labels is not None
        say(f"{form}: {len(train):,} and {len(test):,} rows, {int(test.labels.sum())} clicks of test")
        values = values_of(models, train, test, 1, form, asked, commits)
        figures[form] = figures_of({name: [one] for name, one in values.items()}, [np.arange(len(test))])
        print(f"\n{form}")
        show(figures[form])
    record("ctr_real", {**TRAINING, **asked, "commits": sorted(commits)}, figures, quick=quick)


def main() -> None:
    """Judge, print, record."""
    options = parser(__doc__ or "")
    options.add_argument("what", choices=["simulated", "real"])
    options.add_argument("--seeds", default="1")
    options.add_argument("--rows", type=int, default=ROWS)
    options.add_argument("--models", default=";".join(MODELS), help="parted by ;")
    asked = options.parse_args()
    models = tuple(asked.models.split(";"))
    fixed: dict[str, Any] = {"workers": asked.workers}
    if asked.quick:
        fixed |= {"epochs": 1, "trees": 10}
    if asked.what == "real":
        real(models, fixed, asked.quick)
        return
    wanted = [int(one) for one in asked.seeds.split(",")]
    simulated(models, wanted, fixed, 20_000 if asked.quick else asked.rows, asked.quick)


if __name__ == "__main__":
    main()
