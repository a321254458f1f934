"""What is served against what was learned from."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import projects
from data.steps import Bench
from noria.data import captured, table
from noria.lifecycle import Lifecycle
from noria.plan import Step
from noria.validate import step
from noria.validate.config import Validate
from validate.test_step import SCHEMA


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, Lifecycle("loans", collect="inbox/*.csv", schema=SCHEMA))
    bench.arrive("1.csv", projects.rows(2000))
    bench.do("collect")
    yield bench
    bench.store.close()


def serve(on: Bench, rows: pl.DataFrame, batch: str = "one") -> None:
    """Capture predictions for these rows, as the server would have."""
    frame = pl.DataFrame(
        [
            {**dict.fromkeys(captured.PREDICTION, ""), "id": f"{batch}{n:06d}", "version": 1,
             "inputs": json.dumps(row)}
            for n, row in enumerate(rows.drop("applicant", "approved").to_dicts())
        ],
        schema=captured.PREDICTION,
    )  # fmt: skip
    table.append(captured.path(on.settings, "loans", "predictions"), batch, frame)


def skewed(on: Bench) -> dict[str, str]:
    done = on.do("validate")
    return {a.where.partition(", ")[2]: a.what for a in done.alerts if a.evidence["rule"] == "serving_skew"}


def test_callers_who_send_what_was_learned_from_are_not_mentioned(on: Bench) -> None:
    assert skewed(on) == {}
    serve(on, projects.rows(1500, seed=9))
    assert skewed(on) == {}


def test_another_unit_another_spelling_and_missing_values_are_named_and_warn(on: Bench) -> None:
    changed: dict[str, Any] = {
        "age": pl.col("age") * 12,
        "job": pl.col("job").str.to_uppercase(),
        "amount": pl.when(pl.int_range(pl.len()) % 2 == 0).then("amount"),
    }
    serve(on, projects.rows(1500, seed=9).with_columns(**changed))
    found = skewed(on)
    assert found.keys() == {"age", "job", "amount"}
    assert found["amount"] == "in what is served, 50% of its values are missing, before 0%"
    assert on.results["validate"].facts["verdict"] == "warn"


def test_a_number_that_is_served_as_a_text_is_named(on: Bench) -> None:
    serve(on, projects.rows(300, seed=9).with_columns(pl.col("age").cast(pl.String)))
    assert skewed(on) == {"age": "in what is served, it is category now and was number"}


def test_a_few_answers_say_nothing_and_new_ones_make_the_step_look_again(on: Bench) -> None:
    class World:
        settings, lifecycle = on.settings, "loans"

    seen = [step.observe(World, Step("validate"))]
    for number in range(2):
        serve(on, projects.rows(40, seed=9).with_columns(age=pl.lit(900.0)), f"b{number}")
        seen.append(step.observe(World, Step("validate")))
        assert skewed(on) == {}
    assert len(set(seen)) == 3


def test_what_is_served_may_block_but_no_batch_is_to_blame_for_it(on: Bench) -> None:
    on.lifecycle.validate = Validate(rules={"serving_skew": "block"})
    serve(on, projects.rows(300, seed=9).with_columns(pl.col("age") * 12))
    assert skewed(on).keys() == {"age"}
    assert (on.results["validate"].facts["verdict"], on.results["validate"].facts["blamed"]) == ("block", [])
