"""Checkpoints of training: read back, and told where they are damaged or of another model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cowalk.errors import CowalkError, ModelError
from cowalk.nn.steps import EXTRA, Steps


def opened(path: Path, identity: str) -> dict[str, Any]:
    """The state of `Steps` that is kept there; ModelError where it is damaged or of another model."""
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        kept = found[EXTRA]["identity"]
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: cannot be read ({first}); remove it to begin again") from None
    if kept != identity:
        raise ModelError(
            f"{path}: a checkpoint of another model, other settings or other data; remove it to begin again"
        )
    return found


def weights(state: Mapping[str, Any], *, best: bool) -> dict[str, Tensor]:
    """The network's weights in a state of `Steps`: the last ones, or those of the best epoch where one was
    judged.
    """
    kept: dict[str, Tensor] | None = state[EXTRA]["best state"]
    if best and kept is not None:
        return kept
    return {name.removeprefix("network."): value for name, value in state.items() if name != EXTRA}


@contextmanager
def loading(path: Path | None, steps: Steps) -> Iterator[None]:
    """What goes wrong before the checkpoint of this path is read (until `steps.loaded`) is a ModelError."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        if path is None or steps.loaded or isinstance(error, CowalkError):
            raise
        first = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: does not fit the network ({first}); it is of another model or version; remove it to "
            "begin again"
        ) from None
