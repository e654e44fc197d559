"""What one run came to, in a file under all that it was made with, so that a killed benchmark goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from common import versions

Arrays = dict[str, np.ndarray]


def kept(folder: Path, name: str, told: Mapping[str, Any], make: Callable[[], Arrays]) -> tuple[Arrays, str]:
    """The arrays that `make` gives and the commit they were made at, from the file of this name and `told`.

    told: all that the run was made with; what was made with anything else is passed over.
    """
    key = blake2b(json.dumps(told, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
    path = folder / f"{name}-{key}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        arrays = make()
        draft = path.with_name(f"new-{path.name}")
        np.savez_compressed(draft, **arrays, commit=np.array(versions().get("commit", "")))
        draft.replace(path)
    with np.load(path) as stored:
        found = {name: stored[name] for name in stored.files}
    return found, str(found.pop("commit"))
