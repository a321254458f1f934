"""Analyze: what the candidate does, and to whom, on rows it never saw."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from noria.analyze import charts, constant, disjoint, fairness, sensitivity, slices
from noria.data.schema import Schema
from noria.errors import Failure
from noria.model import package
from noria.model.signature import Signature, rows_of
from noria.stats.interval import bootstrap
from noria.stats.metrics import METRICS, all_of, default
from noria.store.attempt import Attempt

FORMAT = 1
USES = {
    "preprocess": tuple(f"rows.{split}.parquet" for split in ("train", "validation", "analysis")) + ("y.analysis.npy",),
    "train": ("model",),
}


def run(attempt: Attempt) -> None:
    """Answer for every row of the analysis split and look at the answers from all sides."""
    config, schema = attempt.config, attempt.schema
    rows = pl.read_parquet(attempt.open("preprocess", "rows.analysis.parquet"))
    y = np.load(attempt.open("preprocess", "y.analysis.npy"))
    packed = package.read(attempt.open("train", "model"))
    predictor, signature = packed.predictor(), packed.signature
    frame = rows_of(rows, signature.inputs)
    answer = predictor.predict({name: frame[name].to_numpy() for name in frame.columns}).answer
    _finite(answer)
    attempt.progress("slices", 0.3)
    looked = list(dict.fromkeys([*config.slices, *schema.protected]))
    result: dict[str, Any] = {
        "rows": rows.height,
        "metrics": all_of(schema.task, y, answer),
        "intervals": _intervals(schema.task, y, answer, attempt.seed),
        "slices": slices.table(rows, looked, y, answer, schema.task, config.smallest),
        "disjoint": _disjoint(attempt, rows, schema),
        "fairness": {},
        "dominated": [],
        "protected": list(schema.protected),
    }
    if schema.task == "classification":
        positive = favourable(schema, signature)
        given = answer.argmax(axis=1)
        truth_flag, given_flag = (y == positive).astype(np.int64), (given == positive).astype(np.int64)
        result["fairness"] = fairness.between_groups(rows, list(schema.protected), truth_flag, given_flag, config.smallest)
        result["dominated"] = constant.dominated(rows, looked, y, given, config.smallest)
        result["positive"] = signature.classes[positive] if signature.classes else None
    attempt.progress("sensitivity", 0.7)
    result["sensitivity"] = sensitivity.per_feature(predictor, frame, signature, config.sensitivity, attempt.seed)
    _save(attempt, result, rows, y, answer)


def favourable(schema: Schema, signature: Signature) -> int:
    """The class index of the favourable label."""
    classes = signature.classes or ()
    wanted = classes[-1] if schema.positive is None else str(schema.positive)
    if wanted not in classes:
        raise Failure(
            f"the favourable label {wanted!r} does not occur", where="Schema(positive=...)", do=f"Labels are {classes}."
        )
    return classes.index(wanted)


def _finite(answer: NDArray[Any]) -> None:
    bad = int((~np.isfinite(answer)).any(axis=-1).sum() if answer.ndim == 2 else (~np.isfinite(answer)).sum())
    if bad:
        raise Failure(f"the model answers NaN for {bad:,} rows", where="analyze", do="Impute missing values before it.")


def _intervals(task: str, y: NDArray[Any], answer: NDArray[Any], seed: int) -> dict[str, list[float]]:
    name = default(task)
    low, high = bootstrap(lambda at: METRICS[name].of(y[at], answer[at]), len(y), seed=seed, rounds=100)
    return {name: [low, high]} if np.isfinite(low) else {}


def _disjoint(attempt: Attempt, rows: pl.DataFrame, schema: Schema) -> dict[str, Any]:
    learned = pl.concat(
        [pl.read_parquet(attempt.open("preprocess", f"rows.{name}.parquet")) for name in ("train", "validation")]
    )
    found = disjoint.proof(rows, learned, schema)
    if found["shared"]:
        raise Failure(
            f"{found['shared']:,} analysis rows were learned from, such as {', '.join(found['examples'])}",
            where="disjointness proof",
            do="This is a defect of the split: report it.",
        )
    return found


def _save(attempt: Attempt, result: dict[str, Any], rows: pl.DataFrame, y: NDArray[Any], answer: NDArray[Any]) -> None:
    attempt.save_json("analysis.json", result)
    attempt.save("report.html", charts.report(f"Analysis of {attempt.lifecycle}", result), "text/html")
    path = attempt.scratch / "predictions.parquet"
    columns = {f"p{i}": answer[:, i] for i in range(answer.shape[1])} if answer.ndim == 2 else {"value": answer}
    rows.select("_batch", "_row").with_columns(pl.Series("y", y), **{k: pl.Series(v) for k, v in columns.items()}).write_parquet(path)
    attempt.save_file("predictions.parquet", path, "application/vnd.apache.parquet")
    worst = _worst(result["slices"])
    differences = {
        f"{column} {name}": value
        for column, found in result["fairness"].items()
        for name, value in found["differences"].items()
        if name == "equal_opportunity_difference"
    }
    attempt.facts.update(metrics=result["metrics"], worst_slice=worst, fairness=differences)


def _worst(found: list[dict[str, Any]]) -> str | None:
    judged = [entry for entry in found if entry["judged"] and "accuracy" in entry["metrics"]]
    if not judged:
        return None
    worst = min(judged, key=lambda entry: entry["metrics"]["accuracy"])
    return f"{worst['column']} = {worst['group']}: accuracy {worst['metrics']['accuracy']:.3f}"
