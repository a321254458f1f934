"""Fitted once, on training rows only; kept on disk for whoever trains."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import projects
from data.steps import Bench
from noria.data.schema import SPLITS, Schema
from noria.data.split import split_of
from noria.errors import BadInput, UserCodeFailed
from noria.lifecycle import Lifecycle
from noria.train import arrays

SCHEMA = Schema(label="approved", subject="applicant", positive="yes")
ROWS = projects.rows(400)


def bench(folder: Path, rows: pl.DataFrame = ROWS, schema: Schema = SCHEMA, function: Any = None) -> Bench:
    lifecycle = Lifecycle("loans", collect="inbox/*.csv", schema=schema)
    if function is not None:
        lifecycle.preprocess(function)
    made = Bench(folder, lifecycle)
    made.arrive("1.csv", rows)
    return made


def numbers() -> Any:
    return ColumnTransformer([("numbers", StandardScaler(), ["age", "amount"])])


def features(on: Bench, split: str) -> Any:
    return np.load(io.BytesIO(on.bytes("preprocess", f"X.{split}.npy")))


def test_features_labels_weights_and_rows_of_every_split_belong_together(tmp_path: Path) -> None:
    on = bench(tmp_path, function=numbers)
    facts = on.upto("preprocess").facts
    seen = []
    for name in SPLITS:
        rows = pl.read_parquet(io.BytesIO(on.bytes("preprocess", f"rows.{name}.parquet")))
        y = np.load(io.BytesIO(on.bytes("preprocess", f"y.{name}.npy")))
        w = np.load(io.BytesIO(on.bytes("preprocess", f"w.{name}.npy")))
        X = features(on, name)
        assert (X.dtype, w.dtype, y.dtype, X.flags.c_contiguous) == ("float32", "float32", "int64", True)
        assert len(X) == len(y) == len(w) == len(rows) == facts["rows"][name]
        assert y.tolist() == (rows["approved"] == "yes").cast(pl.Int64).to_list()
        assert (w == 1).all()
        age = X[:, 0] * rows["age"].std()  # the same numbers but for the scale
        assert np.corrcoef(age, rows["age"].to_numpy())[0, 1] == pytest.approx(1)
        assert {split_of(who, SCHEMA.shares) for who in rows["applicant"]} == {name}
        seen += rows["_row"].to_list()
    assert sorted(seen) == list(range(400))
    assert facts["columns"] == ["numbers__age", "numbers__amount"]
    assert facts["classes"] == ["no", "yes"]


@pytest.mark.parametrize("function", [None, numbers], ids=["default", "the user's"])
def test_nothing_of_the_other_splits_is_in_what_was_fitted(tmp_path: Path, function: Any) -> None:
    """Whatever stands in the other rows, the transformer and the training features have the same bytes."""
    elsewhere = pl.Series([split_of(who, SCHEMA.shares) != "train" for who in ROWS["applicant"]])
    strange = ROWS.with_columns(
        age=pl.when(elsewhere).then(pl.col("age") * 1000).otherwise("age"),
        job=pl.when(elsewhere).then(pl.lit("astronaut")).otherwise("job"),
    )
    outputs = []
    for name, rows in (("one", ROWS), ("two", strange)):
        (tmp_path / name).mkdir()
        on = bench(tmp_path / name, rows, function=function)
        outputs.append(on.upto("preprocess").outputs)
    same = {key for key in outputs[0] if outputs[0][key] == outputs[1][key]}
    assert {"preprocessor", "X.train.npy"} <= same
    assert not {"X.validation.npy", "X.analysis.npy"} & same


def test_the_scale_is_that_of_the_training_rows(tmp_path: Path) -> None:
    on = bench(tmp_path, function=numbers)
    on.upto("preprocess")
    fitted = pickle.loads(on.bytes("preprocess", "preprocessor"))
    train = ROWS.filter(pl.Series([split_of(who, SCHEMA.shares) == "train" for who in ROWS["applicant"]]))
    want = train.select(pl.col("age").cast(pl.Float32), pl.col("amount").cast(pl.Float32)).mean().row(0)
    assert fitted.named_transformers_["numbers"].mean_ == pytest.approx(want, rel=1e-6)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    on = bench(tmp_path)
    first = on.upto("preprocess").outputs
    assert on.do("preprocess").outputs == first


def test_arrays_are_mapped_from_the_disk_and_not_read_into_memory(tmp_path: Path) -> None:
    on = bench(tmp_path, function=numbers)
    on.upto("preprocess")
    part = arrays.open_part(arrays.files(on.attempt("tune"), "train"))
    for array in (part.X, part.y, part.w):
        assert isinstance(array, np.memmap)
        assert array.mode == "r"
        assert Path(str(array.filename)).is_relative_to(on.folder / "home" / "artifacts")


def test_sparse_features_stay_sparse(tmp_path: Path) -> None:
    on = bench(tmp_path, function=lambda: ColumnTransformer([("c", OneHotEncoder(), ["job"])], sparse_threshold=1.0))
    on.upto("preprocess")
    found = sparse.load_npz(io.BytesIO(on.bytes("preprocess", "X.train.npz")))
    assert (found.format, found.dtype, found.shape[1]) == ("csr", "float32", 3)
    part = arrays.open_part(arrays.files(on.attempt("tune"), "train"))
    assert (found != part.X).nnz == 0


def test_the_default_takes_numbers_categories_flags_texts_and_what_it_never_saw(tmp_path: Path) -> None:
    count = len(ROWS)
    rows = ROWS.with_columns(
        job=pl.when(pl.int_range(count) % 7 == 0).then(None).otherwise("job"),
        age=pl.when(pl.int_range(count) % 5 == 0).then(None).otherwise("age"),
        vip=pl.int_range(count) % 3 == 0,
        note=pl.lit("the quick brown fox jumps"),
        never=pl.lit(None, pl.String),
    )
    on = bench(tmp_path, rows)
    facts = on.upto("preprocess").facts
    assert {"age", "amount", "job_clerk", "job_missing", "vip"} <= set(facts["columns"])
    assert np.isfinite(features(on, "validation")).all()
    fitted = pickle.loads(on.bytes("preprocess", "preprocessor"))
    signature = on.json("preprocess", "signature.json")["inputs"]
    assert {one["name"]: one["kind"] for one in signature} == {
        "age": "number", "amount": "number", "job": "category", "never": "category", "note": "text",
        "sex": "category", "vip": "bool",
    }  # fmt: skip
    strange = pd.DataFrame(
        {
            "age": [np.nan],
            "amount": [1e6],
            "job": ["astronaut"],
            "never": ["x"],
            "note": ["?"],
            "sex": ["f"],
            "vip": [1.0],
        }
    )
    answer = dict(zip(facts["columns"], fitted.transform(strange)[0], strict=True))
    assert [answer[name] for name in facts["columns"] if name.startswith("job_")] == [0] * 4
    assert answer["sex_f"] == 1


def test_rare_categories_get_no_feature(tmp_path: Path) -> None:
    rows = ROWS.with_columns(job=pl.when(pl.int_range(400) < 3).then(pl.lit("rare")).otherwise("job"))
    assert "job_rare" not in bench(tmp_path, rows).upto("preprocess").facts["columns"]


@pytest.mark.parametrize("remedy", ["resample", "reweight"])
def test_a_remedy_balances_the_training_rows_and_no_others(tmp_path: Path, remedy: str) -> None:
    on = bench(tmp_path, projects.rows(400, approved=0.25), function=numbers)
    on.do("collect")
    on.do("validate", remedy)
    on.do("preprocess")
    y, w = (np.load(io.BytesIO(on.bytes("preprocess", f"{name}.train.npy"))) for name in "yw")
    assert w[y == 0].sum() == pytest.approx(w[y == 1].sum())
    assert ((y == 0).sum() == (y == 1).sum()) == (remedy == "resample")
    others = np.concatenate([np.load(io.BytesIO(on.bytes("preprocess", f"y.{name}.npy"))) for name in SPLITS[1:]])
    assert others.mean() == pytest.approx(0.25, abs=0.08)
    rows = pl.read_parquet(io.BytesIO(on.bytes("preprocess", "rows.train.parquet")))
    assert (rows["approved"] == "yes").to_list() == (y == 1).tolist()
    again = bench(tmp_path, function=numbers)
    again.results = on.results
    assert again.do("preprocess").outputs == on.results["preprocess"].outputs


def raises() -> Any:
    raise KeyError("no_such_column")


def shuffled(table: pd.DataFrame) -> Any:
    return table[["age"]].to_numpy()[np.random.default_rng(0).permutation(len(table))]


def only(change: Any) -> Any:
    return lambda: FunctionTransformer(change)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (raises, "raises raised KeyError: 'no_such_column'"),
        (lambda: StandardScaler, "returned StandardScaler, which is no unfitted transformer"),
        (lambda: None, "returned NoneType, which is no unfitted transformer"),
        (lambda: ColumnTransformer([("n", StandardScaler(), ["height"])]), "fitting the transformer raised ValueError"),
        (only(lambda table: table[["height"]]), "KeyError"),
        (only(lambda table: table[["age"]][:-1]), "the transformer made 275 rows of 276"),
        (only(lambda table: table[["job"]]), "object values, not numbers"),
        (only(lambda table: np.log(table[["age"]] * 0)), "infinite values"),
        (only(shuffled), "changes the order of rows"),
        (only(lambda table: table[["age"]] - table["age"].mean()), "a row's features depend on other rows"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_the_users_function_does_wrong_is_one_sentence(tmp_path: Path, function: Any, said: str) -> None:
    on = bench(tmp_path, function=function)
    on.upto("validate")
    with pytest.raises(UserCodeFailed) as caught:
        on.do("preprocess")
    assert said in caught.value.what
    assert "\n" not in caught.value.what
    assert caught.value.where
    assert caught.value.do


@pytest.mark.parametrize(
    ("rows", "schema", "said"),
    [
        (ROWS, Schema("approved", drop=["applicant", "age", "amount", "job", "sex"]), "no column is left"),
        (ROWS[:3], SCHEMA, "split has no rows"),
        (ROWS.with_columns(approved=pl.lit("yes")), SCHEMA, "only the value 'yes'"),
        (
            ROWS.with_columns(
                approved=pl.Series([
                    "no" if split_of(who, SCHEMA.shares) == "train" else "yes" for who in ROWS["applicant"]
                ])
            ),
            SCHEMA,
            "all training rows have the label 'no'",
        ),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_learned_from_are_refused(
    tmp_path: Path, rows: pl.DataFrame, schema: Schema, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        bench(tmp_path, rows, schema).upto("preprocess")
    assert said in caught.value.what
    assert caught.value.do
