"""May this version go on? The verdict on whole arrivals."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import projects
from data.steps import Bench
from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.data.split import split_of
from noria.digest import Digest
from noria.errors import BadInput, BadLifecycle
from noria.lifecycle import Lifecycle
from noria.store import audit, datasets
from noria.store.attempt import Attempt
from noria.validate import splits
from noria.validate.config import Validate

SCHEMA = Schema(label="approved", subject="applicant", protected=["sex"], positive="yes")


def bench(folder: Path, **options: Any) -> Bench:
    return Bench(folder, Lifecycle("loans", **{"collect": "inbox/*.csv", "schema": SCHEMA, **options}))


def validated(on: Bench, name: str, rows: pl.DataFrame, remedy: str | None = None) -> Attempt:
    on.turn()
    on.arrive(name, rows)
    on.do("collect")
    return on.do("validate", remedy)


def whats(done: Attempt) -> list[tuple[str, str]]:
    return [(alert.severity, alert.what) for alert in done.alerts]


def test_the_first_arrival_is_the_baseline_and_more_of_the_same_passes(tmp_path: Path) -> None:
    on = bench(tmp_path)
    first = validated(on, "1.csv", projects.rows(600))
    second = validated(on, "2.csv", projects.rows(300, seed=1, first=1000, approved=0.52))
    assert (first.facts["verdict"], first.facts["labels"]) == ("pass", {"no": 0.5, "yes": 0.5})
    assert (second.facts["verdict"], second.alerts, second.blocked) == ("pass", [], None)
    with on.store.read() as c:
        assert [v.verdict for v in datasets.versions(c, "loans")] == ["pass", "pass"]
    assert on.json("validate", "profile.json")["rows"] == 900
    assert b"<svg" in on.bytes("validate", "report.html")


def test_a_shift_from_half_to_seven_in_ten_stops_with_the_measured_interval(tmp_path: Path) -> None:
    on = bench(tmp_path)
    validated(on, "1.csv", projects.rows(600))
    done = validated(on, "2.csv", projects.rows(300, seed=1, first=1000, approved=0.7))
    assert done.facts["verdict"] == "block"
    assert "moved from 50% to 30%" in (done.blocked or "")
    [alert] = [one for one in done.alerts if one.severity == "block"]
    low, high = alert.evidence["interval"]
    assert low < -0.2 < high < -0.1
    assert alert.where == "loans@2, approved"
    [kept] = [one for one in on.json("validate", "verdict.json")["anomalies"] if one["rule"] == "label_shift"]
    assert kept["evidence"]["interval"] == [low, high]


@pytest.mark.parametrize("remedy", ["resample", "reweight"])
def test_a_remedy_turns_the_block_into_a_warning_for_this_and_the_next_version(tmp_path: Path, remedy: str) -> None:
    on = bench(tmp_path)
    validated(on, "1.csv", projects.rows(600))
    validated(on, "2.csv", projects.rows(300, seed=1, first=1000, approved=0.8))
    done = on.do("validate", remedy)
    assert (done.facts["verdict"], done.facts["remedy"], done.blocked) == ("warn", remedy, None)
    again = on.do("validate")
    assert again.facts["remedy"] == remedy
    later = validated(on, "3.csv", projects.rows(300, seed=2, first=2000, approved=0.63))
    assert (later.facts["remedy"], later.blocked) == (remedy, None)
    with on.store.read() as c:
        assert [v.remedy for v in datasets.versions(c, "loans")] == [None, remedy, remedy]
        [entry] = [one for one in audit.entries(c) if one.action == "remedy"]
        assert (entry.actor, entry.subject, entry.after) == ("tester", "dataset_version:loans@2", remedy)
    assert on.do("validate", "none").facts["remedy"] is None


def test_a_shift_may_be_declared_to_warn_only(tmp_path: Path) -> None:
    on = bench(tmp_path, validate=Validate(on_shift="warn"))
    validated(on, "1.csv", projects.rows(600))
    done = validated(on, "2.csv", projects.rows(300, seed=1, first=1000, approved=0.7))
    assert (done.facts["verdict"], done.blocked) == ("warn", None)
    assert any("moved from 50% to 30%" in what for _, what in whats(done))


def test_a_small_new_batch_is_judged_by_itself_and_not_drowned_in_the_old_ones(tmp_path: Path) -> None:
    on = bench(tmp_path)
    validated(on, "1.csv", projects.rows(3000))
    assert validated(on, "2.csv", projects.rows(100, seed=1, first=9000, approved=0.8)).facts["verdict"] == "block"


def test_labels_that_differ_between_the_splits_are_a_warning_that_names_them(tmp_path: Path) -> None:
    names = [f"a{n}" for n in range(900)]
    rows = pl.DataFrame(
        {
            "applicant": names,
            "age": range(900),
            "sex": ["f", "m"] * 450,
            "approved": [
                "yes" if split_of(name, SCHEMA.shares) == "validation" or n % 2 else "no"
                for n, name in enumerate(names)
            ],
        }
    )
    done = validated(bench(tmp_path), "1.csv", rows)
    assert done.facts["verdict"] == "warn"
    assert {what.rpartition(" from ")[2].partition(" ")[2] for _, what in whats(done)} == {
        "to 0% between train and validation split",
        "to 0% between analysis and validation split",
    }


def test_a_label_of_one_class_or_of_none_is_refused(tmp_path: Path) -> None:
    on = bench(tmp_path)
    for name, label in (("1.csv", "yes"), ("2.csv", None)):
        rows = projects.rows(100).with_columns(approved=pl.lit(label, pl.String))
        with pytest.raises(BadInput, match="only the value 'yes'" if label else "approved") as caught:
            validated(on, name, rows)
        assert caught.value.do


def test_a_column_that_is_empty_once_does_not_change_what_it_is(tmp_path: Path) -> None:
    on = bench(tmp_path)
    validated(on, "1.csv", projects.rows(600))
    empty = validated(on, "2.csv", projects.rows(300, seed=1, first=1000).with_columns(age=pl.lit(None, pl.Int64)))
    assert whats(empty) == [("warn", "the column has no values")]
    assert validated(on, "3.csv", projects.rows(300, seed=2, first=2000)).facts["verdict"] == "pass"


def test_a_regression_has_no_label_shift_and_a_report_all_the_same(tmp_path: Path) -> None:
    on = bench(tmp_path, schema=Schema(label="amount", subject="applicant", task="regression"))
    done = validated(on, "1.csv", projects.rows(200))
    assert (done.facts["verdict"], done.facts["labels"]) == ("pass", {})
    more = projects.rows(200, seed=1, first=900).with_columns(pl.col("amount") + 5)
    assert validated(on, "2.csv", more).blocked is None


@pytest.mark.parametrize(
    "wrong", [{"label_shift": 0}, {"drift": 2}, {"missing": -1}, {"skew": 0}, {"on_shift": "pray"}]
)
def test_an_impossible_bound_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadLifecycle) as caught:
        Validate(**wrong)
    assert caught.value.do


def test_what_is_kept_of_the_baseline_and_the_new_rows_is_what_all_rows_together_say(tmp_path: Path) -> None:
    on = bench(tmp_path)
    parts = [projects.rows(300, seed=n, first=1000 * n) for n in range(3)]
    for n, rows in enumerate(parts):
        validated(on, f"{n}.csv", rows)
    kept = Profile.from_json(on.json("validate", "profile.json"))
    whole = profile(pl.concat(parts), SCHEMA)
    assert kept.splits == splits.labels(pl.concat(parts).lazy(), SCHEMA)
    assert (kept.rows, kept.labels, kept.groups) == (whole.rows, whole.labels, whole.groups)
    for name, column in whole.columns.items():
        assert kept.columns[name].values == column.values
        assert kept.columns[name].bins == column.bins
        assert kept.columns[name].spread == pytest.approx(column.spread)


def test_a_batch_is_judged_without_any_row_or_profile_of_the_batches_before(tmp_path: Path) -> None:
    on = bench(tmp_path)
    validated(on, "1.csv", projects.rows(600))
    with on.store.read() as c:
        [old] = datasets.batches(c, "loans")
    for lost in (tmp_path / "home" / "data" / "loans").rglob("*.parquet"):
        lost.unlink()
    on.artifacts.delete(Digest(str(old.profile)))
    second = validated(on, "2.csv", projects.rows(300, seed=1, first=1000, approved=0.7))
    assert (second.facts["verdict"], on.json("validate", "profile.json")["rows"]) == ("block", 900)


def test_the_report_shows_the_worst_column_first_and_the_verdict_holds_the_comparison(tmp_path: Path) -> None:
    on = bench(tmp_path)
    validated(on, "1.csv", projects.rows(600))
    moved = projects.rows(300, seed=1, first=1000).with_columns(pl.col("amount") * 3)
    assert {alert.where for alert in validated(on, "2.csv", moved).alerts} == {"loans@2, amount"}
    columns = on.json("validate", "verdict.json")["comparison"]["columns"]
    assert (columns[0]["column"], columns[0]["status"]) == ("amount", "moved")
    page = on.bytes("validate", "report.html").decode()
    assert page.index("<h2>amount</h2>") < page.index("<h2>job</h2>")


def batches(on: Bench) -> list[datasets.Batch]:
    with on.store.read() as c:
        return datasets.batches(c, "loans")


def test_what_is_counted_is_what_the_table_keeps_of_the_columns_that_arrived(tmp_path: Path) -> None:
    on = bench(tmp_path)
    validated(on, "1.csv", projects.rows(600).with_columns(extra=pl.lit(1.5)))
    validated(on, "2.csv", projects.rows(300, seed=1, first=1000).with_columns(age=pl.lit(None)))
    first, second = (json.loads(on.artifacts.get(Digest(str(batch.profile)))) for batch in batches(on))
    assert (first["columns"]["age"]["kind"], second["columns"]["age"]["kind"]) == ("number", "number")
    assert "extra" in first["columns"]
    assert "extra" not in second["columns"]


def test_another_label_is_counted_anew(tmp_path: Path) -> None:
    validated(bench(tmp_path), "1.csv", projects.rows(600))
    on = bench(tmp_path, schema=Schema(label="sex", subject="applicant"))
    on.do("collect")
    assert set(on.do("validate").facts["labels"]) == {"f", "m"}


def test_a_batch_that_cannot_be_read_is_left_out_from_then_on(tmp_path: Path) -> None:
    on = bench(tmp_path, collect="inbox/*")
    validated(on, "1.csv", projects.rows(600))
    broken = tmp_path / "inbox" / "2.parquet"
    projects.rows(300, seed=1, first=1000).write_parquet(broken)
    content = bytearray(broken.read_bytes())
    content[4:200] = bytes(196)
    broken.write_bytes(content)
    on.turn()
    on.do("collect")
    with pytest.raises(BadInput, match=r"inbox/2.parquet is damaged"):
        on.do("validate")
    on.turn()
    assert on.do("collect").facts["rows"] == 600
    assert on.do("validate").facts["verdict"] == "pass"
