"""Analyze: what the candidate does, and to whom, on rows it never saw."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.analyze import calibration, constant, disjoint, findings, near, sensitivity, slices
from noria.analyze.cells import Cells
from noria.errors import Failure, UserCodeFailed
from noria.model import package
from noria.model.format import Predictor
from noria.model.frame import columns_of
from noria.model.signature import Signature
from noria.stats.interval import bootstrap
from noria.stats.metrics import METRICS, all_of, default
from noria.stats.weighing import HALF
from noria.store.attempt import Alert, Attempt

FORMAT = 4
USES = {
    "preprocess": (*(f"rows.{split}.parquet" for split in ("train", "validation", "analysis")), "y.analysis.npy"),
    "train": ("model",),
}
LABEL_METRIC = {"classification": "accuracy", "multilabel": "f1_micro", "regression": "rmse"}  # slices are judged by it
MANY = 0.05  # of the analysis rows, the share with a twin in training from which it is told
WORST_SHARE = 0.1  # of a regression's answers, those that count as wrong

Values = NDArray[Any]


def run(attempt: Attempt) -> None:
    """Answer for every row of the analysis split and look at the answers from all sides."""
    rows = pl.read_parquet(attempt.open("preprocess", "rows.analysis.parquet"))
    y = np.load(attempt.open("preprocess", "y.analysis.npy"))
    proven = _disjoint(attempt, rows)
    packed = package.read(attempt.open("train", "model"), attempt.inputs["train"].outputs["model"].digest)
    predictor = packed.predictor()
    scores = predictor.predict(columns_of(rows, packed.signature.inputs)).scores
    _finite(scores)
    result = {"disjoint": proven, **overall(attempt, rows, y, scores, packed.signature)}
    attempt.progress("sensitivity", 0.6)
    result |= _changed(attempt, predictor, rows, y)
    result["findings"] = findings.findings(result)
    _save(attempt, result, rows, y, scores)


def overall(attempt: Attempt, rows: pl.DataFrame, y: Values, scores: Values, signature: Signature) -> dict[str, Any]:
    """All that follows from rows, truth and answers, without asking the model again."""
    from noria.analyze import fairness  # Fairlearn is slow to load

    config, schema = attempt.config, attempt.schema
    cells = Cells(rows)
    looked = list(dict.fromkeys([*config.slices, *schema.protected]))
    searched = sorted({*schema.protected, *(f.name for f in signature.inputs if f.kind != "text")})
    attempt.progress("metrics", 0.1)
    result: dict[str, Any] = {
        "task": schema.task,
        "rows": rows.height,
        "classes": None if signature.classes is None else list(signature.classes),
        "metrics": all_of(schema.task, y, scores),
        "intervals": _intervals(schema.task, y, scores, attempt.seed, config.rounds),
        "calibration": calibration.calibration(schema.task, y, scores),
        "protected": list(schema.protected),
        "positive": signature.positive,
    }
    attempt.progress("slices", 0.3)
    smallest = config.min_rows
    result["slices"] = slices.table(cells, looked, y, scores, schema.task, smallest)
    result["fairness"] = fairness.fairness(cells, schema.protected, y, scores, signature, smallest)
    result["dominated"] = _dominated(cells, sorted({*looked, *searched}), y, scores, signature, smallest)
    wrong = _wrong(y, scores, signature)
    result["found"] = slices.search(cells, searched, wrong, smallest) if config.find else []
    return result


def _wrong(y: Values, scores: Values, signature: Signature) -> NDArray[np.bool_]:
    """The rows with a bad answer: see ``slices.search``."""
    if signature.classes is None:
        gap = np.abs(scores - y)
        return np.asarray(gap > np.quantile(gap, 1 - WORST_SHARE))
    if signature.several:
        count = ((scores >= HALF) != (y > 0)).sum(axis=1)
        return np.asarray(count > np.median(count))
    return np.asarray(scores.argmax(axis=1) != y)


def _dominated(
    cells: Cells, columns: list[str], y: Values, scores: Values, signature: Signature, smallest: int
) -> list[dict[str, Any]]:
    if signature.classes is None:
        return []
    names = [str(one) for one in signature.classes]
    if not signature.several:
        return constant.dominated(cells, columns, y, scores.argmax(axis=1), names, smallest)
    given = scores >= HALF
    return [
        found
        for place, name in enumerate(names)
        for found in constant.dominated(cells, columns, y[:, place], given[:, place], [f"not {name}", name], smallest)
    ]


def _changed(attempt: Attempt, predictor: Predictor, rows: pl.DataFrame, y: Values) -> dict[str, Any]:
    """What follows from asking the model about other rows than there are."""
    at = sensitivity.some(rows.height, attempt.seed)
    few = rows[at]
    columns = columns_of(few, predictor.signature.inputs)
    metric, size = METRICS[default(attempt.schema.task)], attempt.config.sensitivity
    names = disjoint.names(few)
    moved = sensitivity.per_feature(predictor, columns, size, attempt.seed, names) if size else []
    return {
        "sensitivity": moved,
        "importance": sensitivity.importance(predictor, columns, y[at], metric, attempt.seed),
    }


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
    found["near"] = near.duplicates(rows, learned, attempt.schema)
    if found["near"]["telling"] and found["near"]["rows"] > MANY * rows.height:
        _tell_near(attempt, found["near"], rows.height)
    return found


def _tell_near(attempt: Attempt, twins: dict[str, Any], rows: int) -> None:
    what = f"{twins['rows']:,} of {rows:,} analysis rows are nearly the same as rows that were learned from"
    do = "See the report; name what such rows have in common as Schema(subject=...), so that they stay together."
    attempt.alert(Alert("warn", what, attempt.lifecycle, do, {"shown": twins["shown"]}))


def _finite(scores: Values) -> None:
    bad = int((~np.isfinite(scores.reshape(len(scores), -1))).any(axis=1).sum())
    if bad:
        raise UserCodeFailed(
            f"the model predicts NaN for {bad:,} analysis rows",
            where="analyze",
            do="Impute missing values in the preprocess function, or use another estimator.",
        )


def _intervals(task: str, y: Values, scores: Values, seed: int, rounds: int) -> dict[str, list[float]]:
    prepared = {name: METRICS[name].prepare(y, scores) for name in all_of(task, y, scores)}
    found = bootstrap(prepared, len(y), seed=seed, rounds=rounds)
    return {name: [low, high] for name, (low, high) in found.items() if np.isfinite(low)}


def _save(attempt: Attempt, result: dict[str, Any], rows: pl.DataFrame, y: Values, scores: Values) -> None:
    from noria.analyze import report  # drawing is slow to load

    attempt.progress("report", 0.9)
    attempt.save_json("analysis.json", result)
    attempt.save("report.html", report.report(attempt.lifecycle, result), "text/html")
    path = attempt.scratch / "predictions.parquet"
    kept = rows.select("_batch", "_row").with_columns(**_columns("y", y), **_columns("p", scores, single="value"))
    kept.write_parquet(path)
    attempt.save_file("predictions.parquet", path, "application/vnd.apache.parquet")
    attempt.facts.update(
        metrics=result["metrics"],
        worst_slice=slices.worst(result["slices"], LABEL_METRIC[attempt.schema.task]),
        fairness=report.largest_differences(result),
        near_duplicates=result["disjoint"]["near"]["rows"],
    )


def _columns(name: str, values: Values, single: str | None = None) -> dict[str, pl.Series]:
    """One column, or one for each class or label."""
    if values.ndim == 1:
        return {single or name: pl.Series(values)}
    return {f"{name}{place}": pl.Series(values[:, place]) for place in range(values.shape[1])}
