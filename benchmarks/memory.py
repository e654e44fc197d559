"""Peak memory (RSS) of preparing and of learning at scale, each in a fresh process.

Preparing: reading events and items under --memory-limit 2GB, sessions, graph, attribute codes. Learning: one
short epoch of EGES from that graph. Peaks are the kernel's own (getrusage). The parent stays small: a child's
peak begins at what its parent held.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from common import parser, record, say, scratch, table

LIMIT = "2GB"
PREPARE_BAR = 2.5e9
LEARN_FACTOR, LEARN_SPARE = 1.5, 400e6


def peak() -> int:
    """Bytes at the peak of this process."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def simulate(folder: Path, items: int, events: int) -> dict[str, Any]:
    """Write the shop."""
    from cowalk.datasets import simulate as make

    make(items, events, out=folder, seed=0)
    return {}


def prepare(folder: Path, workers: int) -> dict[str, Any]:
    """Read, clean, cut, count; keep what learning needs."""
    import numpy as np

    from cowalk.prepare import encode_side_info, item_graph, read_events, read_items, sessionize

    start = perf_counter()
    events, _ = read_events(folder / "events.parquet", memory_limit=LIMIT, workers=workers)
    catalogue = read_items(folder / "items.parquet", memory_limit=LIMIT)
    sessions, _ = sessionize(events)
    graph = item_graph(sessions, len(events.item_vocab))
    side = encode_side_info(catalogue, events.item_vocab)
    told = {"seconds": perf_counter() - start, "peak": peak(), "items": len(graph), "edges": graph.edges}
    np.savez(folder / "graph.npz", offsets=graph.offsets, targets=graph.targets, weights=graph.weights,
             counts=events.item_vocab.counts, **{f"codes{i}": f.codes for i, f in enumerate(side.fields)},
             **{f"offsets{i}": f.offsets for i, f in enumerate(side.fields)},
             **{f"labels{i}": np.array(f.labels.tolist()) for i, f in enumerate(side.fields)})  # fmt: skip
    return told


def learning(folder: Path, workers: int, size: int) -> dict[str, Any]:
    """One epoch of one walk a node, EGES, deterministic; the bytes that must be held, by kind."""
    import numpy as np

    from cowalk.learn import LearnSettings, WalkSettings, learn
    from cowalk.tables import Field, ItemGraph, SideInfo, Vocab

    with np.load(folder / "graph.npz") as kept:
        graph = ItemGraph(kept["offsets"], kept["targets"], kept["weights"])
        vocab = Vocab(np.arange(len(graph)), kept["counts"])
        n = sum(name.startswith("codes") for name in kept.files)
        fields = tuple(
            Field(f"field{i}", "categorical", kept[f"offsets{i}"], kept[f"codes{i}"], kept[f"labels{i}"])
            for i in range(n)
        )
    start = perf_counter()
    learn(
        graph, vocab, LearnSettings(vector_size=size), walks=WalkSettings(num_walks=1),
        side_info=SideInfo(vocab.fingerprint, fields), seed=1, workers=workers,
    )  # fmt: skip
    v, values = len(graph), sum(field.size for field in fields)
    held = {
        "rows": 4 * size * (2 * v + values) + 4 * v * (n + 1),  # own, context and field rows; a_v
        "optimizer state": 4 * (3 * v + values),  # one number a row
        "graph": graph.offsets.nbytes + graph.targets.nbytes + graph.weights.nbytes,
        "samplers": 12 * graph.edges + 8 * v,  # alias records of edges; alias table of negatives
    }
    return {"seconds": perf_counter() - start, "peak": peak(), "held": held}


def child(*words: object) -> dict[str, Any]:
    """One step in a fresh process; what it prints as its last line."""
    command = [sys.executable, __file__, "--child", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{words[0]} failed (exit code {done.returncode}); its error stands above")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def run_child(words: list[str]) -> None:
    """The step that the parent asked for."""
    step, folder, *numbers = words
    steps = {"simulate": simulate, "prepare": prepare, "learn": learning}
    print(json.dumps(steps[step](Path(folder), *map(int, numbers))))


def measure(options: argparse.Namespace) -> None:
    """Measure, print, record."""
    items, events, size = (5_000, 200_000, 64) if options.quick else (1_000_000, 50_000_000, 64)
    with scratch() as folder:
        say(f"simulating {events:,} events on {items:,} items")
        child("simulate", folder, items, events)
        say("preparing")
        prepared = child("prepare", folder, options.workers)
        say("learning")
        learned = child("learn", folder, options.workers, size)
    bound = LEARN_FACTOR * sum(learned["held"].values()) + LEARN_SPARE
    figures = {
        "prepare": prepared | {"bar": PREPARE_BAR},
        "learn": learned | {"bar": bound},
    }
    rows = [(name, f"{f['peak'] / 1e9:.2f}", f"{f['bar'] / 1e9:.2f}", f"{f['seconds']:.0f}")
            for name, f in figures.items()]  # fmt: skip
    print(table(("step", "peak GB", "bar GB", "seconds"), rows))
    settings = {
        "items": items, "events": events, "vector_size": size, "memory_limit": LIMIT, "num_walks": 1,
        "workers": options.workers,
    }  # fmt: skip
    record("memory", settings, figures, quick=options.quick)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        run_child(sys.argv[2:])
    else:
        measure(parser(__doc__ or "").parse_args())
