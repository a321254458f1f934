"""Each gate lets pass, warns or blocks, and says by which numbers."""

import math
from typing import Any

import pytest

import noria as nr
from noria.errors import BadLifecycle
from noria.release import config
from noria.release.config import Release, calibrated, fits, stable
from noria.release.decide import Decision, decide
from noria.release.gates import RULES, Case, Verdict, judge
from noria.stats.compare import Gap
from noria.stats.interval import wilson

OF_CLASSES = [name for name in config.FAIRNESS if not name.startswith("mean_")]


def group(name: str, hits: int, rows: int) -> dict[str, Any]:
    low, high = wilson(hits, rows)
    rate = {"value": hits / rows, "rows": rows, "low": low, "high": high, "judged": rows >= 30}
    rates = dict.fromkeys(("selection_rate", "true_positive_rate", "false_positive_rate", "error"), rate)
    return {"group": name, "rows": rows, "judged": rows >= 30, "rates": rates}


def fairness(*groups: dict[str, Any]) -> dict[str, Any]:
    return {"groups": list(groups), "differences": {}}


def cut(name: str, rows: int, accuracy: float, upper: float, judged: bool = True) -> dict[str, Any]:
    metrics = {"accuracy": accuracy, "log_loss": 1 - accuracy}
    return {
        "column": "job", "group": name, "rows": rows, "judged": judged, "metrics": metrics,
        "accuracy_interval": [0.0, upper],
    }  # fmt: skip


ANALYSIS: dict[str, Any] = {
    "task": "classification",
    "metrics": {"roc_auc": 0.9, "accuracy": 0.8, "log_loss": 0.3},
    "fairness": {"sex": fairness(group("f", 50, 100), group("m", 58, 100))},
    "slices": [cut("nurse", 500, 0.79, 0.82), cut("smith", 500, 0.75, 0.79)],
    "found": [],
    "sensitivity": [
        {"feature": "age", "kind": "number", "flipped": 0.02, "change": 0.01},
        {"feature": "pay", "kind": "number", "flipped": 0.05, "change": 0.03},
        {"feature": "note", "kind": "text", "flipped": 0.01, "change": 0.04},
        {"feature": "job", "kind": "category", "flipped": 0.9, "change": 0.5},
    ],
    "calibration": {"error": 0.04, "bins": []},
}


def verdicts(gate: Any, gap: Gap | None = None, **changes: Any) -> list[tuple[str, str]]:
    case = Case({**ANALYSIS, **changes}, lambda metric: gap, megabytes=3.0, milliseconds=lambda: 2.0)
    found = judge([gate], case)
    assert all(one.gate and one.evidence for one in found)
    return [(one.verdict, one.evidence) for one in found]


@pytest.mark.parametrize(
    ("gap", "margin", "verdict"),
    [
        (None, 0.0, "pass"),
        (Gap(0.80, 0.85, 0.05, 0.03, 0.07), 0.0, "pass"),
        (Gap(0.80, 0.80, 0.00, -0.02, 0.02), 0.0, "pass"),
        (Gap(0.80, 0.79, -0.01, -0.03, 0.01), 0.0, "warn"),
        (Gap(0.80, 0.75, -0.05, -0.07, -0.03), 0.0, "block"),
        (Gap(0.80, 0.75, -0.05, -0.07, -0.03), 0.05, "pass"),
        (Gap(0.80, 0.75, -0.05, -0.07, -0.03), 0.04, "warn"),
        (Gap(0.80, 0.75, -0.05, -0.07, -0.03), 0.02, "block"),
        (Gap(math.nan, math.nan, math.nan, math.nan, math.nan), 0.0, "block"),
    ],
)
def test_better_than_champion_blocks_only_what_is_surely_worse(gap: Gap | None, margin: float, verdict: str) -> None:
    [(found, evidence)] = verdicts(nr.better_than_champion("roc_auc", margin), gap)
    assert found == verdict
    if gap is None:
        assert evidence == "there is no champion yet"
    elif gap.gain == gap.gain:
        for number in (gap.champion, gap.candidate, gap.gain, gap.low, gap.high):
            assert f"{number:.4f}".removeprefix("-") in evidence


@pytest.mark.parametrize(
    ("gap", "margin", "verdict"),
    [
        (None, 0.0, "pass"),
        (Gap(0.80, 0.85, 0.05, 0.03, 0.07), 0.0, "pass"),
        (Gap(0.80, 0.81, 0.01, -0.01, 0.03), 0.0, "block"),
        (Gap(0.80, 0.81, 0.01, -0.01, 0.03), 0.02, "pass"),
        (Gap(0.80, 0.75, -0.05, -0.07, -0.03), 0.02, "block"),
    ],
)
def test_surely_better_than_champion_lets_nothing_pass_by_chance(gap: Gap | None, margin: float, verdict: str) -> None:
    [(found, evidence)] = verdicts(nr.better_than_champion("roc_auc", margin, surely=True), gap)
    assert found == verdict
    assert ("may be chance" in evidence) == (verdict == "block" and gap is not None and gap.high > 0)


