"""Vectors as features of another task: next week's sales of a product category, on Complete Journey.

    COWALK_DATA=FOLDER python examples/category_forecast.py

Hema learns product and category ids from the households' histories of the first weeks; a ridge regression
then foretells log(1 + sales) of every category one week ahead from (a) its history alone, (b) history and
one-hot category, (c) history and the category's vector, (d) history and random numbers of the same size. The
penalty is chosen on the weeks before the test. Relative MAE = mean |sales - forecast| / mean sales.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import cowalk as cw
from cowalk.datasets import load
from cowalk.learn.hema import learn_hema
from cowalk.learn.hema_settings import HemaSettings
from cowalk.prepare.settings import CleanSettings, SessionSettings, SideSettings

LAST = 4  # weeks of history that are features
LEARNED, CHOSEN, ENDED = 38, 45, 52  # train on weeks to 38, choose on 39-45, test on 46-52
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
SQL = """
SELECT product_category AS category, week, sum(sales_value) AS sales
FROM read_csv('{0}/transactions_sample.csv.gz') JOIN read_csv('{0}/products.csv.gz') USING (product_id)
WHERE product_category IS NOT NULL GROUP BY ALL
"""


def weekly_sales(names: list[str]) -> np.ndarray:
    """float64[categories, weeks + 1]: sales by week, column w = week w."""
    folder = Path(os.environ["COWALK_DATA"]) / "completejourney-sample" / "derived-csv"
    place = {name: row for row, name in enumerate(names)}
    table = np.zeros((len(names), ENDED + 1))
    for category, week, sales in duckdb.sql(SQL.format(folder)).fetchall():
        if category in place and week <= ENDED:
            table[place[category], week] = sales
    return table


def learned_categories(seed: int) -> tuple[list[str], np.ndarray]:
    """(names, vectors) of the categories, from what households bought up to week LEARNED."""
    data = load("complete-journey")
    clean = CleanSettings.model_validate({**data.clean.model_dump(), "min_count": 1})
    events, _ = cw.read_events(data.events, data.read, clean)
    start = events.times.min()
    early = events.select(events.times < start + LEARNED * 7 * 86_400_000_000)
    early, _ = cw.refit_vocab(early)
    catalogue = cw.read_items(
        data.items, SideSettings(fields=dict.fromkeys(SKIPPED, "skip")), item_column=data.read.item_column
    )
    side = cw.encode_side_info(catalogue, early.item_vocab)
    sessions, _ = cw.sessionize(early, SessionSettings(by="history"), clean)
    learned = learn_hema(
        sessions, early.item_vocab, HemaSettings(epochs=3, step=0.02), side_info=side, seed=seed
    )
    return side["category"].labels.tolist(), learned.extra["ids category"]


SKIPPED = ("name", "department", "product_type", "brand", "manufacturer", "package_size", "price")


def examples_of(sales: np.ndarray, weeks: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(history features, target, category) of every category and week."""
    logs = np.log1p(np.maximum(sales, 0))
    rows = [
        (np.append(logs[:, week - LAST : week], logs[:, 1:week].mean(axis=1)[:, None], axis=1), logs[:, week])
        for week in weeks
    ]
    features = np.concatenate([row for row, _ in rows])
    return features, np.concatenate([y for _, y in rows]), np.tile(np.arange(len(sales)), len(weeks))


def forecast(
    train: tuple[np.ndarray, np.ndarray], test: np.ndarray, plain: int, penalty: float
) -> np.ndarray:
    """Ridge: the first `plain` columns and the constant without a penalty, the others at equal scale."""
    X, y = train
    mean, scale = X.mean(axis=0), np.maximum(X.std(axis=0), 1e-9)
    X, test = (X - mean) / scale, (test - mean) / scale
    weight = np.where(np.arange(X.shape[1]) < plain, 1e-6, penalty)
    B = np.linalg.solve(X.T @ X + np.diag(weight), X.T @ (y - y.mean()))
    return test @ B + y.mean()


def relative_mae(sales: np.ndarray, weeks: range, guess: np.ndarray) -> float:
    """mean |sales - forecast| / mean sales."""
    told = np.concatenate([sales[:, week] for week in weeks])
    return float(np.abs(told - np.expm1(np.maximum(guess, 0))).mean() / told.mean())


def judged(sales: np.ndarray, extra: np.ndarray) -> tuple[float, float]:
    """(relative MAE of the test weeks, penalty chosen) with `extra` [categories, m] beside the history."""

    def table(weeks: range) -> tuple[np.ndarray, np.ndarray]:
        features, y, category = examples_of(sales, weeks)
        return np.hstack([features, extra[category]]), y

    first, choose = range(LAST + 1, LEARNED + 1), range(LEARNED + 1, CHOSEN + 1)
    test = range(CHOSEN + 1, ENDED + 1)
    scores = {
        p: relative_mae(sales, choose, forecast(table(first), table(choose)[0], LAST + 1, p))
        for p in PENALTIES
    }
    best = min(scores, key=lambda p: scores[p])
    whole = table(range(LAST + 1, CHOSEN + 1))
    return relative_mae(sales, test, forecast(whole, table(test)[0], LAST + 1, best)), best


def main() -> None:
    """One line of JSON a seed."""
    for seed in (1, 2):
        names, vectors = learned_categories(seed)
        sales = weekly_sales(names)
        noise = np.random.default_rng(seed).normal(size=vectors.shape)
        kinds: dict[str, Any] = {
            "history": np.zeros((len(names), 0)), "one-hot": np.eye(len(names)), "vectors": vectors,
            "random": noise,
        }  # fmt: skip
        told = {name: judged(sales, extra) for name, extra in kinds.items()}
        line = {name: {"relative MAE": round(mae, 4), "penalty": p} for name, (mae, p) in told.items()}
        print(json.dumps({"seed": seed, "categories": len(names), **line}), flush=True)


if __name__ == "__main__":
    main()
