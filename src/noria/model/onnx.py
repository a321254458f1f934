"""Preprocessing and model as one ONNX graph."""

from typing import Any

import numpy as np
import onnxruntime as ort
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

from noria.model.predictor import Columns, Prediction
from noria.model.signature import Signature

FILE = "model.onnx"
OPSET = {"": 18, "ai.onnx.ml": 3}


def convert(pipeline: Any, signature: Signature) -> bytes:
    """A fitted pipeline as an ONNX graph with one input [n, 1] a column.

    Raises
    ------
    Exception
        Whatever the converters raise for parts they do not know; the caller keeps the Python model then.
    """
    _register()
    types = [
        (one.name, FloatTensorType([None, 1]) if one.kind == "number" else StringTensorType([None, 1]))
        for one in signature.inputs
    ]
    last = pipeline.steps[-1][1]
    options = {id(last): {"zipmap": False}} if signature.classes is not None else None
    graph = convert_sklearn(pipeline, initial_types=types, options=options, target_opset=OPSET)
    return bytes(graph.SerializeToString())


class Onnx:
    """Implements ``Predictor``; one thread a call: small requests are slower with more."""

    def __init__(self, graph: bytes, signature: Signature) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._numbers = {one.name for one in signature.inputs if one.kind == "number"}
        names = [output.name for output in self._session.get_outputs()]
        self._output = names[-1]
        self._wanted = [node.name for node in self._session.get_inputs()]
        self._classes = signature.classes

    def predict(self, columns: Columns) -> Prediction:
        feed = {
            name: columns[name].astype(np.float32 if name in self._numbers else object).reshape(-1, 1)
            for name in self._wanted
        }
        answer = np.asarray(self._session.run([self._output], feed)[0], dtype=np.float64)
        return Prediction(answer if self._classes is not None else answer.reshape(-1))


def _register() -> None:
    """Teach skl2onnx the LightGBM estimators; doing it again changes nothing."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes

    update_registered_converter(
        LGBMClassifier, "LightGbmLGBMClassifier", calculate_linear_classifier_output_shapes, convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )  # fmt: skip
    update_registered_converter(
        LGBMRegressor, "LightGbmLGBMRegressor", calculate_linear_regressor_output_shapes, convert_lightgbm
    )
