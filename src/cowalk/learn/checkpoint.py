"""A long run, kept after each epoch, so that an interrupted one goes on from its last finished epoch."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from cowalk.learn.settings import WalkSettings
from cowalk.tables import ItemGraph, Sessions, SideInfo, Vocab
from cowalk.types import AnyArray, Settings


def data_fingerprint(source: Sessions | ItemGraph, vocab: Vocab, side_info: SideInfo | None) -> str:
    """32 hex digits, equal only for equal sequences or graph, ids, counts and side information."""
    digest = blake2b(vocab.fingerprint.encode(), digest_size=16)
    arrays: list[AnyArray] = [vocab.counts, source.offsets]
    arrays += [source.targets, source.weights] if isinstance(source, ItemGraph) else [source.items]
    if isinstance(source, Sessions):
        arrays += [source.weights]
        arrays += [] if source.times is None else [source.times]
        arrays += [] if source.bought is None else [source.bought]
    for field in side_info.fields if side_info else ():
        arrays += [field.offsets, field.codes]
        arrays += [] if field.vectors is None else [field.vectors]
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """A folder `epoch` of arrays and `state.json`, replaced whole; another run's folder is ignored.

    Without a folder nothing is kept.
    """

    folder: Path | None
    key: str

    @classmethod
    def at(
        cls,
        folder: Path | None,
        fingerprint: str,
        settings: Settings,
        walks: WalkSettings | None,
        seed: int,
    ) -> Checkpoint:
        """The checkpoint of the run that these name."""
        told = [fingerprint, settings.model_dump_json(), walks.model_dump_json() if walks else "", str(seed)]
        return cls(folder, blake2b("\n".join(told).encode(), digest_size=16).hexdigest())

    def save(self, arrays: dict[str, AnyArray], losses: list[float]) -> None:
        """Keep the state after len(losses) epochs: written beside, then put in place by renaming."""
        if self.folder is None:
            return
        new, now, old = (self.folder / name for name in ("epoch.new", "epoch", "epoch.old"))
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, array in arrays.items():
            np.save(new / f"{name}.npy", array)
        (new / "state.json").write_text(json.dumps({"key": self.key, "losses": losses}))
        shutil.rmtree(old, ignore_errors=True)
        if now.exists():
            now.replace(old)
        new.replace(now)
        shutil.rmtree(old, ignore_errors=True)

    def load(self, arrays: dict[str, AnyArray]) -> list[float]:
        """Fill the arrays with the kept state and return its losses; [] where this run has kept none."""
        if self.folder is None:
            return []
        for folder in (self.folder / "epoch", self.folder / "epoch.old"):
            try:
                told = json.loads((folder / "state.json").read_text())
                if told["key"] != self.key:
                    continue
                losses = [float(loss) for loss in told["losses"]]
                kept = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in arrays}
            except (OSError, EOFError, ValueError, KeyError, TypeError):  # torn: as if it were not there
                continue
            if all(kept[name].shape == array.shape for name, array in arrays.items()):
                for name, array in arrays.items():
                    array[...] = kept[name]
                return losses
        return []