SEX = fairness(group("f", 50, 100), group("m", 58, 100))
APART = fairness(group("f", 50, 100), group("m", 75, 100))
WITH_TINY = fairness(group("f", 50, 100), group("m", 58, 100), group("x", 2, 3))
WITH_SURE = fairness(group("f", 500, 1000), group("m", 510, 1000), group("x", 0, 25))


@pytest.mark.parametrize(
    ("between", "verdict", "said"),
    [
        (SEX, "pass", "0.080 between m and f"),
        (APART, "block", "0.250 between m and f"),
        (WITH_TINY, "warn", "too few rows to judge x"),
        (WITH_SURE, "block", "a small group differs by at least"),
        (fairness(group("f", 50, 100)), "block", "fewer than two groups"),
        (fairness(group("f", 5, 10), group("m", 6, 10)), "block", "fewer than two groups"),
    ],
)
@pytest.mark.parametrize("metric", OF_CLASSES)
def test_fair_blocks_a_large_difference_and_never_lets_a_small_group_pass_by_luck(
    metric: str, between: dict[str, Any], verdict: str, said: str
) -> None:
    [(found, evidence)] = verdicts(nr.fair(metric, max=0.1), fairness={"sex": between})
    assert found == verdict
    assert said in evidence


def test_a_group_that_is_too_small_blocks_where_that_is_asked_for() -> None:
    gate = nr.fair("demographic_parity_difference", max=0.1, small="block")
    [(found, evidence)] = verdicts(gate, fairness={"sex": WITH_TINY})
    assert (found, "too few rows to judge x" in evidence) == ("block", True)


def test_fair_judges_every_column_or_those_it_names_and_misses_none() -> None:
    both = {"sex": SEX, "age": APART}
    gate = "demographic_parity_difference"
    assert [word for word, _ in verdicts(nr.fair(gate, max=0.1), fairness=both)] == ["pass", "block"]
    assert [word for word, _ in verdicts(nr.fair(gate, max=0.1, on="sex"), fairness=both)] == ["pass"]
    assert [word for word, _ in verdicts(nr.fair(gate, max=0.1, on=["race"]), fairness=both)] == ["block"]
    assert [word for word, _ in verdicts(nr.fair(gate, max=0.1), fairness={})] == ["block"]


def test_fair_takes_as_many_rows_as_it_was_told_for_enough() -> None:
    small = {"sex": fairness(group("f", 10, 20), group("m", 10, 20))}
    gate = "equal_opportunity_difference"
    assert [w for w, _ in verdicts(nr.fair(gate, max=0.1, min_rows=20), fairness=small)] == ["pass"]
    assert [w for w, _ in verdicts(nr.fair(gate, max=0.1, min_rows=21), fairness=small)] == ["block"]
    assert [w for w, _ in verdicts(nr.fair(gate, max=0.1, min_rows=101))] == ["block"]


@pytest.mark.parametrize(
    ("slices", "metric", "verdict", "said"),
    [
        ([cut("a", 500, 0.75, 0.79)], "accuracy", "pass", "job = a: 0.7500 against 0.8000"),
        ([cut("a", 500, 0.6, 0.65)], "accuracy", "block", "job = a: 0.6000 against 0.8000"),
        ([cut("a", 30, 0.6, 0.82)], "accuracy", "warn", "with 30 rows it may be chance"),
        ([cut("a", 30, 0.5, 0.82), cut("b", 500, 0.6, 0.65)], "accuracy", "block", "job = b"),
        ([cut("a", 30, 0.1, 0.5, judged=False)], "accuracy", "block", "there is no slice to judge"),
        ([], "accuracy", "block", "there is no slice to judge"),
        ([cut("a", 500, 0.65, 0.7)], "log_loss", "pass", "0.3500 against 0.3000"),
        ([cut("a", 500, 0.5, 0.6)], "log_loss", "block", "0.5000 against 0.3000"),
        ([cut("a", 500, 0.5, 0.6)], "f1", "block", "there is no slice to judge"),
    ],
)
def test_no_slice_may_be_worse_beyond_chance(
    slices: list[dict[str, Any]], metric: str, verdict: str, said: str
) -> None:
    [(found, evidence)] = verdicts(nr.no_slice_worse(metric, by=0.1), slices=slices)
    assert found == verdict
    assert said in evidence


