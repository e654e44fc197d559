"""Networks over tables of clicks: LR, FM, FNN, GBDT -> LR, MLP, PNN, trees alone; simulated and real rows.

    ctr.py simulated --seeds 1,2,3,4,5      # a new log of 1M rows a seed; what is judged is kept
    ctr.py real                             # the iPinYou and Criteo samples: too few clicks to show an order

The last fifth of the simulated rows is test. Trees alone are boosted on all training rows (`trees`) and on
the half that grows those of gbdt-lr (`trees, half`); gbdt-lr trains its one layer on the other half.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from common import CACHE, parser, record, say, scratch, table
from cowalk import rank, seeds
from cowalk.datasets import simulate_ctr
from cowalk.evaluate.bootstrap import bound, paired_difference
from cowalk.evaluate.clicks import click_values
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.clicks import read_clicks
from cowalk.rank.trees import grow
from cowalk.tables.clicks import ClickTable

MODELS = ("lr", "fm", "fnn", "mlp", "pnn", "trees", "gbdt-lr", "trees, half")
METRICS = ("auc", "log-loss", "normalised entropy")
PAIRS = (("fm", "lr"), ("fnn", "fm"), ("fnn", "lr"), ("gbdt-lr", "trees"), ("gbdt-lr", "trees, half"))
ROWS = 1_000_000
TRAINING = {"batch_size": 1024, "epochs": 10, "vector_size": 10, "embedding": "l2", "l2": 1e-5, "patience": 2}


HALF = "trees, half"


def scores_of(name: str, train: ClickTable, test: ClickTable, seed: int, asked: dict[str, Any]) -> np.ndarray:
    """float64[N]: a model's chances of the test rows; of gbdt-lr [2, N], its trees' too."""
    if name == "trees":
        trees = grow(train, trees=asked.get("trees", 100), seed=seeds.stream(seed, "rank/trees"),
                     workers=asked["workers"])  # fmt: skip
        return trees.chances(test)
    model = rank.fit(train, name, seed=seed, **{**TRAINING, **asked})
    scores = model.score_table(test)
    return scores if model.trees is None else np.stack([scores, model.trees.chances(test)])


def of_model(name: str, make: Callable[[str], np.ndarray]) -> np.ndarray:
    """The scores of one name; those of the trees of half the rows stand beside gbdt-lr's."""
    if name == HALF:
        return make("gbdt-lr")[1]
    found = make(name)
    return found[0] if name == "gbdt-lr" else found


def kept(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """Scores in a file, made where it is not there."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"new-{path.name}")
        np.save(draft, make().astype(np.float64))
        draft.replace(path)
    found: np.ndarray = np.load(path)
    return found


def told(estimate: Any) -> dict[str, float]:
    """Plain values."""
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}


def figures_of(values: dict[str, list[dict[str, np.ndarray]]], groups: list[np.ndarray]) -> dict[str, Any]:
    """Each figure with bounds over rows and its spread over seeds, and paired differences of PAIRS."""
    owners = np.concatenate(groups)
    out: dict[str, Any] = {"models": {}, "differences": {}}
    for name, parts in values.items():
        cell: dict[str, Any] = {}
        for metric in METRICS:
            by_seed = [float(part[metric].mean()) for part in parts]
            every = np.concatenate([part[metric] for part in parts])
            cell[metric] = told(bound(every, owners)) | {"by seed": by_seed, "spread": float(np.std(by_seed))}
        out["models"][name] = cell
    for first, second in PAIRS:
        if first in values and second in values:
            out["differences"][f"{first} - {second}"] = {
                metric: told(paired_difference(
                    np.concatenate([part[metric] for part in values[first]]),
                    np.concatenate([part[metric] for part in values[second]]), owners,
                ))
                for metric in METRICS
            }  # fmt: skip
    return out


def show(figures: dict[str, Any]) -> None:
    """The tables."""
    rows = [
        [n, *(f"{c[m]['mean']:.5f} ±{c[m]['spread']:.5f}" for m in METRICS)]
        for n, c in figures["models"].items()
    ]
    print(table(["model", *METRICS], rows))
    rows = [
        [n, *(f"{c[m]['mean']:+.5f} ({c[m]['low']:+.5f}, {c[m]['high']:+.5f})" for m in METRICS)]
        for n, c in figures["differences"].items()
    ]
    print(table(["difference", *METRICS], rows))


def simulated(
    models: tuple[str, ...], wanted: list[int], asked: dict[str, Any], rows: int, quick: bool
) -> None:
    """The simulated log, a new one a seed."""
    values: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in models}
    groups, best = [], []
    place = CACHE / "ctr" / ("quick" if quick else str(rows))
    for seed in wanted:
        with scratch() as folder:
            made = simulate_ctr(rows, out=folder / "clicks.parquet", seed=seed)
            clicks = ClickSettings(group_column="user")
            log = read_clicks(made.path, clicks)
        cut = len(log) * 4 // 5
        train, test = log.select(np.arange(cut)), log.select(np.arange(cut, len(log)))
        assert test.labels is not None
        groups.append(np.arange(len(test)) + seed * rows)
        best.append({"log-loss of the true chances": made.log_loss, "click rate": made.rate})
        for name in models:
            say(f"simulated seed {seed} {name}")
            scores = of_model(
                name,
                lambda n, s=seed, a=train, b=test: kept(
                    place / f"{n}-{s}.npy", lambda: scores_of(n, a, b, s, asked)
                ),
            )
            values[name].append(click_values(scores, test.labels))
    figures = figures_of(values, groups) | {"data": best}
    show(figures)
    record("ctr_simulated", {"seeds": wanted, "rows": rows, **TRAINING, **asked}, figures, quick=quick)


def real(models: tuple[str, ...], asked: dict[str, Any], quick: bool) -> None:
    """The samples of iPinYou (FNN's own) and Criteo; their folder is named by COWALK_DATA."""
    root = Path(os.environ.get("COWALK_DATA", "."))
    folders = {
        "ipinyou": (root / "ctr-ipinyou-fnn", "train.fm.txt.gz", "test.fm.txt.gz"),
        "criteo": (root / "ctr-criteo-8k", "train.csv.gz", "test.csv"),
    }
    place = CACHE / "ctr" / ("quick" if quick else "real")
    figures: dict[str, Any] = {}
    for form, (folder, first, second) in folders.items():
        clicks = ClickSettings(form=form, constant="drop")
        train = read_clicks(folder / first, clicks)
        test = read_clicks(folder / second, clicks, train.columns)
        assert test.labels is not None
        say(
            f"{form}: {len(train):,} and {len(test):,} rows, {int(test.labels.sum())} clicks in the test part"
        )
        values = {}
        for name in models:
            scores = of_model(
                name,
                lambda n, f=form, a=train, b=test: kept(
                    place / f"{f}-{n}.npy", lambda: scores_of(n, a, b, 1, asked)
                ),
            )
            values[name] = [click_values(scores, test.labels)]
        figures[form] = figures_of(values, [np.arange(len(test))])
        print(f"\n{form}")
        show(figures[form])
    record("ctr_real", {**TRAINING, **asked}, figures, quick=quick)


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
