"""Dataset: one known data set as files that `prepare` reads, with the settings that fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cowalk.errors import UsageError
from cowalk.prepare.settings import CleanSettings, ReadSettings, SessionSettings, SideSettings
from cowalk.types import Settings

Split = Literal["time", "leave-last"]
STAGES: dict[str, type[Settings]] = {
    "read": ReadSettings,
    "clean": CleanSettings,
    "sessions": SessionSettings,
    "side": SideSettings,
}


@dataclass(frozen=True)
class Dataset:
    """Paths of Parquet files in the cache, and how they want to be read.

    events, items: what `read_events` and `read_items` take (None for a ready graph); users: a table of user
    attributes; edges: columns src, dst; labels: columns node, label (a row per label of a node).
    settings: by stage (read, clean, sessions, side) the keys that differ from the defaults.
    notes: what was dropped or derived -> how many. next_item_split: how a next-item test is cut.
    """

    name: str
    licence: str
    source: str
    notes: Mapping[str, int]
    settings: Mapping[str, Mapping[str, Any]]
    next_item_split: Split = "time"
    events: Path | None = None
    items: Path | None = None
    users: Path | None = None
    edges: Path | None = None
    labels: Path | None = None

    def __post_init__(self) -> None:
        for stage, values in self.settings.items():
            if stage not in STAGES:
                raise UsageError(f"data set {self.name}: no stage {stage!r}; stages are {', '.join(STAGES)}")
            STAGES[stage].model_validate(dict(values))

    @property
    def read(self) -> ReadSettings:
        """How the columns of `events` are called."""
        return ReadSettings(**self.settings.get("read", {}))

    @property
    def clean(self) -> CleanSettings:
        """The rules of cleaning that fit."""
        return CleanSettings(**self.settings.get("clean", {}))

    @property
    def sessions(self) -> SessionSettings:
        """How the log is cut into sessions."""
        return SessionSettings(**self.settings.get("sessions", {}))

    @property
    def side(self) -> SideSettings:
        """The kinds of the attributes in `items`."""
        return SideSettings(**self.settings.get("side", {}))