def test_a_bad_slice_that_was_found_blocks_too() -> None:
    bad = {"column": "job & sex", "group": "smith & f", "wrong": 0.5, "elsewhere": 0.1}
    fine = {"column": "job", "group": "smith", "wrong": 0.15, "elsewhere": 0.1}
    found = verdicts(nr.no_slice_worse("accuracy", by=0.1), found=[bad, fine])
    assert [word for word, _ in found] == ["pass", "block"]
    assert found[1][1] == "found job & sex = smith & f: 50% wrong against 10% elsewhere"


@pytest.mark.parametrize(
    ("gate", "changes", "verdict", "said"),
    [
        (nr.at_least("roc_auc", 0.9), {}, "pass", "0.9000"),
        (nr.at_least("roc_auc", 0.91), {}, "block", "0.9000"),
        (nr.at_least("log_loss", 0.3), {}, "pass", "0.3000"),
        (nr.at_least("log_loss", 0.29), {}, "block", "0.3000"),
        (nr.at_least("f1", 0.1), {}, "block", "f1 is undefined"),
        (stable(0.05), {}, "pass", "5.00% when pay moves a little"),
        (stable(0.04), {}, "block", "5.00% when pay moves a little"),
        (stable(0.5), {"sensitivity": []}, "block", "sensitivity was not measured"),
        (
            stable(0.5),
            {"sensitivity": [{"feature": "age", "kind": "number", "flipped": None, "change": 2.0}]},
            "block",
            "no label can flip in a regression: bound the change",
        ),
        (
            stable(change=1.5),
            {"sensitivity": [{"feature": "age", "kind": "number", "flipped": None, "change": 2.0}]},
            "block",
            "2 when age moves a little",
        ),
        (stable(change=0.04), {}, "pass", "0.04 when note has a slip"),
        (stable(change=0.03), {}, "block", "0.04 when note has a slip"),
        (stable(0.5, kinds=["category"]), {}, "block", "90.00% when job is another"),
        (stable(0.5, kinds="bool"), {}, "block", "sensitivity was not measured"),
        (calibrated(0.04), {}, "pass", "0.0400"),
        (calibrated(0.03), {}, "block", "0.0400"),
        (calibrated(0.5), {"calibration": None}, "block", "not measured"),
        (fits(max_mb=3), {}, "pass", "3.00 MiB"),
        (fits(max_mb=2.9), {}, "block", "3.00 MiB"),
        (fits(max_ms=2), {}, "pass", "it does"),
        (fits(max_ms=1), {}, "block", "slower"),
    ],
)
def test_a_bound_holds_or_blocks_and_what_was_not_measured_blocks(
    gate: Any, changes: dict[str, Any], verdict: str, said: str
) -> None:
    [(found, evidence)] = verdicts(gate, **changes)
    assert found == verdict
    assert said in evidence


def test_the_time_for_a_row_is_measured_only_if_a_gate_asks() -> None:
    def never() -> float:
        raise AssertionError

    case = Case(ANALYSIS, lambda metric: None, 1.0, never)
    assert [one.verdict for one in judge([fits(max_mb=2)], case)] == ["pass"]


def test_every_gate_that_can_be_declared_has_a_rule() -> None:
    assert set(RULES) == set(config.KINDS)


def verdict(word: str) -> Verdict:
    return Verdict(f"{word} gate", word, "0.1 of 0.2")


@pytest.mark.parametrize(
    ("words", "approval", "decision"),
    [
        ([], "automatic", Decision("released", "every gate holds")),
        (["pass", "pass"], "automatic", Decision("released", "every gate holds")),
        (["pass", "warn"], "automatic", Decision("released", "no gate blocks; 1 warn")),
        (
            ["block", "warn", "block"],
            "automatic",
            Decision("refused", "block gate: 0.1 of 0.2; block gate: 0.1 of 0.2"),
        ),
        (["block"], "person", Decision("refused", "block gate: 0.1 of 0.2")),
        (["pass"], "person", Decision("waiting", "every gate holds; a person must approve")),
    ],
)
def test_one_block_refuses_and_a_person_may_have_to_say_yes(
    words: list[str], approval: str, decision: Decision
) -> None:
    assert decide([verdict(word) for word in words], approval) == decision


@pytest.mark.parametrize(
    "make",
    [
        lambda: nr.better_than_champion("beauty"),
        lambda: nr.at_least("beauty", 1),
        lambda: nr.no_slice_worse("beauty"),
        lambda: nr.fair("roc_auc", max=0.1),
        lambda: Release(gates=nr.at_least("roc_auc", 0.6)),
        lambda: Release(gates=["roc_auc"]),
        lambda: Release(approval="nobody"),
        lambda: nr.fair("error_difference", max=0.1, small="pass"),
        lambda: stable(),
        lambda: stable(0.1, kinds=["colour"]),
    ],
)
def test_an_impossible_gate_is_refused_with_the_way_out(make: Any) -> None:
    with pytest.raises(BadLifecycle) as caught:
        make()
    assert caught.value.where
    assert caught.value.do
