"""The default preprocessing and the usual estimators as one graph, with the same answers."""

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from torch import nn
from xgboost import XGBClassifier, XGBRegressor

from contracts.model_format import asked, learned, truth
from noria.model import convert, sklearn
from noria.model.convert import CannotConvert
from noria.model.package import Package
from noria.model.signature import Field, Signature
from noria.model.xgboost import AnyLabels
from noria.preprocess import default
from noria.preprocess.config import Preprocess
from noria.train.network import Torch

FIELDS = (Field("age", "number"), Field("job & more", "category"), Field("note", "text"), Field("vip", "bool"))
QUIET: dict[str, Any] = {"n_estimators": 8, "verbose": -1, "n_jobs": 1}


def named(columns: dict[str, Any]) -> dict[str, Any]:
    """With a name that is no identifier, and a text with large letters."""
    words = np.array(["the red house", "A Blue BOAT and", "old green trees", "many small white clouds"], dtype=object)
    note = words[np.arange(len(columns["age"])) % 4]
    return {"age": columns["age"], "job & more": columns["job"], "note": note, "vip": columns["vip"]}


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(8, random_state=0),
        GradientBoostingClassifier(n_estimators=8, random_state=0),
        LGBMClassifier(**QUIET),
        MLPClassifier((4,), max_iter=500, tol=0.01, random_state=0),
        Ridge(),
        RandomForestRegressor(8, random_state=0),
        LGBMRegressor(**QUIET),
    ],
    ids=lambda one: type(one).__name__,
)
def test_the_graph_gives_the_answers_of_the_python_model(estimator: Any) -> None:
    columns = named(learned())
    y = truth(learned())
    frame = sklearn.to_frame(columns)
    preprocessor = default.transformer(FIELDS, frame, Preprocess()).fit(frame)
    regression = not hasattr(estimator, "classes_") and not hasattr(estimator, "predict_proba")
    estimator.fit(sklearn.features_of(preprocessor, frame), y * 3.5 if regression else y)
    signature = Signature(FIELDS, None if regression else ("no", "yes"), "paid")
    graph = Package("onnx", signature, convert.files_of(preprocessor, estimator, signature)).predictor()
    python = sklearn.Fitted(signature, preprocessor, estimator)
    for rows in (columns, named(asked())):
        check = convert.compare(python.predict(rows), graph.predict(rows), 1e-4)
        assert check.accepted, check
        assert check.rows == len(rows["age"])


def net(outputs: int) -> Torch:
    layers = [nn.LazyLinear(8), nn.BatchNorm1d(8), nn.GELU(), nn.LayerNorm(8), nn.Dropout(0.1), nn.Linear(8, outputs)]
    return Torch(nn.Sequential(*layers), epochs=2, lr=0.01, random_state=0)


TWO, THREE = ("no", "yes"), ("no", "maybe", "yes")


@pytest.mark.parametrize(
    ("estimator", "classes", "task"),
    [
        (lambda: AnyLabels(XGBClassifier(n_estimators=5, n_jobs=1)), TWO, "classes"),
        (lambda: AnyLabels(XGBClassifier(n_estimators=5, n_jobs=1)), THREE, "unseen"),
        (lambda: XGBRegressor(n_estimators=5, n_jobs=1), None, "values"),
        (lambda: net(1), TWO, "classes"),
        (lambda: net(3), THREE, "unseen"),
        (lambda: net(1), None, "values"),
        (lambda: net(2), ("red", "blue"), "several"),
        (lambda: MultiOutputClassifier(XGBClassifier(n_estimators=5, n_jobs=1)), ("red", "blue"), "several"),
    ],
)
def test_xgboost_and_torch_become_one_graph_with_their_preprocessing(estimator: Any, classes: Any, task: str) -> None:
    columns, made = named(learned()), estimator()
    frame, y = sklearn.to_frame(columns), truth(learned())
    preprocessor = default.transformer(FIELDS, frame, Preprocess()).fit(frame)
    labels = {
        "classes": y,
        "unseen": y * 2,  # of three classes training had two
        "values": (y * 3.5).astype(np.float32),
        "several": np.column_stack([y, 1 - y]),
    }[task]
    made.fit(sklearn.features_of(preprocessor, frame), labels)
    signature = Signature(FIELDS, classes, "paid", several=task == "several")
    graph = Package("onnx", signature, convert.files_of(preprocessor, made, signature)).predictor()
    python = sklearn.Fitted(signature, preprocessor, made)
    for rows in (columns, named(asked())):
        check = convert.compare(python.predict(rows), graph.predict(rows), 1e-4)
        assert check.accepted, check
        assert check.rows == len(rows["age"])


def test_what_has_no_graph_says_why() -> None:
    columns = learned()
    frame = sklearn.to_frame(columns)
    fields = (Field("age", "number"), Field("job", "category"), Field("vip", "bool"))
    preprocessor = default.transformer(fields, frame, Preprocess()).fit(frame)

    class Mine(SGDClassifier):
        pass

    model = Mine(loss="log_loss", random_state=0).fit(sklearn.features_of(preprocessor, frame), truth(columns))
    with pytest.raises(CannotConvert, match="Mine"):
        convert.files_of(preprocessor, model, Signature(fields, ("no", "yes"), "paid"))
