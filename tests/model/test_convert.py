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
from sklearn.neural_network import MLPClassifier

from contracts.model_format import asked, learned, truth
from noria.model import convert, sklearn
from noria.model.convert import CannotConvert
from noria.model.package import Package
from noria.model.signature import Field, Signature
from noria.preprocess import default
from noria.preprocess.config import Preprocess

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
