"""Every kernel has a slow twin with the same name and parameters, and the random numbers are SplitMix64."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cowalk.kernels
from cowalk.kernels import rng
from reference import rng as twin

MODULES = [m.name for m in pkgutil.iter_modules(cowalk.kernels.__path__)]


def public_kernels(name: str) -> dict[str, object]:
    """The compiled functions of a kernel file that are called from outside, not only by other kernels."""
    module = importlib.import_module(f"cowalk.kernels.{name}")
    return {
        key: value.py_func
        for key, value in vars(module).items()
        if hasattr(value, "py_func")
        and value.py_func.__module__ == module.__name__
        and not inspect.getsource(value.py_func).startswith(("@inline_", "@called_"))
    }


def test_kernels_are_found() -> None:
    assert set(public_kernels("skipgram")) >= {"learn_blocks", "input_vectors"}
    assert public_kernels("rng") == {}


@pytest.mark.parametrize("name", [m for m in MODULES if public_kernels(m)])
def test_every_kernel_has_a_slow_twin(name: str) -> None:
    twins = importlib.import_module(f"reference.{name}")
    for key, function in public_kernels(name).items():
        assert hasattr(twins, key), f"reference/{name}.py lacks {key}"
        assert list(inspect.signature(getattr(twins, key)).parameters) == list(
            inspect.signature(function).parameters
        )


def test_the_twin_gives_the_published_numbers_of_splitmix64() -> None:
    state, found = 1234567, []
    for _ in range(3):
        state = (state + twin.GOLDEN) & twin.MASK
        found.append(twin.mix(state))
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_mix_equals_the_twin(x: int) -> None:
    assert int(rng.mix(np.uint64(x))) == twin.mix(x)


def test_draws_equal_the_twins() -> None:
    for seed, row in [(0, 0), (1, 0), (2**64 - 1, 2**40), (7, 123)]:
        bits = int(rng.row_state(np.uint64(seed), row))
        assert bits == twin.row_state(seed, row)
        assert rng.unit(np.uint64(bits)) == twin.unit(bits)
        assert rng.below(np.uint64(bits), 10) == twin.below(bits, 10)


def test_rows_of_a_stream_are_far_apart() -> None:
    states = {twin.row_state(seed, row) for seed in range(20) for row in range(500)}
    assert len(states) == 20 * 500
    units = np.array([twin.unit(s) for s in states])
    assert abs(units.mean() - 0.5) < 4 / np.sqrt(12 * len(units))
    assert 0 <= units.min() <= units.max() < 1
