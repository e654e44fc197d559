"""The bare endpoint: FastAPI, msgspec, faiss HNSW over normalised vectors, and nothing else.

python benchmarks/peers/bare_endpoint.py VECTORS.npy IDS.txt PORT
20 ids come in, their mean asks for the 100 nearest, ids and scores go out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import faiss
import msgspec
import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response


class Ask(msgspec.Struct):
    """What is asked."""

    history: list[str]
    k: int = 100


class Answer(msgspec.Struct):
    """What is answered."""

    items: list[str]
    scores: list[float]


def main(vectors: str, names: str, port: str) -> None:
    """Serve until killed."""
    rows = np.load(vectors)
    rows = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    ids = Path(names).read_text(encoding="utf-8").split("\n")
    row_of = {name: row for row, name in enumerate(ids)}
    index = faiss.IndexHNSWFlat(rows.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 100, 100
    index.add(rows)
    faiss.omp_set_num_threads(1)
    decode, encode = msgspec.json.Decoder(Ask).decode, msgspec.json.Encoder().encode
    app = FastAPI(openapi_url=None)

    @app.post("/recommend")
    async def recommend(request: Request) -> Response:
        asked = decode(await request.body())
        query = rows[[row_of[name] for name in asked.history]].mean(axis=0, keepdims=True)
        scores, found = index.search(query, asked.k)
        answer = Answer([ids[row] for row in found[0].tolist()], scores[0].tolist())
        return Response(encode(answer), media_type="application/json")

    print("ready", flush=True)
    uvicorn.run(app, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
