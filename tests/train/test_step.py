"""The best candidate, fitted and packed with its preprocessing."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

import projects
from data.steps import Bench
from noria.data.schema import Schema
from noria.digest import Digest
from noria.errors import BadLifecycle, UserCodeFailed
from noria.lifecycle import Lifecycle
from noria.model import package
from noria.model.frame import columns_of
from noria.stats.metrics import all_of
from noria.train.config import Train, Tune, choice


def bench(folder: Path, function: Any = None, **options: Any) -> Bench:
    schema = Schema(label="approved", subject="applicant", positive="yes")
    lifecycle = Lifecycle("loans", **{"collect": "inbox/*.csv", "schema": schema, **options})
    if function is not None:
        lifecycle.train(function)
    made = Bench(folder, lifecycle)
    made.arrive("1.csv", projects.rows(500))
    return made


def logistic(params: dict[str, Any]) -> Any:
    return LogisticRegression(**params)


def test_the_model_that_is_packed_gives_the_metrics_that_are_told(tmp_path: Path) -> None:
    on = bench(tmp_path, logistic, tune=Tune({"C": choice(0.01, 1.0)}, sampler="grid"))
    facts = on.upto("train").facts
    study = on.json("tune", "study.json")
    assert facts["params"] == max(study["trials"], key=lambda one: one["value"])["params"]
    assert facts["metrics"]["roc_auc"] == pytest.approx(on.results["tune"].facts["value"], abs=1e-6)
    data = on.bytes("train", "model")
    packed = package.from_bytes(data, Digest.of(data))
    rows = pl.read_parquet(io.BytesIO(on.bytes("preprocess", "rows.validation.parquet")))
    scores = packed.predictor().predict(columns_of(rows, packed.signature.inputs)).scores
    y = (rows["approved"] == "yes").cast(pl.Int64).to_numpy()
    assert all_of("classification", y, scores) == pytest.approx(facts["metrics"], abs=1e-4)
    assert (packed.kind, facts["format"], packed.params) == ("onnx", "onnx", facts["params"])


def test_the_same_data_and_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    on = bench(tmp_path)
    first = on.upto("train").outputs["model"].digest
    assert on.do("train").outputs["model"].digest == first


def test_a_model_without_a_converter_is_kept_as_it_is_with_the_reason(tmp_path: Path) -> None:
    on = bench(tmp_path, lambda: NearestCentroid(), tune=Tune(metric="accuracy"))
    assert on.upto("train").facts["format"] == "sklearn"
    check = on.json("train", "onnx.json")
    assert check["accepted"] is False
    assert "NearestCentroid" in check["reason"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"tolerance": -1.0}, "rows differ, 0 in the label"), ({"onnx": False}, "Train(onnx=False)")],
)
def test_a_graph_that_gives_other_answers_or_is_not_wanted_is_not_kept(
    tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    on = bench(tmp_path)
    on.lifecycle.options["train"] = Train(**options)
    assert on.upto("train").facts["format"] == "lightgbm"
    check = on.json("train", "onnx.json")
    assert check["accepted"] is False
    assert reason in check["reason"]


def test_a_regression_is_measured_and_packed(tmp_path: Path) -> None:
    on = bench(tmp_path, schema=Schema(label="amount", subject="applicant", task="regression"))
    facts = on.upto("train").facts
    assert facts["metrics"].keys() == {"rmse", "mae", "r2"}
    y = np.load(io.BytesIO(on.bytes("preprocess", "y.validation.npy")))
    assert facts["metrics"]["rmse"] < 1.2 * y.std()
    assert facts["format"] in ("onnx", "lightgbm")


def test_a_metric_of_another_task_is_refused(tmp_path: Path) -> None:
    on = bench(tmp_path, tune=Tune(metric="rmse"))
    with pytest.raises(BadLifecycle, match="rmse is no metric of classification"):
        on.upto("tune")


def test_when_no_candidate_works_the_first_reason_is_told(tmp_path: Path) -> None:
    on = bench(tmp_path, lambda params: LogisticRegression(C=-1), tune=Tune({"C": choice(1, 2)}, sampler="grid"))
    with pytest.raises(UserCodeFailed, match="none of 2 trials has a result") as caught:
        on.upto("tune")
    assert "InvalidParameterError" in caught.value.what
    assert caught.value.do
