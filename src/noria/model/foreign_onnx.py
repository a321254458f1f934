"""An ONNX graph from elsewhere, given the inputs and outputs that noria's graphs have.

Tables of features become one input a column; ZipMap, double precision and single probabilities become one float table
of probabilities.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from noria.errors import BadInput
from noria.model.foreign import Wish, signature
from noria.model.package import Package
from noria.model.signature import Field

FLOAT, INT64, STRING, BOOL, DOUBLE = 1, 7, 8, 9, 11  # of onnx.TensorProto
KINDS = {STRING: "category", BOOL: "bool"}  # all others are numbers
NAMED = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
UNDERSTOOD = "Export it with one column or one table of features as inputs, and labels and probabilities as outputs."


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output: its element type, and its shape where that is known."""

    name: str
    kind: int
    shape: tuple[int | None, ...]

    @property
    def width(self) -> int | None:
        return 1 if len(self.shape) < 2 else self.shape[-1]


def adopt(data: bytes, wish: Wish, columns: Sequence[Field] = ()) -> Package:
    """The graph as a package.

    Parameters
    ----------
    columns
        The columns of a single input table, if they are known by name.

    Raises
    ------
    BadInput
        If it is no ONNX graph, keeps numbers in other files, or has inputs or outputs that are not understood.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        text = (str(error).splitlines() or [""])[0][:200]
        raise BadInput(f"this is no ONNX model: {text}", where="import", do="Export it again.") from error
    if any(one.data_location == onnx.TensorProto.EXTERNAL for one in model.graph.initializer):
        raise BadInput("the model keeps its numbers in other files", where="import", do="Export it as one file.")
    graph = _Adopted(model)
    fields = graph.take(columns)
    classes, found = graph.answer(wish)
    made = signature(fields, classes, wish, found)
    seen = "" if made.classes is None else " ".join(map(str, range(len(made.classes))))
    files = {"model.onnx": model.SerializeToString(deterministic=True), "classes.txt": seen.encode()}
    return Package("onnx", made, files)


class _Adopted:
    def __init__(self, model: Any) -> None:
        self.graph = model.graph
        held = {one.name for one in self.graph.initializer}
        self.inputs = [_tensor(one) for one in self.graph.input if one.name not in held]
        self.named = _names(self.graph.node)
        _without_zipmap(self.graph)
        self.outputs = [_tensor(one) for one in self.graph.output]

    def take(self, columns: Sequence[Field]) -> list[Field]:
        """Put one input a column before the graph's own."""
        fields: list[Field] = []
        before: list[Any] = []
        for one in self.inputs:
            if one.width is None and not (columns and len(self.inputs) == 1):
                raise BadInput(
                    f"input {one.name!r} does not say how many columns it has", where="import", do=UNDERSTOOD
                )
            names = self._columns_of(one, columns)
            fields += names
            before += self._joined(one, names)
        if len({one.name for one in fields}) != len(fields) or not fields:
            raise BadInput("the inputs have no names of their own", where="import", do=UNDERSTOOD)
        inside = list(self.graph.node)
        del self.graph.input[:], self.graph.node[:]
        self.graph.input.extend(_value(one.name, FLOAT if one.numeric else STRING, [None, 1]) for one in fields)
        self.graph.node.extend([*before, *inside])
        return fields

    def answer(self, wish: Wish) -> tuple[list[str] | None, int | None]:
        """Make the outputs label and probability, or value; the classes, and how many probabilities there are."""
        scores = [one for one in self.outputs if one.kind in (FLOAT, DOUBLE)]
        if not scores:
            raise BadInput("no output holds numbers: labels alone are not enough", where="import", do=UNDERSTOOD)
        last = scores[-1]
        labels = len(self.outputs) > len(scores)
        del self.graph.output[:]
        if not labels and not self.named and not wish.classes and last.width == 1:
            self._then("Cast", [last.name], "noria_float", to=FLOAT)
            self._then("Reshape", ["noria_float", self._whole("column", [-1, 1])], "noria_value")
            self.graph.output.append(_value("noria_value", FLOAT, [None, 1]))
            return None, None
        self._then("Cast", [last.name], "noria_float", to=FLOAT)
        width = last.width
        if width == 1:
            self._both()
            width = 2
        else:
            self._then("Identity", ["noria_float"], "noria_probability")
        self._then("ArgMax", ["noria_probability"], "noria_label", axis=1, keepdims=0)
        self.graph.output.extend(
            [_value("noria_label", INT64, [None]), _value("noria_probability", FLOAT, [None, width])]
        )
        names = self.named if width in (None, len(self.named)) and self.named else list(map(str, range(width or 0)))
        return names, width

    def _both(self) -> None:
        """The probability of the first of two classes, beside that of the second."""
        self._then("Reshape", ["noria_float", self._whole("column", [-1, 1])], "noria_yes")
        self._then("Sub", [self._one(), "noria_yes"], "noria_no")
        self._then("Concat", ["noria_no", "noria_yes"], "noria_probability", axis=1)

    def _columns_of(self, one: Tensor, columns: Sequence[Field]) -> list[Field]:
        if columns and len(self.inputs) == 1 and one.width in (None, len(columns)):
            return list(columns)
        known = {field.name: field for field in columns}
        if one.width == 1:
            return [known.get(one.name, Field(one.name, KINDS.get(one.kind, "number")))]
        return [Field(f"{one.name}_{place}", KINDS.get(one.kind, "number")) for place in range(one.width or 0)]

    def _joined(self, one: Tensor, fields: Sequence[Field]) -> Iterator[Any]:
        """The nodes that make the graph's input of its columns; the graph takes it under a name that is free."""
        inner = f"noria_in_{one.name}"
        for node in self.graph.node:
            node.input[:] = [inner if name == one.name else name for name in node.input]
        yield _node("Concat", [field.name for field in fields], f"{inner}_table", axis=1)
        yield _node("Cast", [f"{inner}_table"], f"{inner}_cast", to=one.kind)
        flat = len(one.shape) < 2
        shape = self._whole("row", [-1]) if flat else self._whole(f"width_{len(fields)}", [-1, len(fields)])
        yield _node("Reshape", [f"{inner}_cast", shape], inner)

    def _then(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.graph.node.append(_node(kind, inputs, output, **attributes))

    def _whole(self, name: str, values: list[int]) -> str:
        return self._constant(f"noria_{name}", values, INT64)

    def _one(self) -> str:
        return self._constant("noria_one", [1.0], FLOAT)

    def _constant(self, name: str, values: list[Any], kind: int) -> str:
        from onnx import helper

        if name not in {one.name for one in self.graph.initializer}:
            self.graph.initializer.append(helper.make_tensor(name, kind, [len(values)], values))
        return name


def _tensor(value: Any) -> Tensor:
    held = value.type.tensor_type
    shape = tuple(one.dim_value or None for one in held.shape.dim)
    return Tensor(value.name, held.elem_type, shape)


def _names(nodes: Sequence[Any]) -> list[str]:
    """The classes by the node that speaks last: ZipMap names them as they were in the data, a tree by their numbers."""
    found = [[str(one) for one in _classes_of(node)] for node in nodes]
    return next((names for names in reversed(found) if names), [])


def _classes_of(node: Any) -> Iterator[Any]:
    from onnx import helper

    for one in node.attribute:
        if one.name in NAMED:
            found = helper.get_attribute_value(one)
            yield from (name.decode() if isinstance(name, bytes) else name for name in found)
            return


def _without_zipmap(graph: Any) -> None:
    """Give out the table of probabilities instead of one dictionary a row."""
    for node in [one for one in graph.node if one.op_type == "ZipMap"]:
        names = list(_classes_of(node))
        for place, output in enumerate(graph.output):
            if output.name == node.output[0]:
                graph.output[place].CopyFrom(_value(node.input[0], FLOAT, [None, len(names)]))
        graph.node.remove(node)


def _value(name: str, kind: int, shape: list[int | None]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, shape)


def _node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(kind, inputs, [output], name=output, **attributes)
