"""Every rule: a damage that it names, with evidence and what to do; and what a finding does is declared."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from noria.data.profile import profile
from noria.data.schema import Schema
from noria.errors import BadLifecycle
from noria.validate.config import Validate
from noria.validate.expected import Expected, infer
from noria.validate.findings import Fresh, findings
from noria.validate.report import Anomaly, judge
from noria.validate.rules import RULES

SCHEMA = Schema(label="paid", subject="who", time="at")
BEGIN, ARRIVED = datetime(2025, 1, 1), datetime(2025, 12, 1)
AT, N = pl.col("at"), pl.int_range(pl.len())


def rows(seed: int, day: int = 0, count: int = 2000) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "who": [f"p{seed}-{n}" for n in range(count)],
            "at": [BEGIN + timedelta(days=day + int(n)) for n in random.integers(0, 90, count)],
            "age": random.normal(40, 10, count),
            "job": random.choice(["clerk", "nurse", "smith"], count),
            "paid": random.choice(["no", "yes"], count),
        }
    )


OLD, NEW = rows(0), rows(1, day=90)
BEFORE = profile(OLD, SCHEMA)
DAMAGES: dict[str, tuple[str, pl.DataFrame]] = {
    "absent": ("age", NEW.drop("age")),
    "type": ("age", NEW.with_columns(age=pl.lit("old"))),
    "new": ("hair", NEW.with_columns(hair=pl.lit("red"))),
    "unseen": ("job", NEW.with_columns(job=pl.when(N < 200).then(pl.lit("pilot")).otherwise("job"))),
    "rare": ("job", NEW.with_columns(job=pl.when(N < 2).then(pl.lit("pilot")).otherwise("job"))),
    "range": ("age", NEW.with_columns(age=pl.when(N < 1).then(4000.0).otherwise("age"))),
    "missing": ("age", NEW.with_columns(age=pl.when(N < 500).then(None).otherwise("age"))),
    "empty": ("age", NEW.with_columns(age=pl.lit(None, pl.Float64))),
    "infinite": ("age", NEW.with_columns(age=pl.when(N < 2).then(float("inf")).otherwise("age"))),
    "duplicates": ("who", pl.concat([NEW, NEW.head(300)])),
    "future": ("at", NEW.with_columns(at=AT + timedelta(days=900))),
    "past": ("at", NEW.with_columns(at=AT - timedelta(days=9000))),
    "gap": ("at", NEW.with_columns(at=AT + timedelta(days=60))),
    "leakage": ("job", NEW.with_columns(job=pl.col("paid").replace({"no": "clerk", "yes": "smith"}))),
    "drift": ("age", NEW.with_columns(age=pl.col("age") + 12)),
    "label_shift": ("paid", NEW.with_columns(paid=pl.when(N < 500).then(pl.lit("no")).otherwise("paid"))),
}  # fmt: skip


def found(frame: pl.DataFrame, config: Validate | None = None, **options: Any) -> list[Anomaly]:
    return findings(Fresh(profile(frame, SCHEMA), ARRIVED, frame), BEFORE, SCHEMA, config or Validate(), **options)


def test_rows_without_a_damage_break_no_rule() -> None:
    assert found(NEW) == []


@pytest.mark.parametrize("rule", DAMAGES)
def test_a_damage_is_named_by_its_rule_with_column_severity_and_what_to_do(rule: str) -> None:
    column, frame = DAMAGES[rule]
    [one] = [one for one in found(frame) if one.rule == rule]
    assert (one.column, one.severity) == (column, RULES[rule].word.replace("pass", "info"))
    assert one.what
    assert one.do
    assert one.evidence or rule in ("absent", "new")


def test_a_column_that_never_varied_and_one_that_must_be_unique() -> None:
    same = OLD.with_columns(job=pl.lit("clerk"))
    [one] = findings(Fresh(profile(same, SCHEMA), ARRIVED, same), None, SCHEMA, Validate())
    assert (one.rule, one.column, one.evidence["value"]) == ("constant", "job", "clerk")
    must = {**infer(BEFORE), "who": Expected(unique=True, severity={"unique": "block"})}
    twice = pl.concat([NEW, NEW.head(1)])
    assert [(one.rule, one.severity) for one in found(twice, must=must)] == [("unique", "block")]


@pytest.mark.parametrize(("word", "severity", "verdict"), [("pass", "info", "pass"), ("warn", "warn", "warn"),
                                                          ("block", "block", "block")])  # fmt: skip
def test_what_a_finding_does_is_declared_by_rule_and_by_column(word: str, severity: str, verdict: str) -> None:
    for rule in ("drift", "absent", "label_shift", "new"):
        frame = DAMAGES[rule][1]
        if rule == "absent":
            frame = frame.drop("job")
        seen = [one for one in found(frame, Validate(rules={rule: word})) if one.rule == rule]
        assert {one.severity for one in seen} == {severity}
        assert judge(seen, None).word == verdict
    must = {**infer(BEFORE), "job": Expected("category", severity={"absent": word})}
    by_column = {one.column: one.severity for one in found(NEW.drop("job", "age"), must=must)}
    assert by_column == {"job": severity, "age": "block"}


def test_on_shift_is_short_for_a_rule() -> None:
    frame = DAMAGES["label_shift"][1]
    for config, want in (
        (Validate(on_shift="warn"), "warn"),
        (Validate(on_shift="stop"), "block"),
        (Validate(on_shift="warn", rules={"label_shift": "block"}), "block"),
    ):
        assert {one.severity for one in found(frame, config) if one.rule == "label_shift"} == {want}


@pytest.mark.parametrize(
    ("rules", "says"),
    [({"drfit": "warn"}, "Did you mean 'drift'"), ({"drift": "stop"}, "Use 'pass', 'warn' or 'block'"),
     ({"zzz": "warn"}, "Rules are absent")],
)  # fmt: skip
def test_a_rule_that_there_is_not_is_refused_at_once(rules: dict[str, str], says: str) -> None:
    with pytest.raises(BadLifecycle, match=says):
        Validate(rules=rules)


def test_a_remedy_for_labels_eases_a_label_shift_only_and_accept_eases_all() -> None:
    seen = [*found(DAMAGES["absent"][1]), *found(DAMAGES["label_shift"][1])]
    assert judge(seen, None).word == "block"
    assert {one.rule for one in judge(seen, "resample").blocking()} == {"absent"}
    assert judge(seen, "accept").word == "warn"


def test_the_guide_lists_every_rule_and_what_it_does() -> None:
    guide = Path(__file__).parents[2] / "docs" / "guides" / "data-that-stop-a-run.md"
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\w+) \|$", guide.read_text(), re.MULTILINE)
    assert rows == [(name, rule.word) for name, rule in RULES.items()]
