"""XGBoost's own binary JSON, beside the preprocessor."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from noria.errors import UserError
from noria.model.format import Prediction, answer
from noria.model.signature import Columns, Signature
from noria.model.sklearn import dump, features_of, load_object, to_frame


def is_xgboost(estimator: Any) -> bool:
    """True for XGBoost's scikit-learn estimators, with ``AnyLabels`` around them or not."""
    inner = estimator.estimator if isinstance(estimator, AnyLabels) else estimator
    return type(inner).__module__.startswith("xgboost.") and hasattr(inner, "get_booster")


class AnyLabels(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An XGBoost classifier for class indices with gaps, which it would refuse by itself."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, **options: Any) -> "AnyLabels":
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.estimator.fit(X, codes, **options)
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.estimator.predict_proba(X)

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def files_of(preprocessor: Any, pickle: bytes, estimator: Any) -> dict[str, bytes]:
    """A fitted pair as files of a package."""
    inner = estimator.estimator if isinstance(estimator, AnyLabels) else estimator
    booster = inner.get_booster()
    last = getattr(inner, "best_iteration", None) if inner.get_params().get("early_stopping_rounds") else None
    chosen = booster if last is None else booster[: last + 1]
    seen = getattr(estimator, "classes_", None) if hasattr(inner, "predict_proba") else None
    return {
        **dump({"preprocessor": preprocessor}, {"preprocessor": pickle}),
        "model.ubj": bytes(chosen.save_raw("ubj")),
        "classes.txt": b"" if seen is None else " ".join(str(int(one)) for one in seen).encode(),
    }


@dataclass(frozen=True, slots=True)
class Boosted:
    signature: Signature
    preprocessor: Any
    booster: Any
    seen: tuple[int, ...]

    def predict(self, columns: Columns) -> Prediction:
        features = features_of(self.preprocessor, to_frame(self.signature.clean(columns)))
        found = self.booster.inplace_predict(features, validate_features=False)
        if self.signature.classes is None or self.signature.several:
            return answer(found, self.signature)
        if found.ndim == 1:  # two classes: the booster gives the second one's probability only
            found = np.column_stack([1 - found, found])
        return answer(found, self.signature, np.array(self.seen, dtype=np.intp))


class _Format:
    def load(self, files: Mapping[str, bytes], signature: Signature, *, trusted: bool) -> Boosted:
        if find_spec("xgboost") is None:
            raise UserError("this model needs xgboost", where="model", do="Install it: pip install 'noria[xgboost]'")
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray(files["model.ubj"]))
        seen = tuple(int(one) for one in files["classes.txt"].split())
        return Boosted(signature, load_object(files, "preprocessor", trusted=trusted), booster, seen)


FORMAT = _Format()
