"""What an engine learns from; evaluate.data.TrainData is it."""

from __future__ import annotations

from typing import Protocol

from cowalk.tables import ItemGraph, Sessions, SideInfo, Vocab


class HistoryData(Protocol):
    """Histories of users, and what items and users are."""

    @property
    def vocab(self) -> Vocab: ...

    @property
    def sessions(self) -> Sessions | None: ...

    @property
    def side_info(self) -> SideInfo | None: ...

    @property
    def users(self) -> SideInfo | None: ...


class Data(HistoryData, Protocol):
    """And the graph of items."""

    @property
    def graph(self) -> ItemGraph: ...
