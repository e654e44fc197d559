"""Names of a package that load on first use, so that importing it costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str,
    homes: Mapping[str, Iterable[str]],
    *,
    rooms: Iterable[str] = (),
    before: Callable[[str], object] = lambda home: None,
) -> tuple[list[str], Callable[[str], Any]]:
    """(the package's __all__, its __getattr__): names by the module that holds them, and rooms, its packages.

    before: called with the module that a name is about to be loaded from.
    """
    origin = {name: home for home, names in homes.items() for name in names}
    inside = frozenset(rooms)

    def load(name: str) -> Any:
        if name in inside:
            return import_module(f"{package}.{name}")
        if name not in origin:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        before(origin[name])
        value = getattr(import_module(origin[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return sorted([*origin, *inside]), load
