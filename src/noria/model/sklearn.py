"""scikit-learn models: skops where all types are known harmless, else a pickle that only its digest vouches for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.internals import create_dataframe_from_blocks

from noria.errors import Damaged
from noria.model import several
from noria.model.format import Prediction, answer
from noria.model.signature import Columns, Signature
from noria.model.stable import numbered, pickled, unpickled
from noria.model.texts import Texts

HOMES = ("sklearn.", "numpy.", "scipy.", "lightgbm.", "noria.")  # a model may hold classes of these
PLAIN = ("collections.OrderedDict", "collections.defaultdict")


def dump(objects: Mapping[str, Any], pickles: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Fitted objects as files, ``NAME.skops`` or ``NAME.pickle``.

    Parameters
    ----------
    pickles
        The pickles that some of them were read from: a pickle of what was read from a pickle need not have its bytes.
    """
    files: dict[str, bytes] = {}
    for name, one in objects.items():
        data = _skops(one)
        if data is None:
            files[f"{name}.pickle"] = (pickles or {}).get(name) or pickled(one)
        else:
            files[f"{name}.skops"] = data
    return files


def load_object(files: Mapping[str, bytes], name: str, *, trusted: bool) -> Any:
    """A fitted object.

    Raises
    ------
    Damaged
        If it is a pickle nobody vouches for, or holds types outside the known libraries.
    """
    from skops.io import get_untrusted_types, loads

    if f"{name}.skops" in files:
        data = files[f"{name}.skops"]
        types = get_untrusted_types(data=data)
        unknown = [one for one in types if not _harmless(one)]
        if unknown and not trusted:
            raise Damaged(
                f"the model holds unknown types: {', '.join(unknown)}", where=name, do="Load it through the registry."
            )
        return loads(data, trusted=types)
    if not trusted:
        raise Damaged(
            "the model is a pickle and its digest is not known", where=name, do="Load it through the registry."
        )
    return unpickled(files[f"{name}.pickle"])


def _harmless(name: str) -> bool:
    """True for classes of the known libraries. A function may be anything, ``eval`` too, and is never harmless."""
    home, _, last = name.rpartition(".")
    if name in PLAIN:
        return True
    if not name.startswith(HOMES) or any(part.startswith("__") for part in home.split(".")):
        return False
    try:
        return isinstance(getattr(import_module(home), last), type)
    except (ImportError, AttributeError):
        return False


def to_frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Clean columns as the frame that transformers take: made of one block of numbers and one of texts, for column by
    column pandas takes a tenth of the time that scikit-learn needs to answer a row."""
    arrays = [np.array(one.tolist(), dtype=object) if isinstance(one, Texts) else one for one in columns.values()]
    blocks = []
    for numeric in (True, False):
        places = [place for place, one in enumerate(arrays) if (one.dtype == np.float32) is numeric]
        if places:
            blocks.append((np.stack([arrays[place] for place in places]), np.array(places)))
    rows = pd.RangeIndex(len(arrays[0]) if arrays else 0)
    return create_dataframe_from_blocks(blocks, index=rows, columns=_names(tuple(columns)))


@lru_cache
def _names(names: tuple[str, ...]) -> pd.Index:
    return pd.Index(names)


def scores(estimator: Any, features: Any) -> NDArray[Any]:
    """Probabilities of a fitted estimator, or its answers where it gives none."""
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(features))
    answers = np.asarray(estimator.predict(features))
    if hasattr(estimator, "classes_"):
        hot: NDArray[np.float32] = np.equal(answers[:, None], estimator.classes_[None, :]).astype(np.float32)
        return hot
    return answers


def class_columns(estimator: Any) -> NDArray[np.intp] | None:
    """Which class each column of ``scores`` belongs to."""
    known = getattr(estimator, "classes_", None)
    return None if known is None else np.asarray(known).astype(np.intp)


def answer_of(estimator: Any, features: Any, signature: Signature) -> Prediction:
    """What a fitted estimator says to processed features."""
    if signature.several:
        return answer(several.scores(estimator, features), signature)
    return answer(scores(estimator, features), signature, class_columns(estimator) if signature.classes else None)


def features_of(preprocessor: Any, frame: pd.DataFrame) -> Any:
    """Features as the estimator was trained on: float32, dense rows or CSR."""
    import scipy.sparse as sp

    found = preprocessor.transform(frame)
    if sp.issparse(found):
        return found.tocsr().astype(np.float32)
    return np.ascontiguousarray(np.asarray(found), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A preprocessor and an estimator, one after the other."""

    signature: Signature
    preprocessor: Any
    estimator: Any

    def predict(self, columns: Columns) -> Prediction:
        frame = to_frame(self.signature.clean(columns))
        return answer_of(self.estimator, features_of(self.preprocessor, frame), self.signature)


class _Format:
    def load(self, files: Mapping[str, bytes], signature: Signature, *, trusted: bool) -> Fitted:
        parts = [load_object(files, name, trusted=trusted) for name in ("preprocessor", "model")]
        return Fitted(signature, *parts)


FORMAT = _Format()


def _skops(one: Any) -> bytes | None:
    """The object in skops format, with fixed times; None if it cannot be, or would need unknown types."""
    from skops.io import dumps, get_untrusted_types, loads

    try:
        data = numbered(dumps(one))
        types = get_untrusted_types(data=data)
        if not all(_harmless(name) for name in types):
            return None
        loads(data, trusted=types)
    except Exception:  # skops refuses what it does not know in many ways; a pickle takes it
        return None
    return data
