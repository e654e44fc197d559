"""PecanPy's walks on a given graph, timed; runs in the peers' environment.

Timed is its compiled walking alone: not the tables it makes before, nor the turning into names after.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from time import perf_counter

import numpy as np
from numba_progress import ProgressBar
from pecanpy import pecanpy


def main(graph: str, p: float, q: float, num_walks: int, walk_length: int, repeats: int, kind: str) -> None:
    """Print seconds and steps of each repeat as one line of JSON."""
    made = getattr(pecanpy, kind)(p=p, q=q, workers=0, verbose=False)
    made.read_npz(graph, weighted=True, implicit_ids=True)
    start = perf_counter()
    made.preprocess_transition_probs()
    before = perf_counter() - start
    nodes = np.arange(made.num_nodes, dtype=np.uint32)
    move, has = made.get_move_forward(), made.get_has_nbrs()

    def walk(starts: np.ndarray) -> tuple[float, int]:
        with ProgressBar(total=len(starts), disable=True) as progress:
            start = perf_counter()
            out = made._random_walks(len(starts), walk_length - 1, None, starts, has, move, progress)
            seconds = perf_counter() - start
        return seconds, int(out[:, -1].astype(np.int64).sum() - len(starts))

    walk(nodes[:64])  # compiles
    starts = np.concatenate([nodes] * num_walks)
    rng = np.random.default_rng(0)
    runs = [walk(rng.permutation(starts)) for _ in range(repeats)]
    told = {
        "kind": kind,
        "seconds": [seconds for seconds, _ in runs],
        "steps": [steps for _, steps in runs],
        "before": before,
        "versions": {"pecanpy": version("pecanpy"), "pecanpy's numba": version("numba")},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    path, p, q, num_walks, walk_length, repeats, kind = sys.argv[1:]
    main(path, float(p), float(q), int(num_walks), int(walk_length), int(repeats), kind)
