"""A fitted preprocessor and estimator as one ONNX graph, and the proof that it gives the same answers."""

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from noria.model.format import Prediction
from noria.model.signature import Signature

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
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.pipeline import Pipeline

    register()
    kinds = [
        (f.name, FloatTensorType([None, 1]) if f.numeric else StringTensorType([None, 1])) for f in signature.inputs
    ]
    both = Pipeline([("preprocessor", preprocessor), ("model", estimator)])
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = convert_sklearn(both, initial_types=kinds, options=options, target_opset=OPSET, name="noria")
    except Exception as error:  # converters raise whatever they meet
        text = (str(error).splitlines() or [""])[0][:300]
        raise CannotConvert(f"{type(error).__name__}: {text}") from error
    _restore_names(model, [f.name for f in signature.inputs])
    _any_machine(model)
    classes = () if signature.several else getattr(estimator, "classes_", ())
    seen = " ".join(str(int(one)) for one in classes)
    return {"model.onnx": model.SerializeToString(deterministic=True), "classes.txt": seen.encode()}


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


@cache
def register() -> None:
    """Teach skl2onnx LightGBM, and histogram boosting with the present onnx; once a process."""
    import lightgbm
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter, get_shape_calculator
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    update_registered_converter(
        lightgbm.LGBMClassifier,
        "NoriaLightGbmClassifier",
        calculate_linear_classifier_output_shapes,
        convert_lightgbm,
        options=options,
    )
    update_registered_converter(
        lightgbm.LGBMRegressor,
        "NoriaLightGbmRegressor",
        calculate_linear_regressor_output_shapes,
        convert_lightgbm,
        options={"split": None},
    )
    for kind in (HistGradientBoostingClassifier, HistGradientBoostingRegressor):
        alias = sklearn_operator_name_map[kind]
        update_registered_converter(
            kind,
            alias,
            get_shape_calculator(alias),
            _with_whole_numbers(get_converter(alias)),
            options={**options, "raw_scores": [True, False]},
        )


class _WholeNumbers:
    """A container whose nodes never get booleans: onnx refuses them where skl2onnx 1.20 gives them."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *args: Any, **attributes: Any) -> Any:
        whole = {
            name: [int(v) if isinstance(v, bool | np.bool_) else v for v in value] if isinstance(value, list) else value
            for name, value in attributes.items()
        }
        return self._container.add_node(*args, **whole)


def _with_whole_numbers(convert: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    def converter(scope: Any, operator: Any, container: Any) -> None:
        convert(scope, operator, _WholeNumbers(container))

    return converter


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
