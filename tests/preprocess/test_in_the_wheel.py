"""The transformers in a lifecycle: fitted on training rows only, packed with the model, refused in one sentence."""

import pickle
from collections import Counter
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import pytest
import torch
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

import noria as nr
import projects
from data.steps import Bench
from noria.data.schema import Schema
from noria.data.split import split_of
from noria.errors import UserCodeFailed
from noria.lifecycle import Lifecycle
from noria.model.ragged import Ragged
from noria.train.arrays import files, open_part

SCHEMA = Schema(label="approved", subject="applicant", positive="yes")
TAGS = [None, "home", "home|car", "car|boat", "boat"]
NOTES = ["a small house", "a red car", "wants a boat soon", "", "no idea"]
COUNT = 300
ROWS = projects.rows(COUNT).with_columns(
    tags=pl.Series(TAGS * 60),
    note=pl.Series(NOTES * 60),
    at=pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 1) + pl.duration(days=COUNT - 1), eager=True),
    nothing=pl.lit(None, pl.String),
    blank=pl.lit(" ... "),
)
LISTS: list[tuple[str, Any, list[str]]] = [
    ("tags", nr.MultiHot(), ["tags"]),
    ("letters", nr.CharIndices(4), ["job"]),
    ("words", nr.TokenIndices(3), ["note"]),
    ("meaning", nr.TokenVectors(3), ["note"]),
]
DATES = ("dates", make_pipeline(nr.Dates(), SimpleImputer()), ["at"])


def logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


def bench(
    folder: Path,
    parts: list[Any],
    rows: pl.DataFrame = ROWS,
    model: Any = logistic,
    batches: int | None = None,
    tune: nr.Tune = nr.Tune(trials=1),  # noqa: B008
) -> Bench:
    train = nr.Train(batches=batches)
    lifecycle = Lifecycle("loans", collect="inbox/*.csv", schema=SCHEMA, tune=tune, train=train)
    lifecycle.preprocess(lambda: ColumnTransformer(parts))
    lifecycle.train(model)
    made = Bench(folder, lifecycle)
    made.arrive("1.csv", rows)
    return made


@pytest.mark.parametrize(
    ("parts", "kind", "reason"),
    [(LISTS, "onnx", "the same answers"), ([*LISTS, DATES], "sklearn", "Dates has no ONNX")],
)
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_a_model_is_one_graph_with_them_or_says_why_it_is_not(
    tmp_path: Path, parts: list[Any], kind: str, reason: str
) -> None:
    on = bench(tmp_path, parts)
    facts = on.upto("train").facts
    assert facts["format"] == kind
    assert reason in on.json("train", "onnx.json")["reason"]
    assert {"tags__tags_car", "letters__job_3", "words__note_0", "meaning__note_2"} <= set(
        on.results["preprocess"].facts["columns"]
    )


def test_only_training_rows_decide_what_is_known(tmp_path: Path) -> None:
    elsewhere = pl.Series([split_of(who, SCHEMA.shares) != "train" for who in ROWS["applicant"]])
    rows = ROWS.with_columns(tags=pl.when(elsewhere).then(pl.lit("moon|home")).otherwise("tags"))
    on = bench(tmp_path, LISTS, rows)
    on.upto("preprocess")
    fitted = pickle.loads(on.bytes("preprocess", "preprocessor")).named_transformers_["tags"]
    assert fitted.values_ == [["boat", "car", "home"]]
    assert fitted.unseen_in(rows.select("tags").to_pandas()) == {"tags": {"moon": int(elsewhere.sum())}}


def beside_numbers(*, ragged: bool) -> list[Any]:
    letters = nr.CharIndices(40, ragged_output=ragged)
    return [("number", SimpleImputer(), ["age"]), ("letters", letters, ["note"]),
            ("words", nr.TokenIndices(9, ragged_output=ragged), ["note"])]  # fmt: skip


