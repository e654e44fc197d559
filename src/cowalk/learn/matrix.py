"""Matrix factorization by the library implicit: users by items, ALS or BPR, as the tables of every engine.

Contexts Z are the item factors y_i. Vectors H are what makes of a history what the model would make of it:

ALS (Hu, Koren, Volinsky 2008). A user with confidences c_i folds in as
    x = (Y'Y + lambda I + sum_i (c_i - 1) y_i y_i')^-1 sum_i c_i y_i.
For one item alone this is, with A = Y'Y + lambda I and by Sherman and Morrison,
    h_i = c A^-1 y_i / (1 + (c - 1) y_i' A^-1 y_i),
exactly. H holds these rows; the mean of a history's h_i is its fold-in but for the length and for what its
items say of one another through the sum in the inverse. c is the mean confidence of the item's events. Both
sets of rows and the users' are then brought into one basis (`balanced`), which changes no score.

BPR (Rendle et al. 2009) has no fold-in: its user factors are learned step by step. H is the affine map of y_i
that best predicts, in least squares over the known users, a user's factor from the mean factor of the user's
items: since the map of a mean is the mean of maps, a history's mean h_i is that prediction. The item's bias
stands in the last number of Z, opposite a constant in H.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError, DivergedError, MissingExtraError
from cowalk.learn.engine import Progress
from cowalk.learn.matrix_settings import MatrixSettings
from cowalk.learn.result import Learned
from cowalk.tables import ItemGraph, Sessions, Vocab
from cowalk.types import AnyArray, Floats

Kind = Literal["als", "bpr"]
ITSELF = 8.0  # the mean score of an item with itself, as a cosine's in the Recommender
RIDGE = 1e-3  # of BPR's map, as a share of the mean square
BIAS = 0.01  # the constant in H, as a share of the mean length: so small that no cosine changes


class _Factors(NamedTuple):
    """users [U, f], items [V, f], and the mean loss by epoch."""

    users: Floats
    items: Floats
    losses: tuple[float, ...]


def learn_matrix(
    source: Sessions | ItemGraph,
    vocab: Vocab,
    kind: Kind,
    settings: MatrixSettings | None = None,
    *,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Learned:
    """Item rows by ALS or BPR; `extra["users"]` float32[U, d] the known users' factors, by user code.

    A session of an unknown user counts as a user of its own, without a row there; of a graph the nodes are
    the users of their targets. A user's factor times Z is the model's score (ALS: times a constant, so that
    an item scores itself with 8 on average, the range in which popularity is added). Equal for equal (source,
    settings, seed): ALS on any number of threads, BPR because it runs on one.
    """
    s = settings or MatrixSettings()
    tools = _Tools()
    table, known = user_items(tools, source, len(vocab))
    if table.nnz == 0:
        raise DataError("there is nothing to factorize: the log holds no event of a known item")
    weighted = _weighted(tools, table, s)
    found = tools.factors(kind, weighted, s, seed, workers, progress)
    if not (np.isfinite(found.users).all() and np.isfinite(found.items).all()):
        raise DivergedError(
            f"{kind} diverged: not all factors are finite; lower mf.step ({s.step}) or mf.alpha"
        )
    if kind == "als":
        confidence = s.alpha * _mean_by_item(weighted)
        folded = fold_in(found.items, confidence, s.regularization)
        vectors, contexts, users = balanced(folded, found.items, found.users)
        own = float(np.einsum("ij,ij->i", vectors, contexts).mean())
        contexts = contexts * np.float32(ITSELF / max(own, 1e-12))
    else:
        vectors, contexts, users = predicted(table, found)
    ones = np.ones((len(vocab), 1), dtype=np.float32)
    extra = {"users": np.ascontiguousarray(users[:known])} if known else {}
    return Learned(vocab.fingerprint, vectors, contexts, vectors, (), ones, (), found.losses, extra=extra)


def user_items(tools: _Tools, source: Sessions | ItemGraph, n_items: int) -> tuple[Any, int]:
    """scipy's CSR [U', V] of summed weights, and how many of its first rows are users of the log."""
    if isinstance(source, ItemGraph):
        shape = (n_items, n_items)
        edges = (source.weights.astype(np.float32), source.targets, source.offsets)
        return tools.sparse.csr_matrix(edges, shape=shape), 0
    known = int(source.users.max(initial=-1)) + 1
    owner = source.users.astype(np.int64)
    alone = owner < 0
    owner[alone] = known + np.arange(alone.sum())
    rows = np.repeat(owner, np.diff(source.offsets))
    parts = (source.weights.astype(np.float32), (rows, source.items))
    return tools.sparse.coo_matrix(parts, shape=(known + int(alone.sum()), n_items)).tocsr(), known


def _weighted(tools: _Tools, table: Any, s: MatrixSettings) -> Any:
    """The table as confidences before alpha; BM25 counts items as documents and users as terms."""
    if s.weighting == "none":
        return table
    found = tools.bm25(table.T.tocsr(), K1=s.bm25_k1, B=s.bm25_b).T.tocsr()
    found.data = np.maximum(found.data, 1e-3).astype(np.float32)  # a user of nearly all items: idf below 0
    return found


def _mean_by_item(table: Any) -> AnyArray:
    """float64[V]: the mean of each column's entries, 1 where it has none."""
    number = np.bincount(table.indices, minlength=table.shape[1])
    total = np.bincount(table.indices, table.data.astype(np.float64), table.shape[1])
    return np.where(number > 0, total / np.maximum(number, 1), 1.0)


