"""Every format keeps the contract; and nothing that was tampered with is ever run."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skops.io import dumps
from torch import manual_seed
from torch.nn import Linear, ReLU, Sequential
from xgboost import XGBClassifier, XGBRegressor

from contracts.model_format import FIELDS, TWO, ModelFormatContract, asked, learned, truth
from noria.digest import Digest
from noria.errors import Damaged
from noria.model import convert, lightgbm, package, sklearn, torch, xgboost
from noria.model.package import Package
from noria.model.signature import Signature
from noria.preprocess import default
from noria.preprocess.config import Preprocess
from noria.train.network import Torch


def fitted(estimator: Any, classes: tuple[int, ...]) -> tuple[Any, Any]:
    """A preprocessor and an estimator."""
    columns = learned()
    frame = sklearn.to_frame(columns)
    preprocessor = default.transformer(FIELDS, frame, Preprocess()).fit(frame)
    y = np.array(classes)[truth(columns)]
    return preprocessor, estimator.fit(sklearn.features_of(preprocessor, frame), y)


def linear(signature: Signature) -> Any:
    return LinearRegression() if signature.classes is None else LogisticRegression()


class TestOnnx(ModelFormatContract):
    kind = "onnx"

    def make(self, signature: Signature, classes: tuple[int, ...]) -> Package:
        return Package("onnx", signature, convert.files_of(*fitted(linear(signature), classes), signature), {"C": 1.0})


class TestSklearn(ModelFormatContract):
    kind = "sklearn"

    def make(self, signature: Signature, classes: tuple[int, ...]) -> Package:
        preprocessor, model = fitted(linear(signature), classes)
        return Package("sklearn", signature, sklearn.dump({"preprocessor": preprocessor, "model": model}))

    def test_it_needs_nobody_to_vouch_for_it(self) -> None:
        packed = self.make(TWO, (0, 1))
        assert sorted(packed.files) == ["model.skops", "preprocessor.skops"]
        assert package.from_bytes(packed.to_bytes()).predictor().predict(asked()).label is not None


class TestLightgbm(ModelFormatContract):
    kind = "lightgbm"

    def make(self, signature: Signature, classes: tuple[int, ...]) -> Package:
        kind = LGBMRegressor if signature.classes is None else LGBMClassifier
        steady = {"deterministic": True, "force_row_wise": True, "n_jobs": 1, "verbose": -1, "random_state": 0}
        preprocessor, model = fitted(kind(n_estimators=10, **steady), classes)
        return Package("lightgbm", signature, lightgbm.files_of(preprocessor, b"", model))


class TestXgboost(ModelFormatContract):
    kind = "xgboost"

    def make(self, signature: Signature, classes: tuple[int, ...]) -> Package:
        kind = XGBRegressor if signature.classes is None else XGBClassifier
        inner = kind(n_estimators=10, n_jobs=1, random_state=0)
        preprocessor, model = fitted(inner if signature.classes is None else xgboost.AnyLabels(inner), classes)
        return Package("xgboost", signature, xgboost.files_of(preprocessor, b"", model))


class TestTorch(ModelFormatContract):
    kind = "torch"

    def make(self, signature: Signature, classes: tuple[int, ...]) -> Package:
        columns = learned()
        frame = sklearn.to_frame(columns)
        preprocessor = default.transformer(FIELDS, frame, Preprocess()).fit(frame)
        X, y = sklearn.features_of(preprocessor, frame), np.array(classes)[truth(columns)]
        manual_seed(0)
        width = 1 if signature.classes is None else len(signature.classes)
        network = Torch(Sequential(Linear(X.shape[1], 16), ReLU(), Linear(16, width)), epochs=40, lr=0.02)
        model = network.fit(X, y.astype(np.float32) if signature.classes is None else y)
        return Package("torch", signature, torch.files_of(preprocessor, b"", model))

    def test_its_architecture_is_code_that_is_loaded_only_if_its_digest_is_known(self) -> None:
        data = self.make(TWO, (0, 1)).to_bytes()
        with pytest.raises(Damaged, match="its digest is not known"):
            package.from_bytes(data).predictor()
        assert package.from_bytes(data, Digest.of(data)).predictor().predict(asked()).label is not None


class Own(TransformerMixin, BaseEstimator):
    """A transformer of the user's own: no library knows it."""

    def fit(self, X: Any, y: Any = None) -> "Own":
        self.mean_ = float(np.nanmean(X["age"]))
        return self

    def transform(self, X: Any) -> Any:
        return np.column_stack([X["age"].fillna(self.mean_), X["vip"].fillna(0), X["job"] == "smith"]).astype(
            np.float32
        )


