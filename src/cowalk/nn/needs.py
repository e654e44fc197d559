"""The libraries of deep models, looked for once, with the extra that brings each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cowalk.errors import MissingExtraError

EXTRAS = {"torch": "deep", "lightning": "deep", "lightgbm": "deep", "onnx": "onnx", "onnxruntime": "onnx"}


def need(*names: str) -> Any:
    """The first of these modules, all imported; MissingExtraError names the extra of one that is missing."""
    found = []
    for name in names:
        try:
            found.append(import_module(name))
        except ImportError as error:
            root = name.partition(".")[0]
            if error.name is not None and error.name.partition(".")[0] != root:
                raise
            raise MissingExtraError(
                f"this needs {root}, which is not installed; pip install 'cowalk[{EXTRAS[root]}]'"
            ) from None
    return found[0]
