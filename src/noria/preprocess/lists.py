"""Columns whose cells hold several values: one feature a value."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from noria.model.signature import MISSING
from noria.preprocess import graph
from noria.preprocess.cells import Columnwise, at_least, counted, frequent, is_list, text_of

BLANK = r" \t\r\n"
UNSEEN = ("ignore", "count")


class MultiHot(Columnwise):
    """One 0/1 feature for each value that the lists of a column hold in the training rows.

    A cell is a list (tuple, set, array) of values, or one text such as ``"a|b|c"``; blanks around a value do not
    count, nor does a value that is there twice. A cell that is missing holds no value.

    Parameters
    ----------
    separator
        The one character between values in a text.
    min_count
        A value in fewer training rows than this gets no feature.
    max_size
        Most values of a column that get a feature, the most frequent ones; None: all.
    unseen
        What becomes of values that have no feature: ``ignore``, or ``count`` for one more feature of each column,
        with their number. ``unseen_in`` says which they are.
    sparse_output
        True: features as CSR.

    Attributes
    ----------
    values_
        The values of each column, in the order of its features.

    Examples
    --------
    >>> MultiHot().fit_transform([["red|blue"], ["blue"], [None]])
    array([[1., 1.],
           [1., 0.],
           [0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        separator: str = "|",
        *,
        min_count: int = 1,
        max_size: int | None = None,
        unseen: str = "ignore",
        sparse_output: bool = False,
    ) -> None:
        self.separator = separator
        self.min_count = min_count
        self.max_size = max_size
        self.unseen = unseen
        self.sparse_output = sparse_output

    def unseen_in(self, X: Any) -> dict[str, dict[str, int]]:
        """By column: the values without a feature, and in how many rows each is, the most frequent first."""
        found = {}
        for place, cells in enumerate(self._columns(X, reset=False)):
            known = {*self.values_[place], MISSING}
            others = Counter(one for cell in cells for one in {*self._values(cell)} - known)
            name = getattr(self, "feature_names_in_", None)
            key = f"column {place}" if name is None else str(name[place])
            found[key] = {one: others[one] for one in frequent(others, 1, None)}
        return found

    def onnx_shape_calculator(self) -> Any:
        return graph.shapes(whole=False)

    def onnx_converter(self) -> Any:
        return graph.converter(self._written)

    def _written(self, to: graph.Graph, texts: str, place: int) -> str:
        known = self.values_[place]
        tokens = to.tokens(texts, tokenexp=value_pattern(self.separator))
        counts = to.counts(tokens, known)
        block = to.node("Min", counts, to.constant(np.ones(1, dtype=np.float32)), version=13)
        if self.unseen != "count":
            return block
        nothing = dict.fromkeys((*known, MISSING, graph.PAD, graph.BEGIN, graph.END), 0)
        others = to.widened(to.lookup(tokens, nothing, 1), 1)
        total = to.node("ReduceSum", to.as_float(others), to.constant(np.array([1])), version=13, keepdims=1)
        return to.node("Concat", block, total, version=13, axis=1)

    def _check(self) -> None:
        if not isinstance(self.separator, str) or len(self.separator) != 1:
            raise ValueError(f"separator is {self.separator!r}; it must be one character")
        if self.unseen not in UNSEEN:
            raise ValueError(f"unseen is {self.unseen!r}; it must be one of {', '.join(UNSEEN)}")
        at_least(1, min_count=self.min_count, max_size=self.max_size)

    def _learn(self, columns: Sequence[list[Any]], names: Sequence[str]) -> None:
        self.values_: list[list[str]] = []
        for cells, name in zip(columns, names, strict=True):
            rows = Counter(one for cell in cells for one in {*self._values(cell)} - {MISSING})
            if not rows:
                raise ValueError(f"{name} holds no value in any training row; leave it out")
            kept = frequent(rows, self.min_count, self.max_size)
            if not kept:
                raise ValueError(f"{name} holds no value in {self.min_count} or more training rows; lower min_count")
            self.values_.append(sorted(kept))

    def _block(self, cells: list[Any], place: int) -> Any:
        lists = [self._values(cell) for cell in cells]
        places = {value: index for index, value in enumerate(self.values_[place])}
        found = counted(lists, places)
        found.data[:] = 1
        block = found.astype(np.float32)
        if self.unseen == "count":
            others = [[sum(one not in places and one != MISSING for one in row)] for row in lists]
            from scipy.sparse import csr_matrix, hstack

            block = hstack([block, csr_matrix(np.array(others, dtype=np.float32).reshape(-1, 1))], format="csr")
        return block if self.sparse_output else block.toarray()

    def _parts(self, place: int) -> Iterable[object]:
        return [*self.values_[place], *(["unseen"] if self.unseen == "count" else [])]

    def _values(self, cell: Any) -> list[str]:
        if is_list(cell):
            texts = [text.strip() for text in map(text_of, cell) if text is not None]
            return [text for text in texts if text]
        text = text_of(cell)
        return [] if text is None else re.findall(value_pattern(self.separator), text)


def value_pattern(separator: str) -> str:
    """What a value between separators looks like; Python and ONNX Runtime read it alike."""
    other = rf"[^{re.escape(separator)}{BLANK}]"
    return rf"{other}(?:[^{re.escape(separator)}]*{other})?"
