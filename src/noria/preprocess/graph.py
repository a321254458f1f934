"""The transformers of texts and lists as ONNX nodes: the same features, without Python.

skl2onnx asks a fitted transformer itself for its converter (``onnx_converter``) if it knows none for its class.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from noria.model.signature import MISSING

PAD, BEGIN, END = "\x01", "\x02", "\x03"  # what the tokenizer puts after, before and behind the tokens of a row
MICROSOFT, LEARNING = "com.microsoft", "ai.onnx.ml"
FLOAT, INT64, STRING = 1, 7, 8  # of onnx.TensorProto
WORD = r"[\pL\pN_]+"  # what \w+ is in Python


class Graph:
    """Writes nodes; each method adds some and gives the name of what they make."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def constant(self, values: Any) -> str:
        """An array of int64 or float32."""
        array = np.asarray(values)
        kind = INT64 if array.dtype == np.int64 else FLOAT
        name = str(self._scope.get_unique_variable_name("constant"))
        self._container.add_initializer(name, kind, list(array.shape), array.ravel().tolist())
        return name

    def node(self, op: str, *inputs: str, domain: str = "", version: int | None = None, **attributes: Any) -> str:
        """Any operator with one output."""
        made = str(self._scope.get_unique_variable_name(op.lower()))
        named = self._scope.get_unique_operator_name(op)
        self._container.add_node(op, list(inputs), [made], domain, op_version=version, name=named, **attributes)
        return made

    def tokens(self, texts: str, **how: Any) -> str:
        """Texts [n, 1] as tokens [n, most + 2]: begin, the tokens, end, padding; [n, 0] if no text has any."""
        flat = self.node("Reshape", texts, self.constant(np.array([-1])), version=14)
        marks: dict[str, Any] = {"mark": 1, "pad_value": PAD, "mincharnum": 1}
        return self.node("Tokenizer", flat, domain=MICROSOFT, version=1, **marks, **how)

    def lookup(self, texts: str, values: Mapping[str, int], other: int) -> str:
        """The number of each text, int64."""
        keys: dict[str, Any] = {
            "keys_strings": list(values),
            "values_int64s": list(values.values()),
            "default_int64": other,
        }
        return self.node("LabelEncoder", texts, domain=LEARNING, version=2, **keys)

    def there(self, texts: str) -> str:
        """1 for texts, 0 for those that are missing."""
        return self.lookup(texts, {MISSING: 0}, 1)

    def indices(self, tokens: str, texts: str, known: Sequence[str], length: int) -> str:
        """The indices of the first tokens of texts, int64 [n, length]; 0 behind the last one, 1 for those unknown."""
        numbers = {**{one: 2 + place for place, one in enumerate(known)}, PAD: 0, END: 0}
        found = self.lookup(tokens, numbers, 1)
        ends = (self.constant(np.array([one])) for one in (1, length + 1, 1))  # from behind the begin mark
        first = self.node("Slice", self.widened(found, length + 1), *ends, version=13)
        return self.node("Mul", first, self.there(texts), version=14)

    def widened(self, numbers: str, by: int) -> str:
        """More columns, with zeros: what has none at all is not summed rightly by ONNX Runtime."""
        return self.node("Pad", numbers, self.constant(np.array([0, 0, 0, by])), version=13)

    def counts(self, tokens: str, known: Sequence[str]) -> str:
        """How often each known token stands in each row, float32 [n, known]."""
        places = list(range(len(known)))
        single: dict[str, Any] = {
            "min_gram_length": 1,
            "max_gram_length": 1,
            "max_skip_count": 0,
            "ngram_counts": [0],
            "mode": "TF",
        }
        pool: dict[str, Any] = {"pool_strings": list(known), "ngram_indexes": places}
        return self.node("TfIdfVectorizer", tokens, version=9, **single, **pool)

    def lowered(self, texts: str) -> str:
        """Texts [n, 1] with small letters."""
        flat = self.node("Reshape", texts, self.constant(np.array([-1])), version=14)
        small = self.node("StringNormalizer", flat, version=10, case_change_action="LOWER", is_case_sensitive=1)
        return self.node("Reshape", small, self.constant(np.array([-1, 1])), version=14)

    def as_float(self, numbers: str) -> str:
        return self.node("Cast", numbers, version=13, to=FLOAT)


Block = Callable[[Graph, str, int], str]  # the features of one column from its texts [n, 1]


def shapes(whole: bool) -> Callable[[Any], None]:
    """What skl2onnx is to know of the output: int64 or float32, and how many features."""

    def calculate(operator: Any) -> None:
        from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

        features = len(operator.raw_operator.get_feature_names_out())
        operator.outputs[0].type = (Int64TensorType if whole else FloatTensorType)([None, features])

    return calculate


def converter(block: Block) -> Callable[[Any, Any, Any], None]:
    """A converter that writes the block of each column, one beside the other."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        from skl2onnx.common.data_types import StringTensorType

        fitted, inputs = operator.raw_operator, operator.inputs
        if not all(isinstance(one.type, StringTensorType) for one in inputs):
            raise NotImplementedError(f"{type(fitted).__name__} has an ONNX for columns of texts only")
        graph = Graph(scope, container)
        texts = [one.full_name for one in inputs]
        whole = texts[0] if len(texts) == 1 else graph.node("Concat", *texts, version=13, axis=1)
        places = range(fitted.n_features_in_)
        columns = [graph.node("Gather", whole, graph.constant(np.array([one])), version=13, axis=1) for one in places]
        blocks = [block(graph, column, place) for place, column in enumerate(columns)]
        container.add_node(
            "Concat", blocks, operator.outputs[0].full_name, op_version=13, axis=1,
            name=scope.get_unique_operator_name("Concat"),
        )  # fmt: skip

    return convert
