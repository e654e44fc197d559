"""Small graphs, sessions and side information for the tests of walking, learning and recommending."""

from dataclasses import dataclass

import numpy as np

from cowalk.kernels.bundles import Draw, Mix, Parts, Room, Steps, Stream, Table
from cowalk.kernels.flags import thread_count
from cowalk.kernels.skipgram import learn_blocks
from cowalk.learn import LearnSettings
from cowalk.learn.extras import NO_EXTRAS, Extras, as_sets
from cowalk.learn.outputs import outputs_of
from cowalk.learn.parts import own_prior, parts_of
from cowalk.learn.sequences import SessionSequences
from cowalk.learn.state import new_draw, new_room, new_table
from cowalk.tables import Field, ItemGraph, Sessions, SideInfo, Vocab
from cowalk.tables.vocab import STRING

TWO_THREADS = thread_count(2) == 2


def offsets_of(rows: list[list[int]]) -> np.ndarray:
    return np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64)


def ragged(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """(int32 values, int64 offsets) of lists."""
    return np.array([v for row in rows for v in row], dtype=np.int32), offsets_of(rows)


def graph_of(matrix: object) -> ItemGraph:
    """The digraph of a square matrix of weights, 0 = no edge."""
    table = np.asarray(matrix, dtype=np.float32)
    sources, targets = np.nonzero(table)
    offsets = np.append(0, np.cumsum(np.bincount(sources, minlength=len(table)))).astype(np.int64)
    return ItemGraph(offsets, targets.astype(np.int32), table[sources, targets])


def random_graph(nodes: int, seed: int, share: float = 0.4) -> ItemGraph:
    """Every edge is there with this chance, weights 0.5 to 4.5; some nodes may be dead ends."""
    rng = np.random.default_rng(seed)
    return graph_of((rng.random((nodes, nodes)) < share) * (0.5 + 4 * rng.random((nodes, nodes))))


def sessions_of(rows: list[list[int]]) -> Sessions:
    items, offsets = ragged(rows)
    n = len(rows)
    none = np.full(n, -1, dtype=np.int32)
    return Sessions(items, offsets, none, np.zeros(n, dtype=np.int64), np.ones(len(items), dtype=np.float32))


def field_of(name: str, rows: list[list[int]], size: int | None = None) -> Field:
    """A multi-valued field from each item's codes."""
    codes, offsets = ragged([sorted(row) for row in rows])
    size = size or int(codes.max(initial=-1)) + 1
    return Field(name, "multi", offsets, codes, np.array([f"{name}{k}" for k in range(size)], dtype=STRING))


def vocab_of(counts: list[int] | np.ndarray) -> Vocab:
    return Vocab(np.array([f"i{i:03d}" for i in range(len(counts))]), np.asarray(counts, dtype=np.int64))


TAGS = [[0], [0, 2], [1], [], [0, 1, 2], [2], [1], [0]]
SHELVES = [[0], [1], [], [], [1], [0], [2], [2]]
COUNTS = [40, 30, 20, 9, 8, 7, 5, 3]


def small_side(vocab: Vocab) -> SideInfo:
    """Eight items: tags (several values, item 3 has none) and shelf (items 2 and 3 have none)."""
    return SideInfo(vocab.fingerprint, (field_of("tag", TAGS), field_of("shelf", SHELVES)))


def small_sessions(n: int = 60, seed: int = 0) -> Sessions:
    """Sessions of 1 to 7 of the eight items, by their counts."""
    rng = np.random.default_rng(seed)
    chances = np.array(COUNTS) / sum(COUNTS)
    return sessions_of([rng.choice(8, size=rng.integers(1, 8), p=chances).tolist() for _ in range(n)])


@dataclass
class Bench:
    """One call of the learning kernels over eight items, with all arrays at hand."""

    stream: Stream
    parts: Parts
    table: Table
    draw: Draw
    how: Mix
    room: Room

    @classmethod
    def of(
        cls, settings: LearnSettings, sessions: Sessions, block: int = 4096, seed: int = 5,
        extras: Extras = NO_EXTRAS,
    ) -> "Bench":  # fmt: skip
        """Rows, contexts and logits are random, so that no gradient is 0."""
        vocab = vocab_of(COUNTS)
        side = small_side(vocab) if settings.input != "own" else None
        layout = parts_of(vocab, side, settings.multi)
        if settings.pairs == "set":
            sessions = as_sets(sessions, 8)
        chunk = next(SessionSequences(sessions, 8, seed).chunks(0, np.empty(0, dtype=np.float32)))
        outputs = outputs_of(vocab.counts, settings)
        table = new_table(layout, 8, outputs, settings, seed)
        rng = np.random.default_rng(seed)
        for array in (table.rows, table.contexts, table.logits):
            array[:] = rng.normal(0, 0.8, array.shape)
        prior = own_prior(vocab.counts, settings.own_prior, settings.own_prior_by_count)
        return cls(
            stream=chunk.stream,
            parts=Parts(layout.offsets, layout.rows, layout.slots, layout.scales, prior),
            table=table,
            draw=new_draw(vocab.counts, outputs, extras, settings, 99),
            how=Mix(settings.input == "weighted", settings.own_dropout, settings.field_dropout),
            room=new_room(block, layout, outputs, settings),
        )

    def in_doubles(self) -> Table:
        """A float64 copy of what is learned, for the slow twin."""
        return Table(*(array.astype(np.float64) for array in self.table))

    def learn(self, steps: Steps, end: float = 1.0, workers: int = 1) -> np.ndarray:
        """Run the kernel of the deterministic mode; gives (sum of losses, number of contexts)."""
        totals = np.zeros(2)
        learn_blocks(
            self.stream, self.parts, self.table, self.draw, self.how, steps, end, self.room, workers, totals
        )
        return totals
