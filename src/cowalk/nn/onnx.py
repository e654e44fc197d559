"""A user tower as an ONNX file, and run by onnxruntime: for services that are not written in Python.

The graph is put together from the tower's arrays, so that neither torch nor the network is needed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import ModelError, UsageError
from cowalk.nn.needs import need
from cowalk.tables.vector_files import whole
from cowalk.types import Floats, Ids, Offsets
from cowalk.users.tower import NumpyTower

OPSET = 18
LOW = -1e30  # a logit that weighs nothing


def export_tower(tower: NumpyTower, path: str | Path) -> Path:
    """Write the tower as ONNX; the file appears whole or not at all.

    Inputs: `history` int64[Q, last], rows of items, newest last, -1 before the oldest; `user` int64[Q], rows
    of users, -1 = unknown (where the tower looks at users). Output: `vector` float32[Q, d], equal to
    `tower.vectors` within 1e-5. MissingExtraError without onnx (extra onnx).
    """
    onnx = need("onnx")
    out = Path(path)
    if out.suffix != ".onnx":
        raise UsageError(f"{out}: name the file with the ending .onnx")
    made = _Graph(tower)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(made.nodes, "user tower", made.inputs, made.outputs, made.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=9, producer_name="cowalk",
    )  # fmt: skip
    onnx.checker.check_model(model)
    with whole(out) as draft:
        Path(draft).write_bytes(model.SerializeToString())
    return out


class _Graph:
    """Nodes and constants of a tower, step by step as NumpyTower takes them."""

    def __init__(self, tower: NumpyTower) -> None:
        self.onnx = need("onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        kinds, value = self.onnx.TensorProto, self.onnx.helper.make_tensor_value_info
        self.inputs = [value("history", kinds.INT64, ["Q", tower.last])]
        rows = self._pooled(tower)
        if len(tower.people):
            self.inputs.append(value("user", kinds.INT64, ["Q"]))
            rows = self._op("Add", rows, self._people(tower))
        for number, layer in enumerate(tower.layers):
            rows = self._op("MatMul", rows, self._hold(f"weight{number}", layer.weight))
            rows = self._op("Add", rows, self._hold(f"bias{number}", layer.bias))
            rows = self._op("Relu", rows) if layer.relu else rows
        if tower.unit:
            length = self._op("ReduceL2", rows, self._hold("axis1", np.array([1])), keepdims=1)
            rows = self._op("Div", rows, self._op("Max", length, self._float("least", 1e-12)))
        rows = self._op("Mul", rows, self._float("scale", tower.scale))
        if tower.one:
            pads = self._hold("pads", np.array([0, 0, 0, 1]))
            rows = self._op("Pad", rows, pads, self._float("one", 1.0))
        self._op("Identity", rows, out="vector")
        width = (tower.layers[-1].weight.shape[1] if tower.layers else tower.inputs.shape[1]) + tower.one
        self.outputs = [value("vector", kinds.FLOAT, ["Q", width])]

    def _pooled(self, tower: NumpyTower) -> str:
        zero = self._hold("zero", np.array(0))
        known = self._op("GreaterOrEqual", "history", zero)
        safe = self._op("Max", "history", zero)
        rows = self._op("Gather", self._hold("inputs", tower.inputs), safe, axis=0)
        logit = self._op("Gather", self._hold("logits", tower.inputs @ tower.query), safe, axis=0)
        logit = self._op("Add", logit, self._hold("places", np.ascontiguousarray(tower.places[::-1])))
        logit = self._op("Where", known, logit, self._float("low", LOW))
        weights = self._op("Mul", self._op("Softmax", logit, axis=1),
                           self._op("Cast", known, to=self.onnx.TensorProto.FLOAT))  # fmt: skip
        weighed = self._op("MatMul", self._op("Unsqueeze", weights, self._hold("one1", np.array([1]))), rows)
        return self._op("Squeeze", weighed, self._hold("two1", np.array([1])))

    def _people(self, tower: NumpyTower) -> str:
        """The user's row; the last one where unknown, which is where -1 points."""
        return self._op("Gather", self._hold("people", tower.people), "user", axis=0)

    def _op(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        name = out or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _hold(self, name: str, array: Any) -> str:
        array = np.asarray(array)
        plain = array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64)
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(plain), name))
        return name

    def _float(self, name: str, value: float) -> str:
        return self._hold(name, np.array(value, dtype=np.float32))


@dataclass(frozen=True)
class OnnxTower:
    """A user tower run by onnxruntime; `vectors` as NumpyTower gives them, for histories of known items."""

    session: Any
    last: int
    looks_at_users: bool

    @classmethod
    def open(cls, path: str | Path, threads: int = 1) -> OnnxTower:
        """The tower of a file that `export_tower` wrote; ModelError where it is none."""
        runtime = need("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            inputs = {one.name: one.shape for one in session.get_inputs()}
            return cls(session, int(inputs["history"][1]), "user" in inputs)
        except Exception as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(f"{path}: no user tower in ONNX ({first}); export it again") from None

    def vectors(self, items: Ids, offsets: Offsets, users: Ids | None = None) -> Floats:
        """float32[Q, d] for histories items[offsets[q]:offsets[q+1]], oldest first."""
        history: Offsets = np.full((len(offsets) - 1, self.last), -1, dtype=np.int64)
        for q, (start, stop) in enumerate(pairwise(offsets)):
            kept = items[max(start, stop - self.last) : stop]
            if len(kept):
                history[q, -len(kept) :] = kept
        given: dict[str, Offsets] = {"history": history}
        if self.looks_at_users:
            given["user"] = np.full(len(history), -1, np.int64) if users is None else users.astype(np.int64)
        out: Floats = self.session.run(["vector"], given)[0]
        return out
