"""What was judged so far, one file per (data set, protocol, method, seed), so that a killed run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from common import CACHE, say, versions
from cowalk.evaluate import Chosen, CompareSettings, Comparison, Method, compare
from cowalk.evaluate.judged import Judged
from cowalk.prepared import Prepared

LEFT_OUT = ("new ", "popularity", "recall@20 known=")  # columns that no bar and no table needs


Wanted = tuple[str, str, Callable[[int], Comparison]]
"""The name under which a result is kept, all that it is judged with, and how it is judged on a seed."""


def judging(
    prepared: Prepared, protocol: Any, settings: CompareSettings, workers: int
) -> Callable[[Method, int], Comparison]:
    """How one method is judged on a seed by this protocol."""

    def judge(method: Method, seed: int) -> Comparison:
        return compare(
            [method], prepared.events, prepared.catalogue, protocols=(protocol,), seeds=(seed,),
            settings=settings, workers=workers, progress=say,
        )  # fmt: skip

    return judge


class JudgedCache:
    """A folder of results. `key` names what a method was judged with; another key's files are passed over."""

    def __init__(self, name: str, fresh: bool) -> None:
        self.folder = CACHE / "quality" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.fresh = fresh

    def path(self, method: str, told: str, seed: int) -> Path:
        """Where one method's result of one seed lies; `told` is all that it was judged with."""
        key = blake2b(told.encode(), digest_size=8).hexdigest()
        plain = "".join(c if c.isalnum() or c in "-+" else "_" for c in method)
        return self.folder / f"{plain}-{seed}-{key}.npz"

    def knows(self, path: Path) -> bool:
        """Whether it is there and may be used."""
        return path.exists() and not self.fresh

    def judged(self, wanted: Sequence[Wanted], seeds: tuple[int, ...]) -> tuple[Comparison, list[str]]:
        """All that is wanted on all seeds, judged where it is not kept; and the commits it was made at."""
        paths: list[list[Path]] = []
        for seed in seeds:
            paths.append([])
            for name, told, judge in wanted:
                path = self.path(name, told, seed)
                paths[-1].append(path)
                if not self.knows(path):
                    self.save(path, judge(seed), versions().get("commit", ""))
        return joined(paths, seeds)

    def save(self, path: Path, found: Comparison, commit: str) -> None:
        """Keep all tasks of a comparison of one method and one seed."""
        arrays: dict[str, Any] = {}
        entries = []
        for task, methods in found.entries.items():
            for name, entry in methods.items():
                at, judged, chosen = f"{len(entries)}", entry.judged[0], entry.chosen[0]
                columns = [c for c in judged.values if not c.startswith(LEFT_OUT)]
                arrays[f"{at}/groups"] = judged.groups
                arrays |= {f"{at}/{c}": judged.values[c].astype(np.float32) for c in columns}
                entries.append({
                    "task": task, "name": name, "columns": columns, "figures": judged.figures,
                    "choice": dict(chosen.choice), "score": float(chosen.score), "trials": chosen.trials,
                    "seconds": entry.seconds[0], "task figures": found.figures[task][0], "commit": commit,
                })  # fmt: skip
        draft = path.with_name(f"draft-{path.name}")
        np.savez_compressed(draft, entries=json.dumps(entries), **arrays)
        draft.replace(path)


def joined(paths: Sequence[Sequence[Path]], seeds: tuple[int, ...]) -> tuple[Comparison, list[str]]:
    """All results in one comparison, paths[seed][method]; and the commits that they were made at."""
    out = Comparison(seeds)
    commits: dict[str, None] = {}
    for row in paths:
        for number, path in enumerate(row):
            with np.load(path) as kept:
                for at, told in enumerate(json.loads(str(kept["entries"]))):
                    values = {c: kept[f"{at}/{c}"].astype(np.float64) for c in told["columns"]}
                    judged = Judged(kept[f"{at}/groups"], values, told["figures"])
                    chosen = Chosen(told["choice"], told["score"], told["trials"])
                    out.add(told["task"], told["name"], judged, chosen, told["seconds"])
                    commits[told["commit"]] = None
                    if number == 0:
                        out.figures.setdefault(told["task"], []).append(told["task figures"])
    return out, list(commits)
