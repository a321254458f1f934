"""LightGBM's own text format, beside the preprocessor."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from noria.model.format import Prediction, answer
from noria.model.signature import Columns, Signature
from noria.model.sklearn import dump, features_of, load_object, to_frame

# What the text tells of where the model was made: the same model has the same bytes wherever it is.
SURROUNDINGS = re.compile(r"\[(num_threads|machines|local_listen_port|num_machines): [^\]]*\]")


def is_lightgbm(estimator: Any) -> bool:
    """True for LightGBM's scikit-learn estimators."""
    return type(estimator).__module__.startswith("lightgbm.") and hasattr(estimator, "booster_")


def files_of(preprocessor: Any, pickle: bytes, estimator: Any) -> dict[str, bytes]:
    """A fitted pair as files of a package."""
    seen = getattr(estimator, "classes_", None)
    numbers = "" if seen is None else " ".join(str(int(one)) for one in seen)
    told = estimator.booster_.model_to_string(num_iteration=estimator.booster_.best_iteration or -1)
    text = SURROUNDINGS.sub(r"[\1: 0]", told)
    return {
        **dump({"preprocessor": preprocessor}, {"preprocessor": pickle}),
        "model.txt": text.encode(),
        "classes.txt": numbers.encode(),
    }


@dataclass(frozen=True, slots=True)
class Boosted:
    signature: Signature
    preprocessor: Any
    booster: Any
    seen: tuple[int, ...]

    def predict(self, columns: Columns) -> Prediction:
        found = self.booster.predict(features_of(self.preprocessor, to_frame(self.signature.clean(columns))))
        if self.signature.classes is None:
            return answer(found, self.signature)
        if found.ndim == 1:  # two classes: the booster gives the second one's probability only
            found = np.column_stack([1 - found, found])
        return answer(found, self.signature, np.array(self.seen, dtype=np.intp))


class _Format:
    def load(self, files: Mapping[str, bytes], signature: Signature, *, trusted: bool) -> Boosted:
        import lightgbm

        booster = lightgbm.Booster(model_str=files["model.txt"].decode())
        seen = tuple(int(one) for one in files["classes.txt"].split())
        return Boosted(signature, load_object(files, "preprocessor", trusted=trusted), booster, seen)


FORMAT = _Format()
