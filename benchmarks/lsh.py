"""LSH on learned vectors: recall, rows scanned, time of single queries, tables with and without multi-probe.

    lsh.py                     # shop-200k, shop-1m and beauty; or the names of some
    lsh.py --quick             # a shop of 20,000 items

Vectors are learned once (lsh_data.py). Tuned for recall 0.95 on a sample of rows, then measured on other
rows, each asking for its neighbours without itself. In one run beside it: exact search, faiss IndexLSH with
exact scores, and for what `recommend` asks, faiss IVF; single queries, one thread each.
"""

from __future__ import annotations

import gc
from typing import Any

import numpy as np

from common import parser, record, say, table
from cowalk.recall.lsh import LSHIndex
from cowalk.recall.lsh.costs import FUNCTIONS, WIDTHS
from cowalk.recall.lsh.sample import Sample
from cowalk.recall.lsh.theory import Distances, collide
from cowalk.recall.lsh.tuning import LSHTuning, tuned
from cowalk.recall.rows import checked
from cowalk.recall.scan import scan
from cowalk.recall.truth import without_own
from cowalk.types import Floats
from indexes import alone, histories, recommend_rows
from lsh_data import world
from lsh_peers import Asked, flat, index_lsh, ivf, seconds

WORLDS = ("shop-200k", "shop-1m", "beauty")
K = {"beauty": 20}
SHARE = {"beauty": 0.10}
RECALL = 0.95
QUERIES = 300
MARGIN = 0.005  # tuned for so much more than is asked for, since other queries are measured


def held_out(rows: Floats, k: int) -> Asked:
    """Rows that ask for their neighbours; another draw than the tuner's."""
    own = np.sort(np.random.default_rng(99).permutation(len(rows))[:QUERIES]).astype(np.int32)
    truth = without_own(scan(rows[own], rows, k + 1, l2=False), own, k).ids
    return Asked(rows[own], own, truth)


def measured(index: LSHIndex, asked: Asked) -> dict[str, Any]:
    """Recall, rows scored exactly and rows in the buckets as a mean, seconds of a single query."""
    hits, work = index.looked(asked.queries, asked.k + 1, workers=1)
    scored, found, buckets = work.mean(axis=0)
    took = seconds(lambda q: index.search(q, asked.k + 1, workers=1), asked.queries)
    return {
        "recall": asked.recall(hits), "scored": scored / len(index), "candidates": found / len(index),
        "buckets": buckets, "seconds": took, "settings": index.settings.model_dump(),
    }  # fmt: skip


def plain_tables(distances: Distances, recall: float, most: float) -> dict[str, Any] | None:
    """The fewest tables that reach the recall without probes and find at most so many rows, by formula, over
    all widths and functions; None where none does with 100,000.
    """
    near = float(distances.points @ distances.near)
    best: dict[str, Any] | None = None
    for functions in FUNCTIONS:
        for width in (times * near for times in WIDTHS):
            low, high = 1, 100_000
            if collide(distances.points, width, functions, high) @ distances.near < recall:
                continue
            while low < high:
                middle = (low + high) // 2
                enough = collide(distances.points, width, functions, middle) @ distances.near >= recall
                low, high = (low, middle) if enough else (middle + 1, high)
            rows = distances.rows * float(
                collide(distances.points, width, functions, low) @ distances.all_rows
            )
            if rows <= most and (best is None or low < best["tables"]):
                best = {"tables": low, "functions": functions, "width": width, "candidates": rows}
    return best


def tables_compared(rows: Floats, tuning: LSHTuning, k: int) -> dict[str, Any]:
    """Tables of plain LSH beside those of multi-probe, at its recall of the buckets and at most its rows."""
    sample = Sample.drawn(rows, "cosine", k, 0.0, queries=None, seed=1)
    at = tuning.chosen
    own = tuning.settings
    near, width, functions = sample.distances.near, own.width, own.functions
    same = 1
    while collide(sample.distances.points, width, functions, same) @ near < at.predicted_recall:
        same *= 2
    return {
        "recall": at.predicted_recall, "multi-probe": own.tables, "plain, same functions": same,
        "plain, best functions": plain_tables(sample.distances, at.predicted_recall, at.predicted_candidates),
    }  # fmt: skip


