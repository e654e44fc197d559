"""Bits of a word."""

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def _ones(typing_context: Any, word: Any) -> Any:
    """How many bits of a uint64 are set: one instruction of the processor."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


ones: Any = _ones
