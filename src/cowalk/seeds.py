"""One root seed; every stage draws its own stream from it by name, so that stages stay independent."""

from hashlib import blake2b

import numpy as np


def stream(seed: int, name: str) -> int:
    """The 64-bit seed of the stage `name`: equal for equal (seed, name) on every machine and process."""
    digest = blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def generator(seed: int, name: str) -> np.random.Generator:
    """A numpy generator for the stage `name`, for draws made outside the kernels."""
    return np.random.Generator(np.random.PCG64(stream(seed, name)))