def similar(name: str, vectors: Floats, workers: int) -> dict[str, Any]:
    """Cosine over the item vectors."""
    k = K.get(name, 100)
    rows = checked(vectors, None, "cosine")
    asked = held_out(rows, k)
    index, tuning = tuned(rows, "cosine", recall=RECALL + MARGIN, k=k, seed=1, workers=workers,
                          progress=lambda words: say(f"{name}: {words}"))  # fmt: skip
    say(f"{name}: {tuning.words()}")
    ours = measured(index, asked)
    say(f"{name}: {ours}")
    say(f"{name}: exact, and faiss IndexLSH")
    exact = seconds(flat(rows), asked.queries[:100])
    peers = index_lsh(rows, asked, ours["recall"])
    return {
        "k": k, "rows": len(rows), "lsh": ours, "tuning": tuning.to_dict(), "exact seconds": exact,
        "IndexLSH": peers, "tables": tables_compared(rows, tuning, k),
    }  # fmt: skip


def recommend(name: str, found: Any, workers: int) -> dict[str, Any]:
    """Inner product over [context | popularity term], asked by histories; half tune, half are measured."""
    k = K.get(name, 100)
    rows, queries = recommend_rows(found), histories(found)
    half = len(queries) // 2
    asked_rows = checked(rows, None, "ip")
    truth = scan(queries[half:], asked_rows, k, l2=False).ids
    asked = Asked(queries[half:], np.full(len(truth), -1, np.int32), truth)
    index, tuning = tuned(rows, "ip", recall=RECALL, k=k, queries=queries[:half], seed=1, workers=workers,
                          progress=lambda words: say(f"{name}, recommend: {words}"))  # fmt: skip
    return {
        "lsh": measured(index, asked), "reached": tuning.reached, "ivf": ivf(asked_rows, asked, RECALL),
        "exact seconds": seconds(flat(asked_rows), asked.queries[:100]),
    }  # fmt: skip


def show(name: str, found: dict[str, Any]) -> None:
    """The tables on the terminal."""
    for purpose in ("similar", "recommend"):
        part = found[purpose]
        ours = part["lsh"]
        rows = [("LSH", f"{ours['recall']:.4f}", f"{ours['scored']:.2%}", f"{ours['candidates']:.1%}",
                 f"{1e3 * ours['seconds']:.2f}")]  # fmt: skip
        rows += [(f"IndexLSH {p['bits']}", f"{p['recall']:.4f}", f"{p['scored'] / part['rows']:.2%}", "100 %",
                  f"{1e3 * p['seconds']:.2f}") for p in part.get("IndexLSH", [])]  # fmt: skip
        if "ivf" in part:
            share = part["ivf"]["scanned"] / found["similar"]["rows"]
            rows.append(("IVF", f"{part['ivf']['recall']:.4f}", f"{share:.2%}", f"{share:.1%}",
                         f"{1e3 * part['ivf']['seconds']:.2f}"))  # fmt: skip
        rows.append(("exact", "1", "100 %", "100 %", f"{1e3 * part['exact seconds']:.2f}"))
        print(f"\n{table((f'{name}, {purpose}', 'recall', 'scored', 'in buckets', 'ms a query'), rows)}\n")
    print(f"tables: {found['similar']['tables']}; spread: {found['spread']}")


def main() -> None:
    """Measure and record."""
    options = parser(__doc__ or "")
    options.add_argument("worlds", nargs="*", default=WORLDS, help=f"of {', '.join(WORLDS)} (default all)")
    given = options.parse_args()
    names = ("shop-20k",) if given.quick else tuple(given.worlds)
    import faiss

    faiss.omp_set_num_threads(1)
    figures: dict[str, Any] = {}
    for name in names:
        found = world(name, given.workers)
        figures[name] = {
            "spread": found.spread(), "similar": similar(name, found.vectors, given.workers),
            "recommend": recommend(name, found, given.workers),
        }  # fmt: skip
        show(name, figures[name])
        gc.collect()
    told = {"worlds": list(names), "recall": RECALL, "queries": QUERIES, "workers of building": given.workers}
    record("lsh", told, figures, quick=given.quick, peers={"faiss": faiss.__version__})


if __name__ == "__main__":
    alone()
    main()
