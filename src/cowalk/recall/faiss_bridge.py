"""What IVF and HNSW share of faiss: the import, filters as its selectors, indexes as checked bytes."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import MissingExtraError, ModelError
from cowalk.types import AnyArray


def faiss() -> Any:
    """The library; MissingExtraError with the extra that brings it."""
    try:
        import faiss as library
    except ImportError:
        raise MissingExtraError(
            "indexes of kind ivf and hnsw need faiss: pip install 'cowalk[index]'; "
            "exact and lsh need nothing more"
        ) from None
    return library


def selector(mask: NDArray[np.bool_] | None) -> tuple[Any, Any]:
    """faiss's selector of the places of mask, and the bits it points to, which have to outlive it."""
    if mask is None:
        return None, None
    bits = np.packbits(mask, bitorder="little")
    library = faiss()
    return library.IDSelectorBitmap(len(bits), library.swig_ptr(bits)), bits


def packed(index: Any) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """A faiss index as bytes, with their checksum."""
    bytes_ = np.asarray(faiss().serialize_index(index))
    return {"faiss": _digest(bytes_)}, {"faiss": bytes_}


def unpacked(told: Mapping[str, Any], arrays: Mapping[str, AnyArray], size: int, dimension: int) -> Any:
    """The faiss index of these bytes; ModelError unless they are the ones that were packed.

    The checksum is taken first, whatever the size: faiss itself may crash on bytes that are damaged.
    """
    bytes_ = arrays["faiss"]
    if bytes_.dtype != np.uint8 or bytes_.ndim != 1 or _digest(bytes_) != told["faiss"]:
        raise ModelError("index: the bytes of faiss are damaged (checksum differs); build it again")
    index = faiss().deserialize_index(np.array(bytes_))
    if (index.ntotal, index.d) != (size, dimension):
        raise ModelError(f"index: faiss holds {index.ntotal} rows, wanted {size}; build it again")
    return index


def _digest(bytes_: AnyArray) -> str:
    return blake2b(np.ascontiguousarray(bytes_).data, digest_size=16).hexdigest()
