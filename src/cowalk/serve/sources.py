"""Where models come from: a folder whose `current` version may change, or a model in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cowalk.errors import ModelError
from cowalk.model import Model, load
from cowalk.online import current_version, fetch_model
from cowalk.tables.folder import resolve_version

TRIES = 3
"""Versions that may be swept while they are read, one after another."""


class Source(Protocol):
    """Says which version is the current one, and brings it."""

    def version(self) -> str:
        """The name of the current version; CowalkError where there is none."""

    def load(self) -> tuple[Model, str]:
        """The current version, whole, and its name; CowalkError where it is not."""


@dataclass(frozen=True)
class FolderSource:
    """A model folder, or one of its versions."""

    folder: Path

    def version(self) -> str:
        """The name of the folder that `current` leads to."""
        return resolve_version(self.folder).resolve().name

    def load(self) -> tuple[Model, str]:
        """Loaded by its own path, so that the name is that of what was read."""
        for _ in range(TRIES):
            path = resolve_version(self.folder).resolve()
            try:
                return load(path), path.name
            except Exception:
                if resolve_version(self.folder).resolve() == path:  # else it was swept while it was read
                    raise
        raise ModelError(f"{self.folder}: versions go faster than they are read; publish less often")


@dataclass(frozen=True)
class RedisSource:
    """A model that was published at redis://..., brought to a local folder version by version."""

    url: str
    folder: Path

    def version(self) -> str:
        """The version that is published."""
        found = current_version(self.url)
        if found is None:
            raise ModelError(f"{self.url} holds no model; `cowalk publish` puts one there")
        return found

    def load(self) -> tuple[Model, str]:
        """Bring it, then load it."""
        path = fetch_model(self.url, self.folder)
        return load(path), path.name


@dataclass(frozen=True)
class MemorySource:
    """A model that is there already and never changes."""

    model: Model

    def version(self) -> str:
        """What the vocabulary and the time of making tell."""
        return str(self.model.manifest.get("created") or self.model.vocab.fingerprint)

    def load(self) -> tuple[Model, str]:
        """The model itself."""
        return self.model, self.version()
