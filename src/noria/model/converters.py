"""What skl2onnx is taught: LightGBM, XGBoost, and histogram boosting with the present onnx."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
MARGIN = 4e-6  # some 30 units in the last place of a float32
Converter = Callable[[Any, Any, Any], None]


@cache
def register() -> None:
    """Teach it; once a process."""
    _lightgbm()
    _histograms()
    if find_spec("xgboost") is not None:
        _xgboost()


def _lightgbm() -> None:
    import lightgbm
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    _add(lightgbm.LGBMClassifier, "NoriaLightGbmClassifier", convert_lightgbm, regressor=False)
    _add(lightgbm.LGBMRegressor, "NoriaLightGbmRegressor", convert_lightgbm, regressor=True, options={"split": None})


def _xgboost() -> None:
    import xgboost
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

    convert = _changing(convert_xgboost, _lowered)
    _add(xgboost.XGBClassifier, "NoriaXgboostClassifier", convert, regressor=False)
    _add(xgboost.XGBRegressor, "NoriaXgboostRegressor", convert, regressor=True, options={})


def _add(kind: type, alias: str, convert: Converter, *, regressor: bool, options: dict[str, Any] | None = None) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    shapes = calculate_linear_regressor_output_shapes if regressor else calculate_linear_classifier_output_shapes
    update_registered_converter(kind, alias, shapes, convert, options=OPTIONS if options is None else options)


def _histograms() -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter, get_shape_calculator
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    for kind in (HistGradientBoostingClassifier, HistGradientBoostingRegressor):
        alias = sklearn_operator_name_map[kind]
        update_registered_converter(
            kind,
            alias,
            get_shape_calculator(alias),
            _changing(get_converter(alias), _whole),
            options={**OPTIONS, "raw_scores": [True, False]},
        )


class _Changed:
    """A container in which the attributes of nodes are changed before they are kept."""

    def __init__(self, container: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._container, self._change = container, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *args: Any, **attributes: Any) -> Any:
        return self._container.add_node(*args, **self._change(attributes))


def _changing(convert: Converter, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Converter:
    def converter(scope: Any, operator: Any, container: Any) -> None:
        convert(scope, operator, _Changed(container, change))

    return converter


def _whole(attributes: dict[str, Any]) -> dict[str, Any]:
    """No booleans: onnx refuses them where skl2onnx 1.20 gives them."""
    return {
        name: [int(v) if isinstance(v, bool | np.bool_) else v for v in value] if isinstance(value, list) else value
        for name, value in attributes.items()
    }


def _lowered(attributes: dict[str, Any]) -> dict[str, Any]:
    """Splits a little lower. XGBoost splits at values that rows have, ``x < value``; a graph that scales x in float32
    comes to a number beside it, which has to stay on the same side."""
    if "nodes_values" not in attributes:
        return attributes
    values = np.asarray(attributes["nodes_values"], dtype=np.float64)
    return {**attributes, "nodes_values": (values - MARGIN * np.maximum(1, np.abs(values))).tolist()}
