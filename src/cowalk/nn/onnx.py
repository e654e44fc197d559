"""A user tower as ONNX, and run by onnxruntime: here, and in services that are not written in Python.

The graph is put together from the tower's arrays, so that neither torch nor the network is needed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from cowalk.errors import ModelError, UsageError
from cowalk.examples.batches import histories_of
from cowalk.nn.needs import need
from cowalk.tables.vector_files import whole
from cowalk.types import Floats, Ids, Offsets
from cowalk.users.tower import NumpyTower

OPSET = 18
LOW = -1e30  # a logit that weighs nothing
MOST = 2**31 - 2**20  # bytes of a tower: protobuf holds 2 GiB


def export_tower(tower: NumpyTower, path: str | Path) -> Path:
    """Write the tower as ONNX; the file appears whole or not at all.

    Inputs: `history` int64[Q, last], rows of items, newest last, -1 before the oldest; `user` int64[Q], rows
    of users, -1 = unknown (where the tower looks at users). Output: `vector` float32[Q, d], equal to
    `tower.vectors` within 1e-5. MissingExtraError without onnx (extra onnx).
    """
    need("onnx")
    out = Path(path)
    if out.suffix != ".onnx":
        raise UsageError(f"{out}: name the file with the ending .onnx")
    made = onnx_of(tower)
    with whole(out) as draft:
        Path(draft).write_bytes(made)
    return out


def onnx_of(tower: NumpyTower) -> bytes:
    """The tower as ONNX; see `export_tower`. UsageError where it is larger than ONNX may be."""
    onnx = need("onnx")
    size = sum(array.nbytes for array in tower.arrays().values())
    if size > MOST:
        raise UsageError(
            f"the user tower has {size / 2**30:.1f} GiB and ONNX holds 2 GiB at most; fit with a smaller "
            "vector_size, or run it by numpy"
        )
    made = _Graph(tower)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(made.nodes, "user tower", made.inputs, made.outputs, made.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=9, producer_name="cowalk",
    )  # fmt: skip
    onnx.checker.check_model(model)
    found: bytes = model.SerializeToString()
    return found


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
        """The user's row; the last one, which is where -1 points, where unknown."""
        known = self._op("Less", "user", self._hold("users", np.array(len(tower.people) - 1)))
        known = self._op("And", known, self._op("GreaterOrEqual", "user", "zero"))
        user = self._op("Where", known, "user", self._hold("unknown", np.array(-1)))
        return self._op("Gather", self._hold("people", tower.people), user, axis=0)

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
        need("onnxruntime")
        try:
            session = _session(str(path), threads)
            inputs = {one.name: one.shape for one in session.get_inputs()}
            return cls(session, int(inputs["history"][1]), "user" in inputs)
        except Exception as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(f"{path}: no user tower in ONNX ({first}); export it again") from None

    def vectors(self, items: Ids, offsets: Offsets, users: Ids | None = None) -> Floats:
        """float32[Q, d] for histories items[offsets[q]:offsets[q+1]], oldest first."""
        history, _ = histories_of(items, offsets[:-1], offsets[1:], self.last)
        given: dict[str, Offsets] = {"history": history.astype(np.int64)}
        if self.looks_at_users:
            given["user"] = np.full(len(history), -1, np.int64) if users is None else users.astype(np.int64)
        out: Floats = self.session.run(["vector"], given)[0]
        return out


@dataclass(frozen=True)
class RunTower(OnnxTower):
    """A user tower that is there as arrays and run by onnxruntime; new items may come beside its own."""

    plain: NumpyTower

    @classmethod
    def of(cls, tower: NumpyTower, threads: int = 1) -> Self:
        """The tower; MissingExtraError without onnx and onnxruntime (extra onnx)."""
        need("onnx", "onnxruntime")
        return cls(_session(onnx_of(tower), threads), tower.last, len(tower.people) > 0, tower)

    @property
    def inputs(self) -> Floats:
        """float32[V, n]: what it takes in for each item."""
        return self.plain.inputs

    def beside(self, inputs: Floats) -> Self:
        """The same tower, which also takes the items of these input rows, from row V on."""
        return self.of(self.plain.beside(inputs))


def _session(model: str | bytes, threads: int) -> Any:
    runtime = need("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
