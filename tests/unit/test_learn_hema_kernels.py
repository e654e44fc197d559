"""The kernel of Hema against its slow twin, finite differences and written draws."""

from dataclasses import dataclass

import numpy as np
import pytest
from learn_world import TWO_THREADS, small_sessions, small_side, vocab_of

from cowalk.kernels import hema
from cowalk.kernels.bundles import Stream
from cowalk.kernels.hema_bundles import Adam, HemaDraw, HemaRoom, Moments, Side, Tables
from cowalk.learn.hema import new_draw, new_moments, new_room, new_side, new_tables
from cowalk.learn.hema_layout import HemaLayout, hema_layout
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.sequences import SessionSequences
from reference import hema as twin

COUNTS = [40, 30, 20, 9, 8, 7, 5, 3]
NOTHING = np.empty(0, dtype=np.float32)
HOW = Adam(0.05, 1e-15, 0.3, 0.7, 0.02)
FORMS = [
    {},
    {"structure_negative": 0},
    {"negative": 1, "window": 1, "structure_negative": 3},
    {"dims": {"tag": 5}, "field_size": 2, "step_power": 0.5},
]


@dataclass
class Bench:
    """One call of the kernel over eight items, with all arrays at hand."""

    stream: Stream
    layout: HemaLayout
    tables: Tables
    moments: Moments
    draw: HemaDraw
    sides: tuple[Side, Side]
    room: HemaRoom

    @classmethod
    def of(cls, form: dict[str, object], batch: int = 16, n: int = 8, fields: bool = True) -> "Bench":
        settings = HemaSettings.model_validate({"vector_size": 6, "field_size": 3, "batch": batch, **form})
        vocab = vocab_of(COUNTS)
        layout = hema_layout(vocab, small_side(vocab) if fields else None, settings)
        tables, rng = new_tables(layout, 3), np.random.default_rng(3)
        for array in tables:
            array[:] = rng.normal(0, 0.8, array.shape)
        chunk = next(SessionSequences(small_sessions(n, seed=2), 8, 5).chunks(0, NOTHING))
        room = new_room(layout, settings)
        sides = (
            new_side(layout, 8, batch * (1 + settings.structure_negative)),
            new_side(layout, 8, room.targets.size),
        )
        draw = new_draw(vocab.counts, settings)._replace(seed=np.uint64(99))
        return cls(chunk.stream, layout, tables, new_moments(tables, layout.rows), draw, sides, room)

    def learn(self, how: Adam, end: float = 1.0, workers: int = 1) -> np.ndarray:
        totals = np.zeros(4)
        hema.learn_batches(
            self.stream, self.layout.kernel, self.tables, self.moments, self.draw, how, end, *self.sides,
            self.room, workers, totals,
        )  # fmt: skip
        return totals


@pytest.mark.parametrize("form", FORMS)
def test_learning_equals_the_slow_twin(form: dict[str, object]) -> None:
    bench = Bench.of(form)
    slow = Tables(*(array.astype(np.float64) for array in bench.tables))
    means = Moments(*(a.astype(np.float64) if a.dtype.kind == "f" else a.copy() for a in bench.moments))
    totals = np.zeros(4)
    twin.learn_batches(
        bench.stream, bench.layout.kernel, slow, means, bench.draw, HOW, 0.25, *bench.sides, bench.room, 1,
        totals,
    )  # fmt: skip
    before = [array.copy() for array in bench.tables]
    np.testing.assert_allclose(bench.learn(HOW, 0.25), totals, rtol=1e-5)
    for name, fast, wanted, old in zip(Tables._fields, bench.tables, slow, before, strict=True):
        np.testing.assert_allclose(fast, wanted, atol=2e-3, err_msg=name)
        assert np.abs(fast - old).max() > 0.02
    for fast, wanted in zip(bench.moments[6:], means[6:], strict=True):
        np.testing.assert_array_equal(fast, wanted)
    assert not any(side.grads.any() or side.marks.any() for side in bench.sides)
    assert all((side.places == -1).all() for side in bench.sides)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_twins_gradients_equal_finite_differences(form: dict[str, object], beta: float) -> None:
    """Of Eq. 12 over all positions, in every number of ids, contexts and transfer."""
    bench = Bench.of(form)
    tables = Tables(*(array.astype(np.float64) for array in bench.tables))
    layout = bench.layout.kernel
    examples = [
        twin.Example(at, bench.stream, layout, bench.draw, 0.7) for at in range(len(bench.stream.tokens))
    ]
    found = twin.gradients(examples, layout, tables, 0.7, beta)
    for table, grads in zip(tables, found[:3], strict=True):
        flat, slopes = table.reshape(-1), grads.reshape(-1)
        for i in range(0, len(flat), 3):
            was, two = flat[i], []
            for change in (1e-5, -1e-5):
                flat[i] = was + change
                two.append(twin.objective(examples, layout, tables, 0.7, beta))
            flat[i] = was
            assert slopes[i] == pytest.approx((two[0] - two[1]) / 2e-5, abs=1e-7, rel=1e-4)


