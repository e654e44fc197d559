"""Networks on top of vectors. The room needs torch; its names load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cowalk.nn.needs import need

_HOMES = {
    "cowalk.nn.groups": ("optimizers", "parameter_groups"),
    "cowalk.nn.interest_graph": ("InterestGraph", "interest_graph"),
    "cowalk.nn.joined": ("JoinedEmbedding",),
    "cowalk.nn.pretrained": ("VectorEmbedding", "embedding"),
    "cowalk.nn.residual": ("ResidualEmbedding",),
}
_ORIGIN = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_ORIGIN)

if TYPE_CHECKING:
    from cowalk.nn.groups import optimizers as optimizers
    from cowalk.nn.groups import parameter_groups as parameter_groups
    from cowalk.nn.interest_graph import InterestGraph as InterestGraph
    from cowalk.nn.interest_graph import interest_graph as interest_graph
    from cowalk.nn.joined import JoinedEmbedding as JoinedEmbedding
    from cowalk.nn.pretrained import VectorEmbedding as VectorEmbedding
    from cowalk.nn.pretrained import embedding as embedding
    from cowalk.nn.residual import ResidualEmbedding as ResidualEmbedding


def __getattr__(name: str) -> Any:
    if name not in _ORIGIN:
        raise AttributeError(f"module 'cowalk.nn' has no attribute {name!r}")
    need("torch")
    value = getattr(import_module(_ORIGIN[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
