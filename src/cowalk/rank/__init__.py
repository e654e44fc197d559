"""Ranking: the chance of a click. Names load on first use: models need torch, fit needs Lightning too."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cowalk.nn.needs import need

_HOMES = {
    "cowalk.rank.envelope": ("Envelope", "envelope_radius", "interest_groups"),
    "cowalk.rank.fitting": ("fit",),
    "cowalk.rank.model": ("RankModel",),
    "cowalk.rank.report": ("RankReport", "report_of"),
    "cowalk.rank.settings": ("RankSettings",),
    "cowalk.rank.store": ("load",),
}
_NEEDS = {
    "cowalk.rank.fitting": ("torch", "lightning"),
    "cowalk.rank.model": ("torch",),
    "cowalk.rank.store": ("torch",),
}
_ORIGIN = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_ORIGIN)

if TYPE_CHECKING:
    from cowalk.rank.envelope import Envelope as Envelope
    from cowalk.rank.envelope import envelope_radius as envelope_radius
    from cowalk.rank.envelope import interest_groups as interest_groups
    from cowalk.rank.fitting import fit as fit
    from cowalk.rank.model import RankModel as RankModel
    from cowalk.rank.report import RankReport as RankReport
    from cowalk.rank.report import report_of as report_of
    from cowalk.rank.settings import RankSettings as RankSettings
    from cowalk.rank.store import load as load


def __getattr__(name: str) -> Any:
    if name not in _ORIGIN:
        raise AttributeError(f"module 'cowalk.rank' has no attribute {name!r}")
    if _ORIGIN[name] in _NEEDS:
        need(*_NEEDS[_ORIGIN[name]])
    value = getattr(import_module(_ORIGIN[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
