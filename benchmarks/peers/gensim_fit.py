"""gensim's word2vec on sequences in a file, timed; runs in the peers' environment.

A request (JSON file) names corpus, out, and the settings; out holds vectors and contexts float32[V, d] by
number, zeros for items that the sequences do not hold; hierarchical softmax has no contexts: [V, 0]. Timed
is train() alone, without build_vocab().
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from gensim.models import Word2Vec


def main(request: str) -> None:
    """Train, write the rows, print the seconds as one line of JSON."""
    asked = json.loads(Path(request).read_text())
    model = Word2Vec(**{"sg": 1, "min_count": 1} | asked["settings"])
    start = perf_counter()
    model.build_vocab(corpus_file=asked["corpus"])
    vocabulary = perf_counter() - start
    start, busy = perf_counter(), process_time()
    model.train(
        corpus_file=asked["corpus"], total_examples=model.corpus_count, total_words=model.corpus_total_words,
        epochs=model.epochs,
    )  # fmt: skip
    seconds, busy = perf_counter() - start, process_time() - busy
    rows = np.array([int(word) for word in model.wv.index_to_key])
    vectors = np.zeros((asked["items"], model.vector_size), dtype=np.float32)
    vectors[rows] = model.wv.vectors
    contexts = np.zeros((asked["items"], model.vector_size if model.negative else 0), dtype=np.float32)
    if model.negative:
        contexts[rows] = model.syn1neg
    np.savez(asked["out"], vectors=vectors, contexts=contexts)
    told = {
        "seconds": seconds,
        "cpu seconds": busy,
        "vocabulary": vocabulary,
        "tokens": model.corpus_total_words * model.epochs,
        "versions": {"gensim": version("gensim"), "gensim's numpy": version("numpy")},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
