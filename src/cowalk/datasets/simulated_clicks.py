"""A simulated log of shown and clicked things with planted effects of single columns and of pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowalk.datasets.tables import connect, write
from cowalk.errors import DataError, UsageError
from cowalk.seeds import generator
from cowalk.tables.vector_files import whole
from cowalk.types import AnyArray

SIZES = (8, 16, 30, 60, 120, 250, 500, 1000)
NUMBERS = 2
PER_USER = 50
Chances = NDArray[np.float64]


@dataclass(frozen=True)
class SimulatedClicks:
    """A Parquet file (user, c1.., n1.., label) and what was planted.

    pairs: the columns that act together, as places from 0. log_loss: what the true chances have on these
    rows, which no model can beat but by luck. rate: the share of clicks.
    """

    path: Path
    pairs: tuple[tuple[int, int], ...]
    log_loss: float
    rate: float


class _Planted(NamedTuple):
    """The pairs, the chance of each row, and its label."""

    pairs: tuple[tuple[int, int], ...]
    chances: Chances
    labels: AnyArray


def simulate_ctr(
    rows: int = 1_000_000,
    *,
    out: Path | str,
    seed: int = 0,
    sizes: Sequence[int] = SIZES,
    pairs: int = 6,
    rank: int = 4,
    single: float = 0.7,
    together: float = 1.0,
    rate: float = 0.1,
) -> SimulatedClicks:
    """Write `rows` rows to the Parquet file `out`; equal values for equal arguments.

    Column f has sizes[f] values with frequencies as 1 / rank; two columns of numbers are log-normal, the
    first of which acts by a step. The log-odds of a click are a constant + effects of single values (spread
    `single` over the rows) + effects of `pairs` random pairs of columns (spread `together`):
    each pair has factors of its own with `rank` numbers a value, so that no one set of factors serves all
    pairs. The constant makes the mean chance `rate`. UsageError for a number out of range.
    """
    _check(rows, sizes, pairs, rank, rate)
    rng = generator(seed, "simulate clicks")
    codes = [rng.choice(size, rows, p=_frequencies(size)).astype(np.int32) for size in sizes]
    numbers = [np.exp(rng.normal(2.0, 1.0, rows)).round(2) for _ in range(NUMBERS)]
    planted = _plant(rng, codes, sizes, numbers[0], pairs, rank, single, together, rate)
    columns: dict[str, AnyArray] = {"user": rng.integers(max(1, rows // PER_USER), size=rows)}
    columns |= {f"c{f + 1}": code for f, code in enumerate(codes)}
    columns |= {f"n{k + 1}": number for k, number in enumerate(numbers)}
    columns["label"] = planted.labels.astype(np.int32)
    path = Path(out)
    _write(path, columns, len(sizes))
    p = planted.chances
    loss = -np.where(planted.labels, np.log(p), np.log1p(-p)).mean()
    return SimulatedClicks(path, planted.pairs, float(loss), float(planted.labels.mean()))


def _plant(
    rng: np.random.Generator, codes: Sequence[AnyArray], sizes: Sequence[int], number: AnyArray, pairs: int,
    rank: int, single: float, together: float, rate: float,
) -> _Planted:  # fmt: skip
    """What clicks come from, and the clicks."""
    alone = sum(rng.normal(size=size)[code] for code, size in zip(codes, sizes, strict=True))
    alone = alone + 1.5 * (number > np.exp(2.0))
    every = list(itertools.combinations(range(len(sizes)), 2))
    chosen = tuple(every[i] for i in sorted(rng.permutation(len(every))[:pairs].tolist()))
    both = np.zeros(len(number))
    for f, g in chosen:
        left, right = rng.normal(size=(sizes[f], rank)), rng.normal(size=(sizes[g], rank))
        both += np.einsum("nk,nk->n", left[codes[f]], right[codes[g]])
    odds = single * _standard(alone) + (together * _standard(both) if chosen else 0.0)
    chances = 1 / (1 + np.exp(-(odds + _constant(odds, rate))))
    return _Planted(chosen, chances, rng.random(len(chances)) < chances)


def _frequencies(size: int) -> Chances:
    """1 / rank, summing to 1."""
    weights = 1.0 / np.arange(1, size + 1)
    shares: Chances = weights / weights.sum()
    return shares


def _standard(values: AnyArray) -> Chances:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread or 1.0), dtype=np.float64)


def _constant(odds: Chances, rate: float) -> float:
    """What must be added so that the mean chance is `rate`, by halving."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-(odds + middle)))).mean() < rate:
            low = middle
        else:
            high = middle
    return low


def _write(path: Path, columns: dict[str, AnyArray], coded: int) -> None:
    """The Parquet file, whole or not at all; categories are texts."""
    texts = [f"'v' || c{f + 1} AS c{f + 1}" for f in range(coded)]
    plain = [name for name in columns if not (name.startswith("c") and name[1:].isdigit())]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with connect() as con, whole(path) as draft:
            con.register("clicks", columns)
            write(con, f"SELECT {', '.join([plain[0], *texts, *plain[1:]])} FROM clicks", draft)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; name another file") from error


def _check(rows: int, sizes: Sequence[int], pairs: int, rank: int, rate: float) -> None:
    for name, number, least in (("rows", rows, 10), ("pairs", pairs, 0), ("rank", rank, 1)):
        if number < least:
            raise UsageError(f"simulate_ctr: {name} must be {least} or more, got {number}")
    if not sizes or min(sizes) < 2:
        raise UsageError(f"simulate_ctr: every column needs 2 values or more, got {list(sizes)}")
    if pairs > len(sizes) * (len(sizes) - 1) // 2:
        raise UsageError(f"simulate_ctr: {len(sizes)} columns do not have {pairs} pairs")
    if not 0 < rate < 1:
        raise UsageError(f"simulate_ctr: rate must lie between 0 and 1, got {rate}")
