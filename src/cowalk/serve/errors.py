"""Errors of the service: a status, one line, and the field that is wrong."""

from __future__ import annotations

import re

from msgspec import UNSET, UnsetType

from cowalk.errors import CowalkError, UnknownIdError, UsageError
from cowalk.serve.schemas import K_USUAL, Problem

FIELDS = {
    "filter": "where",
    "k ": "k",
    "time": "times",
    "the times": "times",
    "the history has": "times",
    "the history": "history",
    "recommend.half_life": "times",
    "these histories": "times",
    "diversity": "diversity",
    "interests": "interests",
    "no field": "attributes",
    "field ": "attributes",
    "metric": "metric",
    "item ": "item",
    "user ": "user",
}
"""How the model's own words begin, and the field of a request that they are about."""


class RefusedError(Exception):
    """The request cannot be answered, through a fault of its own."""

    def __init__(self, status: int, error: str, field: str = "") -> None:
        super().__init__(error)
        self.status, self.problem = status, Problem(error, field)


def refusal(error: CowalkError) -> RefusedError:
    """What a request gets for an error of the model."""
    words = " ".join(str(error).split())
    if isinstance(error, UnknownIdError):
        return RefusedError(404, words, "item")
    if isinstance(error, UsageError):
        field = next((name for start, name in FIELDS.items() if words.startswith(start)), "")
        return RefusedError(422, words, field)
    return RefusedError(422, words)


def invalid(words: str) -> RefusedError:
    """What msgspec says of a request, with the field that it names: `Expected ... - at `$.k``."""
    path = re.search(r" - at `\$?\.?(.*?)`$", words)
    if path is None:
        unknown = re.search(r"unknown field `(.+?)`|missing required field `(.+?)`", words)
        return RefusedError(422, words, (unknown[1] or unknown[2]) if unknown else "")
    field = path[1].removeprefix("$").lstrip(".")
    return RefusedError(422, f"{field}: {words[: path.start()]}" if field else words, field)


def places(k: int | UnsetType, items: int) -> int:
    """How many items to answer with: k, or as many as are usual; RefusedError above the catalogue."""
    if k is UNSET:
        return min(K_USUAL, items)
    if k > items:
        raise RefusedError(422, f"k: {k} is more than the {items} items of the catalogue", "k")
    return k