def test_the_first_step_of_a_row_is_the_gradient_of_the_twin() -> None:
    """One batch: Adam's first mean is a tenth of the gradient, so the kernel's gradients are seen bare."""
    bench = Bench.of({"vector_size": 5}, batch=256)
    examples = [
        twin.Example(at, bench.stream, bench.layout.kernel, bench.draw, 0.7)
        for at in range(len(bench.stream.tokens))
    ]
    tables = Tables(*(array.astype(np.float64) for array in bench.tables))
    ids, contexts, transfer, *_ = twin.gradients(examples, bench.layout.kernel, tables, 0.7, 0.02)
    bench.learn(HOW)
    for first, wanted in (
        (bench.moments.ids_1, ids),
        (bench.moments.contexts_1, contexts),
        (bench.moments.transfer_1, transfer),
    ):
        assert np.abs(wanted).max() > 1e-3
        np.testing.assert_allclose(10 * first, wanted, atol=1e-6, rtol=1e-4)


@pytest.mark.skipif(not TWO_THREADS, reason="one core")
@pytest.mark.parametrize("form", FORMS)
def test_equal_bits_on_any_number_of_threads(form: dict[str, object]) -> None:
    one, two = Bench.of(form, n=60), Bench.of(form, n=60)
    np.testing.assert_array_equal(one.learn(HOW, workers=1), two.learn(HOW, workers=2))
    for first, second in zip((*one.tables, *one.moments), (*two.tables, *two.moments), strict=True):
        np.testing.assert_array_equal(first, second)


def test_without_attributes_it_is_skip_gram_with_adam() -> None:
    bench = Bench.of({}, fields=False)
    assert bench.tables.transfer.shape == (6, 0)
    totals = bench.learn(HOW)
    assert totals[0] > 0
    assert totals[1] == 0


def test_alpha_0_leaves_the_transfer_matrices_where_they_are() -> None:
    bench = Bench.of({})
    before = bench.tables.transfer.copy()
    assert bench.learn(HOW._replace(alpha=0.0))[1] == 0
    np.testing.assert_array_equal(bench.tables.transfer, before)


def test_a_row_that_no_position_touches_stays() -> None:
    """Items 6 and 7 stand in no session and no negative can be one of them where they are not ranked."""
    bench = Bench.of({})
    keep = np.flatnonzero(bench.stream.tokens < 6)
    tokens = bench.stream.tokens.copy()
    tokens[bench.stream.tokens >= 6] = tokens[keep[0]]
    bench.stream = bench.stream._replace(tokens=tokens)
    bench.draw = bench.draw._replace(ranked=bench.draw.ranked[:6])
    before = [array.copy() for array in bench.tables]
    bench.learn(HOW)
    for kind in range(2):
        old = bench.layout.table(before[kind], 0)
        new = bench.layout.table(bench.tables[kind], 0)
        np.testing.assert_array_equal(new[6:], old[6:])
        assert (new[:6] != old[:6]).any(axis=1).all()
    assert (bench.moments.id_steps[6:8] == 0).all()


def test_negatives_are_log_uniform_over_frequency_rank() -> None:
    """Chi-square against P(r) = log((r + 2) / (r + 1)) / log(D + 1); the counts' order gives the rank."""
    n, draws = 50, 100_000
    bits = [twin.Draws(7, row).bits() for row in range(draws)]
    found = np.bincount([twin.log_uniform(one, n) for one in bits], minlength=n)
    ranks = np.arange(n)
    wanted = draws * np.log((ranks + 2) / (ranks + 1)) / np.log(n + 1)
    assert wanted.sum() == pytest.approx(draws)
    chi_square = ((found - wanted) ** 2 / wanted).sum()
    assert chi_square < 85.4  # the 0.999 quantile of 49 degrees of freedom
    fast = [int(hema_log_uniform(np.uint64(one), n)) for one in bits[:2000]]
    assert fast == [twin.log_uniform(one, n) for one in bits[:2000]]
    ranked = new_draw(np.array([3, 9, 9, 1]), HemaSettings()).ranked
    assert ranked.tolist() == [1, 2, 0, 3]


def hema_log_uniform(bits: np.uint64, n: int) -> int:
    from cowalk.kernels.hema_position import log_uniform

    return int(log_uniform(bits, n))  # type: ignore[no-untyped-call]
