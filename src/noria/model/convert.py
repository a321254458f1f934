"""A fitted preprocessor and estimator as one ONNX graph, and the proof that it gives the same answers."""

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from noria.model import torch, torch_graph
from noria.model.converters import register
from noria.model.format import Prediction
from noria.model.signature import Signature
from noria.model.xgboost import AnyLabels

OPSET = {"": 18, "ai.onnx.ml": 3}
DIFFERING_SHARE = 0.005  # of rows: a float32 beside a split threshold may fall on its other side


class CannotConvert(Exception):
    """There is no ONNX for this model; the text says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """A conversion, compared row by row.

    rows
        How many were compared.
    differing
        How many differ by more than the tolerance.
    labels
        How many got another label.
    largest
        The largest difference.
    """

    rows: int
    differing: int
    labels: int
    largest: float
    tolerance: float

    @property
    def accepted(self) -> bool:
        return self.labels == 0 and self.differing <= self.rows * DIFFERING_SHARE

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "accepted": self.accepted}


def files_of(preprocessor: Any, estimator: Any, signature: Signature) -> dict[str, bytes]:
    """The graph, as files of a package.

    Raises
    ------
    CannotConvert
        If a part of the model has no converter.
    """
    names = [field.name for field in signature.inputs]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = _graph(preprocessor, estimator, signature)
    except Exception as error:  # converters raise whatever they meet
        text = (str(error).splitlines() or [""])[0][:300]
        raise CannotConvert(f"{type(error).__name__}: {text}") from error
    _restore_names(model, names)
    _any_machine(model)
    classes = () if signature.several else getattr(estimator, "classes_", ())
    seen = " ".join(str(int(one)) for one in classes)
    return {"model.onnx": model.SerializeToString(deterministic=True), "classes.txt": seen.encode()}


def _graph(preprocessor: Any, estimator: Any, signature: Signature) -> Any:
    """The graph as the converters make it."""
    from sklearn.pipeline import Pipeline

    if torch.is_torch(estimator):
        return torch_graph.behind(_by_skl2onnx(preprocessor, signature, None), estimator)
    inner = estimator.estimator if isinstance(estimator, AnyLabels) else estimator
    options = {id(inner): {"zipmap": False}} if hasattr(inner, "predict_proba") else None
    return _by_skl2onnx(Pipeline([("preprocessor", preprocessor), ("model", inner)]), signature, options)


def _by_skl2onnx(pipeline: Any, signature: Signature, options: Any) -> Any:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    register()
    kinds = [
        (f.name, FloatTensorType([None, 1]) if f.numeric else StringTensorType([None, 1])) for f in signature.inputs
    ]
    return convert_sklearn(pipeline, initial_types=kinds, options=options, target_opset=OPSET, name="noria")


def compare(python: Prediction, onnx: Prediction, tolerance: float) -> Check:
    """How far two models' answers to the same rows are apart."""
    a, b = python.scores.astype(np.float64), onnx.scores.astype(np.float64)
    scale = 1.0 if python.label is not None else np.maximum(1.0, np.abs(a))
    gap = np.abs(a - b) / scale
    apart = gap.max(axis=1) if gap.ndim == 2 else gap
    apart = np.where(np.isnan(apart), np.inf, apart)
    labels = 0
    if python.label is not None and onnx.label is not None:
        labels = int((python.label != onnx.label).sum())
    largest = float(apart.max()) if len(apart) else 0.0
    return Check(len(a), int((apart > tolerance).sum()), labels, largest, tolerance)


def _any_machine(model: Any) -> None:
    """Lower case by the locale that every Linux has: the one ONNX Runtime takes by itself is often not there."""
    from onnx.helper import make_attribute

    for node in model.graph.node:
        if node.op_type == "StringNormalizer":
            kept = [one for one in node.attribute if one.name != "locale"]
            del node.attribute[:]
            node.attribute.extend([*kept, make_attribute("locale", "C.UTF-8")])


def _restore_names(model: Any, names: list[str]) -> None:
    """Give the graph's inputs the columns' names back: skl2onnx spells them without spaces and signs."""
    if len(model.graph.input) != len(names):
        if not {one.name for one in model.graph.input} <= set(names):
            raise CannotConvert("the graph's inputs cannot be told apart")
        return
    renamed = {one.name: name for one, name in zip(model.graph.input, names, strict=True)}
    for one in model.graph.input:
        one.name = renamed[one.name]
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name in renamed:
                node.input[place] = renamed[name]
