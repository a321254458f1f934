"""Small things to serve without a project: graphs that answer at once, and a shelf that a host follows."""

import math
from collections.abc import Callable, Mapping
from functools import cache

from onnx import TensorProto, helper

from noria.digest import Digest
from noria.errors import NotFound
from noria.model.package import Package
from noria.model.signature import Field, Signature
from noria.model.sklearn import dump
from noria.serve.follow import Known, Wanted
from noria.serve.keeping import Keeping

SIGNATURE = Signature((Field("age", "number"), Field("job", "category")), ("no", "yes"), "approved", "yes")
ROW = {"age": 40, "job": "clerk"}


def share(number: int) -> float:
    """The probability of yes that version ``number`` answers to all but infinite ages: who answered shows."""
    return number / 100


@cache
def package(number: int) -> Package:
    """A version that answers ``share(number)``."""
    made = TensorProto.FLOAT
    logit = math.log(share(number) / (1 - share(number)))
    nodes = [
        helper.make_node("IsNaN", ["age"], ["unknown"]),
        helper.make_node("Mul", ["age", "zero"], ["nothing"]),
        helper.make_node("Where", ["unknown", "zero", "nothing"], ["still"]),
        helper.make_node("Add", ["still", "logit"], ["shifted"]),
        helper.make_node("Sigmoid", ["shifted"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["probability"], axis=1),
        helper.make_node("ArgMax", ["probability"], ["label"], axis=1, keepdims=0),
    ]
    constants = [helper.make_tensor(n, made, [1], [v]) for n, v in (("zero", 0.0), ("one", 1.0), ("logit", logit))]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(n, kind, [None, 1]) for n, kind in (("age", made), ("job", TensorProto.STRING))],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probability", made, [None, 2]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return Package("onnx", SIGNATURE, {"model.onnx": model.SerializeToString(), "classes.txt": b"0 1"})


@cache
def packed(number: int) -> bytes:
    """The bytes of that version."""
    return package(number).to_bytes()


@cache
def python(number: int) -> bytes:
    """The same as a scikit-learn model."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.dummy import DummyClassifier

    truth = [1] * number + [0] * (100 - number)
    model = DummyClassifier(strategy="prior").fit([[0]] * len(truth), truth)
    ages = ColumnTransformer([("age", "passthrough", ["age"])]).fit(pd.DataFrame([ROW]))
    return Package("sklearn", SIGNATURE, dump({"preprocessor": ages, "model": model})).to_bytes()


class Shelf:
    """Implements ``Source`` in memory, of versions that ``make`` makes.

    ``fetched`` counts how often each version was; ``broken`` cannot be loaded.
    """

    def __init__(self, make: Callable[[int], bytes] = packed) -> None:
        self.make = make
        self.routes: dict[str, Wanted] = {}
        self.fetched: dict[int, int] = {}
        self.keeping: Keeping | None = None
        self.broken: dict[int, Exception] = {}
        self.away: Exception | None = None

    def route(
        self, name: str, weights: Mapping[int, int], *, versions: int = 5, shadow: tuple[int, ...] = (),
        explore: float = 0.0,
    ) -> None:  # fmt: skip
        """Divide an endpoint's traffic anew."""
        before = self.routes.get(name)
        known = {n: Known(n, Digest.of(self.make(n)).hex, f"r{n}", "run", f"v{n}") for n in range(1, versions + 1)}
        written = {str(number): weight for number, weight in weights.items()}
        revision = before.revision + 1 if before else 1
        self.routes[name] = Wanted(name, revision, written, "salt", known, shadow, explore)

    def wanted(self) -> dict[str, Wanted]:
        if self.away is not None:
            raise self.away
        return dict(self.routes)

    def fetch(self, known: Known) -> tuple[bytes, str | None, Keeping | None]:
        if known.number in self.broken:
            raise self.broken[known.number]
        if known.number not in range(1, 100):
            raise NotFound("no artifact", where="shelf", do="Put it there.")
        self.fetched[known.number] = self.fetched.get(known.number, 0) + 1
        return self.make(known.number), "applicant", self.keeping
