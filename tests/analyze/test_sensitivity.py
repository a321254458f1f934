"""Small changes of the input: on models made by hand the answer is known."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from noria.analyze.changes import changed, kind
from noria.analyze.sensitivity import MOST_ROWS, importance, per_feature, some
from noria.model.format import Prediction, answer
from noria.model.signature import Field, Signature
from noria.stats.metrics import METRICS

COUNT = 1000
COLUMNS: dict[str, Any] = {
    "x": np.linspace(-1, 1, COUNT, dtype=np.float32),
    "idle": np.linspace(5, 9, COUNT, dtype=np.float32),
    "job": np.array(["smith", "nurse"] * (COUNT // 2), dtype=object),
    "note": np.array(["ab cd"] * COUNT, dtype=object),
}
FIELDS = (Field("x", "number"), Field("idle", "number"), Field("job", "category"), Field("note", "text"))


class Made:
    """Answers what a function of the columns says: the probability of the second class, or a value."""

    def __init__(
        self, rule: Callable[[Mapping[str, Any]], Any], classes: tuple[str, ...] | None = ("no", "yes")
    ) -> None:
        self.rule = rule
        self.signature = Signature(FIELDS, classes, "y")

    def predict(self, columns: Mapping[str, Any]) -> Prediction:
        said = np.asarray(self.rule(columns), dtype=np.float32)
        scores = said if self.signature.classes is None else np.column_stack([1 - said, said])
        return answer(scores, self.signature)


def by_feature(model: Made, size: float = 0.01) -> dict[str, dict[str, Any]]:
    return {one["feature"]: one for one in per_feature(model, COLUMNS, size, 0)}


def test_a_threshold_flips_exactly_the_rows_within_one_step_of_it_that_move_across() -> None:
    size = 0.1
    found = by_feature(Made(lambda columns: columns["x"] > 0), size)
    step = size * COLUMNS["x"].std()
    near = (np.abs(COLUMNS["x"]) < step).mean()  # each moves up or down by chance: half of them cross
    assert found["x"]["flipped"] == pytest.approx(near / 2, rel=0.35)
    assert found["x"]["change"] == pytest.approx(found["x"]["flipped"])
    for one in found["x"]["worst"]:
        assert one["before"] == COLUMNS["x"][int(one["row"])]
        assert abs(one["before"]) < step
        assert abs(one["after"] - one["before"]) == pytest.approx(step, rel=1e-3)
        assert {one["answer"], one["becomes"]} == {"no", "yes"}
    for idle in ("idle", "job", "note"):
        assert (found[idle]["flipped"], found[idle]["change"], found[idle]["worst"]) == (0, 0, [])


def test_a_straight_line_changes_by_its_slope_times_the_step() -> None:
    found = by_feature(Made(lambda columns: 3 * columns["x"], None), 0.01)
    assert found["x"]["change"] == pytest.approx(3 * 0.01 * COLUMNS["x"].std(), rel=1e-3)
    assert found["x"]["flipped"] is None
    assert found["idle"]["change"] == 0


def test_categories_take_the_value_of_another_row_and_texts_swap_two_letters() -> None:
    seen: dict[str, set[str]] = {"job": set(), "note": set()}

    def rule(columns: Mapping[str, Any]) -> Any:
        for name in seen:
            seen[name] |= set(columns[name])
        return columns["job"] == "smith"

    found = by_feature(Made(rule))
    assert found["job"]["flipped"] == pytest.approx(0.5, abs=0.06)
    assert seen == {"job": {"smith", "nurse"}, "note": {"ab cd", "ba cd", "a bcd", "abc d", "ab dc"}}


def test_the_most_sensitive_feature_comes_first_and_the_seed_decides() -> None:
    model = Made(lambda columns: 0.5 + 0.4 * np.sign(columns["x"]) + 0.01 * (columns["job"] == "smith"))
    first = per_feature(model, COLUMNS, 0.05, 3)
    assert [one["feature"] for one in first] == ["x", "job", "idle", "note"]
    assert per_feature(model, COLUMNS, 0.05, 3) == first


def test_a_list_loses_one_of_its_values() -> None:
    texts = np.array(["a|b|c", "a", "", "missing"], dtype=object)
    found = changed(Field("tags", "list"), texts, 0.01, np.random.default_rng(0))
    assert found[0] in ("a|b", "a|c", "b|c")
    assert found[1:].tolist() == ["", "", "missing"]


def test_whole_numbers_stay_whole_and_within_their_range() -> None:
    """An age that moves by a tenth of a year would cross no threshold of a tree: nobody would know."""
    ages = np.array([18, 40, 41, 60, 90, np.nan], dtype=np.float32)
    found = changed(Field("age", "number"), ages, 0.01, np.random.default_rng(0))
    assert np.isnan(found[5])
    assert set(np.abs(found - ages)[1:4].tolist()) == {1.0}
    assert (found[0] in (18, 19), found[4] in (89, 90)) == (True, True)
    salaries = np.arange(0, 100_000, 500, dtype=np.float32)
    moved = np.abs(changed(Field("pay", "number"), salaries, 0.01, np.random.default_rng(0)) - salaries)[1:-1]
    assert moved.min() == moved.max() == round(0.01 * salaries.std())
    flags = np.array([0, 1] * 50, dtype=np.float32)
    found = changed(Field("flag", "number"), flags, 0.01, np.random.default_rng(0))
    assert (sorted(found), (found != flags).any()) == (sorted(flags), True)
    assert kind(Field("flag", "number"), flags) == "bool"


def test_of_many_rows_some_are_drawn_from_all_of_them() -> None:
    chosen = some(10 * MOST_ROWS, 0)
    assert len(set(chosen)) == len(chosen) == MOST_ROWS
    assert np.diff(chosen).min() > 0
    assert abs(chosen.mean() / (10 * MOST_ROWS) - 0.5) < 0.05
    assert some(5, 0).tolist() == [0, 1, 2, 3, 4]


def test_missing_numbers_stay_missing() -> None:
    columns = {**COLUMNS, "x": np.where(np.arange(COUNT) % 2, np.nan, COLUMNS["x"]).astype(np.float32)}
    seen: list[int] = []

    def rule(given: Mapping[str, Any]) -> Any:
        seen.append(int(np.isnan(given["x"]).sum()))
        return np.full(COUNT, 0.3)

    per_feature(Made(rule), columns, 0.01, 0)
    assert set(seen) == {COUNT // 2}


def test_shuffling_the_only_feature_that_counts_takes_all_that_was_gained() -> None:
    y = (COLUMNS["x"] > 0).astype(np.int64)
    found = {one["feature"]: one["loss"] for one in importance(
        Made(lambda columns: columns["x"] > 0), COLUMNS, y, METRICS["roc_auc"], 0
    )}  # fmt: skip
    assert found["x"] == pytest.approx(0.5, abs=0.05)
    assert [found[name] for name in ("idle", "job", "note")] == [0, 0, 0]


def test_where_the_metric_is_undefined_there_is_no_importance() -> None:
    one_class = np.zeros(COUNT, dtype=np.int64)
    assert importance(Made(lambda columns: columns["x"] > 0), COLUMNS, one_class, METRICS["roc_auc"], 0) == []
