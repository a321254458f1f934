"""A protected group of three people, from rows to verdict: luck lets nothing pass."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression

import noria as nr
import projects
from data.steps import Bench
from noria.data.schema import Schema


def judged(folder: Path, bound: float, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The verdict of one fairness gate, and the group's analysis, where three people are x and all have that label."""
    schema = Schema(label="approved", subject="applicant", protected=["sex"], positive="yes")
    gate = nr.fair("demographic_parity_difference", max=bound, on="sex")
    lifecycle = nr.Lifecycle("loans", collect="inbox/*.csv", schema=schema, release=nr.Release(gates=[gate]))
    lifecycle.preprocess(lambda: ColumnTransformer([("n", "passthrough", ["age", "amount"])]))
    lifecycle.train(lambda: LogisticRegression(max_iter=1000))
    on = Bench(folder, lifecycle)
    few = pl.int_range(pl.len()) % 200 == 7
    sex, approved = (pl.when(few).then(pl.lit(one)).otherwise(pl.col(name)).alias(name)
                     for one, name in (("x", "sex"), (label, "approved")))  # fmt: skip
    on.arrive("1.csv", projects.rows(4000).with_columns(sex, approved))
    done = on.upto("release")
    [verdict] = done.facts["verdicts"]
    groups = on.json("analyze", "analysis.json")["fairness"]["sex"]["groups"]
    return verdict, next(one for one in groups if one["group"] == "x")


@pytest.mark.parametrize("label", ["yes", "no"])
def test_three_people_neither_pass_nor_block_by_chance_and_the_evidence_names_them(label: str, tmp_path: Path) -> None:
    verdict, group = judged(tmp_path, 0.3, label)
    rate = group["rates"]["selection_rate"]
    assert 1 <= group["rows"] <= 8
    assert rate["high"] - rate["low"] > 0.3
    assert verdict["verdict"] == "warn"
    assert "too few rows to judge x" in verdict["evidence"]
    assert "95 %" in verdict["evidence"]