def fold_in(items: Floats, confidence: AnyArray, regularization: float) -> Floats:
    """float32[V, f]: the ALS factor of a user of whom one item alone is known; confidence: [V]."""
    y = items.astype(np.float64)
    size = y.shape[1]
    gram = y.T @ y + max(regularization, 1e-9) * np.eye(size)
    solved = np.linalg.solve(gram, y.T).T
    own = np.einsum("ij,ij->i", y, solved)
    rows = confidence[:, None] * solved / (1 + (confidence - 1) * own)[:, None]
    return np.asarray(rows, dtype=np.float32)


def balanced(vectors: Floats, contexts: Floats, users: Floats) -> tuple[Floats, Floats, Floats]:
    """The same products with the contexts, where vectors and contexts are U S^1/2 and V S^1/2.

    U S V' is the singular value decomposition of vectors @ contexts.T. ALS leaves the basis open (Y M and
    X M'^-1 give the same scores), and cosines depend on it; here they no longer hang on where ALS began.
    """
    size = vectors.shape[1]
    _, r_h = np.linalg.qr(vectors.astype(np.float64))
    q_z, r_z = np.linalg.qr(contexts.astype(np.float64))
    _, s, v_t = np.linalg.svd(r_h @ r_z.T)
    kept = s > s[0] * 1e-7 if len(s) else s > 0
    root, v = np.sqrt(s[kept]), v_t[: len(s)][kept].T
    turn = r_z.T @ v / root

    def wide(rows: AnyArray) -> Floats:
        return np.pad(rows, ((0, 0), (0, size - rows.shape[1]))).astype(np.float32)

    return wide(vectors @ turn), wide(q_z @ v * root), wide(users @ turn)


def predicted(table: Any, found: _Factors) -> tuple[Floats, Floats, Floats]:
    """BPR's vectors, contexts and users [*, f + 1]; implicit's item factors end with the bias."""
    y, x = found.items[:, :-1].astype(np.float64), found.users[:, :-1].astype(np.float64)
    number = np.diff(table.indptr)
    has = number > 0
    means = np.asarray(table.sign() @ y)[has] / number[has, None]
    inside = np.hstack([means, np.ones((has.sum(), 1))])
    gram = inside.T @ inside
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    fitted = np.linalg.solve(gram, inside.T @ x[has])
    mapped = y @ fitted[:-1] + fitted[-1]
    constant = BIAS * max(float(np.linalg.norm(mapped, axis=1).mean()), 1e-6)

    def beside(rows: AnyArray, last: AnyArray) -> Floats:
        return np.hstack([rows, last]).astype(np.float32)

    return (
        beside(mapped, np.full((len(y), 1), constant)),
        beside(y, found.items[:, -1:] / constant),
        beside(x, np.where(has[:, None], constant, 0.0)),
    )


class _Tools:
    """implicit and scipy, imported when a model is learned; MissingExtraError where they are not there."""

    def __init__(self) -> None:
        try:
            import implicit.cpu.als
            import implicit.cpu.bpr
            import scipy.sparse
            import threadpoolctl
            from implicit.nearest_neighbours import bm25_weight
        except ImportError:
            raise MissingExtraError(
                "matrix factorization needs implicit and scipy; pip install 'cowalk[mf]'"
            ) from None
        self.sparse, self.bm25, self.limits = scipy.sparse, bm25_weight, threadpoolctl.threadpool_limits
        self.als = implicit.cpu.als.AlternatingLeastSquares
        self.bpr = implicit.cpu.bpr.BayesianPersonalizedRanking

    def factors(
        self, kind: Kind, table: Any, s: MatrixSettings, seed: int, workers: int | None,
        progress: Progress | None,
    ) -> _Factors:  # fmt: skip
        """What implicit learns; its BLAS on one thread, since it brings threads of its own."""
        state = seeds.stream(seed, f"factors {kind}") % 2**31
        losses: list[float] = []

        def told(epoch: int, seconds: float, *figures: Any) -> None:
            if kind == "als":
                losses.append(float(figures[0]))
            else:  # correct and skipped triples
                losses.append(1 - figures[0] / max(table.nnz - figures[1], 1))
            if progress:
                progress((epoch + 1) / s.epochs, f"epoch {epoch + 1} loss {losses[-1]:.4f}")

        with self.limits(1, "blas"):
            model: Any
            if kind == "als":
                model = self.als(
                    s.vector_size, s.regularization, s.alpha, iterations=s.epochs,
                    calculate_training_loss=True, num_threads=workers or 0, random_state=state,
                )  # fmt: skip
            else:
                model = self.bpr(
                    factors=s.vector_size - 1, learning_rate=s.step, regularization=s.regularization,
                    iterations=s.epochs, num_threads=1, random_state=state,
                )  # fmt: skip
            model.fit(table, show_progress=False, callback=told)
        return _Factors(np.asarray(model.user_factors), np.asarray(model.item_factors), tuple(losses))
