"""How every kernel is compiled, in one place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

os.environ.setdefault(
    "GOMP_SPINCOUNT", "20000"
)  # on a busy machine threads that spin longer take each other's time

import numba

F = TypeVar("F", bound=Callable[..., object])

# Sums may be reordered and fused (SIMD needs it); NaN and infinity keep their meaning, so divergence is seen.
FAST = {"reassoc", "contract", "arcp", "nsz"}


# Neighbouring parallel loops stay apart: numba cannot see through the called kernels that the second reads
# what the first writes, and would fuse them.
PARALLEL = {"fusion": False}


def kernel(function: F) -> F:
    """Compile for one thread; cached on disk; releases the GIL; division by zero gives infinity."""
    return cast(F, numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")(function))


def inline_kernel(function: F) -> F:
    """Compile as part of every kernel that calls it; it may not make an array (see `inline_with_arrays`).

    It counts no references: its arrays are the caller's. With counting, each call would touch the count of
    every array of every bundle it is given, and left to itself LLVM would not inline the larger ones: both
    cost more than the work itself.
    """
    borrowing: Any = {"forceinline": True, "_nrt": False}
    compiler = numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy", **borrowing)
    return cast(F, compiler(function))


def called_kernel(function: F) -> F:
    """As `inline_kernel`, but called: for a large one that only some settings need, so that the others keep
    the compact code of theirs.
    """
    borrowing: Any = {"_nrt": False}
    compiler = numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy", **borrowing)
    return cast(F, compiler(function))


def inline_with_arrays(function: F) -> F:
    """As `inline_kernel`, for one that makes arrays of its own."""
    compiler = numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
    return cast(F, compiler(function))


def parallel_kernel(function: F) -> F:
    """Compile with `prange` spread over the threads that `threads()` allows."""
    options: Any = dict(PARALLEL)  # numba empties the one it is given
    compiler = numba.njit(cache=True, nogil=True, parallel=options, fastmath=FAST, error_model="numpy")
    return cast(F, compiler(function))


prange = numba.prange


def thread_count(workers: int | None) -> int:
    """The number of threads to use: `workers`, or all that numba was started with, never more than those."""
    config: Any = numba.config  # numba fills it at run time
    most = int(config.NUMBA_NUM_THREADS)
    return most if workers is None else max(1, min(workers, most))


@contextmanager
def threads(workers: int | None) -> Iterator[int]:
    """Within the block parallel kernels use this many threads."""
    before = numba.get_num_threads()
    count = thread_count(workers)
    if count == before:  # telling numba costs as much as a short kernel
        yield count
        return
    numba.set_num_threads(count)
    try:
        yield count
    finally:
        numba.set_num_threads(before)


def may_run_at_once() -> bool:
    """Whether parallel kernels may run in several threads of this process at the same time.

    Known once one has run; numba's own pool of threads (`workqueue`) ends the process instead.
    """
    told: Any = numba
    try:
        return told.threading_layer() in ("omp", "tbb")
    except ValueError:  # none has run yet
        return False
