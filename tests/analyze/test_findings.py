"""What stands out is said in sentences that can be read alone, and nothing is said where nothing does."""

from typing import Any

import pytest

from noria.analyze.cells import said
from noria.analyze.findings import findings

QUIET: dict[str, Any] = {
    "task": "classification",
    "rows": 1000,
    "positive": "yes",
    "disjoint": {"near": {"rows": 0, "telling": True}},
    "fairness": {},
    "found": [],
    "dominated": [],
    "sensitivity": [{"feature": "job", "kind": "category", "flipped": 0.4}],
}
SLICE = {"column": "age & job", "group": "(10, 13] & smith", "rows": 120, "wrong": 0.4, "elsewhere": 0.15}


def between(low: float) -> dict[str, Any]:
    gap = {"value": 0.2, "low": low, "high": 0.3, "between": ["m", "f"], "undecided": []}
    groups = [{"group": "f", "judged": True}, {"group": "m", "judged": True}, {"group": "x", "judged": False}]
    return {"column": "sex", "label": None, "groups": groups, "differences": {"error_difference": gap}}


@pytest.mark.parametrize(
    ("column", "group", "words"),
    [
        ("job", "smith", "job = smith"),
        ("age", "(-inf, 37]", "age ≤ 37"),
        ("age & job", "(37, inf] & smith", "age > 37 and job = smith"),
        ("age", "(37, 48]", "37 < age ≤ 48"),
        ("firm", "Smith & Sons", "firm = Smith & Sons"),
        ("a & b", "x & y & z", "a & b = x & y & z"),
    ],
)
def test_a_subset_in_words(column: str, group: str, words: str) -> None:
    assert said(column, group) == words


def test_each_kind_of_finding_is_one_sentence_with_its_numbers() -> None:
    assert findings(QUIET) == []
    loud = QUIET | {
        "disjoint": {"near": {"rows": 20, "telling": True}},
        "fairness": {"sex": between(0.1)},
        "found": [SLICE] * 5,
        "dominated": [{"column": "job", "group": "pilot", "rows": 50, "label": "yes", "given": 1.0, "truth": 0.7}],
        "sensitivity": [{"feature": "age", "kind": "number", "flipped": 0.034}],
    }
    assert findings(loud) == [
        "20 of 1,000 rows are nearly the same as rows learned from: figures may be too good.",
        "By sex, the share of wrong answers differs by 0.2 (95 %: 0.1 to 0.3) between m and f.",
        "By sex, there are too few rows to judge x.",
        *["Where 10 < age ≤ 13 and job = smith, 40 % of 120 answers are wrong; elsewhere 15 %."] * 3,
        "2 more bad slices were found; at most one in twenty of all is chance.",
        "Where job = pilot, 100 % of 50 rows are given yes, though 30 % have another label.",
        "3.4 % of the labels flip when age moves a little.",
    ]


def test_of_many_differences_the_surest_are_told_and_of_numbers_in_their_own_words() -> None:
    many = {f"sex: {label}": between(0.1 + label / 100) for label in range(7)}
    told = findings(QUIET | {"task": "regression", "fairness": many})
    assert told[0] == "By sex: 6, the mean absolute error differs by 0.2 (95 %: 0.16 to 0.3) between m and f."
    assert told[5:] == [
        "2 more differences between groups are beyond chance.",
        "By sex, there are too few rows to judge x.",
    ]


def test_a_difference_that_may_be_chance_is_not_told() -> None:
    assert findings(QUIET | {"fairness": {"sex": between(-0.01)}}) == ["By sex, there are too few rows to judge x."]
