"""Networks on top of vectors. The room needs torch; its names load on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowalk.lazy import lazy_names
from cowalk.nn.needs import need

_HOMES = {
    "cowalk.nn.groups": ("optimizers", "parameter_groups"),
    "cowalk.nn.interest_graph": ("InterestGraph", "interest_graph"),
    "cowalk.nn.joined": ("JoinedEmbedding",),
    "cowalk.nn.pretrained": ("VectorEmbedding", "embedding"),
    "cowalk.nn.residual": ("ResidualEmbedding",),
}
__all__, __getattr__ = lazy_names(__name__, _HOMES, before=lambda _: need("torch"))

if TYPE_CHECKING:
    from cowalk.nn.groups import optimizers as optimizers
    from cowalk.nn.groups import parameter_groups as parameter_groups
    from cowalk.nn.interest_graph import InterestGraph as InterestGraph
    from cowalk.nn.interest_graph import interest_graph as interest_graph
    from cowalk.nn.joined import JoinedEmbedding as JoinedEmbedding
    from cowalk.nn.pretrained import VectorEmbedding as VectorEmbedding
    from cowalk.nn.pretrained import embedding as embedding
    from cowalk.nn.residual import ResidualEmbedding as ResidualEmbedding


def __dir__() -> list[str]:
    return __all__
