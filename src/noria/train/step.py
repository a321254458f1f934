"""Train: the best candidate, fitted, measured and packed with its preprocessing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from noria.model import convert, lightgbm, sklearn, torch, xgboost
from noria.model.environment import environment
from noria.model.frame import columns_of
from noria.model.package import Package
from noria.model.signature import Signature
from noria.model.stable import unpickled
from noria.stats.metrics import all_of
from noria.store.attempt import Attempt
from noria.train import fit, spread
from noria.train.arrays import files, open_part
from noria.train.config import Train
from noria.train.tune_step import ARRAYS, how

FORMAT = 4
USES = {
    "preprocess": (*ARRAYS, "signature.json", "preprocessor", "rows.analysis.parquet"),
    "tune": ("params",),
}


def run(attempt: Attempt) -> None:
    """Fit with the best parameters, measure on the validation split, pack."""
    params: Mapping[str, Any] = attempt.inputs["tune"].facts["params"]
    signature = Signature.of(attempt.read_json("preprocess", "signature.json"))
    made = fit.make(attempt.functions.get("train"), params, attempt.schema.task, attempt.seed)
    attempt.progress("fit", 0.1)
    model = _fitted(attempt, made, params)
    validation = open_part(files(attempt, "validation"))
    scores = fit.answers(model, validation, signature)
    metrics = all_of(attempt.schema.task, np.asarray(validation.y), scores)
    attempt.progress("pack", 0.7)
    about = {"lifecycle": attempt.lifecycle, "estimator": type(model).__name__, "metrics": metrics}
    packed, check = _pack(attempt, model, signature, params, about)
    attempt.save("model", packed.to_bytes(), "application/vnd.noria.model")
    attempt.save_json("onnx.json", check)
    attempt.facts.update(params=dict(params), metrics=metrics, format=packed.kind, estimator=type(model).__name__)
    attempt.facts["environment"] = environment()


def _fitted(attempt: Attempt, made: Any, params: Mapping[str, Any]) -> Any:
    config, where = attempt.config, files(attempt, "train")
    if isinstance(config, Train) and config.processes > 1:
        return spread.fit(made, where, config.processes, attempt.scratch)
    return fit.fit(made, open_part(where), params, how(attempt))


def _pack(
    attempt: Attempt, model: Any, signature: Signature, params: Mapping[str, Any], about: Mapping[str, Any]
) -> tuple[Package, dict[str, Any]]:
    """One ONNX graph if it gives the same answers, else the Python model; and what the comparison found."""
    config = attempt.config if isinstance(attempt.config, Train) else Train()
    kept = attempt.open("preprocess", "preprocessor").read_bytes()
    preprocessor = unpickled(kept)  # opening it verified its digest against the metadata store
    kind, files = _python(preprocessor, kept, model)
    python = Package(kind, signature, files, params, about)
    if not config.onnx:
        return python, {"accepted": False, "reason": "Train(onnx=False)"}
    try:
        graph = Package("onnx", signature, convert.files_of(preprocessor, model, signature), params, about)
        predictor = graph.predictor()
        rows = pl.read_parquet(attempt.open("preprocess", "rows.analysis.parquet"))
        columns = columns_of(rows, signature.inputs)
        found = predictor.predict(columns)
    except Exception as error:  # a converter or the runtime refuses: whatever it says is the reason
        text = (str(error).splitlines() or [""])[0][:300]
        return python, {"accepted": False, "reason": f"{type(error).__name__}: {text}"}
    check = convert.compare(sklearn.Fitted(signature, preprocessor, model).predict(columns), found, config.tolerance)
    if check.accepted:
        return graph, {**check.plain(), "reason": "the same answers"}
    reason = f"{check.differing:,} of {check.rows:,} rows differ, {check.labels:,} in the label"
    return python, {**check.plain(), "reason": reason}


def _python(preprocessor: Any, kept: bytes, model: Any) -> tuple[str, dict[str, bytes]]:
    """Kind and files of a model that runs in Python; ``kept`` is the pickle that holds the preprocessor."""
    if lightgbm.is_lightgbm(model):
        return "lightgbm", lightgbm.files_of(preprocessor, kept, model)
    if xgboost.is_xgboost(model):
        return "xgboost", xgboost.files_of(preprocessor, kept, model)
    if torch.is_torch(model):
        return "torch", torch.files_of(preprocessor, kept, model)
    return "sklearn", sklearn.dump({"preprocessor": preprocessor, "model": model}, {"preprocessor": kept})
