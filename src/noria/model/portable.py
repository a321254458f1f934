"""A packaged graph as an ONNX file that needs no noria: it takes named columns and gives labels by their names."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from noria.errors import UserError
from noria.model.package import Package
from noria.model.signature import Signature


def portable(packed: Package) -> bytes:
    """The graph with inputs [n, 1], one a column, and outputs ``label`` (text) [n] and ``probability`` [n, classes that
    it saw], or ``value`` [n, 1]. A text that is missing is the text ``missing``, a number NaN.

    Raises
    ------
    UserError
        If the package holds no ONNX graph.
    """
    graph = _Wrapped(packed)
    graph.answer()
    return graph.written()


def probability_names(signature: Signature) -> list[str]:
    """What the probabilities are called where each class has a column of its own."""
    return [f"probability_{one}" for one in signature.classes or ()]


class _Wrapped:
    """A package's graph, with nodes put before and behind it."""

    def __init__(self, packed: Package) -> None:
        import onnx

        if packed.kind != "onnx":
            raise UserError(
                f"the model is kept as {packed.kind}: it has no ONNX graph that gives the same answers",
                where="--format onnx",
                do="Export it with --format mlflow or --format noria.",
            )
        if packed.signature.several:
            raise UserError(
                "a model of several labels a row has no ONNX file of its own form",
                where="--format onnx",
                do="Export it with --format mlflow or --format noria.",
            )
        self.signature = packed.signature
        self.seen = [int(one) for one in packed.files.get("classes.txt", b"").split()]
        self.model = onnx.load_from_string(packed.files["model.onnx"])
        self.graph = self.model.graph
        self.held = self._make_way()
        onnx.helper.set_model_props(self.model, dict(_properties(packed)))

    def _make_way(self) -> list[str]:
        """The graph's outputs, under names that are not wanted for those of the file."""
        outputs = [one.name for one in self.graph.output]
        del self.graph.output[:]
        fed = {one.name for one in self.graph.input}
        for node in self.graph.node:
            node.input[:] = [name if name in fed or name not in outputs else f"noria_{name}" for name in node.input]
            node.output[:] = [f"noria_{name}" if name in outputs else name for name in node.output]
        return [f"noria_{name}" for name in outputs]

    def answer(self) -> None:
        """Outputs by noria's names; the label is that of the largest probability, as noria says it."""
        classes = self.signature.classes
        if classes is None:
            self.give("Reshape", [self.held[0], self.constant("column", [-1, 1])], "value", width=1)
        elif len(self.held) == 1:
            self.label(self.held[0], [str(one) for one in classes])
        else:
            seen = self.seen or list(range(len(classes)))
            self.graph.node.append(_node("ArgMax", [self.held[1]], "noria_place", axis=1, keepdims=0))
            self.label("noria_place", [str(classes[k]) for k in seen])
            self.give("Identity", [self.held[1]], "probability", width=len(seen))

    def label(self, of: str, names: list[str]) -> None:
        self.graph.node.append(_node("Gather", [self.constant("labels", names), of], "label", axis=0))
        self._output("label", [None], text=True)

    def give(self, kind: str, of: list[str], name: str, *, width: int) -> None:
        self.graph.node.append(_node(kind, of, name))
        self._output(name, [None, width])

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        full = f"noria_{name}"
        if full not in {one.name for one in self.graph.initializer}:
            array = np.array(values)
            kept = array.astype(object) if array.dtype.kind == "U" else array.astype(np.int64)
            self.graph.initializer.append(numpy_helper.from_array(kept, full))
        return full

    def written(self) -> bytes:
        """The file's bytes, once the graph was found to be a correct one."""
        import onnx

        onnx.checker.check_model(self.model)
        data: bytes = self.model.SerializeToString(deterministic=True)
        return data

    def _output(self, name: str, shape: list[int | None], *, text: bool = False) -> None:
        from onnx import TensorProto, helper

        kind = TensorProto.STRING if text else TensorProto.FLOAT
        self.graph.output.append(helper.make_tensor_value_info(name, kind, shape))


def _node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(kind, inputs, [output], name=f"noria_{output}", **attributes)


def _properties(packed: Package) -> Iterator[tuple[str, str]]:
    """What a reader without noria wants to know, as metadata of the file."""
    yield "label", packed.signature.label
    yield "classes", ",".join(map(str, packed.signature.classes or ()))  # of labels; probability has those it saw
    yield "missing text", "missing"
