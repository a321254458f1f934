"""Labels as the numbers that are learned."""

from typing import Any

import polars as pl
import pytest

from noria.data.schema import Schema
from noria.errors import BadInput
from noria.preprocess import labels


@pytest.mark.parametrize(
    ("values", "positive", "classes", "codes"),
    [
        (["no", "yes", "no"], None, ("no", "yes"), [0, 1, 0]),
        (["no", "yes", "no"], "no", ("yes", "no"), [1, 0, 1]),
        ([10, 2, 10], None, ("2", "10"), [1, 0, 1]),
        ([10, 2, 10], 2, ("10", "2"), [0, 1, 0]),
        ([True, False], None, ("false", "true"), [1, 0]),
        ([True, False], False, ("true", "false"), [0, 1]),
        (["c", "a", "b"], "a", ("a", "b", "c"), [2, 0, 1]),
        ([10, 9, 100], None, ("9", "10", "100"), [1, 0, 2]),
    ],
)
def test_of_two_classes_the_favourable_one_is_the_last_else_they_are_sorted(
    values: list[Any], positive: Any, classes: tuple[str, ...], codes: list[int]
) -> None:
    found = labels.of(pl.DataFrame({"y": values}), Schema("y", positive=positive))
    assert (found.classes, found.values.tolist()) == (classes, codes)
    assert found.positive == (classes[-1] if len(classes) == 2 or positive is None else str(positive))


def test_a_regression_keeps_its_numbers() -> None:
    found = labels.of(pl.DataFrame({"y": [1.0, 2.5, -3.0]}), Schema("y", task="regression"))
    assert (found.values.dtype, found.values.tolist(), found.classes) == ("float32", [1, 2.5, -3], None)


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        (["yes", None, "no"], {}, "1 rows have no label"),
        ([1.0, float("nan"), float("nan")], {}, "2 rows have no label"),
        (["yes", "no"], {"positive": "maybe"}, "positive label 'maybe' does not occur; there are no, yes"),
        (["one", "two"], {"task": "regression"}, "values that are no numbers"),
    ],
)
def test_labels_that_cannot_be_learned_are_one_sentence(values: list[Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        labels.of(pl.DataFrame({"y": values}, strict=False), Schema("y", **options))
    assert said in caught.value.what
    assert caught.value.where
    assert caught.value.do
