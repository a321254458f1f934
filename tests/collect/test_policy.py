"""Which served answers are learned from, and how much each counts."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import noria as nr
from data.steps import Bench
from noria.collect import policy
from noria.collect.config import Captured
from noria.data import captured, split, table
from noria.data.schema import Schema
from noria.store import datasets

KINDS = {"id": pl.String, "version": pl.Int64, "variant": pl.String, "subject": pl.String, "inputs": pl.String,
         "outputs": pl.String, "label": pl.String, "sources": pl.List(pl.String)}  # fmt: skip


def answers(*rows: dict) -> pl.DataFrame:
    base = {"version": 1, "variant": "champion", "subject": None, "inputs": "{}", "label": "yes", "sources": ["api"]}
    out = json.dumps({"label": "yes", "probabilities": {"no": 0.5, "yes": 0.5}})
    return pl.DataFrame([{**base, "id": f"p{n}", "outputs": out, **row} for n, row in enumerate(rows)], schema=KINDS)


def said(p: float) -> str:
    return json.dumps({"label": "yes" if p > 0.5 else "no", "probabilities": {"no": 1 - p, "yes": p}})


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        (Captured(), ["p0", "p1", "p2", "p3"]),
        (Captured(policy="exclude"), []),
        (Captured(policy="exploration", explored="dice"), ["p1"]),
        (Captured(policy="exploration"), ["p2"]),
        (Captured(consent="may_learn"), ["p0", "p1"]),
        (Captured(without=["opted-out"]), ["p0", "p1", "p3"]),
        (Captured(consent="may_learn", without=["opted-out"], policy="exploration", explored="dice"), ["p1"]),
    ],
)
def test_who_may_be_learned_from(source: Captured, ids: list[str]) -> None:
    rows = answers(
        {"inputs": json.dumps({"may_learn": True, "dice": False})},
        {"inputs": json.dumps({"may_learn": "yes", "dice": True})},
        {"inputs": json.dumps({"may_learn": False}), "sources": ["api", "opted-out"], "variant": "explored"},
        {},
    )
    assert policy.kept(rows, source)["id"].to_list() == ids


def test_a_share_of_subjects_is_the_same_people_each_time() -> None:
    rows = answers(*({"subject": f"s{n % 500}"} for n in range(1000)))
    kept = policy.kept(rows, Captured(share=0.3))
    counts = kept.group_by("subject").len()["len"]
    assert set(counts) == {2}
    assert 0.2 < kept.height / rows.height < 0.4
    more = policy.kept(rows, Captured(share=0.5))
    assert set(kept["subject"]) < set(more["subject"])


def test_answers_that_rarely_get_a_label_count_the_more() -> None:
    random = np.random.default_rng(0)
    p = random.uniform(size=4000)
    known = random.uniform(size=4000) < np.where(p > 0.5, 0.9, 0.3)
    everything = answers(*({"outputs": said(x), "label": "yes" if k else None} for x, k in zip(p, known, strict=True)))
    rows = everything.filter(pl.col("label").is_not_null())
    found = policy.propensity_weights(rows, everything, Captured())
    high = p[known] > 0.5
    assert found.mean() == pytest.approx(1)
    assert found[~high].mean() / found[high].mean() == pytest.approx(3, rel=0.15)
    assert np.average(p[known], weights=found) == pytest.approx(p.mean(), abs=0.02)
    assert abs(p[known].mean() - p.mean()) > 0.08
    capped = policy.propensity_weights(rows, everything, Captured(most=1.2))
    assert capped.max() / capped.min() < found.max() / found.min()


def test_where_every_answer_gets_a_label_or_few_are_there_all_count_the_same() -> None:
    rows = answers(*({"outputs": said(n / 50)} for n in range(50)))
    assert policy.propensity_weights(rows, rows, Captured()).tolist() == [1.0] * 50
    few = answers(*({"outputs": said(n / 9), "label": None if n % 2 else "yes"} for n in range(9)))
    labelled = few.filter(pl.col("label").is_not_null())
    assert policy.propensity_weights(labelled, few, Captured()).tolist() == [1.0] * 5


def test_what_chance_decided_counts_as_it_is() -> None:
    rows = answers(*({"outputs": said(n / 100), "label": "yes" if n % 4 == 0 else None,
                      "inputs": json.dumps({"dice": n == 4})} for n in range(100)))  # fmt: skip
    labelled = rows.filter(pl.col("label").is_not_null())
    found = policy.propensity_weights(labelled, rows, Captured(explored="dice"))
    assert found[1] < found[0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nr.Captured(policy="some"), "unknown policy 'some'"),
        (lambda: nr.Captured(share=0), "share is 0"),
        (lambda: nr.Captured(most=0.5), "most is 0.5"),
        (lambda: nr.Captured(without="opted-out"), "without is a text, not a list"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(make, said: str) -> None:
    with pytest.raises(nr.UserError, match=said):
        make()


SCHEMA = Schema(label="approved", subject="applicant", protected=["sex"])


def capture(bench: Bench, people: list[str], batch: str, **more: object) -> None:
    """Labelled answers about people."""
    at = datetime(2026, 1, 1, tzinfo=UTC).isoformat(timespec="microseconds")
    rows = [
        {**dict.fromkeys(captured.PREDICTION), "id": f"{batch}-{n}", "at": at, "version": 1 + n % 2,
         "variant": "champion" if n % 2 == 0 else "challenger", "subject": captured.subject_digest(name),
         "inputs": json.dumps({"applicant": name, "age": 30 + n, "sex": "f", **more}), "outputs": said(0.7)}
        for n, name in enumerate(people)
    ]  # fmt: skip
    told = [
        {**dict.fromkeys(captured.FEEDBACK), "prediction": row["id"], "at": at, "label": "yes", "source": "api"}
        for row in rows
    ]
    for kind, found, kinds in (("predictions", rows, captured.PREDICTION), ("feedback", told, captured.FEEDBACK)):
        table.append(captured.path(bench.settings, "loans", kind), batch, pl.DataFrame(found, schema=kinds))


def arrive(bench: Bench, people: list[str], name: str) -> None:
    count = len(people)
    labels = ["yes" if n % 2 else "no" for n in range(count)]
    ages = [30.0 + n for n in range(count)]
    frame = pl.DataFrame({"applicant": people, "age": ages, "sex": ["f"] * count, "approved": labels})
    bench.arrive(name, frame)


def rows_of(bench: Bench) -> pl.DataFrame:
    facts = bench.results["collect"].facts
    return table.scan(f"{bench.settings.data}/loans", facts["batches"]).collect()


def test_a_batch_of_served_answers_says_who_answered_and_brings_no_column_of_the_callers(tmp_path: Path) -> None:
    bench = Bench(tmp_path, nr.Lifecycle("loans", collect="inbox/*.csv", schema=SCHEMA))
    arrive(bench, ["ann", "bob", "cem", "dan"], "1.csv")
    bench.do("collect")
    capture(bench, ["eve", "fay", "gil"], "x", shoe_size=43)
    bench.do("collect")
    with bench.store.read() as c:
        last = datasets.batches(c, "loans")[-1]
    assert (last.origin, last.source["policy"]) == ("captured", "weights")
    assert last.source["answered"] == [
        {"version": 1, "variant": "champion", "rows": 2}, {"version": 2, "variant": "challenger", "rows": 1}
    ]  # fmt: skip
    rows = rows_of(bench)
    assert "shoe_size" not in rows.columns
    mine = rows.filter(pl.col("_version").is_not_null())
    assert mine.select("applicant", "_version", "_variant", "_weight").rows() == [
        ("eve", 1, "champion", 1.0), ("fay", 2, "challenger", 1.0), ("gil", 1, "champion", 1.0)
    ]  # fmt: skip
    assert split.keys(rows, Schema(label="approved")).to_list()[0] == split.keys(
        rows.drop(table.MARKS), Schema(label="approved")
    )[0]  # fmt: skip


names = st.text("abcdefgh0123456789-", min_size=1, max_size=6).map("p{}".format)  # a wave of digits only is of numbers
people = st.lists(names, min_size=1, max_size=12, unique=True)


@settings(deadline=None, max_examples=15)
@given(st.lists(people, min_size=2, max_size=4), st.data())
def test_nobody_moves_from_one_split_to_another_by_being_asked_about(
    tmp_path_factory: pytest.TempPathFactory, waves: list[list[str]], data: st.DataObject
) -> None:
    bench = Bench(tmp_path_factory.mktemp("splits"), nr.Lifecycle("loans", collect="inbox/*.csv", schema=SCHEMA))
    splits: dict[str, str] = {}
    everybody: list[str] = []
    for number, wave in enumerate(waves):
        if number == 0 or data.draw(st.booleans()):
            arrive(bench, wave, f"{number}.csv")
        else:
            asked = data.draw(st.lists(st.sampled_from([*everybody, *wave]), min_size=1, unique=True))
            capture(bench, asked, f"w{number}")
        everybody += wave
        bench.turn()
        bench.do("collect")
        rows = rows_of(bench)
        found = dict(
            zip(rows["applicant"].cast(pl.String).to_list(), split.assign(rows, SCHEMA).to_list(), strict=True)
        )
        assert {name: found[name] for name in splits} == splits
        splits = found
