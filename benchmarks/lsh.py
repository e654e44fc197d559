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
from cowalk.recall.lsh.costs import ENDS, FUNCTIONS, kinds
from cowalk.recall.lsh.sample import Sample
from cowalk.recall.lsh.theory import Choices
from cowalk.recall.lsh.tuning import LSHTuning, tuned
from cowalk.recall.rows import checked
from cowalk.recall.scan import scan
from cowalk.recall.truth import without_own
from cowalk.types import AnyArray, Floats
from indexes import alone, histories, recommend_rows
from lsh_data import world
from lsh_peers import Answer, Asked, flat, index_lsh, ivf, seconds

WORLDS = ("shop-200k", "shop-1m", "beauty")
K = {"beauty": 20}
SHARE = {"beauty": 0.10}  # of the rows that may be found in buckets, where that is within reach
MOST_TABLES = 100_000
RECALL = 0.95
QUERIES = 300
TIMED = 100  # of these, asked one by one
MARGIN = 0.005  # tuned for so much more than is asked for, since other queries are measured


def held_out(rows: Floats, k: int) -> Asked:
    """Rows that ask for their neighbours; another draw than the tuner's."""
    own = np.sort(np.random.default_rng(99).permutation(len(rows))[:QUERIES]).astype(np.int32)
    truth = without_own(scan(rows[own], rows, k + 1, l2=False), own, k).ids
    return Asked(rows[own], own, truth)


def measured(index: LSHIndex, asked: Asked) -> dict[str, Any]:
    """Recall, rows scored exactly and rows in the buckets as a mean."""
    hits, work = index.looked(asked.queries, asked.k + 1, workers=1)
    scored, found, buckets = work.mean(axis=0)
    return {
        "recall": asked.recall(hits), "scored": scored / len(index), "candidates": found / len(index),
        "buckets": buckets, "settings": index.settings.model_dump(),
    }  # fmt: skip


def timed(
    rows: Floats, index: LSHIndex, asked: Asked, peers: list[tuple[dict[str, Any], Answer]]
) -> tuple[float, float]:
    """Seconds of a single query by LSH and by exact search; the peers are told theirs."""
    answers = {"lsh": lambda q: index.search(q, asked.k + 1, workers=1), "exact": flat(rows)}
    answers |= {f"peer {i}": answer for i, (_, answer) in enumerate(peers)}
    took = seconds(answers, asked.queries[:TIMED])
    for i, (told, _) in enumerate(peers):
        told["seconds"] = took[f"peer {i}"]
    return took["lsh"], took["exact"]


def plain_tables(sample: Sample, recall: float, most: float) -> dict[str, Any] | None:
    """The fewest tables that reach the recall without probes and find at most so many rows, by formula, over
    functions of one line and of several; None where none does with 100,000.
    """
    best: dict[str, Any] | None = None
    for kind in kinds(sample):
        distances = sample.seen_by(kind)
        chance = Choices.of(distances.points, kind, seed=1).agree()
        for functions in FUNCTIONS if kind.lines == 1 else ENDS:
            tables = fewest(chance**functions, distances.near, recall)
            found = -np.expm1(tables * np.log1p(-np.minimum(chance**functions, 1 - 1e-16)))
            rows = distances.rows * float(found @ distances.all_rows)
            if tables < MOST_TABLES and rows <= most and (best is None or tables < best["tables"]):
                best = {"tables": tables, "lines": kind.lines, "functions": functions, "width": kind.width,
                        "candidates": rows}  # fmt: skip
    return best


def fewest(chance: AnyArray, near: AnyArray, recall: float) -> int:
    """The fewest tables whose 1 - (1 - chance)**L, over the neighbours' distances, reaches the recall."""
    missed = np.log1p(-np.minimum(chance, 1 - 1e-16))
    low, high = 1, MOST_TABLES
    while low < high:
        middle = (low + high) // 2
        enough = -np.expm1(middle * missed) @ near >= recall
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def tables_compared(rows: Floats, tuning: LSHTuning, k: int) -> dict[str, Any]:
    """Tables of plain LSH beside those of multi-probe, at its recall of the buckets and at most its rows."""
    sample = Sample.drawn(rows, "cosine", k, 0.0, queries=None, seed=1)
    at, own = tuning.chosen, tuning.settings
    if not own.tables:
        return {"recall": at.predicted_recall, "multi-probe": 0}
    distances = sample.seen_by(own)
    chance = Choices.of(distances.points, own, seed=1).agree() ** own.functions
    return {
        "recall": at.predicted_recall, "multi-probe": own.tables,
        "plain, same functions": fewest(chance, distances.near, at.predicted_recall),
        "plain, best functions": plain_tables(sample, at.predicted_recall, at.predicted_candidates),
    }  # fmt: skip


def similar(name: str, vectors: Floats, workers: int) -> dict[str, Any]:
    """Cosine over the item vectors."""
    k = K.get(name, 100)
    rows = checked(vectors, None, "cosine")
    asked = held_out(rows, k)
    index, tuning = tuned(rows, "cosine", recall=RECALL + MARGIN, k=k, share=SHARE.get(name, 0.05), seed=1,
                          workers=workers, progress=lambda words: say(f"{name}: {words}"))  # fmt: skip
    say(f"{name}: {tuning.words()}")
    ours = measured(index, asked)
    say(f"{name}: {ours}")
    say(f"{name}: exact, and faiss IndexLSH")
    peers = index_lsh(rows, asked, ours["recall"])
    ours["seconds"], exact = timed(rows, index, asked, peers)
    return {
        "k": k, "rows": len(rows), "lsh": ours, "tuning": tuning.to_dict(), "exact seconds": exact,
        "IndexLSH": [told for told, _ in peers], "tables": tables_compared(rows, tuning, k),
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
    ours, peer = measured(index, asked), ivf(asked_rows, asked, RECALL)
    ours["seconds"], exact = timed(asked_rows, index, asked, [peer])
    return {"lsh": ours, "reached": tuning.reached, "ivf": peer[0], "exact seconds": exact}


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
