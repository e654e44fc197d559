"""Ranking: the chance of a click. Names load on first use: models need torch, fit needs Lightning too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowalk.lazy import lazy_names
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


def _need(home: str) -> None:
    if home in _NEEDS:
        need(*_NEEDS[home])


__all__, __getattr__ = lazy_names(__name__, _HOMES, before=_need)

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


def __dir__() -> list[str]:
    return __all__