class TestUsersOwnClass(ModelFormatContract):
    """Kept as a pickle, with the user's code in it: a fresh process has no such module."""

    kind = "sklearn"

    def make(self, signature: Signature, classes: tuple[int, ...]) -> Package:
        columns = learned()
        frame = sklearn.to_frame(columns)
        preprocessor = Own().fit(frame)
        model = linear(signature).fit(sklearn.features_of(preprocessor, frame), np.array(classes)[truth(columns)])
        return Package("sklearn", signature, sklearn.dump({"preprocessor": preprocessor, "model": model}))

    def test_it_is_a_pickle_that_is_read_only_if_its_digest_is_known(self, tmp_path: Path) -> None:
        packed = self.make(TWO, (0, 1))
        assert sorted(packed.files) == ["model.skops", "preprocessor.pickle"]
        with pytest.raises(Damaged, match="pickle") as caught:
            package.from_bytes(packed.to_bytes()).predictor()
        assert caught.value.do


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def with_bomb(good: Package, mark: Path) -> Package:
    files = {"preprocessor.skops": good.files["preprocessor.skops"], "model.pickle": pickle.dumps(Bomb(mark))}
    return Package("sklearn", good.signature, files)


def test_a_tampered_pickle_is_never_loaded(tmp_path: Path) -> None:
    good, mark, file = TestSklearn().make(TWO, (0, 1)), tmp_path / "mark", tmp_path / "model"
    digest = package.write(file, good)
    package.write(file, with_bomb(good, mark))
    with pytest.raises(Damaged, match="not what its digest"):
        package.read(file, digest)
    with pytest.raises(Damaged, match="its digest is not known"):
        package.read(file).predictor()
    assert not mark.exists()
    pickle.loads(with_bomb(good, mark).files["model.pickle"])  # it would have gone off
    assert mark.exists()


def test_a_file_swapped_inside_the_package_is_refused_even_without_a_digest(tmp_path: Path) -> None:
    good = TestSklearn().make(TWO, (0, 1)).to_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) if name != "model.skops" else dumps(StandardScaler()))
    with pytest.raises(Damaged, match=r"model\.skops was altered"):
        package.from_bytes(out.getvalue())


@pytest.mark.parametrize("function", [eval, exec, json.loads, np.load, np.fromfile], ids=lambda one: one.__name__)
def test_a_function_hidden_in_a_model_that_nobody_vouches_for_is_refused(function: Any) -> None:
    """``FunctionTransformer(eval)`` runs what it is sent."""
    files = {"preprocessor.skops": dumps(FunctionTransformer(function)), "model.skops": dumps(StandardScaler())}
    data = Package("sklearn", TWO, files).to_bytes()
    with pytest.raises(Damaged, match=function.__name__):
        package.from_bytes(data).predictor()
    assert package.from_bytes(data, Digest.of(data)).predictor()


def test_a_conversion_is_accepted_only_if_no_label_and_hardly_a_number_differs() -> None:
    from noria.model.format import Prediction

    def said(p: Any) -> Prediction:
        p = np.asarray(p, dtype=np.float32)
        return Prediction(np.array(["no", "yes"], dtype=object)[(p > 0.5).astype(int)], np.column_stack([1 - p, p]))

    base = np.full(1000, 0.4)
    near, few, many, flip, gone = (base.copy() for _ in range(5))
    near += 1e-5
    few[:5] += 0.01
    many[:6] += 0.01
    flip[0] = 0.6
    gone[0] = np.nan
    found = {name: convert.compare(said(base), said(other), 1e-4) for name, other in
             {"near": near, "few": few, "many": many, "flip": flip, "gone": gone}.items()}  # fmt: skip
    assert {name: check.accepted for name, check in found.items()} == {
        "near": True, "few": True, "many": False, "flip": False, "gone": True,
    }  # fmt: skip
    assert (found["many"].differing, found["flip"].labels, found["gone"].differing) == (6, 1, 1)
    assert found["few"].largest == pytest.approx(0.01, rel=1e-3)
