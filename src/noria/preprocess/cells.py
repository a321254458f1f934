"""What the transformers of texts, lists and dates share: columns in, one block of features for each column out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from noria.model.ragged import Ragged
from noria.model.signature import MISSING


class Columnwise(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn carries no types
    """Learns something of every column by itself, and turns a column into a block of features."""

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn from training rows.

        Parameters
        ----------
        X
            Rows [n, columns]: a frame, an array, or one column as a pandas Series.

        Raises
        ------
        ValueError
            If a parameter is impossible, or a column holds nothing to learn from.
        """
        self._check()
        columns = self._columns(X, reset=True)
        names = [f"column {name!r}" for name in _check_feature_names_in(self)]
        self._learn(columns, names)
        return self

    def transform(self, X: Any) -> Any:
        """Features [n, features] of rows [n, columns]; a row's features depend on that row alone."""
        check_is_fitted(self)
        blocks = [self._block(cells, place) for place, cells in enumerate(self._columns(X, reset=False))]
        if sp.issparse(blocks[0]):
            return sp.hstack(blocks, format="csr")
        if isinstance(blocks[0], Ragged) and _get_output_config("transform", self)["dense"] != "default":
            raise ValueError("ragged features are no table; use ragged_output=False, or set_output('default')")
        return np.hstack(blocks)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the features: the column's, then what of it."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array(
            [f"{name}_{part}" for place, name in enumerate(names) for part in self._parts(place)], dtype=object
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.string = tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []  # texts in, numbers out
        return tags

    def _columns(self, X: Any, *, reset: bool) -> list[list[Any]]:
        rows = X.to_frame() if isinstance(X, pd.Series) else X
        values = validate_data(self, rows, dtype=None, ensure_all_finite=False, reset=reset)
        if values.dtype.kind == "M":
            values = values.astype("datetime64[us]")  # of finer ones numpy makes bare numbers
        return [values[:, place].tolist() for place in range(values.shape[1])]

    def _check(self) -> None:
        """See that the parameters are possible."""
        raise NotImplementedError

    def _learn(self, columns: Sequence[list[Any]], names: Sequence[str]) -> None:
        raise NotImplementedError

    def _block(self, cells: list[Any], place: int) -> Any:
        """Features [n, features of the column] of the column at that place."""
        raise NotImplementedError

    def _parts(self, place: int) -> Iterable[object]:
        """What the features of that column are called, after the column's name."""
        raise NotImplementedError


def text_of(cell: Any) -> str | None:
    """A cell as text; None if nothing is there. What models are given has the text ``missing`` for that."""
    if type(cell) is str:
        return None if cell == MISSING else cell
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float | np.floating) and cell != cell):
        return None
    return cell.decode() if isinstance(cell, bytes) else str(cell)


def is_list(cell: Any) -> bool:
    """True for a cell that holds several values."""
    return isinstance(cell, list | tuple | set | frozenset | np.ndarray)


def frequent(found: Counter[str], min_count: int, max_size: int | None) -> list[str]:
    """The most frequent ones, those of the same frequency in sorting order."""
    kept = sorted((one for one in found if found[one] >= min_count), key=lambda one: (-found[one], one))
    return kept[:max_size]


def counted(rows: Iterable[Iterable[str]], places: Mapping[str, int]) -> sp.csr_matrix:
    """How often each known text stands in each row [n, known]; unknown ones are let be."""
    columns: list[int] = []
    ends = [0]
    for row in rows:
        columns.extend(places[one] for one in row if one in places)
        ends.append(len(columns))
    shape = (len(ends) - 1, len(places))
    found = sp.csr_matrix((np.ones(len(columns)), np.array(columns, dtype=np.int32), ends), shape=shape)
    found.sum_duplicates()
    return found


def at_least(least: int, **values: Any) -> None:
    """Raise ValueError for a parameter that is no whole number of at least that; None is let be."""
    for name, value in values.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {least}")
