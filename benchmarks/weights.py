"""Whether learned weights mean something: fields of a simulated shop in the order of what was planted.

Four fields lead .6/.3/.1/0 of the steps. EGES learns from walks, with a starting at 0 and no prior. Two ways
to rank the fields: mean |alpha_s W_s| over the items, and ablation, the AUC of held-out steps that is lost
when the field is left out of H (its weight goes to the other rows). AUC and not the loss: leaving a row out
also changes the length of H, and with it the loss, whatever the row says.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from common import parser, record, say, scratch, table
from cowalk.datasets import simulate
from cowalk.datasets.shop import SHARES
from cowalk.evaluate.data import DataSettings, TrainData, train_data
from cowalk.learn import Learned, LearnSettings, WalkSettings, learn
from cowalk.prepare import leave_last, read_events, read_items
from cowalk.tables import SideInfo
from cowalk.types import AnyArray, Floats

WALKS = WalkSettings(num_walks=20, walk_length=10)
SETTINGS = LearnSettings(input="weighted", vector_size=64, own_prior=0.0, epochs=5, step=0.2)
NEGATIVES = 20


def held_out(items: Path, log: Path) -> tuple[TrainData, AnyArray]:
    """The training part (leave-last), and int32[P, 2]: the step to each user's last event."""
    events, _ = read_events(log)
    split = leave_last(events)
    train = train_data(events.select(split.train | split.validation), read_items(items), DataSettings())
    at = np.flatnonzero(split.test)
    rows = train.vocab.find(events.item_vocab.ids)[events.items]
    pairs = np.stack([rows[at - 1], rows[at]], axis=1)
    return train, pairs[(pairs >= 0).all(axis=1)]


def slot_rows(learned: Learned, side: SideInfo) -> Floats:
    """float32[n, V, d]: W_s of each item, the mean of its values' rows, by field."""
    out = np.zeros((len(side.fields), *learned.vectors.shape), dtype=np.float32)
    for s, (field, rows) in enumerate(zip(side.fields, learned.fields, strict=True)):
        item = np.repeat(np.arange(len(field)), np.diff(field.offsets))
        share = 1.0 / np.maximum(np.diff(field.offsets), 1)[item]
        np.add.at(out[s], item, share[:, None].astype(np.float32) * rows[field.codes])
    return out


def auc(H: Floats, Z: Floats, pairs: AnyArray, others: AnyArray) -> float:
    """Chance that the true next item scores above one that came next elsewhere; ties count half."""
    true = np.einsum("ij,ij->i", H[pairs[:, 0]], Z[pairs[:, 1]])[:, None]
    false = np.einsum("id,ind->in", H[pairs[:, 0]], Z[others])
    return float(((true > false) + 0.5 * (true == false)).mean())


def one_seed(train: TrainData, pairs: AnyArray, seed: int, workers: int) -> dict[str, Any]:
    """By field: mean weight, mean |alpha_s W_s|, and the AUC that is lost when it is left out of H."""
    assert train.side_info is not None
    learned = learn(
        train.graph, train.vocab, SETTINGS, walks=WALKS, side_info=train.side_info, seed=seed, workers=workers
    )
    W, alpha = slot_rows(learned, train.side_info), learned.weights[:, 1:, None]
    rng = np.random.default_rng(seed)
    others = pairs[rng.integers(len(pairs), size=(len(pairs), NEGATIVES)), 1]
    whole = auc(learned.vectors, learned.contexts, pairs, others)
    fields = {}
    for s, name in enumerate(train.side_info.names):
        part = alpha[:, s] * W[s]
        without = (learned.vectors - part) / np.maximum(1.0 - alpha[:, s], 1e-6)
        fields[name] = {
            "weight": float(alpha[:, s].mean()),
            "length": float(np.linalg.norm(part, axis=1).mean()),
            "ablation": whole - auc(without, learned.contexts, pairs, others),
        }
    return {"seed": seed, "own weight": float(learned.weights[:, 0].mean()), "auc": whole, "fields": fields}


def in_order(figures: dict[str, dict[str, float]], key: str) -> bool:
    """Whether the fields fall in this figure as their planted shares do."""
    values = [figures[name][key] for name in sorted(SHARES, key=lambda name: -SHARES[name])]
    return all(a > b for a, b in pairwise(values))


def main() -> None:
    """Measure, print, record."""
    options = parser(__doc__ or "").parse_args()
    items, events = (300, 40_000) if options.quick else (2_000, 400_000)
    figures = []
    for seed in range(1, 3 if options.quick else 6):
        with scratch() as folder:
            made = simulate(items, events, out=folder, seed=seed)
            train, pairs = held_out(made.items, made.events)
        told = one_seed(train, pairs, seed, options.workers)
        told["in order"] = {key: in_order(told["fields"], key) for key in ("length", "ablation", "weight")}
        say(f"seed {seed}: {told['in order']}")
        figures.append(told)
    rows = [
        (
            f"{told['seed']} {key}",
            *(f"{told['fields'][name][key]:.4f}" for name in SHARES),
            told["in order"][key],
        )
        for told in figures
        for key in ("weight", "length", "ablation")
    ]
    print(table(("seed", *(f"{name} {share:g}" for name, share in SHARES.items()), "in order"), rows))
    settings = {
        "items": items, "events": events, "shares": dict(SHARES), "learn": SETTINGS.model_dump(),
        "walks": WALKS.model_dump(),
    }  # fmt: skip
    record("weights", settings, figures, quick=options.quick)


if __name__ == "__main__":
    main()
