"""Arrivals become batches and versions; what is broken leaves no trace."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.steps import Bench
from noria.collect import step
from noria.collect.config import Files, Rows
from noria.data import captured, table
from noria.data.schema import Schema
from noria.errors import BadInput, NoriaError, UserCodeFailed
from noria.lifecycle import Lifecycle
from noria.store import datasets

ONE = pl.DataFrame({"who": ["a", "b", "c"], "age": [30, 40, 50], "paid": ["yes", "no", "yes"]})
TWO = ONE.with_columns(pl.col("age") + 1)


def lifecycle(**options: Any) -> Lifecycle:
    return Lifecycle("loans", **{"collect": "inbox/*", "label": "paid", **options})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, lifecycle())


def accepted(bench: Bench) -> tuple[list[datasets.Batch], list[datasets.Version]]:
    with bench.store.read() as c:
        return datasets.batches(c, "loans"), datasets.versions(c, "loans")


def test_each_file_is_a_batch_and_all_of_them_a_version(bench: Bench) -> None:
    bench.arrive("1.csv", ONE)
    bench.arrive("2.csv", TWO)
    facts = bench.do("collect").facts
    batches, versions = accepted(bench)
    assert [(b.number, b.rows, b.origin, b.source["name"]) for b in batches] == [
        (1, 3, "files", "inbox/1.csv"),
        (2, 3, "files", "inbox/2.csv"),
    ]
    assert (facts["version"], facts["rows"], facts["new"], facts["baseline"]) == (1, 6, facts["batches"], None)
    assert [list(v.batches) for v in versions] == [facts["batches"]]
    kept = table.scan(f"{bench.settings.data}/loans", facts["batches"]).collect()
    assert kept.select(ONE.columns).equals(pl.concat([ONE, TWO]))


def test_the_same_content_arrives_once_whatever_it_is_called(bench: Bench) -> None:
    bench.arrive("1.csv", ONE)
    bench.arrive("same.csv", ONE)
    first = bench.do("collect").facts
    bench.turn()
    bench.arrive("0.csv", ONE)
    (bench.inbox / "1.csv").unlink()
    again = bench.do("collect").facts
    assert len(first["batches"]) == 1
    assert again["batches"] == first["batches"]
    assert again["version"] == 1
    assert len(accepted(bench)[0]) == len(accepted(bench)[1]) == 1


def test_a_step_that_runs_again_before_its_commit_makes_no_second_batch(bench: Bench) -> None:
    bench.arrive("1.csv", ONE)
    lost = bench.attempt("collect")
    step.run(lost)  # it dies here: the table has the rows, the store knows nothing
    facts = bench.do("collect").facts
    assert facts == lost.facts
    assert table.scan(f"{bench.settings.data}/loans", facts["batches"]).collect().height == 3
    assert len(accepted(bench)[0]) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("who,age,paid\na,1,yes\nb,2\n", "line 3 has 2 fields instead of 3"),
        ("", "it is empty"),
        ("who,who,paid\na,b,yes\n", "column who is there twice"),
        ("who,age\na,1\n", "there is no column 'paid'"),
        ("who,age,paid,_row\na,1,yes,5\n", "column _row has a reserved name"),
        ("who,age,paid\nJosé,1,yes\n".encode("latin-1"), "not readable as csv"),
        ("who,age,paid\na,old,yes\n", "column age is String here and Int64 in the earlier batches"),
        ("who,age,paid\na,1.5,yes\n", "column age is Float64 here and Int64 in the earlier batches"),
    ],
)
def test_with_a_broken_file_nothing_is_accepted_and_mending_it_goes_on(
    bench: Bench, content: str | bytes, said: str
) -> None:
    bench.arrive("1.csv", ONE)
    bench.do("collect")
    bench.turn()
    bench.arrive("2.csv", TWO)
    bench.arrive("3.csv", content)
    before = accepted(bench)
    with pytest.raises(NoriaError) as caught:
        bench.do("collect")
    assert said in caught.value.what
    assert caught.value.where
    assert caught.value.do
    assert accepted(bench) == before
    bench.arrive("3.csv", ONE[:1])
    assert bench.do("collect").facts["rows"] == 7


def test_without_any_file_it_says_where_it_looked(bench: Bench) -> None:
    with pytest.raises(BadInput, match="there are no data yet") as caught:
        bench.do("collect")
    assert "inbox/*" in caught.value.where


def test_what_sources_offer_is_seen_before_they_are_collected(bench: Bench) -> None:
    bench.arrive("1.csv", ONE)
    world, one = bench.attempt("collect"), bench.run.plan.step("collect")
    first = step.observe(world, one)
    assert step.observe(world, one) == first
    bench.arrive("1.csv", TWO)
    assert [name for name, _ in first] == ["inbox/1.csv"]
    assert step.observe(world, one) != first


def test_rows_of_a_function_are_a_batch_until_they_change(tmp_path: Path) -> None:
    rows = [{"age": 1, "paid": "yes"}, {"age": None, "paid": "no"}]
    bench = Bench(tmp_path, lifecycle(collect=Rows(lambda: rows)))
    assert bench.do("collect").facts["rows"] == 2
    assert len(bench.do("collect").facts["batches"]) == 1
    rows.append({"age": 3, "paid": "no"})
    assert bench.do("collect").facts["rows"] == 5


@pytest.mark.parametrize("give", [lambda: 1 / 0, lambda: 7, lambda: [{"a": 1}, 2]])
def test_a_function_that_gives_no_rows_is_one_sentence(tmp_path: Path, give: Any) -> None:
    bench = Bench(tmp_path, lifecycle(collect=Rows(give)))
    with pytest.raises(UserCodeFailed, match="did not give rows") as caught:
        bench.do("collect")
    assert caught.value.do
    assert "\n" not in caught.value.what


@pytest.mark.parametrize(
    ("label", "told"),
    [(["yes", "no"], "yes"), ([1, 0], "1"), ([1.0, 0.0], "1"), ([True, False], "True")],
    ids=["text", "whole number", "number", "yes or no"],
)
def test_labelled_predictions_become_a_batch_once_in_the_types_of_the_source(
    tmp_path: Path, label: list[object], told: str
) -> None:
    bench = Bench(tmp_path, lifecycle(collect=Files("inbox/*"), label=None, schema=Schema("paid", subject="who")))
    day = pl.DataFrame({"who": ["a", "b"], "day": ["2026-01-01", "2026-01-02"], "paid": label})
    bench.arrive("1.csv", day)
    bench.do("collect")
    answers = [{"id": name, "inputs": json.dumps({"who": name, "day": "2026-02-01"})} for name in ("p1", "p2")]
    keep(bench, "predictions", "1", answers)
    keep(bench, "feedback", "1", [{"prediction": "p2", "at": "2026-03-01", "label": told}])
    facts = bench.do("collect").facts
    assert len(facts["new"]) == 2  # nothing was validated yet
    assert bench.do("collect").facts["batches"] == facts["batches"]
    rows = table.scan(f"{bench.settings.data}/loans", facts["batches"]).collect()
    assert rows["paid"].to_list() == [*label, label[0]]
    assert rows["day"].to_list()[-1].isoformat() == "2026-02-01"
    keep(bench, "feedback", "2", [{"prediction": "p1", "at": "2026-03-02", "label": told}])
    assert bench.do("collect").facts["rows"] == 4
    assert [b.origin for b in accepted(bench)[0]] == ["files", "captured", "captured"]


def keep(bench: Bench, kind: str, batch: str, rows: list[dict[str, Any]]) -> None:
    kinds = captured.PREDICTION if kind == "predictions" else captured.FEEDBACK
    full = [{**dict.fromkeys(kinds), **row} for row in rows]
    table.append(captured.path(bench.settings, "loans", kind), batch, pl.DataFrame(full, schema=kinds, orient="row"))
