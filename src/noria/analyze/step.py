"""Analyze: what the candidate does, and to whom, on rows it never saw."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.analyze import calibration, constant, disjoint, fairness, report, sensitivity, slices
from noria.errors import Failure, UserCodeFailed
from noria.model import package
from noria.model.frame import columns_of
from noria.model.signature import Signature
from noria.stats.interval import bootstrap
from noria.stats.metrics import METRICS, all_of, default
from noria.store.attempt import Attempt

FORMAT = 2
USES = {
    "preprocess": (*(f"rows.{split}.parquet" for split in ("train", "validation", "analysis")), "y.analysis.npy"),
    "train": ("model",),
}


def run(attempt: Attempt) -> None:
    """Answer for every row of the analysis split and look at the answers from all sides."""
    rows = pl.read_parquet(attempt.open("preprocess", "rows.analysis.parquet"))
    y = np.load(attempt.open("preprocess", "y.analysis.npy"))
    proven = _disjoint(attempt, rows)
    packed = package.read(attempt.open("train", "model"), attempt.inputs["train"].outputs["model"].digest)
    predictor = packed.predictor()
    columns = columns_of(rows, packed.signature.inputs)
    scores = predictor.predict(columns).scores
    _finite(scores)
    result = {"disjoint": proven, **overall(attempt, rows, y, scores, packed.signature)}
    attempt.progress("sensitivity", 0.6)
    metric = METRICS[default(attempt.schema.task)]
    size = attempt.config.sensitivity
    result["sensitivity"] = sensitivity.per_feature(predictor, columns, size, attempt.seed) if size else []
    result["importance"] = sensitivity.importance(predictor, columns, y, metric, attempt.seed)
    _save(attempt, result, rows, y, scores)


def overall(
    attempt: Attempt, rows: pl.DataFrame, y: NDArray[Any], scores: NDArray[Any], signature: Signature
) -> dict[str, Any]:
    """All that follows from rows, truth and answers, without asking the model again."""
    config, schema = attempt.config, attempt.schema
    looked = list(dict.fromkeys([*config.slices, *schema.protected]))
    features = [field.name for field in signature.inputs if field.kind != "text"]
    attempt.progress("metrics", 0.1)
    result: dict[str, Any] = {
        "task": schema.task,
        "rows": rows.height,
        "classes": None if signature.classes is None else list(signature.classes),
        "metrics": all_of(schema.task, y, scores),
        "intervals": _intervals(schema.task, y, scores, attempt.seed, config.rounds),
        "slices": slices.table(rows, looked, y, scores, schema.task, config.min_rows),
        "protected": list(schema.protected),
        "fairness": {},
        "dominated": [],
        "calibration": None,
        "positive": signature.positive,
    }
    attempt.progress("slices", 0.3)
    if signature.classes is not None:
        given = scores.argmax(axis=1)
        truth = (y == signature.positive_index).astype(np.int64)
        favoured = (given == signature.positive_index).astype(np.int64)
        wrong = given != y
        result["fairness"] = fairness.between_groups(rows, schema.protected, truth, favoured, config.min_rows)
        result["dominated"] = constant.dominated(rows, sorted({*looked, *features}), y, given, config.min_rows)
        result["calibration"] = calibration.calibration(y, scores)
    else:
        gap = np.abs(scores - y)
        wrong = gap > np.quantile(gap, 0.9)
    searched = sorted({*schema.protected, *features})
    result["found"] = slices.search(rows, searched, wrong, config.min_rows) if config.find else []
    return result


def _disjoint(attempt: Attempt, rows: pl.DataFrame) -> dict[str, Any]:
    splits = ("train", "validation")
    learned = pl.concat([pl.read_parquet(attempt.open("preprocess", f"rows.{name}.parquet")) for name in splits])
    found = disjoint.proof(rows, learned, attempt.schema)
    if found["shared"]:
        raise Failure(
            f"{found['shared']:,} analysis rows were learned from: {', '.join(found['rows_shown'])}",
            where="disjointness proof",
            do="Nothing was released. Report this: the split is wrong.",
        )
    return found


def _finite(scores: NDArray[Any]) -> None:
    bad = int((~np.isfinite(scores.reshape(len(scores), -1))).any(axis=1).sum())
    if bad:
        raise UserCodeFailed(
            f"the model predicts NaN for {bad:,} analysis rows",
            where="analyze",
            do="Impute missing values in the preprocess function, or use another estimator.",
        )


def _at(measure: Callable[..., float], y: NDArray[Any], scores: NDArray[Any], rows: NDArray[Any]) -> float:
    return measure(y[rows], scores[rows])


def _intervals(task: str, y: NDArray[Any], scores: NDArray[Any], seed: int, rounds: int) -> dict[str, list[float]]:
    found = {}
    for name in all_of(task, y, scores):
        measure = METRICS[name].of
        low, high = bootstrap(partial(_at, measure, y, scores), len(y), seed=seed, rounds=rounds)
        if np.isfinite(low):
            found[name] = [low, high]
    return found


def _save(attempt: Attempt, result: dict[str, Any], rows: pl.DataFrame, y: NDArray[Any], scores: NDArray[Any]) -> None:
    attempt.progress("report", 0.9)
    attempt.save_json("analysis.json", result)
    attempt.save("report.html", report.report(attempt.lifecycle, result), "text/html")
    answers = {f"p{k}": scores[:, k] for k in range(scores.shape[1])} if scores.ndim == 2 else {"value": scores}
    path = attempt.scratch / "predictions.parquet"
    kept = rows.select("_batch", "_row").with_columns(
        pl.Series("y", y), **{k: pl.Series(v) for k, v in answers.items()}
    )
    kept.write_parquet(path)
    attempt.save_file("predictions.parquet", path, "application/vnd.apache.parquet")
    metric = "accuracy" if attempt.schema.task == "classification" else default(attempt.schema.task)
    attempt.facts.update(
        metrics=result["metrics"],
        worst_slice=slices.worst(result["slices"], metric),
        fairness=report.largest_differences(result),
    )
