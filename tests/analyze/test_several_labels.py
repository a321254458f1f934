"""Several labels a row, from lists in a Parquet file to a released model that answers with lists."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

import noria as nr
from data.steps import Bench
from noria.data.schema import Schema
from noria.data.split import split_of
from noria.errors import BadInput, BadLifecycle
from noria.lifecycle import Lifecycle
from noria.model import package
from noria.model.frame import columns_of
from noria.stats.metrics import all_of

SCHEMA = Schema(label="topics", task="multilabel", subject="who", protected=["sex"])
ONE = Schema("topics", subject="who")
NAMES = ["art", "law", "war"]


def rows(count: int = 500, seed: int = 0) -> pl.DataFrame:
    """The words of a row nearly tell its topics; one in ten rows has none."""
    random = np.random.default_rng(seed)
    topics = [[name for name in NAMES if random.random() < 0.5] for _ in range(count)]
    words = [[f"{one}word" for one in own if random.random() < 0.9] + ["the"] for own in topics]
    return pl.DataFrame(
        {
            "who": [f"w{n}" for n in range(count)],
            "sex": random.choice(["f", "m"], count),
            "pages": random.integers(1, 500, count),
            "words": words,
            "topics": topics,
        }
    )


def bench(folder: Path, estimator: Any = None, frame: pl.DataFrame | None = None, schema: Schema = SCHEMA) -> Bench:
    options: dict[str, Any] = {
        "analyze": nr.Analyze(rounds=30),
        "release": nr.Release(gates=[nr.at_least("f1_micro", 0.8)]),
    }
    lifecycle = Lifecycle("news", collect="inbox/*", schema=schema, **options)
    if estimator is not None:
        lifecycle.train(lambda: estimator)
    made = Bench(folder, lifecycle)
    (rows() if frame is None else frame).write_parquet(made.inbox / "1.parquet")
    return made


def test_lists_go_through_the_whole_wheel(tmp_path: Path) -> None:
    on = bench(tmp_path)
    facts = on.upto("release").facts
    assert facts["decision"] == "released"
    shares = on.results["validate"].facts["labels"]
    assert shares.keys() == set(NAMES)
    y = np.load(io.BytesIO(on.bytes("preprocess", "y.analysis.npy")))
    kept = pl.read_parquet(io.BytesIO(on.bytes("preprocess", "rows.analysis.parquet")))
    assert [[int(name in cell.split("|")) for name in NAMES] for cell in kept["topics"]] == y.tolist()
    assert {split_of(who, SCHEMA.shares) for who in kept["who"]} == {"analysis"}
    packed = package.from_bytes(on.bytes("train", "model"), on.results["train"].outputs["model"].digest)
    assert (packed.signature.task, packed.signature.classes) == ("multilabel", tuple(NAMES))
    said = packed.predictor().predict(columns_of(kept, packed.signature.inputs))
    result = on.json("analyze", "analysis.json")
    assert result["metrics"] == pytest.approx(all_of("multilabel", y, said.scores))
    assert [set(filter(None, one.split("|"))) for one in list(said.label if said.label is not None else ())] == [
        {name for name, p in zip(NAMES, row, strict=True) if p >= 0.5} for row in said.scores
    ]
    assert result["intervals"].keys() == result["metrics"].keys() >= {"f1_macro", "hamming_loss", "subset_accuracy"}
    assert result["fairness"].keys() == {f"sex: {name}" for name in NAMES}
    assert {one["feature"]: one["kind"] for one in result["sensitivity"]} == {
        "words": "list", "pages": "number", "sex": "category"
    }  # fmt: skip
    assert result["sensitivity"][0]["feature"] == "words"
    assert sum(one["rows"] for one in result["calibration"]["bins"]) == 3 * kept.height


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [
        (LogisticRegression(), "onnx"),
        (OneVsRestClassifier(LogisticRegression()), "onnx"),
        (RandomForestClassifier(10), None),
        (OneVsRestClassifier(LinearSVC()), None),
    ],
    ids=lambda one: str(one)[:40],
)
def test_any_estimator_learns_them_and_its_package_answers_alike(
    tmp_path: Path, estimator: Any, kind: str | None
) -> None:
    on = bench(tmp_path, estimator)
    facts = on.upto("train").facts
    assert facts["metrics"]["f1_micro"] > 0.85
    assert kind is None or facts["format"] == kind, on.json("train", "onnx.json")


def test_reweighing_gives_rows_with_rare_labels_more_weight(tmp_path: Path) -> None:
    frame = rows().with_columns(
        topics=pl.Series([own if n % 10 else [*own, "rare"] for n, own in enumerate(rows()["topics"].to_list())])
    )
    on = bench(tmp_path, LogisticRegression(), frame)
    on.do("collect")
    on.do("validate", remedy="reweight")
    on.do("preprocess")
    y, w = (np.load(io.BytesIO(on.bytes("preprocess", f"{name}.train.npy"))) for name in "yw")
    rare = y[:, on.results["preprocess"].facts["classes"].index("rare")] == 1
    assert w[rare].mean() > 1.5 * w[~rare].mean()
    assert w.mean() == pytest.approx(1, abs=1e-3)
    on.do("tune")
    on.do("train")


def test_a_label_that_no_training_row_has_is_said_and_is_no_class(tmp_path: Path) -> None:
    frame = rows()
    there = [split_of(who, SCHEMA.shares) == "analysis" for who in frame["who"]]
    topics = [[*own, "moon"] if mine else own for own, mine in zip(frame["topics"].to_list(), there, strict=True)]
    on = bench(tmp_path, frame=frame.with_columns(topics=pl.Series(topics)))
    done = on.upto("preprocess")
    assert done.facts["classes"] == NAMES
    assert any("1 labels have no training row" in alert.what and "moon" in alert.what for alert in done.alerts)


@pytest.mark.parametrize(
    ("frame", "schema", "said"),
    [
        (rows(), ONE, "is a list in"),
        (rows().with_columns(topics=pl.col("topics").list.join("|")), ONE, "several labels"),
        (rows().with_columns(topics=pl.lit("art")), SCHEMA, "only the value 'art'"),
        (rows().with_columns(topics=pl.Series(["art", "law"] * 250)), SCHEMA, "no row has more than one label"),
        (rows().with_columns(topics=pl.Series([["art", "law"], ["art"]] * 250)), SCHEMA, "have the label 'art'"),
    ],
    ids=["list", "text", "one", "single", "all"],
)
def test_labels_of_another_task_are_one_sentence(
    tmp_path: Path, frame: pl.DataFrame, schema: Schema, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        bench(tmp_path, frame=frame, schema=schema).upto("preprocess")
    assert said in caught.value.what
    assert caught.value.do


def test_of_several_labels_none_is_favourable() -> None:
    with pytest.raises(BadLifecycle, match="none is the favourable one"):
        Schema("topics", task="multilabel", positive="art")
