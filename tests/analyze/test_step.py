"""The whole analysis of a real candidate."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression

import projects
from data.steps import Bench
from noria.analyze.config import Analyze
from noria.data.schema import Schema
from noria.data.split import split_of
from noria.errors import BadLifecycle, Failure, UserCodeFailed
from noria.lifecycle import Lifecycle
from noria.stats.metrics import all_of
from noria.store.attempt import Output, Result

SCHEMA = Schema(label="approved", subject="applicant", protected=["sex"], positive="no")


def bench(folder: Path, rows: pl.DataFrame | None = None, **options: Any) -> Bench:
    lifecycle = Lifecycle("loans", **{"collect": "inbox/*.csv", "schema": SCHEMA, **options})
    lifecycle.train(lambda: (LinearRegression if lifecycle.schema.task == "regression" else LogisticRegression)())
    made = Bench(folder, lifecycle)
    made.arrive("1.csv", projects.rows(600) if rows is None else rows)
    return made


def only_in_analysis(rows: pl.DataFrame, **values: Any) -> pl.DataFrame:
    """Rows of which those of the analysis split have these values."""
    there = pl.Series([split_of(who, SCHEMA.shares) == "analysis" for who in rows["applicant"]])
    return rows.with_columns(
        **{name: pl.when(there).then(pl.lit(value)).otherwise(name) for name, value in values.items()}
    )


def test_it_measures_the_answers_that_it_keeps(tmp_path: Path) -> None:
    on = bench(tmp_path, analyze=Analyze(slices=["job", "job & sex"], rounds=50))
    facts = on.upto("analyze").facts
    result = on.json("analyze", "analysis.json")
    kept = pl.read_parquet(io.BytesIO(on.bytes("analyze", "predictions.parquet")))
    y, p = kept["y"].to_numpy(), kept.select("p0", "p1").to_numpy()
    assert result["metrics"] == pytest.approx(all_of("classification", y, p)) == facts["metrics"]
    for name, (low, high) in result["intervals"].items():
        assert low <= result["metrics"][name] <= high, name
    rows = pl.read_parquet(io.BytesIO(on.bytes("preprocess", "rows.analysis.parquet")))
    assert kept.select("_batch", "_row").equals(rows.select("_batch", "_row"))
    favoured = (p.argmax(axis=1) == 1).astype(int)  # the favourable label, no, is the last class
    assert result["classes"] == ["yes", "no"]
    shares = {g["group"]: g["rates"]["selection_rate"]["value"] for g in result["fairness"]["sex"]["groups"]}
    for sex in "fm":
        assert shares[sex] == pytest.approx(favoured[(rows["sex"] == sex).to_numpy()].mean())
    assert facts["fairness"]["demographic_parity_difference"] == pytest.approx(abs(shares["f"] - shares["m"]))
    assert {one["column"] for one in result["slices"]} == {"job", "job & sex", "sex"}
    assert facts["worst_slice"]["value"] == min(s["metrics"]["accuracy"] for s in result["slices"] if s["judged"])
    assert {one["feature"] for one in result["sensitivity"]} == {"age", "amount", "job", "sex"}
    assert result["importance"][0]["feature"] in ("age", "amount")
    assert result["disjoint"]["shared"] == 0
    assert b"<svg" in on.bytes("analyze", "report.html")
    assert on.do("analyze").outputs == on.results["analyze"].outputs


def test_a_planted_leak_stops_everything(tmp_path: Path) -> None:
    on = bench(tmp_path)
    on.upto("train")
    train, rows = (
        pl.read_parquet(io.BytesIO(on.bytes("preprocess", f"rows.{n}.parquet"))) for n in ("train", "analysis")
    )
    thief = pl.when(pl.int_range(pl.len()) == 3).then(pl.lit(train["applicant"][0])).otherwise("applicant")
    file = io.BytesIO()
    rows.with_columns(applicant=thief).write_parquet(file)
    done = on.results["preprocess"]
    leaked = Output(on.artifacts.put(file.getvalue()), "", len(file.getvalue()))
    on.results["preprocess"] = Result(done.facts, {**done.outputs, "rows.analysis.parquet": leaked})
    with pytest.raises(Failure, match="1 analysis rows were learned from") as caught:
        on.do("analyze")
    assert f"{rows['_batch'][3]}/{rows['_row'][3]}" in caught.value.what


def test_a_regression_is_looked_at_without_what_only_classes_have(tmp_path: Path) -> None:
    on = bench(tmp_path, schema=Schema(label="amount", subject="applicant", protected=["sex"], task="regression"))
    on.upto("analyze")
    result = on.json("analyze", "analysis.json")
    assert result["metrics"].keys() == {"rmse", "mae", "r2"}
    assert result["dominated"] == []
    assert set(result["fairness"]["sex"]["groups"][0]["rates"]) == {"mean_answer", "mean_error", "error"}
    assert sum(one["rows"] for one in result["calibration"]["bins"]) == result["rows"]
    assert b"Mean answer of each group" in on.bytes("analyze", "report.html")
    assert all(one["flipped"] is None for one in result["sensitivity"])


def test_rows_of_one_label_only_are_analysed_as_far_as_they_can_be(tmp_path: Path) -> None:
    on = bench(tmp_path, only_in_analysis(projects.rows(400), approved="yes"))
    on.upto("analyze")
    text = on.bytes("analyze", "analysis.json")
    assert b"NaN" not in text
    assert "roc_auc" not in json.loads(text)["metrics"]


class Short(LinearRegression):
    """Knows no answer above a thousand."""

    def predict(self, X: Any) -> Any:
        return np.where(X[:, 0] > 1000, np.nan, super().predict(X))


def test_a_model_that_predicts_nan_where_nobody_looked_before_is_the_users_mistake(tmp_path: Path) -> None:
    rows = only_in_analysis(projects.rows(400), age=5000)
    on = bench(tmp_path, rows, schema=Schema(label="amount", subject="applicant", task="regression"))
    on.lifecycle.preprocess(lambda: ColumnTransformer([("n", "passthrough", ["age"])]))
    on.lifecycle.functions["train"] = lambda: Short()
    on.upto("train")
    with pytest.raises(UserCodeFailed, match=r"predicts NaN for \d+ analysis rows") as caught:
        on.do("analyze")
    assert caught.value.do


def test_a_slice_by_a_column_that_is_not_there_is_a_mistake_in_the_lifecycle(tmp_path: Path) -> None:
    on = bench(tmp_path, analyze=Analyze(slices=["height"]))
    with pytest.raises(BadLifecycle, match="height"):
        on.upto("analyze")


@pytest.mark.parametrize("wrong", [{"slices": "sex"}, {"sensitivity": -1}, {"rounds": 0}, {"min_rows": 0}])
def test_an_impossible_analysis_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadLifecycle) as caught:
        Analyze(**wrong)
    assert caught.value.do


def test_many_analysis_rows_that_are_nearly_rows_learned_from_are_told(tmp_path: Path) -> None:
    rows = projects.rows(400)
    there = pl.Series([split_of(who, SCHEMA.shares) for who in rows["applicant"]])
    learned, mine = rows.filter(there == "train"), rows.filter(there == "analysis")
    twins = learned.head(mine.height).with_columns(
        applicant=mine["applicant"], amount=pl.col("amount") + 0.001, job=pl.col("job").str.to_uppercase()
    )
    on = bench(tmp_path, pl.concat([rows.filter(there != "analysis"), twins]))
    done = on.upto("analyze")
    assert done.facts["near_duplicates"] >= 0.8 * mine.height  # rounding parts a few
    [alert] = done.alerts
    assert (alert.severity, "nearly the same as rows that were learned from" in alert.what) == ("warn", True)
    assert b"Rows that are nearly the same" in on.bytes("analyze", "report.html")
    (tmp_path / "quiet").mkdir()
    assert bench(tmp_path / "quiet", rows).upto("analyze").alerts == []
