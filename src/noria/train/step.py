"""Train: the best candidate, fitted and packed with its preprocessing."""

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from noria.model import onnx, package, sklearn
from noria.model.package import Package
from noria.model.predictor import Prediction
from noria.model.signature import Signature, rows_of
from noria.stats.metrics import all_of
from noria.store.attempt import Attempt
from noria.train import fit

FORMAT = 1
USES = {
    "preprocess": tuple(
        f"{name}.{split}.{end}" for split in ("train", "validation") for name in "Xyw" for end in ("npy", "npz")
    )
    + ("signature.json", "preprocessor", "rows.validation.parquet"),
    "tune": ("params",),
}
TOLERANCE = 1e-3  # of a probability: ONNX computes in float32, where a row beside a tree's threshold may go over it
DIFFERENT = 0.001  # share of rows that may be beyond the tolerance


def run(attempt: Attempt) -> None:
    """Fit with the best parameters, measure on the validation split, pack."""
    params: Mapping[str, Any] = attempt.inputs["tune"].facts["params"]
    signature = Signature.from_json(attempt.read_json("preprocess", "signature.json"))
    made = fit.make(attempt.functions.get("train"), params, attempt.schema.task, attempt.seed)
    model = fit.fit(made, fit.part(attempt, "train"), params)
    validation = fit.part(attempt, "validation")
    answer = sklearn.answer_of(model, validation.X, signature).answer
    metrics = all_of(attempt.schema.task, np.asarray(validation.y), answer)
    preprocessor = pickle.loads(attempt.open("preprocess", "preprocessor").read_bytes())  # noqa: S301 - digest verified
    about = {"params": dict(params), "metrics": metrics, "estimator": type(model).__name__}
    packed, check = _pack(attempt, preprocessor, model, signature, about)
    attempt.save("model", package.pack(packed), "application/vnd.noria.model")
    attempt.save_json("onnx.json", check)
    attempt.facts.update(params=dict(params), metrics=metrics, format=packed.kind, estimator=type(model).__name__)


def _pack(
    attempt: Attempt, preprocessor: Any, model: Any, signature: Signature, about: Mapping[str, Any]
) -> tuple[Package, dict[str, Any]]:
    """The package as one ONNX graph if that answers the same, else the Python pipeline; and what the check found."""
    whole = Pipeline([("preprocess", preprocessor), ("model", model)])
    python = Pipeline([("preprocess", preprocessor), ("float32", FunctionTransformer(_float32)), ("model", model)])
    kept = Package("sklearn", signature, about, sklearn.dump(python))
    rows = pl.read_parquet(attempt.open("preprocess", "rows.validation.parquet"))
    frame = rows_of(rows, signature.inputs)
    truth = sklearn.answer_of(python, frame, signature)
    try:
        graph = onnx.convert(whole, signature)
        candidate = Package("onnx", signature, about, graph)
        found = candidate.predictor().predict({name: frame[name].to_numpy() for name in frame.columns})
    except Exception as error:  # noqa: BLE001 - any failure of a converter means the same: keep Python
        return kept, {"accepted": False, "reason": f"{type(error).__name__}: {str(error).splitlines()[0][:300]}"}
    check = compare(truth, found)
    return (candidate, check) if check["accepted"] else (kept, check)


def compare(truth: Prediction, found: Prediction) -> dict[str, Any]:
    """Whether a converted model answers as the original does: largest difference, and rows beyond the tolerance."""
    gap = np.abs(truth.answer - found.answer)
    scale = 1.0 if truth.answer.ndim == 2 else max(1.0, float(np.abs(truth.answer).max()))
    per_row = gap.reshape(len(gap), -1).max(axis=1) / scale
    beyond = int((per_row > TOLERANCE).sum())
    share = beyond / max(1, len(per_row))
    accepted = share <= DIFFERENT
    reason = "equal" if accepted else f"{beyond:,} of {len(per_row):,} rows differ by more than {TOLERANCE}"
    return {"accepted": accepted, "reason": reason, "rows": len(per_row), "beyond": beyond, "largest": float(gap.max())}


def _float32(features: Any) -> Any:
    return features.astype(np.float32)
