"""Stored indexes opened again, whatever their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cowalk.errors import CowalkError, MissingExtraError, ModelError
from cowalk.recall.index import Index
from cowalk.recall.kinds import kind_named
from cowalk.types import AnyArray


def opened(told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Index:
    """The index of what `Index.stored` gave; ModelError where it does not fit together."""
    try:
        index: Index = kind_named(told["kind"]).opened(told, arrays)
    except MissingExtraError:
        raise
    except (CowalkError, KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"index: cannot be opened ({error}); build it again") from None
    return index
