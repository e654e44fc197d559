"""PecanPy's walks and gensim's word2vec on them: the usual node2vec; runs in the peers' environment.

A request (JSON file) names graph (npz), out, p, q, num_walks, walk_length, seed, workers and gensim's
settings; out holds vectors float32[V, d] by number, zeros for nodes that no walk holds.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
from gensim.models import Word2Vec
from pecanpy import pecanpy


def main(request: str) -> None:
    """Walk, train, write the rows, print the seconds as one line of JSON."""
    asked = json.loads(Path(request).read_text())
    first_order = asked["p"] == asked["q"] == 1
    kind = pecanpy.PreCompFirstOrder if first_order else pecanpy.SparseOTF
    made = kind(
        p=asked["p"], q=asked["q"], workers=asked["workers"], verbose=False, random_state=asked["seed"]
    )
    made.read_npz(asked["graph"], weighted=True, implicit_ids=True)
    start = perf_counter()
    made.preprocess_transition_probs()
    walks = made.simulate_walks(asked["num_walks"], asked["walk_length"] - 1)  # steps, not nodes
    walking = perf_counter() - start
    start = perf_counter()
    model = Word2Vec(
        walks, sg=1, min_count=0, epochs=1, seed=asked["seed"], workers=asked["workers"], **asked["settings"]
    )
    learning = perf_counter() - start
    rows = np.array([int(word) for word in model.wv.index_to_key])
    vectors = np.zeros((made.num_nodes, model.vector_size), dtype=np.float32)
    vectors[rows] = model.wv.vectors
    np.savez(asked["out"], vectors=vectors)
    told = {
        "walking": walking,
        "learning": learning,
        "tokens": sum(map(len, walks)),
        "versions": {"pecanpy": version("pecanpy"), "gensim": version("gensim")},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
