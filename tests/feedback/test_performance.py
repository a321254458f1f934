"""How good what is live really is: by hand and by scikit-learn."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest
from sklearn import metrics as theirs

from noria.feedback.answers import of
from noria.feedback.estimate import Calibration
from noria.feedback.performance import Wanted, each, measure, windows

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
    assert [(e.version, e.predictions, e.labelled, e.unlabelled) for e in found] == [(1, 1, 0, 1.0), (2, 4, 3, 0.25)]
    assert (found[0].metrics, found[0].ratings) == ({}, None)
    interval = binomtest(2, 3).proportion_ci(method="wilson")
    assert found[1].metrics["accuracy"] == pytest.approx([2 / 3, interval.low, interval.high])
    rated = found[1].ratings
    assert rated is not None
    assert (rated.count, rated.mean) == (2, 0.5)
    assert rated.low is not None
    assert rated.low < 0.5


def test_the_metrics_are_those_of_the_release_with_the_favourable_class_as_the_positive_one() -> None:
    said = [0.9, 0.8, 0.7, 0.4, 0.3, 0.2]
    truth = ["bad", "good", "bad", "bad", "good", "good"]
    [found] = measure(table(*(served(1, p, y) for p, y in zip(said, truth, strict=True))), "classification")
    y, hard = [t == "bad" for t in truth], [p > 0.5 for p in said]
    assert {name: found.metrics[name].value for name in ("roc_auc", "average_precision", "precision", "recall")} == (
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
    assert (found.labelled, found.compared, found.metrics["accuracy"].value) == (2, 1, 1)
    [none] = measure(table(served(1, 0.9, "ugly")), "classification")
    assert none.metrics == {}


def test_numbers_are_compared_with_numbers_and_words_are_let_be() -> None:
    rows = [(1, json.dumps({"value": v}), y, None) for v, y in [(1.0, "2.0"), (5.0, "3"), (9.0, "n/a"), (9.0, "nan")]]
    [found] = measure(table(*rows), "regression")
    assert {name: one.value for name, one in found.metrics.items()} == pytest.approx(
        {"mae": 1.5, "rmse": 2.5**0.5, "r2": -9.0}
    )
    assert measure(table(rows[2]), "regression")[0].metrics == {}


def answered(count: int) -> pl.DataFrame:
    """Answers of one version to women and men of some ages, over two weeks; of every fourth the label is not there."""
    random = np.random.default_rng(3)
    p = random.uniform(0.02, 0.98, count)
    label = np.where(random.uniform(size=count) < p, "bad", "good")
    return pl.DataFrame(
        {
            "version": [4] * count,
            "variant": ["champion" if n % 10 else "challenger" for n in range(count)],
            "at": [f"2026-01-{5 + n * 14 // count:02d}T10:00:00.000000+00:00" for n in range(count)],
            "inputs": [json.dumps({"sex": "fm"[n % 2], "age": 20 + n % 40}) for n in range(count)],
            "outputs": [json.dumps({"probabilities": {"good": 1 - x, "bad": x}}) for x in p.tolist()],
            "label": [None if n % 4 == 3 else str(one) for n, one in enumerate(label)],
            "rating": [float(n % 5) if n % 100 == 0 else None for n in range(count)],
        }
    )


def test_variants_slices_and_windows_part_the_answers_of_a_version() -> None:
    rows = answered(4000)
    wanted = Wanted("classification", ["sex", "age"], timedelta(days=7), {4: Calibration()})
    found = list(each(rows, wanted))
    assert [one.by for one in found][:1] == ["version"]
    for by, parts in (("variant", 2), ("slice", 6), ("window", 2)):
        group = [one for one in found if one.by == by]
        assert len(group) == parts
        whole = 2 * 4000 if by == "slice" else 4000  # two columns, each of which parts all rows
        assert sum(one.predictions for one in group) == whole
        assert sum(one.labelled for one in group) == whole * 3 // 4
    women = next(one for one in found if one.name == "sex = f")
    part = rows.filter(pl.col("inputs").str.contains('"f"'))
    assert women.metrics == measure(part, "classification")[0].metrics
    assert [one.name for one in found if one.by == "window"] == ["2026-01-05", "2026-01-12"]


def test_an_interval_is_as_wide_as_the_rows_there_are_allow_and_holds_the_value() -> None:
    spans = {count: measure(answered(count), "classification")[0].metrics for count in (400, 40_000)}
    for name, few in spans[400].items():
        many = spans[40_000][name]
        assert few.low <= few.value <= few.high
        assert many.low <= many.value <= many.high
        assert 4 < (few.high - few.low) / (many.high - many.low) < 25, name  # ten times as narrow: a root of a hundred
    labelled = answered(400).drop_nulls("label")
    right = sum(
        (json.loads(out)["probabilities"]["bad"] > 0.5) == (label == "bad")
        for out, label in labelled.select("outputs", "label").iter_rows()
    )
    assert spans[400]["accuracy"].value == pytest.approx(right / labelled.height)


@pytest.mark.parametrize(
    ("at", "length", "begins"),
    [
        ("2026-01-07T23:59:59.000000+00:00", timedelta(weeks=1), "2026-01-05"),
        ("2026-01-05T00:00:00.000000+00:00", timedelta(weeks=1), "2026-01-05"),
        ("2026-01-07T23:59:59.000000+00:00", timedelta(days=1), "2026-01-07"),
        ("2026-01-07T23:59:59.000000+00:00", timedelta(hours=6), "2026-01-07 18:00"),
        ("2026", timedelta(days=1), None),
    ],
)
def test_windows_begin_where_weeks_days_and_hours_do(at: str, length: timedelta, begins: str | None) -> None:
    assert windows(pl.Series([at]), length).to_list() == [begins]


def test_names_of_classes_are_found_whatever_they_are() -> None:
    names = ['say "no"', "no", "a:1,b", "ü\n", "label"]
    said = {name: (place + 1) / 15 for place, name in enumerate(names)}
    out = json.dumps({"label": "no", "probabilities": said}, ensure_ascii=False)
    found = of(pl.DataFrame([(1, out, "no", None)], schema=KINDS, orient="row"), 1, "classification")
    assert found.classes == tuple(names)
    assert found.scores.tolist() == [pytest.approx(list(said.values()))]


def test_no_interval_reaches_further_than_its_metric_can() -> None:
    rows = answered(40)
    wanted = Wanted("classification", ["sex", "age"], timedelta(days=1), {4: Calibration()})
    spans = [
        (name, span)
        for one in each(rows, wanted)
        for held in (one.metrics, one.estimated)
        for name, span in held.items()
    ]
    assert len(spans) > 100
    for name, span in spans:
        if name != "log_loss":
            assert not span.low < 0, (name, span)
            assert not span.high > 1, (name, span)