class Reads(nn.Module):
    """Sums what it knows of each letter and word, wherever it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.known, self.last = nn.Embedding(100, 4, padding_idx=0), nn.Linear(5, 2)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.last(torch.cat([rows[:, :1] / 100, self.known(rows[:, 1:].long()).sum(1)], dim=1))


@pytest.mark.parametrize(
    "estimator",
    [
        lambda: LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1),
        lambda: GaussianNB(),
        lambda: nr.Torch(Reads(), epochs=2, batch=64),
    ],
    ids=["lightgbm", "mini-batches", "torch"],
)
def test_ragged_features_hold_no_padding_on_disk_and_make_the_model_that_padded_ones_make(
    tmp_path: Path, estimator: Any
) -> None:
    found = {}
    for ragged in (True, False):
        (tmp_path / str(ragged)).mkdir()
        on = bench(tmp_path / str(ragged), beside_numbers(ragged=ragged), model=estimator, batches=50)
        found[ragged] = on.upto("train").facts["metrics"]
        outputs = on.results["preprocess"].outputs
        kept = open_part(files(on.attempt("train"), "train"))
        assert len(kept.X) == len(kept.y)
        if ragged:
            mapped, size = kept.X, outputs["X.train.npz"].bytes
        else:
            assert np.array_equal(mapped.toarray(), kept.X)
            assert size < outputs["X.train.npy"].bytes / 2
    assert isinstance(mapped, Ragged)
    assert isinstance(mapped.values, np.memmap)
    assert not mapped.values.flags.writeable
    assert (mapped.values[mapped.offsets[0] :] != 0).all()
    assert found[True] == pytest.approx(found[False], abs=1e-6)


class Counted(TransformerMixin, BaseEstimator):
    """Notes each call in a file, whichever process it is made in."""

    def __init__(self, notes: str = "") -> None:
        self.notes = notes

    def fit(self, X: Any, y: Any = None) -> Self:
        return self._note("fit")

    def transform(self, X: Any) -> Any:
        self._note("transform")
        return X

    def get_feature_names_out(self, names: Any) -> Any:
        return names

    def __sklearn_is_fitted__(self) -> bool:
        return "fit" in Path(self.notes).read_text().split()

    def _note(self, what: str) -> Self:
        with Path(self.notes).open("a") as file:
            file.write(f"{what}\n")
        return self


def test_rows_are_transformed_once_however_many_trials_and_epochs_learn_from_them(tmp_path: Path) -> None:
    found = []
    for trials, epochs in ((1, 1), (3, 6)):
        folder = tmp_path / str(trials)
        folder.mkdir()
        notes = folder / "notes"

        def network(params: dict[str, Any]) -> nr.Torch:
            return nr.Torch(nn.Linear(1, 2), epochs=params["epochs"], lr=params["lr"], batch=64)

        part = ("number", make_pipeline(SimpleImputer(), Counted(str(notes))), ["age"])
        space = {"lr": nr.uniform(0.001, 0.1), "epochs": nr.choice([epochs])}
        on = bench(folder, [part], model=network, tune=nr.Tune(space, trials=trials))
        on.upto("preprocess")
        before = Counter(notes.read_text().split())
        on.do("tune")
        tuned = Counter(notes.read_text().split())
        on.do("train")
        found.append((before, tuned, Counter(notes.read_text().split())))
    assert found[0] == found[1]
    before, tuned, trained = found[1]
    assert tuned == before
    assert trained["fit"] == before["fit"] == 1


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (("x", nr.MultiHot(), ["nothing"]), "column 'nothing' holds no value in any training row"),
        (("x", nr.TokenIndices(), ["blank"]), "column 'blank' has no word in any training row"),
        (("x", nr.TokenVectors(), ["nothing"]), "column 'nothing' has no word in any training row"),
        (("x", nr.Dates(), ["job"]), "column 'job' holds no date in any training row"),
        (("x", nr.MultiHot("||"), ["tags"]), "separator is '||'; it must be one character"),
        (("x", FunctionTransformer(lambda table: table.map(list)), ["job"]), "object values, not numbers"),
        (("x", FunctionTransformer(lambda table: table[["age"]][::-1]), ["age"]), "changes the order of rows"),
        (("x", FunctionTransformer(lambda table: table[1:]), ["age"]), "the transformer made 207 rows of 208"),
    ],
)
def test_what_cannot_be_used_ends_preprocessing_with_one_sentence(tmp_path: Path, part: Any, said: str) -> None:
    on = bench(tmp_path, [part])
    on.upto("validate")
    with pytest.raises(UserCodeFailed) as caught:
        on.do("preprocess")
    assert said in caught.value.what
    assert "\n" not in str(caught.value)
    assert caught.value.do
