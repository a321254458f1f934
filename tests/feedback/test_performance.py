"""How good what is live really is: by hand and by scikit-learn."""

import json
from typing import Any

import polars as pl
import pytest
from scipy.stats import binomtest
from sklearn import metrics as theirs

from noria.feedback.performance import measure

KINDS = {"version": pl.Int64, "outputs": pl.String, "label": pl.String, "rating": pl.Float64}


def served(version: int, p: float, label: str | None, rating: float | None = None) -> tuple[Any, ...]:
    """An answer of a model whose favourable class, bad, is the last and not the last in sorting order."""
    return version, json.dumps({"probabilities": {"good": 1 - p, "bad": p}}), label, rating


def table(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=KINDS, orient="row")


def test_each_version_is_measured_on_its_labelled_answers_only() -> None:
    found = measure(
        table(
            served(2, 0.9, "bad", 1.0), served(2, 0.2, "bad", 0.0), served(2, 0.1, "good"), served(2, 0.7, None),
            served(1, 0.9, None),
        ),
        "classification",
    )  # fmt: skip
    assert [(e["version"], e["predictions"], e["labelled"], e["unlabelled"], e["rating"]) for e in found] == [
        (1, 1, 0, 1.0, None),
        (2, 4, 3, 0.25, 0.5),
    ]
    assert "metrics" not in found[0]
    assert found[1]["metrics"]["accuracy"] == pytest.approx(2 / 3)
    interval = binomtest(2, 3).proportion_ci(method="wilson")
    assert found[1]["accuracy_interval"] == pytest.approx([interval.low, interval.high])


def test_the_metrics_are_those_of_the_release_with_the_favourable_class_as_the_positive_one() -> None:
    said = [0.9, 0.8, 0.7, 0.4, 0.3, 0.2]
    truth = ["bad", "good", "bad", "bad", "good", "good"]
    [found] = measure(table(*(served(1, p, y) for p, y in zip(said, truth, strict=True))), "classification")
    y, hard = [t == "bad" for t in truth], [p > 0.5 for p in said]
    assert {name: found["metrics"][name] for name in ("roc_auc", "average_precision", "precision", "recall")} == (
        pytest.approx(
            {
                "roc_auc": theirs.roc_auc_score(y, said),
                "average_precision": theirs.average_precision_score(y, said),
                "precision": theirs.precision_score(y, hard),
                "recall": theirs.recall_score(y, hard),
            }
        )
    )


def test_a_label_that_no_class_has_is_counted_but_not_measured() -> None:
    [found] = measure(table(served(1, 0.9, "bad"), served(1, 0.9, "ugly")), "classification")
    assert (found["labelled"], found["metrics"]["accuracy"]) == (2, 1)
    [none] = measure(table(served(1, 0.9, "ugly")), "classification")
    assert "metrics" not in none


def test_numbers_are_compared_with_numbers_and_words_are_let_be() -> None:
    rows = [(1, json.dumps({"value": v}), y, None) for v, y in [(1.0, "2.0"), (5.0, "3"), (9.0, "n/a"), (9.0, "nan")]]
    [found] = measure(table(*rows), "regression")
    assert found["metrics"] == pytest.approx({"mae": 1.5, "rmse": 2.5**0.5, "r2": -9.0})
    assert measure(table(rows[2]), "regression")[0]["metrics"] == {}
