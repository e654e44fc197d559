"""The simulated click log: what is planted is found by counting, and bytes depend on the seed alone."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from cowalk.datasets import simulate_ctr
from cowalk.errors import UsageError


def column(path: Path, name: str) -> np.ndarray:
    with duckdb.connect() as con:
        return np.asarray(con.execute(f"SELECT {name} FROM read_parquet('{path}')").fetchnumpy()[name])


def test_what_is_planted_is_in_the_rows(tmp_path: Path) -> None:
    made = simulate_ctr(20_000, out=tmp_path / "a.parquet", sizes=(4, 5, 6), pairs=1, rate=0.2, seed=3)
    labels = column(made.path, "label")
    assert made.rate == labels.mean() == pytest.approx(0.2, abs=0.02)
    codes = [np.unique(column(made.path, f"c{f}"), return_inverse=True)[1] for f in (1, 2, 3)]

    def lack(f: int, g: int) -> float:
        """How far the table of log-odds is from row effects + column effects, in standard deviations."""
        shown, clicked = np.ones((6, 6)), np.full((6, 6), 0.5)
        np.add.at(shown, (codes[f], codes[g]), 1)
        np.add.at(clicked, (codes[f], codes[g]), labels)
        used = shown[: codes[f].max() + 1, : codes[g].max() + 1]
        rates = clicked[: len(used), : used.shape[1]] / used
        odds = np.log(rates / (1 - rates))
        rest = odds - odds.mean(axis=0) - odds.mean(axis=1, keepdims=True) + odds.mean()
        return float((np.abs(rest) * np.sqrt(used * rates * (1 - rates))).mean())

    (pair,) = made.pairs
    others = [p for p in ((0, 1), (0, 2), (1, 2)) if p != pair]
    assert lack(*pair) > 2 * max(lack(*p) for p in others)
    base = -(made.rate * np.log(made.rate) + (1 - made.rate) * np.log(1 - made.rate))
    assert 0.5 * base < made.log_loss < 0.95 * base


def test_equal_seeds_give_equal_rows(tmp_path: Path) -> None:
    one = simulate_ctr(500, out=tmp_path / "a.parquet", seed=1)
    two = simulate_ctr(500, out=tmp_path / "b.parquet", seed=1)
    other = simulate_ctr(500, out=tmp_path / "c.parquet", seed=2)
    assert one.pairs == two.pairs
    assert len(one.pairs) == 6
    for name in ("label", "c8", "n1", "user"):
        np.testing.assert_array_equal(column(one.path, name), column(two.path, name))
    assert (column(one.path, "c8") != column(other.path, "c8")).any()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"rows": 3}, "rows must be 10 or more"),
        ({"sizes": (5, 1)}, "2 values or more"),
        ({"sizes": (5, 5), "pairs": 2}, "2 columns do not have 2 pairs"),
        ({"rate": 1.0}, "between 0 and 1"),
    ],
)
def test_numbers_out_of_range(tmp_path: Path, asked: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        simulate_ctr(**{"rows": 100, "out": tmp_path / "a.parquet", **asked})
    assert not (tmp_path / "a.parquet").exists()
